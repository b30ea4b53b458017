"""What is to change in the register: sheets and commands in, a plan or all that is wrong out.

Two steps. `draft` reads a sheet by itself: which table it is, which column is what, what each cell
means. `plan` lays the drafts of all sheets over the register as it is, and finds what only the
whole shows: a row twice, a teacher nobody knows, an asset tag on two devices. A column that a sheet
does not have leaves what is recorded as it is; a row it does not have is left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from homeslot_hub.model import School
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import (
    Change,
    RegisterStore,
    Touched,
    known_teachers,
)
from homeslot_hub.service.register_tables import KINDS, NUMBER, Column, Key, Kind, Row

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
class Plan:
    """What would change. `notes` are what a person should know that is not wrong."""

    touched: list[Touched] = field(default_factory=list)
    unchanged: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, kind: Kind) -> tuple[int, int, int]:
        """How many rows of a kind are added, changed and left as they are."""
        of = [touched for touched in self.touched if touched.kind is kind]
        added = sum(touched.before is None for touched in of)
        return added, len(of) - added, self.unchanged[kind.name]


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
                return "school", _is(school), f"allowed {', '.join(self.names)}"
        else:
            found = self._schools.get(cart, [])
            if len(found) > 1:
                return "school", "is missing", f"cart {cart} is in {' and in '.join(found)}"
            name = found[0] if found else ""
        slots = self._slots.get((name, cart))
        if slots is None:
            known = sorted({c for s, c in self._slots if not name or s == name}, key=int)
            shown = ", ".join(known[:20]) + ", …" * (len(known) > 20)
            return "cart", _is(cart), f"allowed {shown}" if known else "there are no carts yet"
        said["school"] = name
        slot = said.get("slot")
        if slot is not None and int(slot) > slots:
            return "slot", _is(slot), f"cart {cart} has slots 1 to {slots}"
        return None


def draft(
    sheet: Sheet, carts: Carts, kind_name: str | None, plan: Plan, seen: Callable[[], None]
) -> list[Draft]:
    """The rows of one sheet. What is wrong or worth a word goes into `plan`; `seen` per row."""
    rows = iter(sheet.rows)
    head = [tables.heading(text) for text in next(rows, ())]
    students = [text for text in head if tables.is_about_students(text)]
    if students:
        allowed = "nothing about students is kept here: take the column out"
        plan.problems += [
            Problem(sheet.where, 1, text, "is about students", allowed) for text in students
        ]
        return []
    kind = _kind(sheet, head, kind_name, plan)
    if kind is None:
        return []
    columns = _columns(sheet, kind, head, plan)
    if columns is None:
        return []
    found = []
    for number, cells in enumerate(rows, 2):
        seen()
        texts = [" ".join(cell.split()) if len(cell) < 1000 else cell for cell in cells]
        if any(texts):
            one = _read(kind, sheet.where, number, columns, texts, carts, plan)
            if one is not None:
                found.append(one)
    return found


def given(
    kind: Kind, where: str, texts: Mapping[str, str], carts: Carts, plan: Plan
) -> list[Draft]:
    """The draft of one row that a command names by columns, `number` among them."""
    columns = {i: _column(kind, name) for i, name in enumerate(texts)}
    cells = [" ".join(text.split()) for text in texts.values()]
    found = _read(kind, where, 0, columns, cells, carts, plan)
    return [] if found is None else [found]


def _column(kind: Kind, name: str) -> Column:
    return next(column for column in tables.columns_of(kind) if column.name == name)


def _kind(sheet: Sheet, head: Sequence[str], said: str | None, plan: Plan) -> Kind | None:
    """Which table a sheet is: as said, by its name, else the one all of whose keys it has."""
    name = said or sheet.name.lower()
    if name in KINDS:
        return KINDS[name]
    if name in CONFIGURED:
        plan.notes.append(f"{sheet.where}: left aside, {name} stand in homeslot.toml")
        return None
    fitting = [kind for kind in KINDS.values() if _fits(kind, head)]
    if len(fitting) == 1:
        return fitting[0]
    allowed = f"say --kind {', '.join(KINDS)}"
    shown = "does not say what it holds" if any(head) else "is empty"
    plan.problems.append(Problem(sheet.where, 0, "", shown, allowed))
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


def _columns(sheet: Sheet, kind: Kind, head: Sequence[str], plan: Plan) -> dict[int, Column] | None:
    """Which column of the sheet is which of the table. Of several names the best is taken."""
    taken: dict[int, Column] = {}
    wrong = len(plan.problems)
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
            plan.problems.append(Problem(sheet.where, 1, text, "is there twice", "allowed once"))
        if places:
            taken[places[0][1]] = column
    there = {column.name for column in taken.values()}
    if "number" in there:
        there |= {"cart", "slot"}
    for column in kind.columns[: kind.keys]:
        if column.name not in there and column.default is None:
            allowed = f"needed is {column.name}" + ", or number" * (column.name in ("cart", "slot"))
            plan.problems.append(
                Problem(sheet.where, 1, "", f"has no column {column.name}", allowed)
            )
    if len(plan.problems) > wrong:
        return None
    unused = [text for i, text in enumerate(head) if i not in taken and text]
    if unused:
        plan.notes.append(f"{sheet.where}: columns left aside: {', '.join(unused)}")
    return taken


def _read(
    kind: Kind,
    where: str,
    number: int,
    columns: Mapping[int, Column],
    texts: Sequence[str],
    carts: Carts,
    plan: Plan,
) -> Draft | None:
    """One row, cell by cell; None when something of it is wrong."""
    said: dict[str, str] = {}
    wrong = len(plan.problems)
    for i, column in columns.items():
        text = texts[i] if i < len(texts) else ""
        try:
            said[column.name] = column.read(text) if text else column.default or ""
        except ValueError:
            allowed = f"allowed {column.allowed}"
            plan.problems.append(Problem(where, number, column.name, _is(text), allowed))
    device = said.pop(NUMBER.name, "")
    if device:
        parts = tables.split_number(device)
        if parts is None:
            allowed = f"allowed {NUMBER.allowed}"
            plan.problems.append(Problem(where, number, NUMBER.name, _is(device), allowed))
        else:
            for name, part in zip(("cart", "slot"), parts, strict=True):
                if said.get(name) not in (None, "", part):
                    value, allowed = _is(said[name]), f"the number says {device}"
                    plan.problems.append(Problem(where, number, name, value, allowed))
                said[name] = part
    if len(plan.problems) > wrong:
        return None
    for column in kind.columns[: kind.keys]:
        if column.default is None and not said.get(column.name):
            value, allowed = "is missing", f"allowed {column.allowed}"
            plan.problems.append(Problem(where, number, column.name, value, allowed))
            return None
    if kind.of_school:
        bad = carts.resolve(said)
        if bad is not None:
            plan.problems.append(Problem(where, number, *bad))
            return None
    return Draft(kind, where, number, said)


def complete(
    plan: Plan, drafts: Sequence[Draft], store: RegisterStore, schools: Sequence[School]
) -> None:
    """Find what `drafts` change of the register as it is, and what is wrong with the whole."""
    by_kind: defaultdict[str, list[Draft]] = defaultdict(list)
    for one in drafts:
        by_kind[one.kind.name].append(one)
    known: set[str] | None = None
    for name, kind in KINDS.items():
        if name not in by_kind:
            continue
        current = {kind.key(row): row for row in store.rows(kind)}
        if known is None and kind is not tables.DEVICES:
            known = set(known_teachers(schools, store.rows(tables.TEACHERS)))
            known |= {one.said["email"] for one in by_kind[tables.TEACHERS.name]}
        rows = dict(_laid_over(kind, by_kind[name], current, known or set(), plan))
        if kind is tables.DEVICES:
            _tags(by_kind[name], {**current, **rows}, rows, plan)
        for key, row in rows.items():
            before = current.get(key)
            if before == row:
                plan.unchanged[name] += 1
            else:
                plan.touched.append(Touched(kind, key, before, row))


def _laid_over(
    kind: Kind,
    drafts: Sequence[Draft],
    current: Mapping[Key, Row],
    teachers: set[str],
    plan: Plan,
) -> Iterator[tuple[Key, Row]]:
    first: dict[Key, Draft] = {}
    names = [column.name for column in kind.columns]
    defaults = {column.name: column.default or "" for column in kind.columns}
    teacher = "teacher" in names
    for one in drafts:
        said = one.said
        key = tuple([said[name] for name in names[: kind.keys]])
        before = first.setdefault(key, one)
        if before is not one:
            at = f"row {before.row} of {before.where} is the same; allowed once"
            plan.problems.append(
                Problem(one.where, one.row, "", f"{kind.called(key)} is there twice", at)
            )
            continue
        old = current.get(key)
        base = defaults if old is None else dict(zip(names, old, strict=True))
        row = tuple([said.get(name, base[name]) for name in names])
        bad = _bad(kind, row, teachers if teacher else None)
        if bad is not None:
            plan.problems.append(Problem(one.where, one.row, *bad))
            continue
        yield key, row


def _bad(kind: Kind, row: Row, teachers: set[str] | None) -> tuple[str, str, str] | None:
    for column, text in zip(kind.columns, row, strict=True):
        if not text and column.default is None:
            return column.name, "is missing", f"allowed {column.allowed}"
    if teachers is not None:
        email = row[kind.at("teacher")]
        if email not in teachers:
            return (
                "teacher",
                _is(email),
                "nobody of that address is in the table teachers, or has a cart",
            )
    if kind is tables.RESERVATIONS and row[kind.at("to")] <= row[kind.at("from")]:
        return "to", _is(row[kind.at("to")]), f"allowed a time after {row[kind.at('from')]}"
    return None


def _tags(
    drafts: Sequence[Draft], after: Mapping[Key, Row], given: Mapping[Key, Row], plan: Plan
) -> None:
    """An asset tag is that of one device (N11)."""
    tag = tables.DEVICES.at("tag")
    bearers: dict[str, Key] = {}
    twice: dict[Key, Key] = {}
    for key, row in after.items():
        if row[tag]:
            first = bearers.setdefault(row[tag], key)
            if first != key:
                here, other = (key, first) if key in given else (first, key)
                twice[here] = other
    if not twice:
        return
    for one in drafts:
        here = (one.said["school"], one.said["cart"], one.said["slot"])
        if here in twice:
            called, school = tables.DEVICES.called(twice[here]), twice[here][0]
            value, allowed = _is(after[here][tag]), f"that is the tag of {called} of {school}"
            plan.problems.append(Problem(one.where, one.row, "tag", value, allowed))


def named(kind: Kind, key: Sequence[str], school: str | None, store: RegisterStore) -> Row:
    """The row that a person names by 7-12, or by the columns of its key but the school.

    Its cart may be gone from the configuration. Raises RegisterError when there is no such row.
    """
    split = tables.split_number(key[0]) if kind.has_number and len(key) == 1 else None
    asked = list(split or key)
    first = 1 if kind.of_school else 0
    found = [
        row
        for row in store.rows(kind)
        if list(row[first : kind.keys]) == asked and (not first or school in (None, row[0]))
    ]
    if len(found) != 1:
        names = [column.name for column in kind.columns[first : kind.keys]]
        by = "a number" if kind.has_number else " and ".join(names)
        value, allowed = f"has no {' '.join(key)}", f"rows are named by {by}"
        if found:
            schools = " and in ".join(row[0] for row in found)
            value, allowed = f"has two {' '.join(key)}", f"in {schools}: say --school"
        raise RegisterError([Problem(kind.name, 0, "", value, allowed)])
    return found[0]


def remove(plan: Plan, kind: Kind, key: Key, store: RegisterStore) -> None:
    """Take one row away, unless something still names it."""
    found = store.history(kind, key)
    row = found[0].row if found else None
    if row is None:
        return  # somebody else was quicker
    if kind is tables.TEACHERS:
        for other in (tables.SLOTS, tables.SUBSTITUTES, tables.RESERVATIONS):
            at = other.at("teacher")
            named = sum(row[at] == key[0] for row in store.rows(other))
            if named:
                value = f"{key[0]} is named by {named} of {other.name}"
                plan.problems.append(
                    Problem(kind.name, 0, "", value, "remove or change those first")
                )
    plan.touched.append(Touched(kind, key, row, None))


def keep(
    plan: Plan, store: RegisterStore, at_s: int, who: str, what: str, source: str
) -> Change | None:
    """Record a plan; None when it changes nothing. Raises RegisterError when something is wrong."""
    if plan.problems:
        raise RegisterError(plan.problems)
    if not plan.touched:
        return None
    return store.add_change(at_s, who, what, source, plan.touched)


def _is(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text[: _VALUE_SHOWN + 1])
    return f'is "{shown}"' if len(text) <= _VALUE_SHOWN else f'is "{shown[:-1]}…"'
