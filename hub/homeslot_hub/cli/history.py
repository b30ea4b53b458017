"""`homeslot history`: everything known of one cart or one device, in order, with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from homeslot.contract import is_cart_id
from homeslot_hub.adapters import sheets
from homeslot_hub.bootstrap import open_store
from homeslot_hub.cli import report
from homeslot_hub.cli.options import (
    DEFAULT,
    BadArgument,
    Config,
    CsvFile,
    SchoolName,
    moment_s,
    schools_called,
)
from homeslot_hub.config import load
from homeslot_hub.model import School
from homeslot_hub.rules import words
from homeslot_hub.service.history import Line, between, evidence, lines

_NUMBERS = re.compile(r"(\d{1,4})(?:-(\d{1,3}))?")
_HEADS = ("measured", "what", "became", "was", "mA", "evidence")


def history(
    whose: Annotated[
        str, typer.Argument(help="A cart (7, or its controller's id) or a device (7-12).")
    ],
    config: Config = DEFAULT,
    school: SchoolName = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="From this time on: 2026-11-20T08:00.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time.")] = None,
    csv: CsvFile = None,
) -> None:
    """Everything known of one cart or device, in order: when measured, what it became, evidence."""
    settings = load(config)
    owner, controller, slot = _meant(schools_called(settings.schools, school), whose)
    from_s = None if begin is None else moment_s(begin, owner, "--from")
    until_s = None if until is None else moment_s(until, owner, "--until")
    with closing(open_store(settings)) as store:
        since_s = store.kept_since_s()
        found = [
            line
            for line in between(lines(store, controller, slot), from_s, until_s)
            if line.told.at_s is None or line.told.at_s >= since_s
        ]
    if since_s and (from_s is None or from_s < since_s):
        begins = words.clock(owner.zone, since_s, 0)
        typer.echo(f"No longer kept is what was before {begins}; see [keep].", err=True)
    if csv is not None:
        sheets.write_csv(csv, sheet(found, owner.zone))
        typer.echo(f"Wrote {words.count(len(found), 'line')} to {csv}.")
    elif found:
        title = f"{whose}, {words.count(len(found), 'line')}; times are those of {owner.zone.key}"
        report.show([grid(title, found, owner.zone)], Console())
    else:
        typer.echo(f"Nothing is known of {whose}{' then' if begin or until else ''}.")


def grid(title: str, found: Iterable[Line], zone: ZoneInfo) -> report.Grid:
    """The lines as people read them."""
    return report.Grid(title, _HEADS, tuple(_cells(line, zone) for line in found), frozenset({4}))


def sheet(found: Iterable[Line], zone: ZoneInfo) -> sheets.Sheet:
    """The lines for a spreadsheet, with what else is known of each message."""
    heads = (*_HEADS, "cart uptime ms", "boot", "number", "record")
    rows: list[tuple[sheets.Cell, ...]] = []
    for line in found:
        told = line.told
        row = _cells(line, zone, offset=True)
        rows.append((*row, told.up_ms, told.boot, told.seq, told.record))
    return sheets.Sheet("History", heads, rows)


def _cells(line: Line, zone: ZoneInfo, *, offset: bool = False) -> tuple[str, ...]:
    told = line.told
    if told.at_s is None:
        minutes, second = divmod(told.up_ms // 1000, 60)
        when = f"boot {told.boot} after {minutes // 60}:{minutes % 60:02}:{second:02}"
    else:
        moment = datetime.fromtimestamp(told.at_s, zone)
        when = moment.isoformat() if offset else f"{moment:%Y-%m-%d %H:%M:%S}"
    current = "" if told.current_ma is None else str(told.current_ma)
    return when, line.thing, line.value, line.was, current, evidence(told)


def _meant(schools: list[School], whose: str) -> tuple[School, str, int | None]:
    """The school, the controller and the slot, if any. Raises BadArgument.

    A controller that is not configured any more has a history all the same.
    """
    for school in schools:
        for cart in school.carts:
            if cart.controller == whose:
                return school, whose, None
    numbers = _NUMBERS.fullmatch(whose)
    if numbers is None:
        if not is_cart_id(whose):
            raise BadArgument(f"{whose} is neither cart nor device: allowed 7, 7-12 or cart-7")
        return schools[0], whose, None
    number, slot = int(numbers[1]), None if numbers[2] is None else int(numbers[2])
    found = [(s, cart) for s in schools for cart in s.carts if cart.number == number]
    if not found:
        known = words.ranges(sorted({cart.number for s in schools for cart in s.carts}))
        raise BadArgument(f"there is no cart {number}: allowed {known or 'none yet'}")
    if len(found) > 1:
        names = words.listed([s.name for s, _ in found])
        raise BadArgument(f"there is a cart {number} in {names}: say which by --school")
    [(school, cart)] = found
    if slot is not None and not 1 <= slot <= cart.slots:
        raise BadArgument(f"{whose}: cart {number} has slots 1 to {cart.slots}")
    return school, cart.controller, slot
