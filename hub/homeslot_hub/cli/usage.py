"""`homeslot usage`: how much the devices of each school are used (N6), by what the carts sensed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal

import typer

from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.sheets import Cell, Sheet
from homeslot_hub.bootstrap import opened_hub
from homeslot_hub.cli import tables
from homeslot_hub.cli.options import (
    DEFAULT,
    BadArgument,
    Config,
    CsvFile,
    SchoolName,
    XlsxFile,
    day_of,
    now_s,
    schools_called,
)
from homeslot_hub.config import load
from homeslot_hub.model import Cart, School
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.usage import Usage, UsageDay, monday
from homeslot_hub.rules.usage import usage as summed
from homeslot_hub.service.usage import CartUse
from homeslot_hub.service.usage import usage as used

By = Literal["cart", "day", "week"]
_FIGURES = ("devices", "used", "used %", "times", "hours out", "busiest day", "known %")
_HEADS: dict[By, tuple[str, ...]] = {"cart": ("cart", "room"), "day": ("day",), "week": ("week",)}
_DAYS, _DAYS_AT_MOST = 7, 800
_SEEN = 0.5  # of a cart seen for less of the time it is not said that nobody used it


def usage(
    config: Config = DEFAULT,
    school: SchoolName = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="The first day, as 2026-11-16; a week ago if none.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The last day; today if none.")] = None,
    by: Annotated[By, typer.Option(help="A line for each cart, day or week.")] = "cart",
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
) -> None:
    """How many devices were taken out, how often, for how long: by cart, day or week.

    On school days, from midnight to the deadline. Only time in which a slot could be seen counts;
    how much that was stands in the last column.
    """
    settings = load(config)
    rows: list[tuple[Cell, ...]] = []
    said: list[str] = []
    with opened_hub(settings, now_s) as (hub, store):
        for one in schools_called(hub.schools, school):
            last = calendar.school_day_of(one, now_s()) if until is None else day_of(until)
            first = last - timedelta(days=_DAYS - 1)
            first = first if begin is None else day_of(begin, "--from")
            if not 0 <= (last - first).days < _DAYS_AT_MOST:
                allowed = f"1 to {_DAYS_AT_MOST} days up to --until"
                raise BadArgument(f"--from is {first} and --until {last}: allowed {allowed}")
            kept = SqliteKeep(store)
            found = used(one, store, kept, first, last, now_s())
            carts = list(tables.followed(found, one.name))
            rows += [_row(one, *line) for line in _lines(carts, by)]
            said += _sentences(one, carts)
    tables.give(Sheet("Usage", ("school", *_HEADS[by], *_FIGURES), rows), csv, xlsx)
    for sentence in said:
        typer.echo(sentence)


def _lines(carts: Sequence[CartUse], by: By) -> Iterator[tuple[tuple[Cell, ...], Usage]]:
    """Each line: what it is about, and its figures."""
    if by == "cart":
        for one in carts:
            yield (one.cart.number, one.cart.room), summed([(one.cart, one.days)])
        return
    of: defaultdict[date, list[tuple[Cart, list[UsageDay]]]] = defaultdict(list)
    for one in carts:
        grouped: defaultdict[date, list[UsageDay]] = defaultdict(list)
        for day in one.days:
            grouped[day.day if by == "day" else monday(day.day)].append(day)
        for when, days in grouped.items():
            of[when].append((one.cart, days))
    for when in sorted(of):
        yield (when.isoformat(),), summed(of[when])


def _row(school: School, about: tuple[Cell, ...], figures: Usage) -> tuple[Cell, ...]:
    return (
        school.name,
        *about,
        figures.devices,
        figures.used,
        _percent(figures.share_used),
        figures.taken,
        round(figures.out_s / 3600, 1),
        "" if figures.busiest is None else figures.busiest[0].isoformat(),
        _percent(figures.share_known),
    )


def _percent(share: float | None) -> Cell:
    return "" if share is None else round(100 * share)


def _sentences(school: School, carts: Sequence[CartUse]) -> Iterator[str]:
    """The school as a whole, the carts nobody used, and what is no longer kept."""
    total = summed((one.cart, one.days) for one in carts)
    if total.asked_s:
        devices = words.count(total.devices, "device")
        busiest = "none was taken out"
        if total.busiest is not None:
            day, most = total.busiest
            busiest = f"busiest on {day:%a} {day} ({most} used)"
        yield (
            f"{school.name}: {total.used} of {devices} used, {total.out_s / 3600:.1f} device-hours "
            f"out, {busiest}; {_percent(total.share_known)} % of the time known."
        )
    else:
        yield f"{school.name}: no school day of that time has begun."
    each = [(one.cart.number, summed([(one.cart, one.days)])) for one in carts]
    never = [n for n, of in each if not of.taken and (of.share_known or 0) >= _SEEN]
    unseen = [n for n, of in each if not of.taken and of.asked_s and (of.share_known or 0) < _SEEN]
    if never:
        yield f"{school.name}: never used: {_carts(never)}."
    if unseen:
        yield f"{school.name}: not heard enough to tell whether used: {_carts(unseen)}."
    lost = sorted({day for one in carts for day in one.lost})
    if lost:
        count = words.count(len(lost), "school day")
        yield f"{school.name}: {count} from {lost[0]} to {lost[-1]} no longer kept."


def _carts(numbers: Iterable[int]) -> str:
    return f"carts {words.ranges(numbers)}"
