"""What several commands ask for in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="HOMESLOT_CONFIG", help="The configuration file."),
]
DEFAULT = Path("homeslot.toml")
SchoolName = Annotated[
    str | None, typer.Option("--school", help="The school's name, where there are several.")
]


class BadArgument(Exception):
    """A value on the command line that makes no sense, and what is allowed."""
