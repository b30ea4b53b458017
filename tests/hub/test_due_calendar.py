"""C8: whatever becomes of clock, hub and calendar, a school day is judged once, a closed one never.

One state machine drives a real hub on a real file through restarts, clocks that jump, the end of
summer time, and calendars that change while days are judged.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Calendar, School, SchoolDay, SpecialDay
from homeslot_hub.rules import calendar
from homeslot_hub.service.hub import Hub

from .reports import SCHOOL, Clock

FIRST = date(2026, 10, 28)  # the clock goes back on Sunday 1 November
DATES = st.dates(FIRST, FIRST + timedelta(days=20))
KINDS = st.sampled_from(["closed", "half day"])


class SchoolTime(RuleBasedStateMachine):
    """What was judged is compared with what the calendar said at that very moment."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "homeslot.db"
        self._judged: set[str] = set()
        self._clock = Clock()
        self._store: SqliteStore | None = None

    def teardown(self) -> None:
        if self._store is not None:
            self._store.close()
        self._folder.cleanup()

    @initialize(
        hour=st.integers(0, 23),
        deadline=st.sampled_from([time(1, 30), time(12, 0), time(17, 0), time(23, 59)]),
        grace_s=st.sampled_from([0, 120, 3600]),
        days=st.frozensets(st.integers(0, 6), min_size=4),
    )
    def open(self, hour: int, deadline: time, grace_s: int, days: frozenset[int]) -> None:
        self.school: School = replace(
            SCHOOL, carts=(), deadline=deadline, grace_s=grace_s, days=days
        )
        moment = datetime.combine(FIRST, time(hour), SCHOOL.zone)
        self._clock.now_s = int(moment.timestamp())
        self.restart()

    @rule()
    def restart(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = SqliteStore(self._path)
        self._hub = Hub((replace(self.school, calendar=Calendar()),), self._store, self._clock)
        self._hub.know({self.school.name: self.school.calendar})
        self.tick()

    @rule(hours=st.integers(1, 100), s=st.integers(-60, 60))
    def time_goes_on(self, hours: int, s: int) -> None:
        self._clock.now_s += hours * 3600 + s
        self.tick()

    @rule()
    def the_next_day_comes_due(self) -> None:
        due_s = calendar.next_due_s(self.school, self._clock.now_s)
        if due_s is not None:
            self._clock.now_s = due_s - 1
            self.tick()
            self._clock.now_s = due_s
            self.tick()

    @rule(back_s=st.integers(1, 3 * 86400))
    def the_clock_is_set_back(self, back_s: int) -> None:
        self._clock.now_s -= back_s
        self.tick()

    @rule(special=st.dictionaries(DATES, KINDS, max_size=12))
    def the_calendar_changes(self, special: dict[date, str]) -> None:
        days = {day: SpecialDay(kind, kind, "x") for day, kind in special.items()}  # type: ignore[arg-type]
        self.school = replace(self.school, calendar=Calendar(days))
        self._hub.know({self.school.name: self.school.calendar})
        self.tick()

    @rule()
    def tick(self) -> None:
        now_s, before = self._clock.now_s, self._rows()
        for judged in self._hub.tick():
            self._check(judged, now_s)
        for day in self._rows() - before:
            assert calendar.is_school_day(self.school, date.fromisoformat(day)), "missed or judged"

    def _check(self, judged: SchoolDay, now_s: int) -> None:
        day = date.fromisoformat(judged.day)
        assert judged.day not in self._judged, "once"
        assert calendar.is_school_day(self.school, day), "never a closed one"
        assert judged.deadline_s == calendar.deadline_s(self.school, day)
        assert judged.deadline_s + self.school.grace_s <= now_s, "never early"
        self._judged.add(judged.day)

    @invariant()
    def what_is_due_has_been_settled(self) -> None:
        if self._store is None:
            return
        due = calendar.last_due(self.school, self._clock.now_s)
        opened_s = self._store.opened_s(self.school.name, self._clock.now_s)
        if due is not None and calendar.deadline_s(self.school, due) > opened_s:
            assert due.isoformat() in self._rows()

    @invariant()
    def each_judged_day_has_one_notice(self) -> None:
        if self._store is not None:
            days = [notice.day for notice in self._store.notices_to_file()]
            assert sorted(days) == sorted(self._judged)

    def _rows(self) -> set[str]:
        with closing(sqlite3.connect(self._path)) as connection:
            return {day for (day,) in connection.execute("SELECT day FROM due")}


SchoolTime.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestSchoolTime = SchoolTime.TestCase
