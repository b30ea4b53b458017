"""A bus on a desk: chips simulated register by register, read by drivers that others wrote."""

import os

import pytest

from homeslot.board import Board
from homeslot_hardware import boards
from homeslot_hardware.bench import desk
from homeslot_hardware.bench.diagnosis import diagnose, diagnose_bank
from homeslot_sim.busio import I2C
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.world import World
from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.chips.mcp23017 import MCP23017

# Blinka is told that there is no board under it before any CircuitPython driver is imported.
os.environ["BLINKA_OS_AGNOSTIC"] = "1"
os.environ["BLINKA_SKIP_DEPENDENCY_CHECK"] = "1"

BOARD = boards.load("pico-w-30")
MUX = 0x70
BANK = frozenset((0x20, 0x40, 0x41, 0x42, 0x43))


class Desk:
    """The chips of a cart on a desk, with its devices in them."""

    def __init__(self):
        self.now_ms = 0
        self.wires = FaultyBus()
        self.body = Body(Board(BOARD), World(30, 3), lambda: self.now_ms, 7, self.wires)
        self.bus = I2C(self.wires)

    def wait_ms(self, ms):
        self.now_ms += ms

    def faults(self):
        return diagnose(BOARD, desk.hear(self.bus, MUX))

    def bare_bank(self, b):
        """The bus of one bank alone, on an adapter of its own."""
        wires = FaultyBus()
        for address, chip in self.body.chips[b].items():
            wires.attach(address, chip)
        return wires, I2C(wires)


@pytest.fixture
def cart():
    return Desk()


def test_a_whole_cart_is_heard_through_its_mux_and_nothing_is_wrong(cart):
    heard = desk.hear(cart.bus, MUX)
    assert heard.trunk == {MUX}
    assert [heard.behind[channel] for channel in range(3)] == [BANK | {MUX}] * 3
    assert [heard.behind[channel] for channel in range(3, 8)] == [{MUX}] * 5
    assert cart.faults() == []


def test_a_dead_mux_is_one_fault_and_names_its_supply_bus_and_reset(cart):
    cart.wires.kill(MUX)
    (fault,) = cart.faults()
    assert "TCA9548A does not answer at 0x70" in fault.what
    assert fault.look == (
        "bus W1 red, PICO pin 36 (3V3) to MUX 3V3",
        "bus W1 black, PICO pin 8 (GND) to MUX GND",
        "bus W1 blue, PICO pin 6 (GP4 SDA) to MUX SDA",
        "bus W1 yellow, PICO pin 7 (GP5 SCL) to MUX SCL",
        "bus W1 white, PICO pin 10 (GP7 RST) to MUX RST",
        "its straps: A0 A1 A2 to GND",
    )


def test_a_bank_without_its_cable_is_one_fault_and_names_that_cable(cart):
    cart.body.apply("bank-dies", [2])
    (fault,) = cart.faults()
    assert fault.where == "bank 2 (slots 11 to 20)"
    assert fault.what == "none of its 5 chips answers"
    assert fault.look == (
        "bus W3 red, MUX 3V3 to BANK2 3V3",
        "bus W3 black, MUX GND to BANK2 GND",
        "bus W3 blue, MUX SD1 to BANK2 SDA",
        "bus W3 yellow, MUX SC1 to BANK2 SCL",
    )


def test_one_silent_chip_is_named_with_its_box_its_straps_and_the_slots_it_blinds(cart):
    cart.wires.kill(0x42, channel=2)
    (fault,) = cart.faults()
    assert fault.what == "the INA3221 at 0x42 does not answer: slots 27 to 29 are unmeasured"
    assert fault.look == (
        "bank-1 CURRENT3, its 3V3, GND, SDA and SCL",
        "bank-1 CURRENT3, its straps: A0 to SDA",
    )


def test_a_bank_that_holds_its_bus_low_is_named_and_the_others_are_not_accused(cart):
    cart.wires.hold_sda(1)
    (fault,) = cart.faults()
    assert fault.where == "bank 2 (slots 11 to 20)"
    assert "held low behind channel 1" in fault.what
    assert fault.look[0] == "bus W3 blue, MUX SD1 to BANK2 SDA"


def test_a_bare_bank_is_heard_without_a_mux(cart):
    _, bus = cart.bare_bank(1)
    heard = desk.hear(bus, MUX)
    assert (heard.trunk, heard.behind) == (BANK, {})
    assert diagnose_bank(BOARD, 1, heard.trunk) == []


def test_a_bare_bank_with_a_wrongly_strapped_chip_is_told_which_strap(cart):
    wires, bus = cart.bare_bank(0)
    wires.kill(0x20)
    wires.attach(0x24, MCP23017())
    (fault,) = diagnose_bank(BOARD, 0, desk.hear(bus, MUX).trunk)
    assert fault.what == "the MCP23017 answers at 0x24 instead of 0x20"
    assert fault.look == ("bank-1 PRESENCE, its straps: A0 A1 A2 to GND",)


def test_an_adapter_with_nothing_on_it_is_told_where_to_look():
    heard = desk.hear(I2C(FaultyBus()), MUX)
    (fault,) = diagnose_bank(BOARD, 2, heard.trunk)
    assert fault.where == "bank 3 (slots 21 to 30)"
    assert "3V3, GND, SDA and SCL" in fault.look[0]


@pytest.mark.parametrize("through_mux", [True, False])
def test_the_drivers_of_others_read_every_switch_current_and_voltage_of_a_bank(cart, through_mux):
    cart.body.apply("out", [13])
    cart.body.apply("disconnect", [15])
    bus = desk.behind_mux(cart.bus, MUX, 1) if through_mux else cart.bare_bank(1)[1]
    read = desk.readings(bus, BOARD, 1, BANK, cart.wait_ms)
    assert [reading.slot for reading in read] == list(range(11, 21))
    assert [reading.slot for reading in read if not reading.closed] == [13]
    for i, reading in enumerate(read, 10):
        assert abs(reading.current_ma - cart.body.current_ma(i, cart.now_ms)) <= 8
        assert reading.supply_mv == 5000


def test_slots_whose_chip_is_dead_are_not_read_and_not_guessed(cart):
    wires, bus = cart.bare_bank(0)
    wires.kill(0x20)
    wires.kill(0x41)
    read = desk.readings(bus, BOARD, 0, desk.hear(bus, MUX).trunk, cart.wait_ms)
    assert {reading.closed for reading in read} == {None}
    assert [reading.slot for reading in read if reading.current_ma is None] == [4, 5, 6]


def test_a_chip_in_the_place_of_a_current_monitor_is_found_out_by_its_ids(cart):
    wires, bus = cart.bare_bank(0)
    assert desk.strangers(bus, BOARD, 0, BANK) == []
    wires.kill(0x43)
    other = FaultyBus()
    other.attach(0x43, MCP23017())
    (fault,) = desk.strangers(I2C(other), BOARD, 0, frozenset((0x43,)))
    assert "no INA3221" in fault.what
