"""When the steps of a day are due, on the school's own wall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import Steps
from homeslot_hub.rules import calendar
from homeslot_hub.rules.steps import STEPS, moment_s, quiet_until_s, until_s

from .facts import DAY, SCHOOL

EVERY_DAY = replace(SCHOOL, days=frozenset(range(7)))


def wall(school, at_s):
    return f"{datetime.fromtimestamp(at_s, school.zone):%Y-%m-%d %H:%M}"


def moments(school, day=DAY):
    found = {name: moment_s(name, school, day) for name in STEPS}
    return {name: None if at_s is None else wall(school, at_s) for name, at_s in found.items()}


def test_a_day_as_it_is_by_default():
    assert moments(SCHOOL) == {
        "morning": "2026-11-17 07:15",
        "nudge": "2026-11-17 16:30",
        "late": "2026-11-17 18:00",
        "overnight": "2026-11-17 21:00",
        "week": None,
    }


@pytest.mark.parametrize(
    ("days", "day", "ends"),
    [
        ({0, 1, 2, 3, 4}, date(2026, 11, 20), True),
        ({0, 1, 2, 3, 4}, date(2026, 11, 19), False),
        ({0, 1, 2}, date(2026, 11, 18), True),
        (set(range(7)), date(2026, 11, 22), True),
    ],
)
def test_the_week_ends_with_its_last_school_day(days, day, ends):
    school = replace(SCHOOL, days=frozenset(days))
    assert (moment_s("week", school, day) is not None) == ends


def test_what_is_off_has_no_moment():
    off = Steps(nudge_before_s=0, late_after_s=0, overnight=None, morning=None, week=False)
    assert set(moments(replace(SCHOOL, steps=off), date(2026, 11, 20)).values()) == {None}
    with pytest.raises(ValueError, match=r"overnight .* is off on 2026-11-20"):
        until_s("overnight", replace(SCHOOL, steps=off), date(2026, 11, 20))


def test_an_overnight_past_midnight_is_the_next_morning():
    school = replace(SCHOOL, steps=Steps(overnight=time(0, 30)))
    assert moments(school)["overnight"] == "2026-11-18 00:30"


def test_a_morning_behind_the_deadline_is_none():
    early = replace(SCHOOL, deadline=time(7, 0))
    assert moments(early)["morning"] is None


def test_what_follows_the_deadline_waits_for_its_grace():
    school = replace(SCHOOL, grace_s=3600, steps=Steps(late_after_s=60, overnight=time(17, 30)))
    assert moments(school)["late"] == moments(school)["overnight"] == "2026-11-17 18:00"


def test_a_nudge_is_too_late_at_the_deadline():
    assert until_s("nudge", SCHOOL, DAY) == calendar.deadline_s(SCHOOL, DAY)


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        ("22:00-06:00", "2026-11-17 21:59", None),
        ("22:00-06:00", "2026-11-17 22:00", "2026-11-18 06:00"),
        ("22:00-06:00", "2026-11-18 05:59", "2026-11-18 06:00"),
        ("22:00-06:00", "2026-11-18 06:00", None),
        ("12:00-13:00", "2026-11-17 12:30", "2026-11-17 13:00"),
        ("12:00-13:00", "2026-11-17 13:30", None),
    ],
)
def test_quiet_hours_end_when_they_say(quiet, at, until):
    begins, ends = map(time.fromisoformat, quiet.split("-"))
    school = replace(SCHOOL, steps=Steps(quiet=(begins, ends)))
    at_s = int(datetime.fromisoformat(at).replace(tzinfo=school.zone).timestamp())
    end_s = quiet_until_s(school, at_s)
    assert (None if end_s is None else wall(school, end_s)) == until


ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"]


@given(
    st.sampled_from(ZONES),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(0, 14400),
)
def test_every_step_of_every_day_has_one_moment_in_order_whatever_the_wall_does(
    zone, day, overnight, nudge_before_s
):
    plan = Steps(nudge_before_s=nudge_before_s, overnight=overnight)
    school = replace(EVERY_DAY, zone=ZoneInfo(zone), steps=plan)
    deadline_s = calendar.deadline_s(school, day)
    at_s = {name: moment_s(name, school, day) for name in STEPS}
    for name, moment in at_s.items():
        if moment is not None:
            assert moment < until_s(name, school, day)
            assert (moment >= deadline_s + school.grace_s) == STEPS[name].judged
    assert at_s["overnight"] - deadline_s <= 25 * 3600 + school.grace_s


@given(st.sampled_from(ZONES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_quiet_hours_never_end_in_the_past_and_never_last_longer_than_a_night(zone, at):
    school = replace(EVERY_DAY, zone=ZoneInfo(zone))
    now_s = int(at.replace(tzinfo=UTC).timestamp())
    end_s = quiet_until_s(school, now_s)
    if end_s is not None:
        assert 0 < end_s - now_s <= 9 * 3600 + 1800
        assert quiet_until_s(school, end_s) is None


def test_no_step_is_older_when_it_is_too_late_than_is_looked_back():
    for day in (date(2026, 11, 20), date(2026, 3, 8), date(2026, 11, 1)):
        for name in STEPS:
            if moment_s(name, EVERY_DAY, day) is not None:
                age_s = until_s(name, EVERY_DAY, day) - calendar.deadline_s(EVERY_DAY, day)
                assert age_s <= 4 * 86400
