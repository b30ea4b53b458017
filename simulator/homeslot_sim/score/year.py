"""A school's year out of one seed: holidays, half days, and the calendar it publishes them in.

The calendar is a real one (ICS), written for parents: most of what is in it does not matter here.
Its file may be torn, or gone, for some days; what it says does not change then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from random import Random
from typing import Literal

HALF_DAY = time(14, 0)  # the deadline of a half day
BREAK_EVERY_DAYS = (25, 60)  # from the end of one to the begin of the next
BREAK_DAYS = (1, 1, 1, 2, 3, 5, 10)  # a single day most often
HALF_DAYS = 0.05  # of the school days, the last before a break among them
BROKEN_EVERY_DAYS = (30, 70)
BROKEN_DAYS = (1, 5)
BEYOND_DAYS = 150  # published ahead of the last day, so that no calendar nears its end
TORN = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:2026"
BREAKS = ("No school: staff training", "Autumn break", "Public holiday", "School closed", "Recess")
NOISE = (
    "Breakfast with the Principal",
    "Book fair",
    "Parents' evening",
    "School resumes after the break",
    "Lincoln - Roosevelt 3:1",
)

Trouble = Literal["torn", "gone"]


@dataclass(frozen=True, slots=True)
class Year:
    """The days of one school: those without school, the short ones, and its calendar's troubles.

    `broken` are (first day, last day, trouble) in which the calendar's file cannot be read.
    """

    closed: frozenset[date]
    half: frozenset[date]
    broken: tuple[tuple[date, date, Trouble], ...]

    def is_school_day(self, day: date) -> bool:
        """Whether there is school on `day`."""
        return day.weekday() < 5 and day not in self.closed

    def trouble(self, day: date) -> Trouble | None:
        """What is wrong with the calendar's file on `day`."""
        return next((what for first, last, what in self.broken if first <= day <= last), None)

    def ics(self) -> str:
        """The calendar as it is published."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//school//year//EN"]
        for number, (first, last, summary) in enumerate(self._entries()):
            lines += [
                "BEGIN:VEVENT",
                f"UID:{number}@school.example",
                f"DTSTAMP:{first:%Y%m%d}T000000Z",
                f"DTSTART;VALUE=DATE:{first:%Y%m%d}",
                f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}",
                f"SUMMARY:{summary}",
                "END:VEVENT",
            ]
        return "\r\n".join((*lines, "END:VCALENDAR", ""))

    def _entries(self) -> Iterator[tuple[date, date, str]]:
        first: date | None = None
        for day in sorted(self.closed):
            first = first or day
            if day + timedelta(days=1) not in self.closed:
                yield first, day, BREAKS[first.day % len(BREAKS)]
                noise = day + timedelta(days=1)
                yield noise, noise, NOISE[first.day % len(NOISE)]
                first = None
        for day in sorted(self.half):
            yield day, day, "Early dismissal"


def year(random: Random, start: date, days: int) -> Year:
    """A year that begins with `start`, decided by `random`, with `days` that will be lived."""
    closed, half, broken = set[date](), set[date](), []
    end = start + timedelta(days=days + BEYOND_DAYS)
    day = start + timedelta(days=random.randrange(2, BREAK_EVERY_DAYS[0]))
    while day < end:
        half.add(day - timedelta(days=1))
        long = random.choice(BREAK_DAYS)
        closed.update(day + timedelta(days=n) for n in range(long))
        day += timedelta(days=long + random.randint(*BREAK_EVERY_DAYS))
    for n in range((end - start).days):
        if random.random() < HALF_DAYS:
            half.add(start + timedelta(days=n))
    day = start + timedelta(days=random.randrange(2, BROKEN_EVERY_DAYS[0]))
    while day < end:
        last = day + timedelta(days=random.randint(*BROKEN_DAYS) - 1)
        trouble: Trouble = random.choice(("torn", "gone"))
        broken.append((day, last, trouble))
        day = last + timedelta(days=random.randint(*BROKEN_EVERY_DAYS))
    return Year(frozenset(closed), frozenset(half - closed), tuple(broken))
