"""Reading what is to be recorded: which table a sheet is, which column is what, what a cell means.

A sheet is read by itself here; register_plan lays all that was read over the register. Whatever
is wrong is said with its file, row, column, value and what is allowed, and reading goes on, so that
all of it is said at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from homeslot_hub.model import School
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register_tables import KINDS, NUMBER, Column, Kind

CONFIGURED = ("schools", "carts")  # exported for people; they stand in homeslot.toml
_VALUE_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. `row` counts as a spreadsheet does, 0 where it is the whole sheet."""

    where: str
    row: int
    column: str
    value: str
    allowed: str

    def __str__(self) -> str:
        place = "".join(
            (
                self.where,
                f", row {self.row}" * bool(self.row),
                f", {self.column}" * bool(self.column),
            )
        )
        return f"{place}: {self.value}; {self.allowed}"


class RegisterError(Exception):
    """The register is left as it is, because of all these `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        count = len(self.problems)
        super().__init__(f"nothing was changed, things to put right: {count}{lines}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it was read: `where` for messages, `name` of the file or sheet, rows of texts."""

    where: str
    name: str
    rows: Iterable[Sequence[str]]


class Draft(NamedTuple):
    """What one row says: texts by column, as they are kept."""

    kind: Kind
    where: str
    row: int
    said: dict[str, str]


@dataclass(slots=True)
class Remarks:
    """What reading has to say. `notes` are what a person should know that is not wrong."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Carts:
    """The carts of the configuration, to find the one a row means."""

    def __init__(self, schools: Sequence[School]) -> None:
        self.names = [school.name for school in schools]
        self._by_name = {" ".join(name.lower().split()): name for name in self.names}
        self._slots = {
            (school.name, str(cart.number)): cart.slots
            for school in schools
            for cart in school.carts
        }
        self._schools: defaultdict[str, list[str]] = defaultdict(list)
        for school, cart in self._slots:
            self._schools[cart].append(school)

    def resolve(self, said: dict[str, str]) -> tuple[str, str, str] | None:
        """Put the school's name into `said`; (column, value, allowed) when something is wrong."""
        cart, school = said.get("cart", ""), said.get("school", "")
        if not cart:
            return "cart", "is missing", tables.NUMBER.allowed
        if school:
            name = self._by_name.get(" ".join(school.lower().split()))
            if name is None:
                return "school", quoted(school), f"allowed {', '.join(self.names)}"
        else:
            found = self._schools.get(cart, [])
            if len(found) > 1:
                return "school", "is missing", f"cart {cart} is in {' and in '.join(found)}"
            name = found[0] if found else ""
        slots = self._slots.get((name, cart))
        if slots is None:
            known = sorted({c for s, c in self._slots if not name or s == name}, key=int)
            some = ", ".join(known[:20]) + ", …" * (len(known) > 20)
            return "cart", quoted(cart), f"allowed {some}" if known else "there are no carts yet"
        said["school"] = name
        slot = said.get("slot")
        if slot is not None and int(slot) > slots:
            return "slot", quoted(slot), f"cart {cart} has slots 1 to {slots}"
        return None


def draft(
    sheet: Sheet, carts: Carts, kind_name: str | None, remarks: Remarks, seen: Callable[[], None]
) -> list[Draft]:
    """The rows of one sheet. What is wrong or worth a word goes into `remarks`; `seen` per row."""
    rows = ((n, texts) for n, cells in enumerate(sheet.rows, 1) if any(texts := _plain(cells)))
    first, texts = next(rows, (1, []))
    head = [tables.heading(text) for text in texts]
    students = [text for text in head if tables.is_about_students(text)]
    if students:
        allowed = "nothing about students is kept here: take the column out"
        remarks.problems += [
            Problem(sheet.where, first, shown(text), "is about students", allowed)
            for text in students
        ]
        return []
    kind = _kind(sheet, head, kind_name, remarks)
    if kind is None:
        return []
    columns = _columns(sheet.where, first, kind, head, remarks)
    if columns is None:
        return []
    found = []
    for number, texts in rows:
        seen()
        one = _read(kind, sheet.where, number, columns, texts, carts, remarks)
        if one is not None:
            found.append(one)
    return found


def given(
    kind: Kind, where: str, texts: Mapping[str, str], carts: Carts, remarks: Remarks
) -> list[Draft]:
    """The draft of one row that a command names by columns, `number` among them."""
    columns = {i: _column(kind, name) for i, name in enumerate(texts)}
    found = _read(kind, where, 0, columns, _plain(texts.values()), carts, remarks)
    return [] if found is None else [found]


def _plain(cells: Iterable[str]) -> list[str]:
    """Texts without blanks around them, and with one for many between."""
    return [" ".join(cell.split()) for cell in cells]


def _column(kind: Kind, name: str) -> Column:
    return next(column for column in tables.columns_of(kind) if column.name == name)


