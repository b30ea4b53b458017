"""Scenarios: what a person writes is what is played, and what is wrong is named with its line."""

import json
from datetime import date, time
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hardware import boards
from homeslot_sim.cart.world import VERBS
from homeslot_sim.scenario import DURING_S, Deed, ScenarioError, load, parse

HEAD = """
school       Hill Primary
zone         Europe/Berlin
date         2026-11-18
from         16:00
until        17:04
coordinator  Uta Vogel <uta@hill.example>
"""
CART = "cart 7  room 12  teacher Ida Moe <ida@hill.example>\n"
FIVE = 1795017600  # 2026-11-18 17:00 in Berlin


def wrong(text):
    with pytest.raises(ScenarioError) as caught:
        parse(text, "day")
    return str(caught.value)


def test_a_scenario_says_school_time_and_carts():
    day = parse(
        HEAD + CART + "cart 8  room 1 b  teacher J L <j@l.example>  spare 29-30  front open\n"
    )
    assert (day.school, day.day, day.deadline) == ("Hill Primary", date(2026, 11, 18), time(17, 0))
    assert day.deadline_s == FIVE
    assert (day.start_s, day.end_s) == (FIVE - 3600, FIVE + 240)
    assert day.coordinator == ("Uta Vogel", "uta@hill.example")
    assert [cart.controller for cart in day.carts] == ["cart-7", "cart-8"]
    assert day.carts[1].room == "1 b"
    assert day.carts[1].spare == {29, 30}
    assert day.carts[1].front_open and not day.carts[0].front_open


def test_one_line_does_several_things_to_several_carts():
    two = CART + CART.replace("cart 7", "cart 8")
    day = parse(HEAD + two + "16:10  carts 7-8  unlock, out 1-3 5  # comment\n")
    assert day.deeds == tuple(
        Deed(FIVE - 3000 + DURING_S, cart, verb, numbers)
        for verb, numbers in (("unlock", ()), ("out", (1, 2, 3, 5)))
        for cart in (7, 8)
    )


def test_deeds_are_played_in_order_of_time_whatever_the_order_of_lines():
    day = parse(HEAD + CART + "16:30  cart 7  in 1\n16:10:30  cart 7  out 1\n")
    assert [deed.verb for deed in day.deeds] == ["out", "in"]
    assert day.deeds[0].at_s == FIVE - 3600 + 630


def test_all_means_every_slot_and_every_bank():
    day = parse(HEAD + CART + "16:10  cart 7  out all, bank-dies all\n")
    assert [len(deed.numbers) for deed in day.deeds] == [30, 3]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("16:10  cart 7  fly 1", "`fly` is not known; there are: in, out"),
        ("16:10  cart 9  out 1", "cart 9 is not in this scenario"),
        ("16:10  cart 7  out 31", "`31` is not a number or range in 1..30"),
        ("16:10  cart 7  out 5-2", "`5-2` is not a number or range"),
        ("16:10  cart 7  bank-dies 4", "`4` is not a number or range in 1..3"),
        ("16:10  cart 7  out", "numbers are missing"),
        ("16:10  cart 7  unplug 3", "`unplug` takes no numbers"),
        ("16:10  out 1", "write `08:10  cart 1"),
        ("15:10  cart 7  out 1", "15:10 is not between"),
        ("25:10  cart 7  out 1", "`25:10` is not a time"),
        ("16:1  cart 7  out 1", "`16:1` is not a time"),
        ("school Another", "`school` was already said in line 2"),
        ("cart 7  room 1  teacher A B <a@b.c>", "cart 7 is there twice"),
        ("cart 8  room 1", "write `cart 1  room 101"),
        ("cart 8  room 1  teacher A B <a@b.c>  front ajar", "front `ajar`, allowed: open, locked"),
        ("cart 8  room 1  teacher A B <nobody>", "is not Name <mail>"),
        ("pace 16:00 0x", "`16:00 0x`; write `07:30 40x`, 1x..10000x"),
        ("pace 16:10 5x", "`pace` must begin at `from`"),
        ("scan 90 s", "`90 s` is not such as `5 s`, 1..60"),
        ("cart 8  room 1  teacher A B <a..b@c.d>", "is not Name <mail>"),
        ("cart 8  room 1  teacher A B <jörg@c.d>", "is not Name <mail>"),
        ("cart 8  room 1  teacher A, B <a@c.d>", "is not Name <mail>"),
        ("deadline 15:59", "the deadline, 15:59, must lie behind `from` and 120 s or more before"),
        ("deadline 17:03", "the deadline, 17:03, must lie behind `from` and 120 s or more before"),
        ("board pico", "`pico` is not a board of 30 slots in 3 banks, such as pico-2-w-30, "),
        ("deadline teatime", "`teatime` is not a time"),
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_what_would_be_right(line, named):
    message = wrong(HEAD + CART + line + "\n")
    assert message.startswith("day:9: ")
    assert named in message


def test_a_board_with_other_banks_than_a_scenarios_carts_have_is_refused(tmp_path):
    board = boards.load("pico-w-30")
    del board["banks"][2]
    file = tmp_path / "two-banks.json"
    file.write_text(json.dumps(board))
    assert "is not a board of 30 slots in 3 banks" in wrong(f"{HEAD}{CART}board {file}\n")
    file.write_text(json.dumps(boards.load("pico-w-30") | {"id": "mine"}))
    assert parse(f"{HEAD}{CART}board {file}\n").board == str(file)


@pytest.mark.parametrize("key", ["school", "zone", "date", "from", "until", "coordinator"])
def test_a_missing_line_is_named(key):
    lines = [line for line in HEAD.splitlines() if not line.startswith(key)]
    assert f"the line `{key} …` is missing" in wrong("\n".join(lines) + "\n" + CART)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("Europe/Berlin", "Berlin", "`Berlin` is not a zone such as"),
        ("2026-11-18", "18.11.2026", "`18.11.2026` is not a date such as"),
        ("17:04", "15:00", "`until` must be later than `from`"),
        ("17:04", "17:01", "day:6: the deadline, 17:00, must lie behind `from`"),
        ("Uta Vogel <uta@hill.example>", "Uta", "`Uta` is not Name <mail>"),
    ],
)
def test_a_wrong_value_is_named(old, new, named):
    assert named in wrong(HEAD.replace(old, new) + CART)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"nothing\.scenario: cannot be read"):
        load(tmp_path / "nothing.scenario")
    (tmp_path / "binary.scenario").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "binary.scenario")


@given(st.text(max_size=300))
def test_no_text_is_more_than_refused(text):
    try:
        parse(HEAD + CART + text)
    except ScenarioError as error:
        assert str(error).startswith("scenario:")


def test_the_demos_scenario_plants_what_the_demo_promises():
    text = (files("homeslot_sim") / "scenarios" / "five-oclock.scenario").read_text()
    day = parse(text)
    verbs = {deed.verb for deed in day.deeds}
    assert (
        {"out", "unplug", "unlock", "disconnect", "bank-dies", "link-down"} <= verbs <= set(VERBS)
    )
    assert len(day.carts) >= 4
    last = max(day.deeds, key=lambda deed: deed.at_s)
    assert day.deadline_s - last.at_s == 60 - DURING_S  # a device comes home at 16:59
