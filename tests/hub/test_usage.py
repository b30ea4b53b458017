"""`homeslot usage` (N6): how much devices are used, by what was sensed and only by that."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import CartFacts, Fact, SlotFacts
from homeslot_hub.rules import calendar
from homeslot_hub.rules.usage import cart_day, usage, window

from .facts import CART, DAY, SCHOOL
from .reports import START_S, Reporter

HOUR_S = 3600
FOUR = replace(CART, slots=4, spare=frozenset({4}))
BEGIN_S = calendar.begins_s(SCHOOL, DAY)
DAYS = [DAY, date(2026, 11, 18)]


def facts(*words):
    return CartFacts(slots=tuple(SlotFacts(Fact(word, BEGIN_S)) for word in words))


IN, OUT, BLIND = "present", "absent", "unknown"


def lived(*changes, heard=None, until_h=17, days=(DAY,)):
    """`changes` are (hour, words of the four slots); heard all the time unless said."""
    steps = [(BEGIN_S + round(hour * HOUR_S), facts(*words)) for hour, *words in changes]
    found = []
    for day in days:
        begin_s, until_s = window(SCHOOL, day, BEGIN_S + until_h * HOUR_S)
        before = [step for step in steps if step[0] <= begin_s][-1][1]
        after = [step for step in steps if begin_s < step[0] <= until_s]
        spans = [(BEGIN_S, until_s)] if heard is None else heard
        found.append(cart_day(SCHOOL, FOUR, day, [(begin_s, before), *after], spans, until_s))
    return found


def test_n6_what_was_taken_out_and_put_back_was_used_for_that_time():
    [day] = lived((0, IN, IN, IN, IN), (8, OUT, IN, IN, IN), (10, IN, IN, IN, IN))
    assert day.span_s == 17 * HOUR_S
    assert day.known_s == (17 * HOUR_S,) * 4
    assert (day.out_s, day.taken) == ((2 * HOUR_S, 0, 0, 0), (1, 0, 0, 0))


def test_n6_what_stays_out_is_used_up_to_the_deadline_and_missing_on_the_next_day():
    steps = ((0, IN, IN, IN, IN), (16, OUT, IN, IN, IN), (34, IN, IN, IN, IN), (35, OUT, *[IN] * 3))
    first, second = lived(*steps, until_h=41, days=DAYS)
    assert (first.out_s[0], first.taken[0]) == (HOUR_S, 1)
    assert (second.out_s[0], second.taken[0]) == (6 * HOUR_S, 1), "from when it was taken again"


def test_n6_what_is_taken_after_the_deadline_is_not_used_on_that_day_nor_the_next():
    first, second = lived((0, IN, IN, IN, IN), (18, OUT, IN, IN, IN), until_h=41, days=DAYS)
    assert (first.taken, second.taken, second.out_s) == ((0,) * 4, (0,) * 4, (0,) * 4)


def test_n6_time_in_which_nothing_was_heard_or_seen_does_not_count():
    heard = [(BEGIN_S, BEGIN_S + 9 * HOUR_S), (BEGIN_S + 12 * HOUR_S, BEGIN_S + 17 * HOUR_S)]
    [day] = lived((0, IN, BLIND, IN, IN), (8, OUT, BLIND, IN, IN), (13, *[IN] * 4), heard=heard)
    assert day.known_s == (14 * HOUR_S, 4 * HOUR_S, 14 * HOUR_S, 14 * HOUR_S)
    assert day.out_s[0] == 2 * HOUR_S, "three hours of the five are not known"
    assert day.taken == (1, 0, 0, 0)


def test_n6_a_device_that_was_not_seen_in_its_slot_before_was_not_seen_taken():
    [day] = lived((0, BLIND, OUT, IN, IN), (9, OUT, OUT, BLIND, IN), (11, OUT, OUT, OUT, IN))
    assert day.taken == (0, 0, 1, 0), "the third was there, and was gone when it was seen again"


def test_n6_a_school_is_summed_without_spare_slots_and_knows_its_busiest_day():
    days = lived(
        *((0, IN, IN, IN, IN), (8, OUT, OUT, IN, OUT), (9, IN, IN, IN, IN)),
        *((33, OUT, IN, IN, IN), (34, IN, IN, IN, IN), (35, OUT, IN, IN, IN), (36, *[IN] * 4)),
        until_h=41,
        days=DAYS,
    )
    found = usage([(FOUR, days), (replace(FOUR, number=8), [])])
    assert (found.devices, found.used, found.taken) == (6, 2, 4)
    assert (found.out_s, found.busiest) == (4 * HOUR_S, (DAY, 2))
    assert (found.share_used, found.share_known) == (1 / 3, 1)
    nothing = usage([(FOUR, [])])
    assert (nothing.busiest, nothing.share_known) == (None, None)


presences = st.sampled_from((IN, OUT, BLIND))
changes = st.lists(st.tuples(st.integers(0, 40), presences, presences), max_size=15)
silences = st.lists(st.integers(0, 40), max_size=6, unique=True)


@given(changes, silences)
def test_n6_nothing_is_used_for_longer_than_it_was_seen_nor_without_being_taken(changed, hours):
    steps = dict.fromkeys([0], (BLIND, BLIND)) | {hour: words for hour, *words in changed}
    moments = [(h, a, b, IN, IN) for h, (a, b) in sorted(steps.items())]
    edges = [BEGIN_S + hour * HOUR_S for hour in (*sorted(hours), 41)]
    heard = list(zip(edges[::2], edges[1::2], strict=False))
    for day in lived(*moments, heard=heard, until_h=41, days=DAYS):
        for out_s, known_s, taken in zip(day.out_s, day.known_s, day.taken, strict=True):
            assert 0 <= out_s <= known_s <= day.span_s
            assert taken or not out_s
        assert day.taken[2:] == (0, 0)
    counted = usage([(FOUR, lived(*moments, heard=heard, until_h=41, days=DAYS))])
    assert counted.used <= min(counted.devices, counted.taken)
    assert counted.out_s <= counted.known_s <= counted.asked_s


@pytest.fixture
def lived_through(installed):
    """Two school days of cart 7, a year ago: one device out each day, one on the second."""
    cart = Reporter(now_s=START_S - 364 * 86400)  # Tuesday 18 November 2025, 09:00
    for slot in (1, 2, 3, 4):
        cart.words["slot", slot] = "charging"
    messages = []
    for day in range(2):
        begin_s = cart.now_s
        for minute in range(0, 8 * 60, 10):
            cart.now_s = begin_s + 60 * minute
            if minute == 60:
                messages += [cart.event("slot", slot, "empty") for slot in (1, 2)[: day + 1]]
            if minute == 180:
                messages += [cart.event("slot", slot, "charging") for slot in (1, 2)[: day + 1]]
            messages.append(cart.state())
        cart.now_s = begin_s + 86400
    installed.take(cart.now_s, *messages)
    return installed


PERIOD = ("--from", "2025-11-18", "--until", "2025-11-19")


def test_n6_the_command_says_used_hours_busiest_day_and_what_is_not_known(lived_through):
    said = " ".join(lived_through.ok("usage", *PERIOD).split())
    assert "7 =Room 12 3 2 67 3 6.0 2025-11-19" in said
    assert "2 of 7 devices used, 6.0 device-hours out, busiest on Wed 2025-11-19 (2 used)" in said
    assert "not heard enough to tell whether used: carts 7-8" not in said
    assert "not heard enough to tell whether used: carts 8." in said
    assert "never used" not in said


@pytest.mark.parametrize(
    ("by", "lines"), [("day", ["2025-11-18", "2025-11-19"]), ("week", ["2025-11-17"])]
)
def test_n6_it_is_written_by_day_and_by_week_without_a_person(lived_through, by, lines):
    file = lived_through.folder / "usage.csv"
    lived_through.ok("usage", *PERIOD, "--by", by, "--csv", str(file))
    text = file.read_text("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row[by] for row in rows] == lines
    assert sum(float(row["hours out"]) for row in rows) == 6
    assert "Rivera" not in text


def test_n6_days_that_make_no_sense_are_refused(installed):
    status, _, err = installed.run("usage", "--from", "2025-11-20", "--until", "2025-11-19")
    assert status == 2
    assert "--from is 2025-11-20 and --until 2025-11-19: allowed 1 to 800 days" in err
