"""The register: devices, people and what is granted, as recorded and as of any moment.

Nothing is ever overwritten. A change adds a new version of each row it touches, so that a past
deadline is judged by what was recorded then, and the last change can be taken back. Taking back is
a change too: done twice it takes itself back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from homeslot_hub.model import (
    CartRegister,
    Person,
    Reservation,
    School,
    SlotRecord,
    SubstituteDay,
    Teacher,
)
from homeslot_hub.rules.register import AWAY_STATES
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register_tables import Key, Kind, Row

# How many changes had been made, and the number of the last: the same register has the same.
Version = tuple[int, int]
UNCHANGED: Version = (0, 0)


class Touched(NamedTuple):
    """One row a change makes what `after` says, or takes away (None). Before it was `before`."""

    kind: Kind
    key: Key
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the register. `what` was done and from which `source`, for a person."""

    id: int
    at_s: int
    who: str
    what: str
    source: str
    rows: int


class Past(NamedTuple):
    """A version of one row: recorded when and by which change; None where it was taken away."""

    change: int
    at_s: int
    row: Row | None


class RegisterStore(Protocol):
    """Where the register is kept, append-only. Every method may raise StoreError."""

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is kept whole and durably at the end, or not at all."""

    def version(self, at_s: int) -> Version:
        """Which register there was at `at_s`."""

    def schools_between(self, known: Version, known_s: int, at_s: int) -> frozenset[str]:
        """Whose rows may differ at `at_s` from the version `known` of `known_s`, later or earlier.

        By name; "" stands for the rows of the whole district.
        """

    def rows(self, kind: Kind, school: str | None = None, at_s: int | None = None) -> list[Row]:
        """The rows of a kind as they are, or were at `at_s`; of one school where it has one."""

    def history(self, kind: Kind, key: Key) -> list[Past]:
        """All versions of one row, the newest first."""

    def add_change(
        self, at_s: int, who: str, what: str, source: str, touched: Iterable[Touched]
    ) -> Change:
        """Record one change with the rows it touches."""

    def take_back(self, change: Change, at_s: int, who: str) -> Change:
        """Record a change that makes every row that `change` touched what it was before."""

    def changes(self, most: int) -> list[Change]:
        """The last changes, the newest first."""

    def touched(self, change: int) -> Iterator[Touched]:
        """What a change touched."""


@dataclass(frozen=True, slots=True)
class _People:
    """What is recorded of people, for the whole district."""

    teachers: Mapping[str, Teacher]
    substitutes: frozenset[SubstituteDay]


class View:
    """The register as the rules need it. Keeps what it read until something is recorded."""

    def __init__(self, store: RegisterStore | None, schools: Sequence[School]) -> None:
        self._store = store
        self._schools = schools
        self._version, self._at_s = UNCHANGED, 0
        self._people = _People({}, frozenset())
        self._carts: dict[str, tuple[School, Mapping[int, CartRegister]]] = {}

    def carts(self, school: School, at_s: int) -> Mapping[int, CartRegister]:
        """What was recorded at `at_s` of each of the school's carts, by number; empty: nothing."""
        store = self._store
        version = UNCHANGED if store is None else store.version(at_s)
        if store is None or version == UNCHANGED:
            return {}
        if version != self._version:
            self._forget(store, at_s)
            self._people = _People(
                known_teachers(self._schools, store.rows(tables.TEACHERS, at_s=at_s)),
                frozenset(
                    tables.substitute_day(row) for row in store.rows(tables.SUBSTITUTES, at_s=at_s)
                ),
            )
            self._version = version
        self._at_s = at_s
        kept = self._carts.get(school.name)
        if kept is None or kept[0] is not school:
            kept = school, _carts(store, school, self._people, at_s)
            self._carts[school.name] = kept
        return kept[1]

    def _forget(self, store: RegisterStore, at_s: int) -> None:
        """Drop what has changed: mostly a row of one school, and a district has many."""
        changed = store.schools_between(self._version, self._at_s, at_s)
        if "" in changed:
            self._carts = {}
        for name in changed:
            self._carts.pop(name, None)


def _carts(
    store: RegisterStore, school: School, people: _People, at_s: int
) -> dict[int, CartRegister]:
    reserved: defaultdict[int, list[Reservation]] = defaultdict(list)
    for row in store.rows(tables.RESERVATIONS, school.name, at_s):
        reservation = tables.reservation(row)
        reserved[reservation.cart].append(reservation)
    slots: defaultdict[int, dict[int, SlotRecord]] = defaultdict(dict)
    for number, slot, record in _records(store, school, people.teachers, at_s):
        slots[number][slot] = record
    found = {}
    for cart in school.carts:
        known = people.teachers.get(cart.teacher.email.lower())
        found[cart.number] = CartRegister(
            slots.get(cart.number, {}),
            Teacher(cart.teacher, None if known is None else known.allotment),
            people.substitutes,
            tuple(reserved.get(cart.number, ())),
        )
    return found


def _records(
    store: RegisterStore, school: School, teachers: Mapping[str, Teacher], at_s: int
) -> Iterator[tuple[int, int, SlotRecord]]:
    exemptions = {row[1:3]: row for row in store.rows(tables.EXEMPTIONS, school.name, at_s)}
    assigned = {row[1:3]: row for row in store.rows(tables.SLOTS, school.name, at_s)}
    devices = {row[1:3]: row for row in store.rows(tables.DEVICES, school.name, at_s)}
    for where in dict.fromkeys((*devices, *exemptions, *assigned)):
        device = since_s = exemption = teacher = None
        if where in devices:
            device = tables.device(devices[where])
            if device.state in AWAY_STATES:
                since_s = state_since_s(store, devices[where], at_s)
        if where in exemptions:
            exemption = tables.exemption(exemptions[where])
        if where in assigned:
            teacher = teachers.get(assigned[where][3])
        cart, slot = where
        yield int(cart), int(slot), SlotRecord(device, since_s, exemption, teacher)


def known_teachers(schools: Sequence[School], rows: Iterable[Row]) -> dict[str, Teacher]:
    """Everyone devices can be assigned to, by address: of the table, and of the carts."""
    known = {
        cart.teacher.email.lower(): Teacher(cart.teacher)
        for school in schools
        for cart in school.carts
    }
    for email, name, allotment in rows:
        known[email] = Teacher(Person(name, email), int(allotment) if allotment else None)
    return known


def state_since_s(store: RegisterStore, row: Row, at_s: int) -> int | None:
    """When the device of `row` was recorded as being in the state it is in."""
    since_s = None
    state = tables.DEVICES.at("state")
    for past in store.history(tables.DEVICES, tables.DEVICES.key(row)):
        if past.at_s > at_s:
            continue
        if past.row is None or past.row[state] != row[state]:
            break
        since_s = past.at_s
    return since_s
