"""The command line. Exit status 1: it could not be done; 2: what it was given is wrong; 3: the cart
has faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import typer

from homeslot_hardware import boards
from homeslot_hardware.bench import flashing, look, paper, release, tell
from homeslot_hardware.bench.problems import BadInput, BenchError

app = typer.Typer(
    help="Boards on a desk and carts on a USB cable: look at them, set them up, find the fault.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (paper, look, tell, flashing, release):
    app.add_typer(part.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (by default this program's) and exit."""
    try:
        app(arguments, prog_name="homeslot-bench")
    except (boards.BoardError, BadInput) as error:
        _fail(error, 2)
    except BenchError as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> NoReturn:
    typer.echo(str(error), err=True)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
