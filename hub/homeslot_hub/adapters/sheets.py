"""Tables for people's spreadsheets: CSV and XLSX, in which no cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

from homeslot_hub.adapters.files import replace_file

Cell = str | int
_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
)  # what a spreadsheet takes for one (OWASP, CSV injection)
_WIDEST = 60
_MODE = 0o600  # they name people


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: `heads` name the columns."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


def write_csv(path: Path, sheet: Sheet) -> None:
    """Write `sheet` to `path`, whole or not at all. Raises OSError.

    A text that a spreadsheet would take for a formula gets an apostrophe before it. The file begins
    with the mark that spreadsheets know UTF-8 by.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(sheet.heads)
    writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    replace_file(path, ("\ufeff" + text.getvalue()).encode(), _MODE)


def write_xlsx(path: Path, sheet: Sheet) -> None:
    """Write `sheet` to `path` as XLSX, whole or not at all. Raises OSError."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(
        content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        page = book.add_worksheet(sheet.title)
        page.write_row(0, 0, sheet.heads, book.add_format({"bold": True}))
        for number, row in enumerate(sheet.rows, 1):
            page.write_row(number, 0, row)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, len(sheet.rows), len(sheet.heads) - 1)
        for column, head in enumerate(sheet.heads):
            cells = (len(str(row[column])) for row in sheet.rows[:1000])
            page.set_column(column, column, min(_WIDEST, max([len(head) + 3, *cells])))
    replace_file(path, content.getvalue(), _MODE)


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
