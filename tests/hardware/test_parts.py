"""The parts list counts what the board file says."""

import pytest

from homeslot_hardware import boards
from homeslot_hardware.controllers import CONTROLLERS
from homeslot_hardware.lint import schema
from homeslot_hardware.parts import (
    BREAKOUTS,
    COLUMNS,
    IN_BANK_CABLES,
    LINES,
    PARTS,
    SHUNTS,
    cents,
    parts,
    rows,
    shunt,
)


def bought(board, **how):
    """Quantity of each part by its description."""
    listed = parts(board, **how)
    counted = {row.part.what: row.quantity for row in listed}
    assert len(counted) == len(listed)
    return counted


@pytest.mark.parametrize("name", boards.names())
def test_a_board_asks_for_every_chip_switch_and_shunt_of_its_file(name):
    board = boards.load(name)
    slots = sum(bank["slots"] for bank in board["banks"])
    counted = bought(board)
    assert counted[CONTROLLERS[board["controller"]].title] == 1
    assert counted[PARTS["mux"].what] == 1
    assert counted[PARTS["presence"].what] == len(board["banks"])
    assert counted[PARTS["current"].what] == sum(len(bank["current"]) for bank in board["banks"])
    assert counted[SHUNTS[20].what] == slots
    assert counted[PARTS["switch"].what] == slots + 2  # the bolt's and the lid's
    assert counted[PARTS["bypass"].what] == 16
    assert counted[PARTS["pull-up"].what] == 9  # two a bus segment, and the thermometer's
    assert counted[PARTS["adapter"].what] == 2


def test_a_smaller_board_asks_for_less():
    board = boards.load("pico-w-30")
    del board["banks"][1:]
    for line in ("button", "temperature", "battery"):
        del board["pins"][line]
    counted = bought(board)
    assert counted[PARTS["current"].what] == 4
    assert counted[PARTS["switch"].what] == 12
    assert counted[PARTS["pull-up"].what] == 4
    for part in ("button", "thermometer", "100k"):
        assert PARTS[part].what not in counted


def test_breakouts_come_instead_of_chips_and_of_the_board_under_them():
    board = boards.load("pico-w-30")
    chips, ready = bought(board), bought(board, breakouts=True)
    for name, breakout in BREAKOUTS.items():
        assert ready[breakout.what] == chips[PARTS[name].what]
        assert PARTS[name].what not in ready
    assert ready[PARTS["pull-up"].what] == 1
    assert PARTS["board"].what not in ready
    assert ready[SHUNTS[20].what] == 30


def test_the_divider_of_the_battery_is_built_from_equal_resistors():
    board = boards.load("pico-w-30")
    board["circuit"]["battery_divider"] = 4
    assert bought(board)[PARTS["100k"].what] == 4


def test_a_shunt_no_maker_is_known_for_is_still_described():
    assert shunt(33).what == "shunt 33 mOhm 1 % 1 W 2512"
    assert shunt(33).mpn == ""
    assert shunt(20).mpn == "CRM2512-FX-R020ELF"


def test_a_slot_costs_about_what_the_reference_design_was_estimated_at():
    listed = parts(boards.load("pico-w-30"))
    assert 600 <= cents(listed) / 30 <= 750
    assert cents(parts(boards.load("pico-w-30"), breakouts=True)) > cents(listed)


def test_the_list_as_text_ends_with_the_sum_of_its_lines():
    listed = parts(boards.load("pico-2-w-30"))
    *lines, last = rows(listed)
    assert {len(line) for line in [*lines, last]} == {len(COLUMNS)}
    assert float(last[-1]) == pytest.approx(sum(float(line[-1]) for line in lines))


def test_every_line_a_board_file_may_have_has_its_parts():
    lines = set(schema()["properties"]["pins"]["properties"])
    assert set(LINES) == lines
    assert set(IN_BANK_CABLES) <= lines
    assert {part for of in LINES.values() for part in of} <= set(PARTS)
