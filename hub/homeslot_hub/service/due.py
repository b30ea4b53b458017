"""The due table: every school day is judged once, at its deadline or, after a gap, late.

A day is due when its deadline and the grace for reports on their way have passed. What counts is
the table, not the clock: a day that stands in it is never judged again, whatever the clock does
and whoever else looks. Days that passed unseen before the last due one are recorded as missed and
not mailed; days before the school was first seen here are nobody's business. A day on which the
school is closed is not due: it is neither judged nor missed. A calendar may change at any time:
a day that it makes due after the fact is judged late, one that it closes after it was judged stays
judged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from homeslot_hub.model import School, SchoolDay
from homeslot_hub.rules import calendar
from homeslot_hub.service.digest import Digest, compose
from homeslot_hub.service.ports import DIGEST, Store

RULE = DIGEST
_QUIET_AT_MOST_S = 86400

Judge = Callable[[School, date, int], SchoolDay]  # school, its day, judged at


class Due:
    """Runs what is due, once. `digest` makes that of each day, in the transaction that keeps it."""

    def __init__(
        self,
        schools: tuple[School, ...],
        store: Store,
        judge: Judge,
        digest: Callable[[SchoolDay], Digest] = compose,
    ) -> None:
        self._schools = schools
        self._store = store
        self._judge = judge
        self._digest = digest
        # Nothing falls due between these two moments, so that looking again is free.
        self._quiet_from_s = 0
        self._quiet_until_s = 0

    def tick(self, now_s: int) -> list[SchoolDay]:
        """Judge what has come due by `now_s`, with its notices in the outbox. Raises StoreError."""
        if self._quiet_from_s <= now_s < self._quiet_until_s:
            self._quiet_from_s = now_s  # a clock set back past here must look again
            return []
        judged = [day for school in self._schools if (day := self._last(school, now_s)) is not None]
        self._quiet_from_s = now_s
        nexts_s = (calendar.next_due_s(school, now_s) for school in self._schools)
        self._quiet_until_s = min(
            (next_s for next_s in nexts_s if next_s is not None), default=now_s + _QUIET_AT_MOST_S
        )
        return judged

    def know(self, schools: tuple[School, ...]) -> None:
        """Go by `schools` from now on: the same ones, with what their calendars say now."""
        self._schools = schools
        self._quiet_until_s = 0

    def _last(self, school: School, now_s: int) -> SchoolDay | None:
        opened_s = self._store.opened_s(school.name, now_s)
        day = calendar.last_due(school, now_s)
        if day is None or not self._is_open(school, day, opened_s):
            return None
        deadline_s = calendar.deadline_s(school, day)
        judged = self._judge(school, day, now_s)
        with self._store.transaction():
            if not self._store.settle(school.name, day.isoformat(), RULE, deadline_s, now_s):
                return None  # somebody else did, this very moment
            self._record_missed(school, day, opened_s)
            digest = self._digest(judged)
            self._store.add_notice(digest.to(school.coordinator, school, day, RULE, now_s))
        return judged

    def _record_missed(self, school: School, day: date, opened_s: int) -> None:
        for back in range(1, calendar.LOOK_DAYS):  # what is older is not worth a record
            before = day - timedelta(days=back)
            if not calendar.is_school_day(school, before):
                continue
            if not self._is_open(school, before, opened_s):
                return
            deadline_s = calendar.deadline_s(school, before)
            self._store.settle(school.name, before.isoformat(), RULE, deadline_s, None)

    def _is_open(self, school: School, day: date, opened_s: int) -> bool:
        """Whether a school day is this hub's to judge and not yet in the table."""
        return calendar.deadline_s(school, day) > opened_s and not self._store.is_settled(
            school.name, day.isoformat(), RULE
        )
