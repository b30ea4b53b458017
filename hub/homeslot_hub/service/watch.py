"""What is wrong, kept up to date between the steps: alerts that are opened, corrected and resolved.

The carts with an alert are looked at every WATCH_S, so that a change is known when it is asked for.
Nothing is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from homeslot_hub.model import Cart, CartFacts, CartVerdict, School, SchoolDay
from homeslot_hub.rules import alerts as rules
from homeslot_hub.rules import calendar, steps
from homeslot_hub.rules.alerts import AFTER_HOURS_S, Alert
from homeslot_hub.rules.off_hours import OffHours, off_hours
from homeslot_hub.service.alarms import with_disturbance
from homeslot_hub.service.alert_book import AlertStore, Book
from homeslot_hub.service.lockdowns import LockDowns
from homeslot_hub.service.ports import DIGEST, Store

WATCH_S = 300
WATCH_AT_LEAST_S = 3600  # what nothing but the passing of time may have changed
CORRECTED_S = 16 * 3600  # so long after a deadline, what comes in late still corrects its digest

JudgeAt = Callable[[School, int, int], SchoolDay]  # school, as of, judged at
JudgeDay = Callable[[School, date, int], SchoolDay]  # school, its day as of its deadline, judged at
Facts = Callable[[str, int], CartFacts]  # what was believed of a controller's cart as of a moment


class Watch:
    """Keeps the alerts of schools to what is so, and with `lock_downs` the orders that follow."""

    def __init__(
        self,
        store: Store,
        alerts: AlertStore,
        judge_at: JudgeAt,
        judge_day: JudgeDay,
        facts: Facts,
        lock_downs: LockDowns | None,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._judge_at = judge_at
        self._judge_day = judge_day
        self._facts = facts
        self._lock_downs = lock_downs
        self._watched_s: int | None = None
        self._situations: dict[str, tuple[int, object]] = {}  # by school, and since when

    def tick(self, schools: tuple[School, ...], now_s: int) -> None:
        """Look, when it is time to. Raises StoreError."""
        if self._watched_s is not None and abs(now_s - self._watched_s) < WATCH_S:
            return
        self._watched_s = now_s
        for school in schools:
            self._school(school, now_s)

    def _school(self, school: School, now_s: int) -> None:
        day = calendar.last_due(school, now_s)
        if day is None:
            return
        # What is resolved is looked at while it may still be opened again.
        after_hours = now_s < calendar.deadline_s(school, day) + AFTER_HOURS_S
        ordered = frozenset[int]()
        if self._lock_downs is not None:
            ordered = self._lock_downs.carts(school.name)
        alerts = self._alerts.active(school.name, day.isoformat())
        if not ordered and not any(after_hours or alert.state != "resolved" for alert in alerts):
            return
        situation = self._situation(school, day, now_s, alerts, ordered)
        since_s, known = self._situations.get(school.name, (0, None))
        if situation == known and 0 <= now_s - since_s < WATCH_AT_LEAST_S:
            return
        self._situations[school.name] = now_s, situation
        with self._store.transaction():
            book = Book(self._alerts, school.name, day.isoformat(), now_s)
            book.begin(cart.number for cart in school.carts)
            concerned = {alert.cart for alert in book.now()} | ordered
            carts = tuple(cart for cart in school.carts if cart.number in concerned)
            self.correct(book, school, day, now_s, carts)
            judged = self.look_now(book, school, carts, now_s)
            book.keep("")
            if self._lock_downs is not None:
                self._lock_downs.look(school, judged, now_s)

    def look_now(
        self, book: Book, school: School, carts: tuple[Cart, ...], now_s: int
    ) -> tuple[CartVerdict, ...]:
        """Look at some carts of `school`: nothing but a disturbance is opened."""
        judged = self._judge_at(replace(school, carts=carts), now_s, now_s).carts
        self.look(book, school, judged, opens=False)
        return judged

    def look_as_the_night_ended(self, book: Book, school: School, day: date, now_s: int) -> None:
        """Before the morning speaks of what was disturbed: a hub may have been away since."""
        numbers = {a.cart for a in book.now() if a.finding == "disturbed" and not a.over}
        carts = tuple(cart for cart in school.carts if cart.number in numbers)
        ended_s = steps.begins_s(school, day) - 1
        judged = self._judge_at(replace(school, carts=carts), ended_s, now_s)
        self.look(book, school, judged.carts, opens=False)

    def _situation(
        self, school: School, day: date, now_s: int, alerts: list[Alert], ordered: frozenset[int]
    ) -> object:
        """All that a look goes by, but for the time: where it is the same, so is what is found."""
        concerned = {alert.cart for alert in alerts} | ordered
        facts = []
        for cart in school.carts:
            if cart.number in concerned:
                now = self._facts(cart.controller, now_s)
                silent = now.heard_s is None or now_s - now.heard_s > school.silent_after_s
                then = self._facts(cart.controller, calendar.deadline_s(school, day, cart))
                facts.append((replace(now, heard_s=None), silent, then))
        return day, alerts, ordered, facts

    def correct(
        self, book: Book, school: School, day: date, now_s: int, carts: tuple[Cart, ...]
    ) -> None:
        """Lay the deadline of `day`, judged by what is known now, beside what was said of it."""
        if now_s > calendar.deadline_s(school, day) + CORRECTED_S:
            return
        if not self._store.is_settled(school.name, day.isoformat(), DIGEST):
            return
        of_cart = book.by_cart()
        for judged in self._judge_day(replace(school, carts=carts), day, now_s).carts:
            facts = self._facts(judged.cart.controller, judged.at_s)
            mine = of_cart.get(judged.cart.number, ())
            for alert in rules.correct(mine, judged, facts, school.name, day.isoformat()):
                book.put(alert)

    def look(self, book: Book, school: School, carts: Iterable[CartVerdict], opens: bool) -> None:
        """Bring the alerts of `carts`, as judged, up to date; `opens` says whether new ones begin.

        A disturbance begins whenever it is found.
        """
        of_cart = book.by_cart()
        again_s = calendar.deadline_s(school, date.fromisoformat(book.day)) + AFTER_HOURS_S
        off_of: dict[int, OffHours | None] = {}  # by moment: it is the same for nearly all
        for judged in carts:
            at_s = judged.at_s
            if at_s not in off_of:
                off_of[at_s] = off_hours(school, at_s)
            off = off_of[at_s]
            night = "" if off is None else off.day.isoformat()
            alerts = of_cart.get(judged.cart.number, ())
            mine = _concerned(alerts, book.day, night, opens or at_s < again_s)
            if off is None and not mine and not judged.verdicts:
                continue
            facts = self._facts(judged.cart.controller, at_s)
            if off is not None:
                judged = with_disturbance(school, judged, facts, off, mine)
            for alert in rules.look(mine, judged, facts, school.name, book.day, opens):
                book.put(alert)
        for alert in rules.superseded(book.now()):
            book.put(alert)


def _concerned(alerts: Iterable[Alert], day: str, night: str, again: bool) -> list[Alert]:
    """Those that a look may change: what is not resolved, or was opened on `day` and may be opened
    `again`; a disturbance in the off hours that began on the day `night`, and only then."""
    return [
        alert
        for alert in alerts
        if (
            alert.day == night
            if alert.finding == "disturbed"
            else alert.state != "resolved" or (again and alert.day == day)
        )
    ]
