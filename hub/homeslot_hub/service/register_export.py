"""Everything of the register, and the equipment of the configuration beside it, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homeslot_hub.config_values import DAYS
from homeslot_hub.model import Person, School
from homeslot_hub.service.register import RegisterStore
from homeslot_hub.service.register_tables import KINDS, Row, order

Table = tuple[str, tuple[str, ...], list[Row]]  # name, headings, rows
_SCHOOLS = ("name", "zone", "deadline", "days", "coordinator", "principal", "it")
_CARTS = ("school", "number", "controller", "room", "teacher", "slots", "spare", "lock", "rotates")


def tables(store: RegisterStore, schools: Sequence[School]) -> Iterator[Table]:
    """Every table: first those that import reads back, then `schools` and `carts`, to look at."""
    for kind in KINDS.values():
        heads = tuple(column.name for column in kind.columns)
        yield kind.name, heads, sorted(store.rows(kind), key=order)
    yield "schools", _SCHOOLS, [_school(school) for school in schools]
    yield (
        "carts",
        _CARTS,
        [
            (
                *(school.name, str(cart.number), cart.controller, cart.room),
                *(_person(cart.teacher), str(cart.slots)),
                " ".join(str(slot) for slot in sorted(cart.spare)),
                *(cart.lock, "true" if cart.rotates else "false"),
            )
            for school in schools
            for cart in school.carts
        ],
    )


def _school(school: School) -> Row:
    days = " ".join(DAYS[day] for day in sorted(school.days))
    people = (school.coordinator, school.principal, school.it)
    deadline = f"{school.deadline:%H:%M}"
    return (school.name, school.zone.key, deadline, days, *map(_person, people))


def _person(person: Person | None) -> str:
    return "" if person is None else f"{person.name} <{person.email}>"
