"""The dead man's check: a deadline that is due and has not been judged is heard of.

It runs beside whoever judges, on a connection of its own, so that what keeps the one from working
does not silence the other. The notice goes into the outbox like any other; where the store cannot
take it, it is handed back to be mailed at once. Its identity is the same both ways.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

from homeslot_hub.model import School
from homeslot_hub.rules import calendar
from homeslot_hub.service import letters
from homeslot_hub.service.ports import DIGEST, Notice, Store, StoreError

RULE = "dead man"
_log = logging.getLogger("homeslot.deadman")


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A school day whose deadline was due at `due_s` (epoch s) and is not in the due table."""

    school: School
    day: date
    due_s: int


def unjudged(
    schools: tuple[School, ...], store: Store, now_s: int, since_s: int = 0
) -> tuple[Unjudged, ...]:
    """The deadlines that have been due for longer than their school's `dead_man_s`.

    `since_s` is when the hub came to work: before that nobody could judge. Raises StoreError.
    """
    return tuple(
        late for late in _long_due(schools, now_s, since_s) if not _is_judged(late, store, now_s)
    )


class DeadMan:
    """Watches the deadlines since `since_s` (epoch s) over the store `store`."""

    def __init__(self, store: Store, since_s: int) -> None:
        self._store = store
        self._since_s = since_s
        self._told: set[tuple[str, str]] = set()
        self._seen: set[tuple[str, str]] = set()

    def look(self, schools: tuple[School, ...], now_s: int) -> list[Notice]:
        """Put a notice into the outbox for each deadline that is overdue at `now_s`, once.

        It is told when it was overdue the last time too: a clock that jumps makes everything
        overdue at once, and whoever judges must have had a turn. Returns those that the store could
        not take: until `mailed` says that one has gone by another way, it is returned again.
        """
        left = []
        before, self._seen = self._seen, set()
        for late in _long_due(schools, now_s, self._since_s):
            key = (late.school.name, late.day.isoformat())
            self._seen.add(key)
            if key in self._told or key not in before:
                continue
            try:
                if _is_judged(late, self._store, now_s):
                    continue
                self._keep(late, now_s)
            except StoreError as error:
                _log.error("the store cannot take it: %s", error)
                left.append(_notice(late, now_s))
        return left

    def mailed(self, notice: Notice) -> None:
        """`notice` of `look` has reached its recipient."""
        self._told.add((notice.school, notice.day))

    def _keep(self, late: Unjudged, now_s: int) -> None:
        notice = _notice(late, now_s)
        with self._store.transaction():
            if self._store.settle(notice.school, notice.day, RULE, late.due_s, now_s):
                self._store.add_notice(notice)
        self._told.add((notice.school, notice.day))


def _long_due(schools: tuple[School, ...], now_s: int, since_s: int) -> list[Unjudged]:
    found = []
    for school in schools:
        day = calendar.last_due(school, now_s)
        if day is not None:
            due_s = calendar.deadline_s(school, day) + school.grace_s
            if now_s - max(due_s, since_s) >= school.steps.dead_man_s:
                found.append(Unjudged(school, day, due_s))
    return found


def _is_judged(late: Unjudged, store: Store, now_s: int) -> bool:
    name = late.school.name
    if store.is_settled(name, late.day.isoformat(), DIGEST):
        return True
    return calendar.deadline_s(late.school, late.day) <= store.opened_s(name, now_s)


def _notice(late: Unjudged, now_s: int) -> Notice:
    school, day = late.school, late.day
    _log.error("%s: the deadline of %s has not been judged", school.name, day)
    letter = letters.unjudged(school, day, late.due_s, now_s)
    # Whichever way it goes, and however often: it is the same.
    return letter.to(school.it or school.coordinator, school, day, RULE, late.due_s, after_s=now_s)
