"""The steps of a day at work: what is due is judged, told once to each, and kept with its alerts.

Everything one step does is one transaction of the store: its row in the due table, the alerts it
changes, its notices in the outbox. A crash leaves all of it or nothing. Between the steps
service.watch keeps the alerts up to date; what cannot wait for a step, service.alarms tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial

from homeslot import contract
from homeslot_hub.model import (
    Cart,
    CartVerdict,
    Command,
    Finding,
    Person,
    School,
    SchoolDay,
)
from homeslot_hub.rules import calendar, steps
from homeslot_hub.rules.alerts import Alert, expire, said, tell
from homeslot_hub.rules.readiness import Readiness, readiness
from homeslot_hub.rules.steps import STEPS, StepName
from homeslot_hub.service import letters
from homeslot_hub.service.alarms import Alarms
from homeslot_hub.service.alert_book import AlertStore, Book
from homeslot_hub.service.alert_words import grouped, named
from homeslot_hub.service.digest import Digest, compose
from homeslot_hub.service.letters import Decide, Heard, Week
from homeslot_hub.service.links import ALL_CARTS, Links, Matter
from homeslot_hub.service.lockdowns import LockDowns, devices
from homeslot_hub.service.ports import DIGEST, Store
from homeslot_hub.service.watch import Facts, JudgeAt, JudgeDay, Watch

_LOOK_BACK_DAYS = 4  # no step's window is longer
_QUIET_AT_MOST_S = 3600
_NUDGE_AT_MOST_S = 3600  # the contract's
# What someone at the cart can put right before the deadline.
_NUDGED: frozenset[Finding] = frozenset({"out", "unlocked", "unplugged", "not_charging"})


@dataclass(frozen=True, slots=True)
class Told:
    """What one letter of a step said, and to whom, as the values it was composed from.

    `heard` are the alerts in it, `carts` what a nudge judged, `ready` a morning's carts.
    """

    person: Person
    heard: Heard = field(default_factory=Heard)
    carts: tuple[CartVerdict, ...] = ()
    ready: tuple[Readiness, ...] = ()
    week: Week | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken at `at_s` (epoch s), with its letters: none where all was well."""

    step: StepName
    school: School
    day: date
    at_s: int
    letters: tuple[Told, ...]


