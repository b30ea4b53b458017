"""What is to change in the register: what was read in, a plan out, or all that is wrong with it.

Here is found what only the whole shows: a row twice, a teacher nobody knows, an asset tag on two
devices. A column that a sheet does not have leaves what is recorded as it is; a row that it does
not have is left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from homeslot_hub.model import School
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import Change, RegisterStore, Touched, known_teachers
from homeslot_hub.service.register_sheets import Draft, Problem, RegisterError, Remarks, quoted
from homeslot_hub.service.register_tables import KINDS, Key, Kind, Row


@dataclass(slots=True)
class Plan(Remarks):
    """What would change, and what there is to say about it."""

    touched: list[Touched] = field(default_factory=list)
    unchanged: Counter[str] = field(default_factory=Counter)

    def count(self, kind: Kind) -> tuple[int, int, int]:
        """How many rows of a kind are added, changed and left as they are."""
        of = [touched for touched in self.touched if touched.kind is kind]
        added = sum(touched.before is None for touched in of)
        return added, len(of) - added, self.unchanged[kind.name]


def complete(
    plan: Plan, drafts: Sequence[Draft], store: RegisterStore, schools: Sequence[School]
) -> None:
    """Find what `drafts` change of the register as it is, and what is wrong with the whole."""
    by_kind: defaultdict[str, list[Draft]] = defaultdict(list)
    for one in drafts:
        by_kind[one.kind.name].append(one)
    known = set(known_teachers(schools, store.rows(tables.TEACHERS)))
    known |= {one.said["email"] for one in by_kind[tables.TEACHERS.name]}
    for name, kind in KINDS.items():
        if not by_kind[name]:
            continue
        current = {kind.key(row): row for row in store.rows(kind)}
        rows = dict(_laid_over(kind, by_kind[name], current, known, plan))
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
    teachers: Set[str],
    plan: Plan,
) -> Iterator[tuple[Key, Row]]:
    first: dict[Key, Draft] = {}
    names = [column.name for column in kind.columns]
    defaults = {column.name: column.default or "" for column in kind.columns}
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
        bad = _bad(kind, row, teachers)
        if bad is not None:
            plan.problems.append(Problem(one.where, one.row, *bad))
            continue
        yield key, row


def _bad(kind: Kind, row: Row, teachers: Set[str]) -> tuple[str, str, str] | None:
    """(column, value, allowed) of what is wrong with a whole row."""
    for column, text in zip(kind.columns, row, strict=True):
        if not text and column.default is None:
            return column.name, "is missing", f"allowed {column.allowed}"
        if column.name == "teacher" and text not in teachers:
            allowed = "nobody of that address is in the table teachers, or has a cart"
            return column.name, quoted(text), allowed
    if kind is tables.RESERVATIONS and row[kind.at("to")] <= row[kind.at("from")]:
        return "to", quoted(row[kind.at("to")]), f"allowed a time after {row[kind.at('from')]}"
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
            value, allowed = quoted(after[here][tag]), f"that is the tag of {called} of {school}"
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


def swap(plan: Plan, one: Key, other: Key, store: RegisterStore) -> None:
    """Let two devices change their places, with what they are exempted for.

    `one` and `other` are keys of places (school, cart, slot). Where nothing is recorded of one of
    them, the other moves there and leaves its place empty.
    """
    for kind in (tables.DEVICES, tables.EXEMPTIONS):
        rows = {kind.key(row): row for row in store.rows(kind)}
        if kind is tables.DEVICES and one not in rows and other not in rows:
            names = f"{kind.called(one)} nor of {kind.called(other)}"
            problem = Problem(kind.name, 0, "", f"nothing is recorded of {names}", "add one first")
            plan.problems.append(problem)
        for here, there in ((one, other), (other, one)):
            before, comes = rows.get(here), rows.get(there)
            after = None if comes is None else (*here, *comes[kind.keys :])
            if before != after:
                plan.touched.append(Touched(kind, here, before, after))


def keep(
    plan: Plan, store: RegisterStore, at_s: int, who: str, what: str, source: str
) -> Change | None:
    """Record a plan; None when it changes nothing. Raises RegisterError when something is wrong."""
    if plan.problems:
        raise RegisterError(plan.problems)
    if not plan.touched:
        return None
    return store.add_change(at_s, who, what, source, plan.touched)
