"""Board files are found by name or path, and one that is wrong is refused with all its errors."""

import json

import pytest

from homeslot.board import Board
from homeslot.core.slots import TABLE, level
from homeslot_hardware import boards
from homeslot_hardware.lint import lint, schema


@pytest.mark.parametrize("name", boards.names())
def test_every_board_that_ships_is_usable_without_a_warning(name):
    assert lint(boards.read(name)) == []
    assert boards.load(name)["id"] == name


def test_the_boards_differ_in_their_controller_and_in_nothing_else():
    own = ("id", "title", "controller")
    loaded = [boards.load(name) for name in boards.names()]
    shared = [{key: value for key, value in b.items() if key not in own} for b in loaded]
    assert len(shared) == 3
    assert all(rest == shared[0] for rest in shared)
    for key in own:
        assert len({board[key] for board in loaded}) == len(loaded)


def test_pico_w_30_lays_out_thirty_slots_over_three_banks():
    board = Board(boards.load("pico-w-30"))
    assert board.slots == 30
    assert [bank.inputs for bank in board.banks] == 3 * [[0, 1, 2, 3, 4, 8, 9, 10, 11, 12]]
    assert [bank.channel for bank in board.banks] == [0, 1, 2]
    assert board.banks[2].current_addresses == [0x40, 0x41, 0x42, 0x43]
    assert (board.mux_address, board.banks[0].presence_address) == (0x70, 0x20)


def test_the_schema_asks_for_the_thresholds_of_core_slots_and_no_others():
    class Asked(dict):
        def __getitem__(self, name):
            used.add(name)
            return super().__getitem__(name)

    used = {row[2] for rows in TABLE.values() for row in rows} - {""}  # at once, without a hold
    thresholds = Asked(boards.load("pico-w-30")["thresholds"])
    for current_ma in range(-9000, 9000):
        level(current_ma, thresholds)
    stated = schema()["properties"]["thresholds"]
    assert set(stated["required"]) == set(stated["properties"]) == used


def test_a_board_is_loaded_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(boards.load("pico-w-30")))
    assert boards.load(path) == boards.load(str(path)) == boards.load("pico-w-30")


def test_all_errors_of_a_file_are_reported_at_once_with_file_key_value_and_what_is_right(tmp_path):
    board = boards.load("pico-w-30")
    board["i2c"]["freq_hz"] = 1000000
    board["pins"]["light"] = 23
    board["banks"][1]["channel"] = 0
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(board))
    with pytest.raises(boards.BoardError) as refused:
        boards.load(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(refused.value.findings) == 3
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert "i2c.freq_hz is 1000000: allowed 10000..400000" in lines[0]
    assert "banks[1].channel is 0: is taken by banks[0], one bank a channel" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "line 1 column 2"),
        (b"", "line 1 column 1"),
        (b"\xff", "is not UTF-8 at byte 0"),
        (b'{"id": "a", "id": "b"}', "'id' is there twice"),
        (b'{"shunt_mohm": NaN}', "NaN is no number"),
        (b"[" * 100000, "is not JSON"),
        (b"[]", "is not of type 'object'"),
    ],
)
def test_what_is_no_board_at_all_is_refused_by_name(tmp_path, content, problem):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(boards.BoardError) as refused:
        boards.load(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert problem in str(refused.value)


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(boards.BoardError, match=r"pico-w-31: no such file.*: .*\bpico-w-30"):
        boards.load("pico-w-31")
    with pytest.raises(boards.BoardError, match="cannot be read"):
        boards.load(tmp_path)