def _kind(sheet: Sheet, head: Sequence[str], said: str | None, remarks: Remarks) -> Kind | None:
    """Which table a sheet is: as said, by its name, else the one all of whose keys it has."""
    name = said or sheet.name.lower()
    if name in KINDS:
        return KINDS[name]
    if name in CONFIGURED:
        remarks.notes.append(f"{sheet.where}: left aside, {name} stand in homeslot.toml")
        return None
    fitting = [kind for kind in KINDS.values() if _fits(kind, head)]
    if len(fitting) == 1:
        return fitting[0]
    value = "does not say what it holds" if head else "is empty"
    allowed = f"say --kind {', '.join(KINDS)}"
    remarks.problems.append(Problem(sheet.where, 0, "", value, allowed))
    return None


def _fits(kind: Kind, head: Sequence[str]) -> bool:
    names = {name for text in head for name in _called(kind, text)}
    if "number" in names:
        names |= {"cart", "slot"}
    others = {column.name for column in kind.columns[kind.keys :]}
    needed = {column.name for column in kind.columns if column.default is None}
    return needed <= names and bool(names & others or kind.keys == len(kind.columns))


def _called(kind: Kind, text: str) -> list[str]:
    return [
        c.name for c in tables.columns_of(kind) if text in (c.name, *map(tables.heading, c.also))
    ]


def _columns(
    where: str, row: int, kind: Kind, head: Sequence[str], remarks: Remarks
) -> dict[int, Column] | None:
    """Which column of the sheet is which of the table. Of several names the best is taken."""
    taken: dict[int, Column] = {}
    wrong = len(remarks.problems)
    for column in tables.columns_of(kind):
        names = [column.name, *map(tables.heading, column.also)]
        places = [
            (names.index(text), i)
            for i, text in enumerate(head)
            if text in names and i not in taken
        ]
        places.sort()
        if len(places) > 1 and places[0][0] == places[1][0]:
            text = head[places[0][1]]
            remarks.problems.append(Problem(where, row, text, "is there twice", "allowed once"))
        if places:
            taken[places[0][1]] = column
    there = {column.name for column in taken.values()}
    if "number" in there:
        there |= {"cart", "slot"}
    for column in kind.columns[: kind.keys]:
        if column.name not in there and column.default is None:
            allowed = f"needed is {column.name}" + ", or number" * (column.name in ("cart", "slot"))
            value = f"has no column {column.name}"
            remarks.problems.append(Problem(where, row, "", value, allowed))
    if len(remarks.problems) > wrong:
        return None
    unused = [shown(text) for i, text in enumerate(head) if i not in taken and text]
    if unused:
        remarks.notes.append(f"{where}: columns left aside: {', '.join(unused)}")
    return taken


def _read(
    kind: Kind,
    where: str,
    number: int,
    columns: Mapping[int, Column],
    texts: Sequence[str],
    carts: Carts,
    remarks: Remarks,
) -> Draft | None:
    """One row, cell by cell; None when something of it is wrong."""
    said: dict[str, str] = {}
    wrong = len(remarks.problems)
    for i, column in columns.items():
        text = texts[i] if i < len(texts) else ""
        try:
            said[column.name] = column.read(text) if text else column.default or ""
        except ValueError:
            allowed = f"allowed {column.allowed}"
            remarks.problems.append(Problem(where, number, column.name, quoted(text), allowed))
    device = said.pop(NUMBER.name, "")
    if device:
        parts = tables.split_number(device)
        if parts is None:
            allowed = f"allowed {NUMBER.allowed}"
            remarks.problems.append(Problem(where, number, NUMBER.name, quoted(device), allowed))
        else:
            for name, part in zip(("cart", "slot"), parts, strict=True):
                if said.get(name) not in (None, "", part):
                    value, allowed = quoted(said[name]), f"the number says {device}"
                    remarks.problems.append(Problem(where, number, name, value, allowed))
                said[name] = part
    if len(remarks.problems) > wrong:
        return None
    for column in kind.columns[: kind.keys]:
        if column.default is None and not said.get(column.name):
            value, allowed = "is missing", f"allowed {column.allowed}"
            remarks.problems.append(Problem(where, number, column.name, value, allowed))
            return None
    if kind.of_school:
        bad = carts.resolve(said)
        if bad is not None:
            remarks.problems.append(Problem(where, number, *bad))
            return None
    return Draft(kind, where, number, said)


def quoted(text: str) -> str:
    """`is "…"`, as `shown` has it."""
    return f'is "{shown(text)}"'


def shown(text: str) -> str:
    """A text from outside for a person's eyes: not too long, and nothing that moves a cursor."""
    plain = "".join(c if c.isprintable() else "?" for c in text[: _VALUE_SHOWN + 1])
    return plain if len(plain) <= _VALUE_SHOWN else f"{plain[:-1]}…"
