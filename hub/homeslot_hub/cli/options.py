"""What several commands ask for: configuration, school, moment, day; and how each is read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Annotated

import typer

from homeslot.contract import FIRST_S, LAST_S
from homeslot_hub.model import School

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="HOMESLOT_CONFIG", help="The configuration file."),
]
DEFAULT = Path("homeslot.toml")
SchoolName = Annotated[
    str | None, typer.Option("--school", help="The school's name, where there are several.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", help="Write it to this file as CSV instead of showing it.")
]
XlsxFile = Annotated[
    Path | None, typer.Option("--xlsx", help="Write it to this file as XLSX instead of showing it.")
]


class BadArgument(Exception):
    """A value on the command line that makes no sense, and what is allowed."""


def now_s() -> int:
    """This machine's time, in epoch seconds."""
    return int(time.time())


def schools_called(schools: Sequence[School], name: str | None) -> list[School]:
    """The school called `name`, or without a name all of them. Raises BadArgument."""
    found = [school for school in schools if name in (None, school.name)]
    if not found:
        names = ", ".join(school.name for school in schools)
        raise BadArgument(f"--school is {name}: allowed {names}")
    return found


def moment_s(text: str, school: School, key: str = "--at") -> int:
    """Epoch seconds of HH:MM today, or of an ISO time, on the school's clock."""
    now = datetime.now(school.zone)
    try:
        moment = datetime.fromisoformat(f"{now:%Y-%m-%d}T{text}" if len(text) == 5 else text)
    except ValueError:
        raise BadArgument(f"{key} is {text}: allowed 17:00 or 2026-11-20T17:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=school.zone)
    return _within(key, text, int(moment.timestamp()))


def day_of(text: str, key: str = "--date") -> date:
    """The date `text` is. Raises BadArgument."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadArgument(f"{key} is {text}: allowed a date such as 2026-11-20") from None
    _within(key, text, int(datetime.combine(day, clock_time(), UTC).timestamp()))
    return day


def _within(key: str, text: str, moment_s: int) -> int:
    """`moment_s`, if it is one at which a cart can have reported."""
    if not FIRST_S <= moment_s <= LAST_S:
        years = " to ".join(str(datetime.fromtimestamp(s, UTC).year) for s in (FIRST_S, LAST_S))
        raise BadArgument(f"{key} is {text}: allowed {years}")
    return moment_s


def past(moment_s: int, text: str, key: str = "--at") -> int:
    """`moment_s`, if it has come. Raises BadArgument."""
    if moment_s > now_s():
        raise BadArgument(f"{key} is {text}: allowed a time that has come")
    return moment_s
