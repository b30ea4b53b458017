"""N2: the week's record of each cart, written from what was sensed; C8: its check-in."""

from __future__ import annotations

import csv
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot_hub.bootstrap import open_store
from homeslot_hub.model import Fact
from homeslot_hub.rules.checkin import check_in
from homeslot_hub.rules.judge import judge_cart

from .facts import AT_S, AWAY, CART, IDLE, SCHOOL, WELL, at, with_slots
from .reports import START_S, Reporter

MIDNIGHT_S = at(0, 0)
OUT = with_slots(WELL, 3, now=AWAY)
ALWAYS = [(MIDNIGHT_S - 3600, AT_S + 60)]


def asked(*steps, heard=ALWAYS):
    return check_in(SCHOOL, CART, [(MIDNIGHT_S, WELL), *steps], heard, AT_S)


def test_c8_the_check_in_is_when_the_last_thing_came_right():
    assert asked((at(8, 0), OUT), (at(15, 10), WELL)) == at(15, 10)


def test_c8_only_what_goes_on_holding_counts():
    steps = [(at(8, 0), OUT), (at(14, 0), WELL), (at(15, 0), OUT), (at(16, 0), WELL)]
    assert asked(*steps) == at(16, 0)


def test_c8_without_everything_at_the_deadline_there_is_no_check_in():
    assert asked((at(16, 59), OUT)) is None
    unlocked = replace(WELL, bolt=Fact("open", at(16, 58)))
    assert asked((at(16, 58), unlocked)) is None


def test_c8_a_cart_that_was_not_touched_held_all_day():
    assert asked() == MIDNIGHT_S


def test_c8_a_silence_on_the_way_is_no_holding():
    heard = [(MIDNIGHT_S - 3600, at(10, 0)), (at(12, 0), AT_S)]
    assert asked(heard=heard) == at(12, 0), "nothing is known of the time between"
    short = [(MIDNIGHT_S - 3600, at(10, 0)), (at(10, 14), AT_S)]
    assert asked(heard=short) == MIDNIGHT_S
    assert asked(heard=[(MIDNIGHT_S, at(16, 0))]) is None
    assert asked(heard=[]) is None


def test_c8_a_cable_put_in_late_is_the_check_in():
    dead = replace(IDLE, presence=Fact("present", at(15, 0)), charge=Fact("idle", at(15, 0)))
    steps = [(at(8, 0), OUT), (at(15, 0), with_slots(WELL, 3, now=dead)), (at(16, 30), WELL)]
    assert asked(*steps) == at(16, 30), "suspected since 15:15"


words = st.sampled_from([WELL, OUT, replace(WELL, mains=Fact("off", at(9, 0)))])


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 203), words), max_size=8), st.data())
def test_c8_from_the_check_in_on_everything_held_and_before_it_not(changes, data):
    steps = sorted(((MIDNIGHT_S + 300 * five, facts) for five, facts in dict(changes).items()))
    steps = [(MIDNIGHT_S, data.draw(words)), *(step for step in steps if step[0] > MIDNIGHT_S)]
    found = check_in(SCHOOL, CART, steps, ALWAYS, AT_S)

    def held(at_s):
        facts = [facts for since_s, facts in steps if since_s <= at_s][-1]
        return judge_cart(SCHOOL, CART, replace(facts, heard_s=at_s), at_s).all_home

    minutes = list(range(MIDNIGHT_S, AT_S + 1, 300))
    after = [at_s for at_s in minutes if found is not None and at_s >= found]
    assert all(held(at_s) for at_s in after)
    before = [at_s for at_s in minutes if at_s not in after]
    assert not before or not held(before[-1])


@pytest.fixture
def year_ago():
    """A cart on Tuesday 18 November 2025, 09:00 in New York."""
    return Reporter(now_s=START_S - 364 * 86400)


def said(installed, *arguments):
    file = installed.folder / "week.csv"
    installed.ok("week", "--date", "2025-11-20", "--csv", str(file), *arguments)
    with file.open(newline="", encoding="utf-8-sig") as rows:
        return [row for row in csv.DictReader(rows) if row["cart"] == "7"]


def test_n2_a_week_has_a_line_for_each_cart_and_school_day(installed, year_ago):
    cart, messages = year_ago, []
    for slot in (1, 2, 3, 4):
        cart.words["slot", slot] = "charging"
    for _ in range(5):  # from Tuesday on, each day the same: out at 09:00, back at 15:30
        messages += [cart.state(), cart.event("slot", 2, "empty")]
        cart.now_s += 23400
        messages += [cart.event("slot", 2, "charging")]
        for _ in range(18):
            cart.now_s += 300
            messages.append(cart.state())
        cart.now_s += 86400 - 23400 - 18 * 300
        cart.event("bolt", 0, "thrown")  # its number is missing from now on
    installed.take(cart.now_s, *messages)
    rows = said(installed)
    assert [row["day"] for row in rows] == [f"2025-11-{day}" for day in range(17, 22)]
    assert [row["check-in"] for row in rows] == ["", "15:30", "15:30", "15:30", "15:30"]
    assert rows[0]["findings"] == "Silent 7-1 to 7-3"
    assert (rows[1]["home"], rows[1]["out"], rows[1]["unknown"]) == ("3", "0", "0")
    assert (rows[1]["teacher"], rows[1]["deadline"]) == ("Ms Rivera", "17:00")


def test_n2_what_was_wrong_at_the_deadline_is_in_its_line(installed, year_ago):
    cart = year_ago
    cart.now_s += 8 * 3600 - 60
    messages = [cart.state(), cart.event("slot", 2, "empty"), cart.event("mains", 0, "off")]
    installed.take(cart.now_s, *messages)
    row = said(installed)[1]
    assert (row["day"], row["check-in"], row["out"]) == ("2025-11-18", "", "1")
    assert row["findings"] == "Not plugged in 7-1, 7-3; Out 7-2"


def test_n2_days_whose_deadline_has_not_come_are_left_out(installed):
    out = installed.ok("week", "--date", "2099-11-20")
    assert out == "No deadline of that week has come.\n"


def test_n2_it_is_shown_school_by_school(installed, year_ago):
    installed.take(year_ago.now_s, year_ago.state())
    out = installed.ok("week", "--date", "2025-11-20").splitlines()
    assert out[0] == "Week, Lincoln"
    assert out[1].split() == [
        "cart",
        "day",
        "check-in",
        "home",
        "out",
        "excused",
        "unknown",
        "findings",
    ]
    assert out[3].split() == ["7", "2025-11-18", "0", "0", "0", "3", "Silent", "7-1", "to", "7-3"]


def test_n2_days_before_the_hub_first_ran_are_nobodys(installed, year_ago):
    installed.take(year_ago.now_s, year_ago.state())
    with closing(open_store(installed.settings)) as store:
        store.opened_s("Lincoln", year_ago.now_s + 86400)
    assert [row["day"] for row in said(installed)] == ["2025-11-19", "2025-11-20", "2025-11-21"]
