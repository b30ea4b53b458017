"""Alarms: what happens to a cart out of hours (C12) is told at once, and once.

Every LOOK_S all carts are looked at. One that is disturbed has an alert of its off hours: the
coordinator is told of it when it begins, and when it has been right again for CALM_S, so that a
switch that comes and goes wakes nobody twice. An alarm is not held back by quiet hours, unless the
school wants that; that all is right again always waits for their end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from homeslot_hub.model import Cart, CartFacts, CartVerdict, Person, School
from homeslot_hub.rules import calendar, steps, words
from homeslot_hub.rules.alerts import Alert, expire, tell
from homeslot_hub.rules.case import Case
from homeslot_hub.rules.off_hours import (
    OffHours,
    is_alarming,
    judge_off_hours,
    off_hours,
    stirred,
)
from homeslot_hub.service import letters
from homeslot_hub.service.alert_book import AlertStore, Book
from homeslot_hub.service.letters import Heard
from homeslot_hub.service.ports import Store

RULE = "alarm"  # with the time on the wall behind it: there may be several of a day
LOOK_S = 60
CALM_S = 3600

LookNow = Callable[[Book, School, tuple[Cart, ...], int], object]  # at some carts of a school
Link = Callable[[Book, School, Person, int], str]  # where someone can act on what is told


def with_disturbance(
    school: School, judged: CartVerdict, facts: CartFacts, off: OffHours, alerts: Sequence[Alert]
) -> CartVerdict:
    """`judged` with what disturbs the cart, once it is to be told; `alerts` are those it has."""
    case = Case(school, judged.cart, facts, judged.at_s)
    verdict = judge_off_hours(case, judged, off)
    if verdict is None:
        return judged
    begun = any(alert.finding == "disturbed" and alert.state != "resolved" for alert in alerts)
    if not begun and not is_alarming(case, verdict):
        return judged
    return replace(judged, verdicts=(*judged.verdicts, verdict))


class Alarms:
    """Looks after the off hours of schools. `look_now` brings the alerts of some carts up to date.

    `facts` gives what was believed of a controller's cart as of a moment, `link` where the mail
    leads; empty without links.
    """

    def __init__(
        self,
        store: Store,
        alerts: AlertStore,
        facts: Callable[[str, int], CartFacts],
        look_now: LookNow,
        link: Link,
    ) -> None:
        self._store = store
        self._alerts = alerts
        self._facts = facts
        self._look_now = look_now
        self._link = link
        self._looked_s: int | None = None
        # What need not be looked at again: schools without an alert, and by controller facts in
        # which nothing had stirred since a moment.
        self._calm: set[str] = set()
        self._still: dict[str, tuple[CartFacts, int]] = {}

    def tick(self, schools: tuple[School, ...], now_s: int) -> None:
        """Look, when it is time to. Raises StoreError."""
        if self._looked_s is not None and abs(now_s - self._looked_s) < LOOK_S:
            return
        self._looked_s = now_s
        for school in schools:
            self._school(school, now_s)

    def _school(self, school: School, now_s: int) -> None:
        off = off_hours(school, now_s)
        stirring: set[int] = set()
        if off is not None:
            stirring = {c.number for c in school.carts if self._stirs(c, now_s, off.from_s)}
        if not stirring and school.name in self._calm:
            return
        day = "" if off is None else off.day.isoformat()
        active = self._alerts.active(school.name, day)
        known = {alert.cart for alert in active if alert.finding == "disturbed"}
        if not stirring and not known:
            self._calm.add(school.name)
            return
        self._calm.discard(school.name)
        carts = tuple(c for c in school.carts if off is not None and c.number in stirring | known)
        with self._store.transaction():
            book = Book(self._alerts, school.name, day, now_s)
            book.begin(cart.number for cart in school.carts)
            for alert in book.now():
                book.put(expire(alert, day, now_s))
            if off is not None:
                self._look_now(book, school, carts, now_s)
                self._tell(book, school, now_s)
            book.keep("")

    def _stirs(self, cart: Cart, now_s: int, since_s: int) -> bool:
        facts = self._facts(cart.controller, now_s)
        still = self._still.get(cart.controller)
        if still is not None and still[0] is facts and still[1] == since_s:
            return False
        if stirred(facts, since_s):
            return True
        self._still[cart.controller] = facts, since_s
        return False

    def _tell(self, book: Book, school: School, now_s: int) -> None:
        person = school.coordinator
        wrong, right = [], []
        for alert in book.now():
            told, closed = person.email in alert.told, person.email in alert.closed
            if alert.finding != "disturbed" or alert.flapping(now_s):
                continue
            if alert.state == "resolved":
                if told and not closed and now_s - (alert.resolved_s or now_s) >= CALM_S:
                    right.append(alert)
            elif not (told or alert.in_hand or alert.hidden_by):
                wrong.append(alert)
        if not wrong and not right:
            return
        day = calendar.school_day_of(school, now_s)
        rule = f"{RULE} {words.clock(school.zone, now_s, now_s)}"
        if not self._store.settle(school.name, day.isoformat(), rule, now_s, now_s):
            return  # this minute has its notice already: the next one takes it
        heard = Heard(wrong=tuple(wrong), right=tuple(right))
        link = self._link(book, school, person, now_s)
        letter = letters.alarm(school, day, now_s, heard, link)
        loud = wrong and school.steps.alarm_breaks_quiet
        after_s = 0 if loud else steps.quiet_until_s(school, now_s) or 0
        self._store.add_notice(letter.to(person, school, day, rule, now_s, after_s=after_s))
        for alert in (*wrong, *right):
            book.put(tell(book.get(alert), person.email))
            book.note(alert, f"told {person.email} ({RULE})")
