"""N6: who a person is to a school, by their address."""

from __future__ import annotations

from typing import Literal

from homeslot_hub.model import Person, School

Role = Literal["coordinator", "principal", "it", "teacher"]
# Who may have a device locked down (C11).
LOCKS: frozenset[Role] = frozenset({"coordinator", "principal", "it"})


def known(school: School, email: str) -> tuple[Person, frozenset[Role]] | None:
    """The person with that address and all that they are to `school`; None where it names none."""
    named: list[tuple[Role, Person | None]] = [
        ("coordinator", school.coordinator),
        ("principal", school.principal),
        ("it", school.it),
        *(("teacher", cart.teacher) for cart in school.carts),
    ]
    mine = [
        (role, person)
        for role, person in named
        if person is not None and person.email.lower() == email.lower()
    ]
    return (mine[0][1], frozenset(role for role, _ in mine)) if mine else None
