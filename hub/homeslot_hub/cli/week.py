"""`homeslot week`: the week's record of every cart (N2), written from what was sensed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Annotated

import typer

from homeslot_hub.adapters.sheets import Cell, Sheet
from homeslot_hub.bootstrap import opened_hub
from homeslot_hub.cli import tables
from homeslot_hub.cli.options import (
    DEFAULT,
    Config,
    CsvFile,
    SchoolName,
    XlsxFile,
    day_of,
    now_s,
    schools_called,
)
from homeslot_hub.config import load
from homeslot_hub.model import CartVerdict
from homeslot_hub.rules import calendar, words
from homeslot_hub.service.digest import TAGS
from homeslot_hub.service.week import CartDay, lost
from homeslot_hub.service.week import week as judged

HEADS = (
    *("school", "cart", "room", "teacher", "day", "deadline", "check-in"),
    *("home", "out", "excused", "unknown", "findings"),
)


def week(
    config: Config = DEFAULT,
    school: SchoolName = None,
    on: Annotated[
        str | None, typer.Option("--date", help="A day of the week, as 2026-11-20; today if none.")
    ] = None,
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
) -> None:
    """Each cart on each school day of a week: check-in, places at the deadline, what was wrong.

    The check-in is the first moment from which on all was home, locked and plugged in until the
    deadline; `all day` when nothing was otherwise since midnight.
    """
    settings = load(config)
    rows: list[tuple[Cell, ...]] = []
    past: list[date] = []
    with opened_hub(settings, now_s) as (hub, store):
        for one in schools_called(hub.schools, school):
            day = calendar.school_day_of(one, now_s()) if on is None else day_of(on)
            found = judged(one, day, store, hub, now_s())
            rows += [_row(each) for each in tables.followed(found, one.name)]
            past += lost(one, day, store, now_s())
    tables.give(Sheet("Week", HEADS, rows), csv, xlsx, ("room", "teacher", "deadline"))
    if past:
        days = words.listed([str(one) for one in sorted(set(past))])
        typer.echo(f"No longer kept: {days}. See [keep] in the configuration.")
    elif not rows:
        typer.echo("No deadline of that week has come.")


def _row(each: CartDay) -> tuple[Cell, ...]:
    cart, zone, places = each.verdict.cart, each.school.zone, each.verdict.places
    checked_in = ""
    if each.checked_in_s is not None:
        checked_in = f"{datetime.fromtimestamp(each.checked_in_s, zone):%H:%M}"
    return (
        each.school.name,
        cart.number,
        cart.room,
        cart.teacher.name,
        each.day.isoformat(),
        f"{datetime.fromtimestamp(each.deadline_s, zone):%H:%M}",
        "all day" if each.all_day else checked_in,
        *(places.count(place) for place in ("home", "out", "excused", "unknown")),
        _findings(each.verdict),
    )


def _findings(verdict: CartVerdict) -> str:
    """What was wrong, causes first, each kind once with the devices it is about."""
    about: defaultdict[str, set[int]] = defaultdict(set)
    for wrong in verdict.verdicts:
        about[TAGS[wrong.finding][0]].update(wrong.slots or wrong.hides)
    number = verdict.cart.number
    return "; ".join(
        f"{tag} {words.devices(number, slots)}".rstrip() for tag, slots in about.items()
    )
