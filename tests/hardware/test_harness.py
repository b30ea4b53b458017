"""The wiring drawings say what the board file says, wire by wire."""

import copy

import pytest
import yaml
from wireviz.wireviz import parse

from homeslot_hardware import boards
from homeslot_hardware.controllers import CONTROLLERS, GROUNDS, SUPPLIES, header_pin
from homeslot_hardware.harness import ENDS, drawings, slots_of, strap
from homeslot_hardware.lint import ADDRESSES, schema
from homeslot_hardware.parts import IN_BANK_CABLES

REFERENCE = boards.load("pico-w-30")


def wires(source):
    """Every wire of a drawing: (box, pin, colour, pin, box)."""
    drawn = yaml.safe_load(source)
    found = []
    for (left, pins), (cable, cores), (right, others) in (
        [next(iter(part.items())) for part in chain] for chain in drawn["connections"]
    ):
        for pin, core, other in zip(pins, cores, others, strict=True):
            assert pin in drawn["connectors"][left]["pins"]
            assert other in drawn["connectors"][right]["pins"]
            found.append((left, pin, drawn["cables"][cable]["colors"][core - 1], other, right))
    return found


def across(source, box):
    """What each pin of `box` leads to, from either side: {pin: {(box, pin), …}}."""
    found = {}
    for left, pin, _, other, right in wires(source):
        if left == box:
            found.setdefault(pin, set()).add((right, other))
        if right == box:
            found.setdefault(other, set()).add((left, pin))
    return found


@pytest.mark.parametrize("name", boards.names())
def test_wireviz_reads_every_drawing(name):
    for source in drawings(boards.load(name)).values():
        harness = parse(source, return_types="harness")
        drawn = yaml.safe_load(source)
        assert set(harness.connectors) == set(drawn["connectors"])
        assert set(harness.cables) == set(drawn["cables"])


@pytest.mark.parametrize("name", boards.names())
def test_the_controllers_pins_are_those_of_the_board_file(name):
    board = boards.load(name)
    drawn = drawings(board)
    at = {line: header_pin(gp) for line, gp in (board["pins"] | board["i2c"]).items() if gp < 30}
    bus, lines = across(drawn["bus"], "PICO"), across(drawn["lines"], "PICO")
    assert bus[at["sda"]] == {("MUX", "SDA")}
    assert bus[at["scl"]] == {("MUX", "SCL")}
    assert bus[at["bank_interrupt"]] == {("MUX", "INT")}
    assert bus[at["mux_reset"]] == {("MUX", "RST")}
    for line, end in ENDS.items():
        assert lines[at[line]] == {(line.upper(), end.terminals[0][0])}
    signals = {at[line] for line in [*board["pins"], "sda", "scl"]}
    for pin in {*bus, *lines}:
        ends = bus.get(pin, set()) | lines.get(pin, set())
        assert pin in signals or pin in {*GROUNDS, *SUPPLIES.values()}
        assert len(ends) <= (1 if pin in signals else 2)  # a terminal bears two thin wires
    assert CONTROLLERS[board["controller"]].title in drawn["bus"]


def test_each_bank_hangs_on_its_channel_with_its_supply_and_the_shared_interrupt():
    mux = across(drawings(REFERENCE)["bus"], "MUX")
    for b, bank in enumerate(REFERENCE["banks"]):
        name = f"BANK{b + 1}"
        assert mux[f"SD{bank['channel']}"] == {(name, "SDA")}
        assert mux[f"SC{bank['channel']}"] == {(name, "SCL")}
        for line in ("3V3", "GND", "INT"):
            assert (name, line) in mux[line]


def test_each_slot_has_its_switch_and_its_current_where_the_firmware_looks_for_them():
    source = drawings(REFERENCE)["bank-1"]
    switches, devices = across(source, "SWITCHES"), across(source, "DEVICES")
    charger = across(source, "CHARGER")
    bank = REFERENCE["banks"][0]
    for i, bit in enumerate(bank["presence"]["inputs"]):
        slot = f"slot {i + 1} / {i + 11} / {i + 21}"
        chip, channel = f"CURRENT{i // 3 + 1}", i % 3 + 1
        assert switches[slot] == {("PRESENCE", f"GP{'AB'[bit // 8]}{bit % 8}")}
        assert charger[slot] == {(chip, f"IN+{channel}")}
        assert devices[slot] == {(chip, f"IN-{channel}")}
    assert charger["0 V"] == {("PRESENCE", "GND")}
    assert [slots_of(REFERENCE["banks"], b)[0] for b in range(3)] == [1, 11, 21]


def test_banks_that_differ_have_a_drawing_each():
    board = copy.deepcopy(REFERENCE)
    board["banks"][1]["presence"]["address"] = "0x21"
    drawn = drawings(board)
    assert list(drawn) == ["bus", "lines", "bank-1", "bank-2"]
    assert "slot 1 / 21" in drawn["bank-1"]
    assert '"slot 11"' in drawn["bank-2"]
    assert "A1 A2 to GND, A0 to 3V3" in drawn["bank-2"]
    for source in drawn.values():
        assert wires(source)
        parse(source, return_types="harness")


def test_a_board_without_the_optional_lines_has_a_smaller_drawing():
    board = copy.deepcopy(REFERENCE)
    for line in ("button", "buzzer", "temperature", "battery"):
        del board["pins"][line]
    drawn = yaml.safe_load(drawings(board)["lines"])
    assert list(drawn["connectors"]) == ["PICO", "DOOR", "BOLT", "MAINS", "TAMPER", "LIGHT"]


def test_one_colour_is_one_potential_in_every_drawing():
    for source in drawings(REFERENCE).values():
        for left, pin, colour, other, right in wires(source):
            grounded = {"GND", "COM", "0 V"} & {pin, other} or {pin, other} & set(GROUNDS)
            assert (colour == "BK") == bool(grounded), (left, pin, colour, other, right)


@pytest.mark.parametrize("chip", ADDRESSES)
def test_each_address_of_a_chip_has_a_strap_of_its_own(chip):
    low, high = ADDRESSES[chip]
    ways = [strap(chip, address) for address in range(low, high + 1)]
    assert len(set(ways)) == high - low + 1
    assert ways[0].endswith("to GND")
    assert all(way.startswith("A") for way in ways)


def test_every_line_a_board_file_may_have_is_drawn_somewhere():
    lines = set(schema()["properties"]["pins"]["properties"])
    assert set(ENDS) | set(IN_BANK_CABLES) == lines
