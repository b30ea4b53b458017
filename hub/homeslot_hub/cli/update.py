"""`homeslot update`: new firmware for a cart, and whether it proved itself."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from homeslot.bundle import BadBundle
from homeslot_hub import bootstrap
from homeslot_hub.cli.setup import Refused
from homeslot_hub.config import Settings
from homeslot_hub.service.update import OVER, Update, Where

LOOK_S = 0.1


def update(settings: Settings, cart: str, file: Path) -> None:
    """Bring the bundle in `file` to the cart with id `cart`, and say how it went.

    Raises Refused when it did not end well, DeskError without a broker.
    """
    try:
        data = file.read_bytes()
        work = Update(cart, data, 1 + secrets.randbelow(1 << 30), time.monotonic())
    except (OSError, BadBundle) as error:
        raise Refused(f"{file}: {error}") from None
    typer.echo(f"{file.name}: {work.version}, {len(data)} bytes")
    shown = _Shown(cart)
    with bootstrap.open_desk(settings, cart, ("hello", "reply")) as desk, shown.progress:
        while (where := work.where).stage not in OVER:
            shown.show(where)
            command = work.due(time.monotonic())
            if command is not None:
                desk.send(command)
            for message in desk.messages(LOOK_S):
                work.take(message, time.monotonic())
                shown.show(work.where)
    if where.stage != "installed":
        raise Refused(f"{cart} {where.words}")


class _Shown:
    """A bar while it is sent, on a terminal; a line for each stage, everywhere."""

    def __init__(self, cart: str) -> None:
        self._cart = cart
        self._said = ""
        self._console = Console()
        self.progress = Progress(
            TextColumn(cart),
            BarColumn(),
            DownloadColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._bar = self.progress.add_task("")

    def show(self, where: Where) -> None:
        """Show `where` it is, if that is news."""
        self.progress.update(self._bar, completed=where.offset, total=where.size)
        if where.words != self._said and where.stage not in ("refused", "lost", "given up"):
            self._said = where.words
            self._console.print(f"{self._cart} {where.words}", markup=False, highlight=False)
