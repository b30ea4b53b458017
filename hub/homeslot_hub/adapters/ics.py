"""From the bytes of an iCalendar file (RFC 5545) to the entries of a span of days.

icalendar reads, recurring-ical-events repeats. Each series of entries, a rule with its exceptions,
is read by itself, so that one that makes no sense is named with its line and passed over, and the
others count. How long this takes and how much memory is not bounded here: see calendar_reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import recurring_ical_events

from homeslot_hub.model import Entry

DAYS_AT_MOST = 50_000  # of all entries in the span together; a busy district's are some thousands
PASSED_OVER_AT_MOST = 100
_TEXT_AT_MOST = 200
_CATEGORIES_AT_MOST = 10
# They decide when an entry is; without one of them it would be another entry.
_TIMING = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_LINE_END = re.compile(r"\r\n|\n|\r")
_MARK = re.compile(r"(BEGIN|END):(VEVENT|VTIMEZONE)\s*", re.IGNORECASE)
_ZONE = re.compile(r"^X-WR-TIMEZONE:(.*)$", re.IGNORECASE | re.MULTILINE)
_DAY = timedelta(days=1)


class IcsError(Exception):
    """The whole is no calendar that can be used, and why."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The entries of a calendar in a span of days; and what was passed over, a sentence each."""

    entries: tuple[Entry, ...]
    passed_over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """One entry as it stands in the file, and the number of its first line; None: unreadable."""

    line: int
    component: icalendar.Component | None


class _Wrong(Exception):
    """What is wrong with one entry, and its line."""


def contents(data: bytes, first: date, last: date) -> Contents:
    """What stands in the calendar `data` from `first` to `last`. Raises IcsError."""
    text = _text(data)
    blocks = list(_blocks(text))
    frame = _frame(text, blocks)
    entries: list[Entry] = []
    passed_over: list[str] = []
    days = 0
    for series in _series(blocks):
        found: list[Entry] = []
        try:
            found = _occurrences(series, frame, first, last)
        except MemoryError:
            raise
        except _Wrong as wrong:
            passed_over.append(str(wrong))
        except Exception as error:  # noqa: BLE001  (two libraries before whatever a stranger wrote)
            said = _clean(f"{type(error).__name__}: {error}")
            passed_over.append(f"line {series[0].line}: cannot be read ({said})")
        days += sum(_days(entry) for entry in found)
        entries += found
        if days > DAYS_AT_MOST:
            raise IcsError(f"has more than {DAYS_AT_MOST} days of entries from {first} to {last}")
    more = len(passed_over) - PASSED_OVER_AT_MOST
    if more > 0:
        passed_over[PASSED_OVER_AT_MOST:] = [f"and {more} more"]
    return Contents(tuple(entries), tuple(passed_over))


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what old programs of offices write
    if not re.match(r"\s*BEGIN:VCALENDAR\s", text, re.IGNORECASE):
        raise IcsError("is no iCalendar file: it does not begin with BEGIN:VCALENDAR")
    if not text.rstrip()[-14:].upper().endswith("END:VCALENDAR"):
        raise IcsError("breaks off: it does not end with END:VCALENDAR")
    return text


def _blocks(text: str) -> Iterator[tuple[str, int, str]]:
    """The entries and zones: name, number of the first line, text (empty when it has no end)."""
    name, begun = "", 0
    lines: list[str] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        mark = _MARK.fullmatch(line)
        what, whose = (mark[1].upper(), mark[2].upper()) if mark else ("", "")
        if what == "BEGIN":
            if name:
                yield name, begun, ""
            name, begun, lines = whose, number, []
        if name:
            lines.append(line)
        if what == "END" and whose == name:
            yield name, begun, "\r\n".join(lines)
            name = ""
    if name:
        yield name, begun, ""


def _frame(text: str, blocks: Sequence[tuple[str, int, str]]) -> icalendar.Calendar:
    """A calendar with the zones of this one, as far as they can be read, and no entries."""
    frame = icalendar.Calendar()
    zone = _ZONE.search(text)
    if zone is not None:
        frame.add("X-WR-TIMEZONE", zone[1].strip())
    for name, _, block in blocks:
        component = _parsed(block) if name == "VTIMEZONE" else None
        if component is not None:
            frame.add_component(component)
    return frame


