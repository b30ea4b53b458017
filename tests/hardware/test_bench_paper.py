"""`homeslot-bench` on a board file: what it prints, and its exit status."""

import json

import pytest

from homeslot_hardware import boards
from homeslot_hardware.harness import drawings


def test_bench_lists_the_boards_with_their_slots(run):
    result = run("boards")
    assert result.status == 0
    assert "pico-w-30\t30\tpico-w\t" in result.out


def test_bench_lint_ends_with_0_for_a_usable_board_and_2_for_another(run, tmp_path):
    assert run("lint", "pico-w-30").status == 0
    path = tmp_path / "mine.json"
    path.write_text('{"id": "mine"}')
    result = run("lint", str(path))
    assert result.status == 2
    assert f"error: {path}: the file: 'banks' is a required property" in result.err
    assert run("lint", str(tmp_path / "none.json")).status == 2


def test_bench_lint_shows_a_warning_and_still_calls_the_board_usable(run, tmp_path):
    board = boards.load("pico-w-30")
    board["circuit"] |= {"supply_mv": 20000, "device_max_ma": 2250}
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(board))
    result = run("lint", str(path))
    assert result.status == 0
    assert "warning:" in result.err and "13.2 A from the mains" in result.err


def test_bench_pins_shows_every_line_with_its_header_pin_in_plain_text(run):
    result = run("pins", "pico-w-30")
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert rows[0] == ["GP", "pin", "line", "what it is"]
    assert [row[:3] for row in rows[1:4]] == [
        ["GP2", "4", "door"],
        ["GP3", "5", "bolt"],
        ["GP4", "6", "sda"],
    ]
    assert ["GP22", "29", "temperature"] in [row[:3] for row in rows]
    assert run("pins", "nothing").status == 2


def test_bench_parts_lists_quantity_part_number_and_price_in_plain_text(run):
    rows = [line.split("\t") for line in run("parts", "pico-w-30").out.splitlines()]
    assert rows[0] == ["quantity", "part", "maker", "number", "USD each", "USD"]
    monitor = ["current monitor INA3221", "Texas Instruments", "INA3221AIRGVR"]
    assert ["12", *monitor] in [row[:4] for row in rows]
    assert rows[-1][1] == "together, an estimate"
    assert "INA3221 breakout" in run("parts", "pico-w-30", "--breakouts").out
    assert run("parts", "nothing").status == 2


def test_bench_harness_prints_a_drawing_and_names_those_there_are(run):
    assert run("harness", "pico-w-30").out == drawings(boards.load("pico-w-30"))["bus"]
    assert run("harness", "pico-w-30", "bank-1").out.startswith("options:")
    refused = run("harness", "pico-w-30", "bank-2")
    assert refused.status == 2
    assert refused.err == "pico-w-30: has no drawing bank-2: bus, lines, bank-1\n"


@pytest.mark.parametrize("command", [[], ["boards"], ["lint"], ["pins"], ["parts"], ["harness"]])
def test_every_command_of_the_bench_explains_itself(run, command):
    result = run(*command, "--help")
    assert result.status == 0
    assert "Usage" in result.out
