"""The command line. Exit status 2: what it was given is wrong; 1: it could not be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

from homeslot_hardware import boards
from homeslot_hardware.bench import paper

app = typer.Typer(
    help="Look at homeslot boards: which there are, whether a file is right, where wires go.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(paper.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (by default this program's) and exit."""
    try:
        app(arguments, prog_name="homeslot-bench")
    except boards.BoardError as error:
        _fail(error, 2)


def _fail(error: Exception, status: int) -> NoReturn:
    typer.echo(str(error), err=True)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
