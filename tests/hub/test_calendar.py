"""C8: the deadline on the school's own clock and days, over both changes of the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import Calendar, School, SpecialDay
from homeslot_hub.rules.calendar import (
    LOOK_DAYS,
    deadline,
    deadline_s,
    due_s,
    is_school_day,
    last_due,
    next_due_s,
    school_day_of,
    special_day,
)

from .facts import AT_S, SCHOOL

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Kathmandu")
EVERY_DAY = frozenset(range(7))


def in_zone(zone: str, deadline: time = time(17, 0)) -> School:
    return replace(SCHOOL, zone=ZoneInfo(zone), deadline=deadline, days=EVERY_DAY)


def utc(moment_s: int) -> str:
    return f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "day", "deadline"),
    [
        ("America/New_York", date(2026, 3, 7), "2026-03-07 22:00"),  # forward on 8 March
        ("America/New_York", date(2026, 3, 8), "2026-03-08 21:00"),
        ("America/New_York", date(2026, 10, 31), "2026-10-31 21:00"),  # back on 1 November
        ("America/New_York", date(2026, 11, 1), "2026-11-01 22:00"),
        ("Europe/Berlin", date(2026, 3, 28), "2026-03-28 16:00"),  # forward on 29 March
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-29 15:00"),
        ("Europe/Berlin", date(2026, 10, 24), "2026-10-24 15:00"),  # back on 25 October
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-25 16:00"),
        ("Australia/Sydney", date(2026, 4, 4), "2026-04-04 06:00"),  # back on 5 April
        ("Australia/Sydney", date(2026, 4, 5), "2026-04-05 07:00"),
        ("Australia/Sydney", date(2026, 10, 3), "2026-10-03 07:00"),  # forward on 4 October
        ("Australia/Sydney", date(2026, 10, 4), "2026-10-04 06:00"),
    ],
)
def test_c8_five_o_clock_is_local_over_both_changes_of_the_clock(
    zone: str, day: date, deadline: str
) -> None:
    assert utc(deadline_s(in_zone(zone), day)) == deadline


def test_c8_a_deadline_the_clock_shows_twice_is_the_second() -> None:
    school = in_zone("America/New_York", time(1, 30))
    assert utc(deadline_s(school, date(2026, 11, 1))) == "2026-11-01 06:30"


def test_c8_a_deadline_the_clock_skips_is_the_moment_of_the_jump() -> None:
    school = in_zone("America/New_York", time(2, 30))
    assert utc(deadline_s(school, date(2026, 3, 8))) == "2026-03-08 07:00"


def test_c8_two_schools_have_their_deadlines_at_different_moments_of_one_day() -> None:
    day = date(2026, 11, 17)
    apart_s = deadline_s(in_zone("America/New_York"), day) - deadline_s(
        in_zone("Europe/Berlin"), day
    )
    assert apart_s == 6 * 3600


def test_c8_the_day_of_a_moment_is_the_date_on_the_school_s_wall() -> None:
    moment_s = int(datetime(2026, 11, 17, 23, 30, tzinfo=UTC).timestamp())
    assert school_day_of(in_zone("Australia/Sydney"), moment_s) == date(2026, 11, 18)
    assert school_day_of(in_zone("America/New_York"), moment_s) == date(2026, 11, 17)


def test_c8_saturday_is_no_school_day_and_nothing_is_due_on_it() -> None:
    friday, saturday = date(2026, 11, 20), date(2026, 11, 21)
    assert is_school_day(SCHOOL, friday) and not is_school_day(SCHOOL, saturday)
    assert last_due(SCHOOL, deadline_s(SCHOOL, saturday) + 3600) == friday


def test_c8_a_day_is_due_when_its_grace_is_over_and_not_before() -> None:
    tuesday = date(2026, 11, 17)
    due_s = deadline_s(SCHOOL, tuesday) + SCHOOL.grace_s
    assert last_due(SCHOOL, due_s - 1) == date(2026, 11, 16)
    assert last_due(SCHOOL, due_s) == tuesday


def test_c8_a_school_of_one_day_a_week_finds_it_up_to_a_week_back() -> None:
    school = replace(SCHOOL, days=frozenset({1}))
    tuesday = date(2026, 11, 17)
    due_s = deadline_s(school, tuesday) + school.grace_s
    assert last_due(school, due_s - 1) == tuesday - timedelta(days=7)
    assert last_due(school, due_s) == tuesday


def test_c8_a_school_without_days_is_never_due() -> None:
    assert last_due(replace(SCHOOL, days=frozenset()), 1_795_000_000) is None


def test_c8_a_closed_day_is_no_school_day_and_never_due() -> None:
    tuesday, monday = date(2026, 11, 17), date(2026, 11, 16)
    special = SpecialDay("closed", "Snow", "district.ics")
    school = replace(SCHOOL, calendar=Calendar({tuesday: special}))
    assert special_day(school, tuesday) == special
    assert not is_school_day(school, tuesday)
    assert last_due(school, due_s(SCHOOL, tuesday) + 3600) == monday


def test_c8_a_half_day_is_due_at_its_own_deadline() -> None:
    tuesday = date(2026, 11, 17)
    half = SpecialDay("half day", "Conferences", "district.ics")
    school = replace(
        SCHOOL, calendar=Calendar({tuesday: half}), half_day_deadline=time(12, 45), grace_s=60
    )
    assert utc(deadline_s(school, tuesday)) == "2026-11-17 17:45"
    assert last_due(school, deadline_s(school, tuesday) + 59) == date(2026, 11, 16)
    assert last_due(school, deadline_s(school, tuesday) + 60) == tuesday


def test_c8_what_is_given_by_hand_counts_before_what_a_calendar_says() -> None:
    tuesday = date(2026, 11, 17)
    half = SpecialDay("half day", "Conferences", "district.ics")
    school = replace(SCHOOL, calendar=Calendar({tuesday: half}), closed=frozenset({tuesday}))
    assert not is_school_day(school, tuesday)
    closed = Calendar({tuesday: SpecialDay("closed", "Break", "district.ics")})
    school = replace(SCHOOL, calendar=closed, half_days=frozenset({tuesday}))
    assert is_school_day(school, tuesday)
    assert deadline_s(school, tuesday) == deadline_s(SCHOOL, tuesday) - 3 * 3600


def test_c8_the_last_school_day_is_found_before_a_summer_and_the_next_after_it() -> None:
    last, first = date(2026, 6, 5), date(2026, 9, 1)
    summer = (last + timedelta(days=i) for i in range(1, (first - last).days))
    school = replace(SCHOOL, closed=frozenset(summer))
    july_s = deadline_s(SCHOOL, date(2026, 7, 20))
    assert last_due(school, july_s) == last
    assert next_due_s(school, july_s) == due_s(school, first)


def test_c8_a_school_that_is_always_closed_is_never_due() -> None:
    today = date(2026, 11, 17)
    always = (today + timedelta(days=i) for i in range(-LOOK_DAYS, LOOK_DAYS))
    school = replace(SCHOOL, closed=frozenset(always))
    assert last_due(school, AT_S) is None
    assert next_due_s(school, AT_S) is None


def test_c8_a_day_whose_grace_goes_past_midnight_is_next_until_then() -> None:
    school = replace(in_zone("America/New_York", time(23, 59)), grace_s=3600)
    tuesday = date(2026, 11, 17)
    after_midnight_s = deadline_s(school, tuesday) + 120
    assert school_day_of(school, after_midnight_s) == date(2026, 11, 18)
    assert next_due_s(school, after_midnight_s) == due_s(school, tuesday)


schools = st.builds(
    lambda zone, deadline, days, closed, half: replace(
        in_zone(zone, deadline), days=days, closed=closed, half_days=half
    ),
    st.sampled_from(ZONES),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.frozensets(st.dates(date(2026, 1, 1), date(2029, 12, 31)), max_size=20),
    st.frozensets(st.dates(date(2026, 1, 1), date(2029, 12, 31)), max_size=20),
)
moments = st.integers(1_767_225_600, 1_893_456_000)  # 2026 to 2029


@given(schools, moments)
def test_c8_what_is_due_last_has_passed_and_nothing_later_has(school: School, now_s: int) -> None:
    day = last_due(school, now_s)
    assert day is not None and is_school_day(school, day)
    assert deadline_s(school, day) + school.grace_s <= now_s
    following = day + timedelta(days=1)
    while not is_school_day(school, following):
        following += timedelta(days=1)
    assert due_s(school, following) > now_s
    next_s = next_due_s(school, now_s)
    assert next_s == due_s(school, following)
    assert last_due(school, next_s - 1) == day
    assert last_due(school, next_s) == following


@given(schools, st.dates(date(2026, 1, 1), date(2029, 12, 31)))
def test_c8_until_the_deadline_the_wall_may_show_it_and_after_it_never_less(
    school: School, day: date
) -> None:
    moment_s = deadline_s(school, day)
    wall = datetime.combine(day, deadline(school, day))
    shown = [
        datetime.fromtimestamp(moment_s + i, school.zone).replace(tzinfo=None)
        for i in (-1, 0, 1, 3600, 7200)
    ]
    assert shown[0] < wall <= min(shown[1:])
