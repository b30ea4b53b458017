"""A table of records, shown or written as a spreadsheet, as the options say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
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


def give(sheet: Sheet, csv: Path | None, xlsx: Path | None, hidden: Collection[str] = ()) -> None:
    """Write `sheet`, whose first column is the school, to the files asked for.

    Where none is, show it: a table for each school, without the columns `hidden`.
    """
    for path, write in ((csv, sheets.write_csv), (xlsx, sheets.write_xlsx)):
        if path is not None:
            write(path, sheet)
            typer.echo(f"Wrote {words.count(len(sheet.rows), 'line')} to {path}.")
    if csv is None and xlsx is None:
        report.show(_grids(sheet, hidden), Console())


def _grids(sheet: Sheet, hidden: Collection[str]) -> Iterator[report.Grid]:
    shown = [i for i, head in enumerate(sheet.heads) if i and head not in hidden]
    heads = tuple(sheet.heads[i] for i in shown)
    for school in dict.fromkeys(row[0] for row in sheet.rows):
        rows = [row for row in sheet.rows if row[0] == school]
        cells = tuple(tuple(str(row[i]) for i in shown) for row in rows)
        numbers = {n for n, i in enumerate(shown) if isinstance(rows[0][i], int)}
        yield report.Grid(f"{sheet.title}, {school}", heads, cells, frozenset(numbers))