class Alerts:
    """Runs the steps that are due, once each.

    `judge_at` judges a school's carts as of a moment, `judge_day` as of the deadline of a day;
    `facts` gives what was believed of a controller's cart as of a moment; `command_id` the number
    of the next command. `links` makes those by which a mail is answered; with `lock_downs` there is
    a device management that can be told (C11). `on_taken` gets each step, in the transaction that
    keeps it.
    """

    def __init__(
        self,
        store: Store,
        alerts: AlertStore,
        judge_at: JudgeAt,
        judge_day: JudgeDay,
        facts: Facts,
        command_id: Callable[[], int],
        links: Links | None = None,
        lock_downs: LockDowns | None = None,
        on_taken: Callable[[Taken], None] = lambda taken: None,
    ) -> None:
        self._store = store
        self._on_taken = on_taken
        self._letters: list[Told] = []
        self._alerts = alerts
        self._judge_at = judge_at
        self._facts = facts
        self._command_id = command_id
        self._links = links
        self._lock_downs = lock_downs
        # Nothing falls due between these two moments, so that looking again is free.
        self._quiet_from_s = 0
        self._quiet_until_s = 0
        self._seen: tuple[School, ...] = ()
        self._watch = Watch(store, alerts, judge_at, judge_day, facts, lock_downs)
        link = partial(self._link, "answer")
        self._alarms = Alarms(store, alerts, facts, self._watch.look_now, link)

    # What is judged, and the alerts with it

    def judged(self, day: SchoolDay) -> Digest:
        """Open the alerts of `day` and make its digest, in the transaction that puts it into the
        outbox."""
        school = day.school
        alerts = Book(self._alerts, school.name, day.day, day.judged_s)
        alerts.begin(cart.number for cart in school.carts)
        for alert in alerts.now():
            alerts.put(expire(alert, day.day, day.judged_s))
        self._watch.look(alerts, school, day.carts, opens=True)
        for alert in said(alerts.now(), day.day, school.coordinator.email):
            alerts.put(alert)
        alerts.keep(f"told {school.coordinator.email} (digest)")
        links, email = self._links, school.coordinator.email
        if links is None:
            return compose(day, alerts.now())
        return compose(
            day,
            alerts.now(),
            lambda cart: links.make("answer", school.name, day.day, cart, email, day.judged_s),
        )

    def digest(self, day: SchoolDay) -> Digest:
        """The digest of `day` by what is in hand now, without links. Changes nothing."""
        return compose(day, self._alerts.active(day.school.name, day.day))

    def tick(self, schools: tuple[School, ...], now_s: int) -> list[Command]:
        """Run what is due at `now_s`; returns the commands to publish. Raises StoreError.

        Cheap while nothing is due.
        """
        commands: list[Command] = []
        if schools is not self._seen or not self._quiet_from_s <= now_s < self._quiet_until_s:
            self._seen, nexts_s = schools, [now_s + _QUIET_AT_MOST_S]
            for school in schools:
                for day in self._days(school, now_s):
                    for name in STEPS:
                        next_s = self._step(name, school, day, now_s, commands)
                        nexts_s += [] if next_s is None else [next_s]
            self._quiet_until_s = min(nexts_s)
        self._quiet_from_s = now_s
        self._watch.tick(schools, now_s)
        self._alarms.tick(schools, now_s)
        return commands

    def _days(self, school: School, now_s: int) -> list[date]:
        """The school days of which a step may be due or come soon, oldest first."""
        today = calendar.school_day_of(school, now_s)
        days = (today + timedelta(days=ahead) for ahead in range(-_LOOK_BACK_DAYS, 2))
        return [day for day in days if calendar.is_school_day(school, day)]

    def _step(
        self, name: StepName, school: School, day: date, now_s: int, commands: list[Command]
    ) -> int | None:
        """Run one step if it is due; the moment at which it has to be looked at again."""
        at_s = steps.moment_s(name, school, day)
        if at_s is None:
            return None
        if now_s < at_s:
            return at_s
        if self._store.is_settled(school.name, day.isoformat(), name):
            return None
        deadline_s = calendar.deadline_s(school, day)
        if min(at_s, deadline_s) <= self._store.opened_s(school.name, now_s):
            return None  # before this hub's time
        late = now_s >= steps.until_s(name, school, day)
        settled = self._store.is_settled(school.name, day.isoformat(), DIGEST)
        if STEPS[name].judged and not settled and not late:
            return now_s  # until the digest is out
        with self._store.transaction():
            judged_s = None if late else now_s
            if not self._store.settle(school.name, day.isoformat(), name, at_s, judged_s):
                return None  # somebody else did, this very moment
            if not late:
                self._letters = []
                commands += self._run(name, school, day, now_s)
                self._on_taken(Taken(name, school, day, now_s, tuple(self._letters)))
        return None

    def _run(self, name: StepName, school: School, day: date, now_s: int) -> list[Command]:
        if name == "nudge":
            return self._nudge(school, day, now_s)
        if name == "week":
            self._week(school, day, now_s)
            return []
        last = calendar.last_due(school, now_s) or day
        book = Book(self._alerts, school.name, last.isoformat(), now_s)
        book.begin(cart.number for cart in school.carts)
        self._watch.correct(book, school, last, now_s, school.carts)
        if name == "morning":
            self._watch.look_as_the_night_ended(book, school, day, now_s)
        carts = self._judge_at(school, now_s, now_s).carts
        self._watch.look(book, school, carts, opens=name == "overnight")
        book.keep("")  # what is new has its number from now on
        if self._lock_downs is not None:
            self._lock_downs.look(school, carts, now_s)
        if name == "late":
            self._late(book, school, day, now_s)
        elif name == "overnight":
            self._overnight(book, school, day, now_s)
        else:
            self._morning(book, school, day, now_s, carts)
        book.keep("")
        return []

    # Each step

    def _nudge(self, school: School, day: date, now_s: int) -> list[Command]:
        judged = self._judge_at(school, now_s, now_s)
        of_teacher: defaultdict[str, list[CartVerdict]] = defaultdict(list)
        for cart in judged.carts:
            if cart.verdicts:
                of_teacher[cart.cart.teacher.email].append(cart)
        for carts in of_teacher.values():
            own = replace(judged, carts=tuple(carts), unknown_controllers=())
            letter = letters.nudge(school, own, now_s)
            told = Told(carts[0].cart.teacher, carts=tuple(carts))
            self._send("nudge", school, day, told, letter, now_s)
        for_s = min(_NUDGE_AT_MOST_S, judged.deadline_s - now_s)
        return [
            self._light(cart.cart, for_s)
            for cart in judged.carts
            if any(verdict.finding in _NUDGED for verdict in cart.verdicts)
        ]

    def _light(self, cart: Cart, for_s: int) -> Command:
        topic = contract.topic(cart.controller, "cmd")
        body = {"v": contract.VERSION, "id": self._command_id(), "cmd": "nudge", "for_s": for_s}
        return Command(topic, contract.encode(topic, "cmd", body))

    def _late(self, book: Book, school: School, day: date, now_s: int) -> None:
        person = school.coordinator
        heard = _heard(book.now(), person, now_s, digest=True)
        decide = self._decide(book, school, person, now_s, ())
        if heard.corrected or heard.right or decide.unlock:
            link = self._link("answer", book, school, person, now_s)
            letter = letters.late(school, day, now_s, heard, link, decide)
            self._tell(book, "late", school, day, Told(person, heard), letter, now_s)

    def _overnight(self, book: Book, school: School, day: date, now_s: int) -> None:
        out = [
            alert
            for alert in _heard(book.now(), school.coordinator, now_s, digest=True).wrong
            if alert.finding == "out" and alert.confidence != "unknown"
        ]
        untagged: tuple[Alert, ...] = ()
        if self._lock_downs is not None:
            untagged = self._lock_downs.prepare(school, book.day, out, now_s)
        else:
            for alert in out:
                book.note(alert, "lock-down prepared, not sent")
        seen: set[str] = set()
        for role, person in (
            ("coordinator", school.coordinator),
            ("principal", school.principal),
            ("it", school.it),
        ):
            if person is None or person.email in seen:
                continue
            seen.add(person.email)
            decide = self._decide(book, school, person, now_s, untagged)
            if role == "it" and not decide.lock:
                continue  # IT is asked for a word, and not told how each thing ends
            heard = _heard(book.now(), person, now_s, digest=role == "coordinator")
            changed = heard.corrected if role == "coordinator" else ()
            if not (heard.wrong or changed or heard.right or decide.lock or decide.unlock):
                continue
            keys = {alert.key for alert in heard.wrong}
            prepared = [alert for alert in out if alert.key in keys]
            letter = letters.overnight(
                school,
                day,
                now_s,
                heard,
                () if self._lock_downs is not None else prepared,
                self._link("answer", book, school, person, now_s),
                decide,
            )
            told = Told(person, heard)
            if role == "it":
                self._send("overnight", school, day, told, letter, now_s)
            else:
                self._tell(book, "overnight", school, day, told, letter, now_s)

    def _morning(
        self, book: Book, school: School, day: date, now_s: int, carts: Sequence[CartVerdict]
    ) -> None:
        found = [readiness(cart, self._facts(cart.cart.controller, cart.at_s)) for cart in carts]
        heard = _heard(book.now(), school.coordinator, now_s, digest=True)
        if found:
            link = self._link("answer", book, school, school.coordinator, now_s)
            decide = self._decide(book, school, school.coordinator, now_s, ())
            letter = letters.morning(school, day, now_s, found, heard, link, decide)
            heard = replace(heard, wrong=())  # these are not in it
            told = Told(school.coordinator, heard, ready=tuple(found))
            self._tell(book, "morning", school, day, told, letter, now_s)

    def _week(self, school: School, day: date, now_s: int) -> None:
        days = (day - timedelta(days=day.weekday())).isoformat(), day.isoformat()
        judged, missed = self._alerts.deadlines(school.name, *days)
        summary = Week(judged, missed, tuple(self._alerts.opened(school.name, *days)))
        letter = letters.week(school, day, now_s, summary)
        told = Told(school.coordinator, week=summary)
        self._send("week", school, day, told, letter, now_s)

    # Notices

    def _link(self, matter: Matter, book: Book, school: School, person: Person, now_s: int) -> str:
        """Where `person` can act on all that `book` is about; empty without links."""
        if self._links is None:
            return ""
        return self._links.make(matter, school.name, book.day, ALL_CARTS, person.email, now_s)

    def _decide(
        self,
        book: Book,
        school: School,
        person: Person,
        now_s: int,
        untagged: Sequence[Alert],
    ) -> Decide:
        """What waits for the word of `person` on lock-downs."""
        if self._lock_downs is None:
            return letters.NO_LOCKS
        waiting = self._lock_downs.waiting(school.name)
        return Decide(
            devices(order for order in waiting if order.action == "lock"),
            devices(order for order in waiting if order.action == "unlock"),
            ", ".join(named(group) for group in grouped(untagged)),
            self._link("lock-down", book, school, person, now_s) if waiting else "",
        )

    def _tell(
        self,
        book: Book,
        name: StepName,
        school: School,
        day: date,
        told: Told,
        letter: Digest,
        now_s: int,
    ) -> None:
        self._send(name, school, day, told, letter, now_s)
        person, heard = told.person, told.heard
        for alert in (*heard.wrong, *heard.corrected, *heard.right):
            before = book.get(alert)
            after = tell(before, person.email)
            book.put(after)
            if (after.told, after.closed) != (before.told, before.closed):
                book.note(after, f"told {person.email} ({name})")

    def _send(
        self,
        name: StepName,
        school: School,
        day: date,
        told: Told,
        letter: Digest,
        now_s: int,
    ) -> None:
        person = told.person
        self._letters.append(told)
        root = None
        if name in ("late", "overnight"):
            root = self._alerts.digest(school.name, day.isoformat(), person.email)
        self._store.add_notice(
            letter.to(
                person,
                school,
                day,
                name,
                now_s,
                thread="" if root is None else root.identity,
                after_s=steps.quiet_until_s(school, now_s) or 0,
                expires_s=calendar.deadline_s(school, day) if name == "nudge" else 0,
            )
        )


def _heard(alerts: Iterable[Alert], person: Person, now_s: int, digest: bool) -> Heard:
    """What of `alerts` `person` is to hear of; `digest`: they are one who gets the digest."""
    wrong, corrected, right, flapping, in_hand = [], [], [], [], []
    for alert in alerts:
        told, closed = person.email in alert.told, person.email in alert.closed
        if alert.flapping(now_s):
            if told and not closed:
                flapping.append(alert)
        elif (alert.correction == "withdrawn" and told and not closed) or (
            alert.correction == "added" and digest and not told
        ):
            corrected.append(alert)
            # What the digest should have said, and is so still, is to be done all the same.
            if alert.state not in ("resolved", "acknowledged", "snoozed") and not alert.hidden_by:
                wrong.append(alert)
        elif alert.state == "resolved":
            if told and not closed:
                right.append(alert)
        elif alert.in_hand:
            in_hand.append(alert)
        elif not alert.hidden_by:
            wrong.append(alert)
    return Heard(*map(tuple, (wrong, corrected, right, flapping, in_hand)))
