"""CSV and XLSX files as sheets of texts.

Whatever a file holds, reading it ends in texts or in a RegisterError that says what is wrong with
it: neither a formula nor anything else in it is carried out, and what it takes is bounded.

The libraries for XLSX are loaded where they are used: they are a fifth of the program's start.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from homeslot_hub.adapters.sheets import FORMULA
from homeslot_hub.service.register_sheets import CONFIGURED, Problem, RegisterError, Sheet
from homeslot_hub.service.register_tables import KINDS, columns_of, heading

MAX_FILE = 64 << 20  # bytes; 100,000 devices are 4 MB
MAX_UNPACKED = 128 << 20
MAX_ROWS = 500_000
_SHEET_ROWS = 1 << 20  # empty ones among them; no spreadsheet has more
MAX_COLUMNS = 60
_HEAD_WITHIN = 20  # rows of a workbook: how many columns it has is seen there
_DELIMITERS = ",;\t|"
# What openpyxl raises for a file that is no workbook, or a torn one: it checks little itself.
_TORN = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, zipfile.BadZipFile, zlib.error),
    ParseError,
)


def read(path: Path, first_only: bool) -> tuple[list[Sheet], list[str]]:
    """The sheets of a file, or of all files of a folder that bear the name of a table; notes.

    Of a workbook those sheets that bear the name of a table, else, or when `first_only`, the first.
    Raises RegisterError for what cannot be read; rows may raise it too, when they are come to.
    """
    if path.is_dir():
        files = [path / f"{name}.csv" for name in (*KINDS, *CONFIGURED)]
        found = [read(file, first_only) for file in files if file.is_file()]
        if not found:
            raise _refused(path.name, "holds no table", f"allowed {', '.join(KINDS)}, each .csv")
        return [s for sheets, _ in found for s in sheets], [n for _, notes in found for n in notes]
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise _refused(str(path), f"cannot be read ({error.strerror})", "name a file") from None
    if len(data) > MAX_FILE:
        raise _refused(path.name, "is too big", f"allowed {MAX_FILE >> 20} MB")
    if data.startswith(b"PK\3\4"):
        return _workbook(path, data, first_only)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused(path.name, "is an old or an encrypted workbook", "save it as .xlsx or .csv")
    return _csv(path, data)


def _refused(where: str, value: str, allowed: str, row: int = 0) -> RegisterError:
    return RegisterError([Problem(where, row, "", value, allowed)])


def _csv(path: Path, data: bytes) -> tuple[list[Sheet], list[str]]:
    if b"\0" in data:
        raise _refused(path.name, "holds NUL characters", "save it as CSV UTF-8 or as .xlsx")
    notes = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            asked = "save it as CSV UTF-8"
            raise _refused(path.name, "is neither UTF-8 nor Windows-1252", asked) from None
        notes.append(f"{path.name}: not UTF-8, read as Windows-1252")
    rows = _csv_rows(path.name, text, _delimiter(text))
    return [Sheet(path.name, path.stem, rows)], notes


def _delimiter(text: str) -> str:
    """The one by which most headings are ones we know; between equals the first."""
    known = {
        heading(name)
        for kind in KINDS.values()
        for column in columns_of(kind)
        for name in (column.name, *column.also)
    }
    line = text.lstrip("\r\n")[:10_000].splitlines()[:1]

    def fitting(delimiter: str) -> tuple[int, int]:
        try:
            head = next(csv.reader(line, delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return sum(heading(cell) in known for cell in head), len(head)

    return max(_DELIMITERS, key=fitting)


def _csv_rows(where: str, text: str, delimiter: str) -> Iterator[list[str]]:
    number = 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if number > MAX_ROWS:
                raise _refused(where, "has too many rows", f"allowed {MAX_ROWS}")
            yield [_unescaped(cell) for cell in cells[:MAX_COLUMNS]]
    except csv.Error as error:
        raise _refused(where, f"cannot be read ({error})", "save it anew", number + 1) from None


def _workbook(path: Path, data: bytes, first_only: bool) -> tuple[list[Sheet], list[str]]:
    import openpyxl

    try:
        _look_inside(path.name, data)
        with warnings.catch_warnings():  # of what openpyxl passes over: validation, extensions
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(
                io.BytesIO(data), read_only=True, data_only=True, keep_links=False
            )
            names = [sheet.title for sheet in book.worksheets]
            if not names:
                raise _refused(path.name, "has no sheet", "save it anew as .xlsx or .csv")
            tables = [name for name in names if name.lower() in (*KINDS, *CONFIGURED)]
            taken = names[:1] if first_only or not tables else tables
            left = [name for name in names if name not in taken]
            return [
                Sheet(
                    f"{path.name}, sheet {name}",
                    name if name in tables else path.stem,
                    _sheet_rows(f"{path.name}, sheet {name}", book[name]),
                )
                for name in taken
            ], [f"{path.name}: sheets left aside: {', '.join(left)}"] * bool(left)
    except _TORN as error:
        raise _torn(path.name, error) from None


def _look_inside(where: str, data: bytes) -> None:
    """Refuse what unpacks to too much, or defines entities, before anything is unpacked.

    What a zip says of its sizes is what it unpacks to at most: zipfile stops there.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        entries = packed.infolist()
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise _refused(where, "unpacks to too much", f"allowed {MAX_UNPACKED >> 20} MB")
        for entry in entries:
            with packed.open(entry) as part:
                if b"<!DOCTYPE" in part.read(4096):
                    raise _refused(where, f"defines a document type in {entry.filename}", "none")


def _sheet_rows(where: str, sheet: Any) -> Iterator[list[str]]:
    rows = 0
    try:
        sheet.reset_dimensions()  # what a file says of them need not be so
        first = sheet.iter_rows(max_row=_HEAD_WITHIN, max_col=MAX_COLUMNS, values_only=True)
        columns = max(
            (i for cells in first for i, cell in enumerate(cells, 1) if cell is not None), default=1
        )
        for number, cells in enumerate(sheet.iter_rows(max_col=columns, values_only=True), 1):
            rows += any(cell is not None for cell in cells)
            if rows > MAX_ROWS or number > _SHEET_ROWS:
                raise _refused(where, "has too many rows", f"allowed {MAX_ROWS}")
            yield [_text(cell) for cell in cells]
    except _TORN as error:
        raise _torn(where, error) from None


def _torn(where: str, error: BaseException) -> RegisterError:
    said = str(error).partition("\n")[0][:80]
    return _refused(where, f"is not a whole workbook ({said})", "save it anew as .xlsx or .csv")


def _text(value: object) -> str:
    """A cell's value as a person would have typed it."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        if value.hour == value.minute == value.second == 0:
            return value.date().isoformat()
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
