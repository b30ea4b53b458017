"""The table of controllers: the schema names the same, and the header is that of the Pico."""

from homeslot_hardware.controllers import (
    CONTROLLERS,
    GPS,
    GROUNDS,
    HEADER_PINS,
    SUPPLIES,
    ground_near,
    header_pin,
)
from homeslot_hardware.lint import schema
from homeslot_hardware.parts import CONTROLLER_CENTS

ON_THE_HEADER = [gp for gp in GPS if gp <= 22 or 26 <= gp <= 28]


def test_the_schema_and_the_prices_know_the_same_controllers():
    assert schema()["properties"]["controller"]["enum"] == list(CONTROLLERS)
    assert list(CONTROLLER_CENTS) == list(CONTROLLERS)


def test_a_gp_number_without_a_header_pin_is_kept_by_every_controller():
    for controller in CONTROLLERS.values():
        assert set(GPS) - set(ON_THE_HEADER) <= set(controller.taken)
    assert set(CONTROLLERS["pico-w"].taken) == {23, 24, 25, 29}
    assert {16, 17, 18, 19, 20, 21} < set(CONTROLLERS["w5500-evb-pico"].taken)


def test_header_pins_leave_out_the_grounds_and_the_supply_of_the_pico():
    pins = [header_pin(gp) for gp in ON_THE_HEADER]
    run, adc_reference, enable = 30, 35, 37
    rest = {*GROUNDS, *SUPPLIES.values(), run, adc_reference, enable}
    assert sorted(pins) == sorted(set(range(1, HEADER_PINS + 1)) - rest)
    assert pins == sorted(pins)


def test_the_nearest_ground_is_on_the_same_side_of_the_board_and_at_most_two_pins_away():
    assert [ground_near(pin) for pin in (4, 10, 20, 29, 31)] == [3, 8, 18, 28, 33]
    for gp in ON_THE_HEADER:
        pin = header_pin(gp)
        assert (ground_near(pin) <= 20) == (pin <= 20)
        assert abs(ground_near(pin) - pin) <= 2
