"""Tables for people's spreadsheets: CSV and XLSX, in which no cell is ever a formula.

The library for XLSX is loaded where it is used: it is a good part of the program's start.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from homeslot_hub.adapters.files import replace_file

Cell = str | int | float
# What a spreadsheet takes for a formula (OWASP, CSV injection), and the mark that says it is none.
FORMULA = tuple("=+-@\t\r'")
_WIDEST = 60
_MODE = 0o600  # they name people


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: `heads` name the columns."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


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


def write_xlsx(path: Path, *sheets: Sheet) -> None:
    """Write `sheets` to `path` as one workbook, whole or not at all. Raises OSError."""
    import xlsxwriter

    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        bold = book.add_format({"bold": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.title)
            page.write_row(0, 0, sheet.heads, bold)
            for number, row in enumerate(sheet.rows, 1):
                page.write_row(number, 0, row)
            page.freeze_panes(1, 0)
            page.autofilter(0, 0, len(sheet.rows), len(sheet.heads) - 1)
            for column, head in enumerate(sheet.heads):
                cells = (len(str(row[column])) for row in sheet.rows[:1000])
                page.set_column(column, column, min(_WIDEST, max([len(head) + 3, *cells])))
    replace_file(path, content.getvalue(), _MODE)


def _plain(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
