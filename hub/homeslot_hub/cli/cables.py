"""`homeslot cables`: which charging cables to replace (N10), by what the carts sensed for days."""

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
    BadArgument,
    Config,
    CsvFile,
    SchoolName,
    XlsxFile,
    now_s,
    schools_called,
)
from homeslot_hub.config import load
from homeslot_hub.model import Cart, School
from homeslot_hub.rules import words
from homeslot_hub.rules.cables import Cable
from homeslot_hub.service.cables import cables as found

HEADS = (
    *("school", "cart", "device", "room", "cable", "confidence", "since"),
    *("stays", "drew", "reason", "next"),
)
_HIDDEN = ("cart", "confidence")  # on a screen; and the reason, where all are dead
_DAYS = range(1, 366)
_WORDS = ("dead", "draws", "cannot tell")


def cables(
    config: Config = DEFAULT,
    school: SchoolName = None,
    days: Annotated[int, typer.Option(help="How many days up to now are looked at.")] = 14,
    every: Annotated[
        bool, typer.Option("--all", help="Every slot, not only those with a dead cable.")
    ] = False,
    csv: CsvFile = None,
    xlsx: XlsxFile = None,
) -> None:
    """The slots whose devices are present and have not drawn for days, and what to do next.

    Only stays that could tell count: mains on, sensors at work, the cart heard for long enough.
    """
    if days not in _DAYS:
        raise BadArgument(f"--days is {days}: allowed {_DAYS[0]}..{_DAYS[-1]}")
    settings = load(config)
    rows: list[tuple[Cell, ...]] = []
    counts: Counter[str] = Counter()
    with opened_hub(settings, now_s) as (hub, store):
        until_s = now_s()
        for one in schools_called(hub.schools, school):
            begin_s, kept_s = until_s - days * 86400, store.kept_since_s()
            if begin_s < kept_s:
                begins = words.clock(one.zone, kept_s, 0)
                typer.echo(f"No longer kept is what was before {begins}.", err=True)
            judged = found(one, store, hub, max(begin_s, kept_s), until_s)
            for cart, cables_of in tables.followed(judged, one.name):
                counts.update(cable.word for cable in cables_of)
                rows += [
                    _row(one, cart, cable) for cable in cables_of if every or cable.word == "dead"
                ]
    hidden = _HIDDEN if every else (*_HIDDEN, "reason")
    tables.give(Sheet("Cables", HEADS, rows), csv, xlsx, hidden)
    tally = ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
    slots = words.count(counts.total(), "slot")
    typer.echo(f"{slots} in {words.count(days, 'day')}: {tally or 'no cart is configured'}.")


def _row(school: School, cart: Cart, cable: Cable) -> tuple[Cell, ...]:
    since = ""
    if cable.since_s is not None:
        since = datetime.fromtimestamp(cable.since_s, school.zone).isoformat(timespec="minutes")
    return (
        school.name,
        cart.number,
        words.device(cart.number, cable.slot),
        cart.room,
        cable.word,
        cable.confidence,
        since,
        cable.told,
        cable.drew,
        cable.reason,
        cable.action,
    )
