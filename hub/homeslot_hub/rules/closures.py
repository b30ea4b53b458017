"""Which dates a published calendar closes or shortens, and whether it can be trusted (C8).

A calendar is written for parents: dinners, concerts, games, and now and then a day without school.
Words tell them apart. They are whole words, and neither case nor punctuation counts, so that
`half day` is found in "Half-Day: Grades K-5", and `break` is not in "Breakfast with the Principal".
`*ferien` is any word that ends so, `*` alone any entry. Where words are at odds, the day is rather
a school day: a digest too many is seen, one that is missing may not be.

- An entry that has one of the words to `ignore` says nothing: "School resumes after the break".
- An entry that has words of both kinds is a half day: "Early dismissal, winter break begins".
- Hours close a school only when they take up a school day's worth: "Holiday Concert, 18:00".
- Of two entries on one date the one that closes wins, then the one that stands first.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from homeslot_hub.model import (
    Calendar,
    CalendarTrouble,
    DayKind,
    Entry,
    Feed,
    FeedState,
    School,
    SpecialDay,
)
from homeslot_hub.rules import words

EVERY = "*"
CLOSING_HOURS_S = 6 * 3600
STALE_S = 86400
ENDING_DAYS = 60
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a feed says of dates, when that was last read (None: never), and what went wrong since.

    `days` is what special_days finds in its entries.
    """

    label: str
    days: Mapping[date, SpecialDay] = field(default_factory=dict)
    read_s: int | None = None
    error: str = ""


def together(readings: Iterable[Reading]) -> Calendar:
    """What all feeds of one school say of its dates."""
    days: dict[date, SpecialDay] = {}
    states = []
    for reading in readings:
        for day, special in reading.days.items():
            _put(days, day, special)
        last = max(reading.days, default=None)
        states.append(FeedState(reading.label, reading.read_s, reading.error, last))
    return Calendar(days, tuple(states))


def special_days(zone: tzinfo, feed: Feed, entries: Iterable[Entry]) -> dict[date, SpecialDay]:
    """The dates that `entries` close or shorten, by the words of `feed`, in `zone`."""
    days: dict[date, SpecialDay] = {}
    for entry in entries:
        kind = kind_of(feed, entry)
        if kind is None:
            continue
        reason = " ".join(entry.summary.split()) or ", ".join(entry.categories) or kind
        for day, hours_s in _dates(entry, zone):
            if kind == "half day" or hours_s >= CLOSING_HOURS_S:
                _put(days, day, SpecialDay(kind, reason, feed.label))
    return days


def kind_of(feed: Feed, entry: Entry) -> DayKind | None:
    """What an entry means by its words: `closed`, `half day`, or None for neither."""
    texts = [" " + plain(text) + " " for text in (entry.summary, *entry.categories)]
    if _has(feed.ignore, texts):
        return None
    if _has(feed.half_day, texts):
        return "half day"
    return "closed" if _has(feed.closed, texts) else None


def plain(text: str) -> str:
    """`text` as words are looked for in it: lower case, a space for all that is no word."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", " ", folded).strip()


def troubles(school: School, now_s: int) -> tuple[CalendarTrouble, ...]:
    """What a reader must know of the school's calendars at `now_s`, by their states."""
    today = datetime.fromtimestamp(now_s, UTC).astimezone(school.zone).date()
    found = (_trouble(school.zone, state, today, now_s) for state in school.calendar.feeds)
    return tuple(trouble for trouble in found if trouble is not None)


def _trouble(zone: tzinfo, state: FeedState, today: date, now_s: int) -> CalendarTrouble | None:
    name = f"The calendar {state.label}"
    if state.read_s is None:
        why = f" ({state.error})" if state.error else " yet"
        return CalendarTrouble(
            state.label,
            "unread",
            f"{name} could not be read{why}: whether today is a school day was decided without it.",
        )
    if state.error and now_s - state.read_s > STALE_S:
        since = words.day(zone, state.read_s, now_s)
        return CalendarTrouble(
            state.label,
            "stale",
            f"{name} has not been readable since {since} ({state.error}): whether today is a "
            "school day was decided by the copy of that day.",
        )
    if state.last is None:
        return CalendarTrouble(
            state.label,
            "empty",
            f"{name} has no entry that closes or shortens a school day: `homeslot calendar` "
            "shows what was read.",
        )
    if state.last < today + timedelta(days=ENDING_DAYS):
        return CalendarTrouble(
            state.label,
            "ending",
            f"{name} closes or shortens no day after {words.full_date(state.last)}: see that the "
            "next school year's is published, or put its dates into the configuration.",
        )
    return None


def _put(days: dict[date, SpecialDay], day: date, special: SpecialDay) -> None:
    known = days.get(day)
    if known is None or (known.kind, special.kind) == ("half day", "closed"):
        days[day] = special


def _has(phrases: tuple[str, ...], texts: Sequence[str]) -> bool:
    if EVERY in phrases:
        return True
    pattern = _pattern(phrases)
    return pattern is not None and any(pattern.search(text) for text in texts)


@functools.lru_cache(maxsize=256)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds one of `phrases` in a plain text with a space at each end."""
    alternatives = [
        r"\w*".join(re.escape(plain(part)) for part in phrase.split(EVERY)) for phrase in phrases
    ]
    return re.compile(f" (?:{'|'.join(alternatives)}) ") if alternatives else None


def _dates(entry: Entry, zone: tzinfo) -> Iterator[tuple[date, int]]:
    """The dates of an entry on the wall of `zone`, and how many seconds of each it takes."""
    if not isinstance(entry.start, datetime) or not isinstance(entry.end, datetime):
        first, end = _date(entry.start), _date(entry.end)
        for ahead in range(max(1, (end - first).days)):
            yield first + ahead * _DAY, 86400
        return
    start, end_at = (_wall(moment, zone) for moment in (entry.start, entry.end))
    day = start.date()
    while True:
        midnight = datetime.combine(day, time())
        spent = min(end_at, midnight + _DAY) - max(start, midnight)
        yield day, max(0, int(spent.total_seconds()))
        day += _DAY
        if end_at <= midnight + _DAY:
            return


def _date(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
