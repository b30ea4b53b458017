"""`homeslot census`: where every device is, or was at any moment, by what the carts sensed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
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
    moment_s,
    now_s,
    past,
    schools_called,
)
from homeslot_hub.config import load
from homeslot_hub.rules import words
from homeslot_hub.service.census import SlotCensus
from homeslot_hub.service.census import census as counted
from homeslot_hub.service.history import evidence
from homeslot_hub.service.keep import require

HEADS = ("school", "cart", "room", "device", "place", "since", "charge", "evidence")
_PLACES = ("home", "out", "excused", "unknown", "spare")


def census(
    config: Config = DEFAULT,
    school: SchoolName = None,
    at: Annotated[
        str | None, typer.Option(help="A moment that has come, as 2026-11-20T17:00; now if none.")
    ] = None,
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
) -> None:
    """Every slot of every cart at a moment: its place, since when, and the evidence.

    Carts, slots and spares are those of the configuration as it is now.
    """
    settings = load(config)
    rows: list[tuple[Cell, ...]] = []
    places: Counter[str] = Counter()
    with opened_hub(settings, now_s) as (hub, store):
        for one in schools_called(hub.schools, school):
            at_s = now_s() if at is None else past(moment_s(at, one), at)
            require(store, one, at_s)
            for verdict in tables.followed(hub.judge(one, at_s).carts, one.name):
                known = hub.facts(verdict.cart.controller, at_s)
                for slot in counted(one, verdict, known, store):
                    rows.append(_row(slot))
                    places[slot.place] += 1
    tables.give(Sheet("Census", HEADS, rows), csv, xlsx, ("cart", "room"))
    tally = ", ".join(f"{places[place]} {place}" for place in _PLACES if places[place])
    typer.echo(f"{words.count(len(rows), 'slot')}: {tally or 'no cart is configured'}.")


def _row(slot: SlotCensus) -> tuple[Cell, ...]:
    zone, since_s = slot.school.zone, slot.since_s
    said = "" if since_s is None else "no longer kept"
    if slot.told is not None:
        said = evidence(slot.told)
    if slot.place == "unknown":
        last = f" Last known {slot.last} by {said}." if slot.last and said else ""
        said = slot.why + last
    return (
        slot.school.name,
        slot.cart.number,
        slot.cart.room,
        words.device(slot.cart.number, slot.slot),
        slot.place,
        "" if since_s is None else datetime.fromtimestamp(since_s, zone).isoformat(),
        slot.charge,
        said,
    )
