"""A table of records, shown or written as a spreadsheet, as the options say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import track

from homeslot_hub.adapters import sheets
from homeslot_hub.adapters.sheets import Sheet
from homeslot_hub.cli import report
from homeslot_hub.rules import words

T = TypeVar("T")


def followed(items: Iterable[T], what: str) -> Iterable[T]:
    """`items`, with a bar on a terminal that shows how far they are."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return items
    return track(items, what, console=console, transient=True)


def give(sheet: Sheet, csv: Path | None, xlsx: Path | None) -> None:
    """Write `sheet` to the files asked for; show it where none is."""
    for path, write in ((csv, sheets.write_csv), (xlsx, sheets.write_xlsx)):
        if path is not None:
            write(path, sheet)
            typer.echo(f"Wrote {words.count(len(sheet.rows), 'line')} to {path}.")
    if csv is None and xlsx is None:
        rows = tuple(tuple(str(cell) for cell in row) for row in sheet.rows)
        report.show([report.Grid(sheet.title, sheet.heads, rows)], Console())
