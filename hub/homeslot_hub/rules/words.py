"""How slots, devices, schools and moments are written, in verdicts and digests alike."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo


@functools.lru_cache(maxsize=1024)  # a cartful of devices leaves within the same few minutes
def clock(zone: tzinfo, moment_s: int, seen_from_s: int) -> str:
    """`moment_s` on the wall of `zone`: 13:05, with the day when it is not that of `seen_from_s`.

    Mon 16 Nov 13:05 on another day of the year, Fri 18 Dec 2026 13:05 in another year.
    """
    moment, seen = (datetime.fromtimestamp(at_s, zone) for at_s in (moment_s, seen_from_s))
    if moment.date() == seen.date():
        return f"{moment:%H:%M}"
    year = "" if moment.year == seen.year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year} {moment:%H:%M}"


def day(zone: tzinfo, moment_s: int, seen_from_s: int) -> str:
    """The date of `moment_s` on the wall of `zone`: Mon 16 Nov, with another year when it is."""
    moment, seen = (datetime.fromtimestamp(at_s, zone) for at_s in (moment_s, seen_from_s))
    year = "" if moment.year == seen.year else f" {moment.year}"
    return f"{moment:%a} {moment.day} {moment:%b}{year}"


def full_date(on: date) -> str:
    """A date in full: Fri 18 Dec 2026."""
    return f"{on:%a} {on.day} {on:%b} {on.year}"


def device(cart: int, slot: int) -> str:
    """The name of a device (C4): cart 7, slot 12 is `7-12`."""
    return f"{cart}-{slot}"


def devices(cart: int, slots: Iterable[int]) -> str:
    """The names of the devices of `slots`, runs of three and more as one: `7-2, 7-14 to 7-19`."""
    return ", ".join(
        " to ".join(device(cart, slot) for slot in part) for part in _ranges(sorted(slots))
    )


def slot_numbers(slots: Iterable[int]) -> str:
    """Slots as words: `slot 5`, `slots 5, 11 to 20`. Never 11-20: that is a device's name."""
    ordered = sorted(slots)
    return f"slot{'' if len(ordered) == 1 else 's'} {ranges(ordered)}"


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as words, runs of three and more as one: `1, 3 to 7`."""
    return ", ".join(
        " to ".join(str(number) for number in part) for part in _ranges(sorted(numbers))
    )


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def count(number: int, one: str, many: str = "") -> str:
    """`1 device`, `2 devices`; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def lasting(length_s: int) -> str:
    """A length of time in its largest whole unit from two on: `90 minutes`, `31 hours`, `5 days`.

    Rounded down, so that it is never said to be more than it was.
    """
    for unit_s, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if length_s >= 2 * unit_s:
            return count(length_s // unit_s, unit)
    return count(length_s, "second")


def slug(name: str) -> str:
    """A school's name as a part of a file's name: `Grundschule Süd` is `grundschule-sud`.

    Where that loses letters of another script, a short digest of the name keeps two schools apart.
    """
    plain = unicodedata.normalize("NFKD", name)
    letters = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    text = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60]
    if all(c.isascii() for c in letters):
        return text or "school"
    return f"{text}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".strip("-")


def _ranges(ordered: Sequence[int]) -> list[tuple[int, ...]]:
    """Runs of neighbours: (first, last) of three and more, each alone otherwise."""
    runs: list[list[int]] = []
    for slot in ordered:
        if runs and slot == runs[-1][-1] + 1:
            runs[-1].append(slot)
        else:
            runs.append([slot])
    parts: list[tuple[int, ...]] = []
    for run in runs:
        parts += [(run[0], run[-1])] if len(run) > 2 else [(slot,) for slot in run]
    return parts
