"""`homeslot calendar`: the school days to come, what is special about them and who says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from homeslot_hub.cli.report import Grid, Part
from homeslot_hub.model import School
from homeslot_hub.rules import calendar, closures, words


def calendar_parts(
    school: School, first: date, days: int, now_s: int, passed_over: Mapping[str, Iterable[str]]
) -> list[Part]:
    """The school's days of the week from `first`, `days` dates long; its calendars; their trouble.

    `passed_over` is what could not be read of a calendar, by its label.
    """
    dates = [first + timedelta(days=ahead) for ahead in range(days)]
    parts: list[Part] = [
        Grid(
            f"{school.name}, from {words.full_date(first)}, {words.count(days, 'day')}",
            ("day", "school", "deadline", "reason", "from"),
            tuple(_row(school, day) for day in dates if day.weekday() in school.days),
        )
    ]
    states = school.calendar.feeds
    if states:
        rows = tuple(
            (
                state.label,
                "never" if state.read_s is None else words.clock(school.zone, state.read_s, now_s),
                "" if state.last is None else words.full_date(state.last),
                state.error,
            )
            for state in states
        )
        heads = ("calendar", "last read", "last closed or half day", "what is wrong")
        parts.append(Grid("Calendars", heads, rows))
    lines = tuple((label, line) for label, said in passed_over.items() for line in said)
    if lines:
        parts.append(Grid("Entries that were passed over", ("calendar", "what is wrong"), lines))
    return [*parts, *(trouble.text for trouble in closures.troubles(school, now_s))]


def _row(school: School, day: date) -> tuple[str, ...]:
    special = calendar.special_day(school, day)
    is_open = calendar.is_school_day(school, day)
    deadline = f"{calendar.deadline(school, day):%H:%M}" if is_open else ""
    if special is None:
        return words.full_date(day), "open", deadline, "", "days of the week"
    return words.full_date(day), special.kind, deadline, special.reason, special.label