def _series(blocks: Iterable[tuple[str, int, str]]) -> Iterator[list[_Event]]:
    """Entries that are one in the sense of the RFC: a rule, and exceptions with the same UID.

    Programs that give one UID to entries that have nothing to do with each other are not rare.
    """
    same: dict[str, list[_Event]] = {}
    for name, line, block in blocks:
        if name == "VEVENT":
            event = _Event(line, _parsed(block))
            uid = "" if event.component is None else str(event.component.get("UID", ""))
            same.setdefault(uid or f"line {line}", []).append(event)
    for events in same.values():
        if any(e.component is not None and "RECURRENCE-ID" in e.component for e in events):
            yield events
        else:
            yield from ([event] for event in events)


def _parsed(block: str) -> icalendar.Component | None:
    """A component; None when it cannot be read. A zone is known from then on (RFC 5545, 3.6.5)."""
    try:
        component = icalendar.Component.from_ical(block)
    except Exception:  # noqa: BLE001  (a library before whatever a stranger wrote)
        return None
    return component if isinstance(component, icalendar.Component) else None


def _occurrences(
    series: Iterable[_Event],
    frame: icalendar.Calendar,
    first: date,
    last: date,
) -> list[Entry]:
    """One series, from `first` to `last`. Raises _Wrong, or whatever the libraries raise."""
    calendar = icalendar.Calendar(frame)
    calendar.subcomponents = [*frame.subcomponents, *map(_checked, series)]
    return [
        _entry(event, first, last)
        for event in recurring_ical_events.of(calendar).between(first - _DAY, last + _DAY)
        if str(event.get("STATUS", "")).upper() != "CANCELLED" and _is_within(event, first, last)
    ]


def _checked(event: _Event) -> icalendar.Component:
    if event.component is None:
        raise _Wrong(f"line {event.line}: is no entry that can be read")
    wrong = _wrong(event.component)
    if wrong:
        raise _Wrong(f"line {event.line}: {wrong}")
    return event.component


def _wrong(event: icalendar.Component) -> str:
    """What is wrong with an entry; empty when it can be used."""
    for name, said in event.errors:
        if name in _TIMING:
            return f"{name}: {_clean(said)}"
    if "DTSTART" not in event:
        return "DTSTART is missing"
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        # A school day is not closed by the hour; and by the second a year has 31 million.
        often = rule.get("FREQ", ["?"])[0] not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
        if often or any(len(rule.get(by, [])) > 1 for by in ("BYHOUR", "BYMINUTE", "BYSECOND")):
            return "RRULE: repeats within a day"
    start, end = event.get("DTSTART"), event.get("DTEND")
    if end is not None and type(start.dt) is type(end.dt) and end.dt < start.dt:
        return "DTEND is before DTSTART"
    return ""


def _entry(event: Any, first: date, last: date) -> Entry:
    categories = event.get("CATEGORIES", [])
    named = categories if isinstance(categories, list) else [categories]
    return Entry(
        _moment(event.start, first, last),
        _moment(event.end, first, last),
        _clean(_single(event.get("SUMMARY", ""))),
        tuple(_clean(word) for some in named for word in some.cats)[:_CATEGORIES_AT_MOST],
    )


def _days(entry: Entry) -> int:
    """How many days an entry has a part in, about."""
    return 1 + (date.toordinal(entry.end) - date.toordinal(entry.start))


def _is_within(event: Any, first: date, last: date) -> bool:
    start: date = event.start
    end: date = event.end
    day = start.date() if isinstance(start, datetime) else start
    return day <= last and (day >= first or end > _like(end, first))


def _like(moment: date, day: date) -> date:
    """The beginning of `day`, to be compared with `moment`."""
    if isinstance(moment, datetime):
        return datetime.combine(day, time(), moment.tzinfo)
    return day


def _moment(moment: date, first: date, last: date) -> date:
    """`moment`, if need be moved to the ends of the span; with a zone, it is in UTC."""
    moment = max(moment, _like(moment, first))
    moment = min(moment, _like(moment, last + _DAY))
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return moment


def _single(value: object) -> object:
    return value[0] if isinstance(value, list) else value


def _clean(text: object) -> str:
    """A stranger's text: one line, nothing a terminal or a mail would act on, not too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:1000]).split())[
        :_TEXT_AT_MOST
    ]
