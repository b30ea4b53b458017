"""C8: what a published calendar says of school days, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.config_tables import CLOSED, HALF_DAY, IGNORE
from homeslot_hub.model import Calendar, Entry, Feed, FeedState, SpecialDay
from homeslot_hub.rules.calendar import deadline
from homeslot_hub.rules.closures import Reading, kind_of, special_days, together, troubles

from .facts import AT_S, DAY, SCHOOL

FEED = Feed("district.ics", "district.ics", tuple(CLOSED), tuple(HALF_DAY), tuple(IGNORE))
ZONE = ZoneInfo("America/New_York")
LATER = DAY + timedelta(days=200)


def all_day(summary: str, first: date = DAY, days: int = 1, *categories: str) -> Entry:
    return Entry(first, first + timedelta(days=days), summary, categories)


def timed(summary: str, first: str, last: str, zone: ZoneInfo | None = None) -> Entry:
    start, end = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (first, last))
    return Entry(start, end, summary)


@pytest.mark.parametrize(
    ("summary", "kind"),
    [
        ("Labor Day - NO SCHOOL", "closed"),
        ("No-School: Teacher Workday", "closed"),
        ("Thanksgiving Break", "closed"),
        ("Mid-winter   recess", "closed"),
        ("Bank Holiday", "closed"),
        ("Martin Luther King, Jr. Day (schools closed)", "closed"),
        ("Herbstferien", "closed"),
        ("Gesetzlicher Feiertag", "closed"),
        ("VACANCES de la Toussaint", "closed"),
        ("Half-Day: Grades K-5", "half day"),
        ("Early Dismissal, Winter Break begins", "half day"),
        ("MINIMUM DAY", "half day"),
        ("School resumes after Winter Break", None),
        ("Students return from Spring Break", None),
        ("Breakfast with the Principal", None),
        ("Record-breaking Relay", None),
        ("Half the Band plays", None),
        ("Picture Day", None),
        ("", None),
    ],
)
def test_c8_the_words_of_an_entry_tell_what_it_means(summary: str, kind: str | None) -> None:
    assert kind_of(FEED, all_day(summary)) == kind


def test_c8_a_category_counts_like_the_title() -> None:
    assert kind_of(FEED, all_day("Presidents' Day", DAY, 1, "Students", "Federal Holiday"))
    assert kind_of(FEED, all_day("Presidents' Day", DAY, 1, "Students")) is None
    across = all_day("See: no", DAY, 1, "School")
    assert kind_of(FEED, across) is None, "a phrase is not put together from title and category"


def test_c8_a_star_takes_every_entry_and_no_words_take_none() -> None:
    every = replace(FEED, closed=("*",), half_day=(), ignore=())
    assert kind_of(every, all_day("")) == "closed"
    none = replace(FEED, closed=(), half_day=())
    assert kind_of(none, all_day("No school, half day")) is None


@given(st.text(max_size=40), st.sampled_from([*CLOSED, *HALF_DAY, *IGNORE]))
def test_c8_case_and_punctuation_do_not_count(text: str, phrase: str) -> None:
    if phrase.startswith("*"):
        return
    plain = all_day(f"{text}; {phrase}")
    loud = all_day(f"{text}; {phrase.replace(' ', '-').upper()}!")
    assert kind_of(FEED, plain) == kind_of(FEED, loud)
    assert phrase in IGNORE or kind_of(FEED, plain) or kind_of(replace(FEED, ignore=()), plain)


def test_c8_an_entry_of_several_days_closes_each_of_them() -> None:
    days = special_days(ZONE, FEED, [all_day("Winter  Break\n", date(2026, 12, 21), 12)])
    assert min(days) == date(2026, 12, 21)
    assert max(days) == date(2027, 1, 1)
    assert len(days) == 12
    assert days[date(2026, 12, 25)] == SpecialDay("closed", "Winter Break", "district.ics")


def test_c8_an_entry_without_an_end_is_one_day() -> None:
    assert list(special_days(ZONE, FEED, [Entry(DAY, DAY, "No school")])) == [DAY]


@pytest.mark.parametrize(
    ("entry", "dates"),
    [
        (timed("No school", "2026-11-17T08:00", "2026-11-17T15:00"), [17]),
        (timed("Holiday Concert", "2026-11-17T18:00", "2026-11-17T20:00"), []),
        (timed("Break", "2026-11-17T12:00", "2026-11-19T12:00"), [17, 18, 19]),
        (timed("Break", "2026-11-17T19:00", "2026-11-19T00:00"), [18]),
        (timed("Early dismissal", "2026-11-17T12:00", "2026-11-17T12:00"), [17]),
        # Midnight of UTC is 19:00 of the day before in New York: five hours of that day.
        (timed("No school", "2026-11-18T00:00", "2026-11-19T00:00", ZoneInfo("UTC")), [18]),
        (timed("Early release", "2026-11-18T03:00", "2026-11-18T04:00", ZoneInfo("UTC")), [17]),
    ],
)
def test_c8_hours_close_a_day_when_they_take_up_a_school_day_and_shorten_it_always(
    entry: Entry, dates: list[int]
) -> None:
    assert [day.day for day in special_days(ZONE, FEED, [entry])] == dates


def test_c8_a_day_that_is_closed_and_shortened_is_closed() -> None:
    half, closed = all_day("Half day"), all_day("Snow: no school")
    for entries in ([half, closed], [closed, half]):
        assert special_days(ZONE, FEED, entries)[DAY].kind == "closed"
    other = Reading("county.ics", special_days(ZONE, replace(FEED, label="county.ics"), [closed]))
    mine = Reading("district.ics", special_days(ZONE, FEED, [half]))
    assert together([mine, other]).days[DAY].label == "county.ics"


moments = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31))
spans = st.timedeltas(timedelta(0), timedelta(days=30))
summaries = st.sampled_from(["No school", "Half day", "Concert", "Spring Break resumes"])
entries = st.builds(
    lambda start, span, whole, summary: (
        Entry(start.date(), (start + span).date(), summary)
        if whole
        else Entry(start.replace(tzinfo=UTC), (start + span).replace(tzinfo=UTC), summary)
    ),
    moments,
    spans,
    st.booleans(),
    summaries,
)


@given(st.lists(entries, max_size=8), st.randoms(use_true_random=False))
def test_c8_what_is_closed_does_not_depend_on_the_order_of_the_entries(
    some: list[Entry], random: object
) -> None:
    days = special_days(ZONE, FEED, some)
    random.shuffle(some)  # type: ignore[attr-defined]
    again = special_days(ZONE, FEED, some)
    assert {day: special.kind for day, special in days.items()} == {
        day: special.kind for day, special in again.items()
    }
    for day, special in days.items():
        assert any(
            (e.start.date() if isinstance(e.start, datetime) else e.start) - timedelta(days=1)
            <= day
            <= (e.end.date() if isinstance(e.end, datetime) else e.end)
            for e in some
            if e.summary == special.reason
        )


def school_with(*states: FeedState):
    return replace(SCHOOL, calendar=Calendar({}, states))


GOOD = FeedState("district.ics", AT_S - 3600, "", LATER)


def kinds(state: FeedState, at_s: int = AT_S) -> list[str]:
    return [trouble.kind for trouble in troubles(school_with(state), at_s)]


def test_c8_a_calendar_that_is_read_and_goes_on_is_no_trouble() -> None:
    assert kinds(GOOD) == []
    assert troubles(SCHOOL, AT_S) == ()


def test_c8_one_failed_try_is_no_trouble_and_a_day_of_them_is() -> None:
    failing = replace(GOOD, error="the server answers 500", read_s=AT_S - 86400)
    assert kinds(failing) == []
    failing = replace(failing, read_s=AT_S - 86401)
    (trouble,) = troubles(school_with(failing), AT_S)
    assert trouble.kind == "stale"
    assert trouble.text == (
        "The calendar district.ics has not been readable since Mon 16 Nov (the server answers "
        "500): whether today is a school day was decided by the copy of that day."
    )


def test_c8_a_calendar_that_was_never_read_says_why() -> None:
    (trouble,) = troubles(
        school_with(FeedState("x.ics", None, "cannot be read: No such file")), AT_S
    )
    assert trouble.kind == "unread"
    assert trouble.text.startswith("The calendar x.ics could not be read (cannot be read: No such")
    assert kinds(FeedState("x.ics", None)) == ["unread"]


def test_c8_a_calendar_that_says_nothing_of_school_days_is_told() -> None:
    assert kinds(replace(GOOD, last=None)) == ["empty"]


def test_c8_year_rollover_a_calendar_that_ends_within_two_months_is_told() -> None:
    assert kinds(replace(GOOD, last=DAY + timedelta(days=60))) == []
    ending = replace(GOOD, last=DAY + timedelta(days=59))
    (trouble,) = troubles(school_with(ending, GOOD), AT_S)
    assert trouble.kind == "ending"
    assert "no day after Fri 15 Jan 2027" in trouble.text


def test_c8_the_deadline_of_a_half_day_is_never_later_than_that_of_a_whole_one() -> None:
    half = replace(SCHOOL, half_days=frozenset({DAY}))
    assert deadline(half, DAY) == time(14, 0)
    assert deadline(half, DAY + timedelta(days=1)) == time(17, 0)
    assert deadline(replace(half, deadline=time(12, 30)), DAY) == time(12, 30)
