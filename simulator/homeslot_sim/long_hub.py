"""The hub of a whole district for months, in virtual time: what it is given, and what it said.

The real one, started through its bootstrap, with its calendars, its due table, its alerts and its
outbox in one database; without threads, broker and mail server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from homeslot_hub import bootstrap
from homeslot_hub.adapters.calendar_reader import Answer, Request, answer
from homeslot_hub.adapters.calendars import Calendars
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.config import Settings
from homeslot_hub.config_tables import CLOSED, HALF_DAY, IGNORE
from homeslot_hub.model import CartVerdict, Feed, Message, Person, School, SchoolDay
from homeslot_hub.rules.alerts import Alert as HubAlert
from homeslot_hub.rules.readiness import Readiness
from homeslot_hub.service.alerts import Taken, Told
from homeslot_hub.service.ports import DIGEST
from homeslot_sim.hub import cart_of
from homeslot_sim.score.plan import Alert, DaySaid, Heard, Letter, Mail, SchoolPlan, StepSaid
from homeslot_sim.score.year import TORN

# A calendar is read anew once in ten days, and at once when its file changes; a real hub does so
# every few hours.
REFRESH_S, RETRY_S = 10 * 86400, 86400
CALENDARS_S = 3600  # how often is looked whether one has changed
MAIL_S = 3600  # how often is looked for mail that had to wait; what a step says goes at once


class LongHub:
    """The hub of `district`, everything of it in `data`, that may be stopped, or crash, and started
    again. Times are epoch seconds."""

    def __init__(self, district: Sequence[SchoolPlan], data: Path) -> None:
        self._published = data / "published"
        self._published.mkdir()
        for plan in district:
            self.publish(plan, date.min)
        self._settings = self.configured(
            Settings(data, tuple(_school(plan, self._calendar(plan)) for plan in district))
        )
        self.now_s: Callable[[], int] = lambda: 0
        self._store: SqliteStore | None = None
        self._waiting: list[Message] = []
        self._taken: list[Taken] = []
        self._mail_s = self._calendars_s = 0
        self.commands: list[tuple[str, bytes]] = []  # of steps, to be published

    def configured(self, settings: Settings) -> Settings:
        """What it goes by, as somebody has written it down."""
        return settings

    @property
    def limits(self) -> tuple[int, int, int]:
        """What schools are set to, in s: silent after, idle after, grace."""
        school = self._settings.schools[0]
        return school.silent_after_s, school.idle_after_s, school.grace_s

    def publish(self, plan: SchoolPlan, day: date) -> None:
        """A day begins at a school: its calendar is where it was, or torn, or gone."""
        path, trouble = self._calendar(plan), plan.year.trouble(day)
        if trouble == "gone":
            path.unlink(missing_ok=True)
            return
        text = TORN if trouble == "torn" else plan.year.ics()
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8", newline="")

    def calendar(self, plan: SchoolPlan) -> dict[date, str]:
        """What the hub takes for special of a school's days: closed, or half day."""
        known = self._calendars.known(self._settings.schools)[plan.name]
        return {day: special.kind for day, special in known.days.items()}

    def _calendar(self, plan: SchoolPlan) -> Path:
        return self._published / f"{plan.name.replace(' ', '-')}.ics"

    def start(self) -> None:
        """Open what the last one left, as server.Server does."""
        self._store = store = bootstrap.open_store(self._settings)
        for school in self._settings.schools:
            store.opened_s(school.name, self.now_s())
        self._calendars = _Calendars(
            self._settings.data / "calendars", self.now_s, refresh_s=REFRESH_S, retry_s=RETRY_S
        )
        self._read_calendars()
        known = self._calendars.known(self._settings.schools)
        self._known = self._calendars.version
        self._hub = bootstrap.make_hub(
            self._settings, store, self.now_s, known, on_taken=self._taken.append
        )
        self._judge_from_s = self.now_s() + self.limits[2]
        self._mail_s = 0

    def receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take a message: it is acknowledged with the next `commit`."""
        self._waiting.append(Message(topic, payload, retained, self.now_s()))

    @property
    def busy(self) -> int:
        """Messages that are not acknowledged."""
        return len(self._waiting)

    @property
    def refused(self) -> int:
        """How many messages broke the contract, so far."""
        return 0 if self._store is None else self._store.counts().get("refused", 0)

    def commit(self) -> list[tuple[str, bytes]]:
        """Apply what was received in one transaction; topic and payload of what follows."""
        group, self._waiting = self._waiting, []
        return [(c.topic, c.payload) for c in self._hub.take(group)] if group else []

    def stop(self, applied: bool = False) -> list[tuple[str, bytes]]:
        """End at once. Returns what it had not acknowledged, which its broker keeps; `applied`:
        all of that was applied all the same, and the acknowledgement was what the crash took."""
        group, self._waiting = self._waiting, []
        if applied and group:
            self._hub.take(group)
        if self._store is not None:
            self._store.close()
            self._store = None
        return [(message.topic, message.payload) for message in group]

    def judge(self) -> list[DaySaid]:
        """Judge the days that are due; what the hub said of them."""
        if not self._at_work:
            return []
        if self.now_s() >= self._calendars_s:
            self._read_calendars()
            if self._calendars.version != self._known:
                self._known = self._calendars.version
                self._hub.know(self._calendars.known(self._settings.schools))
        return [_day_said(day) for day in self._hub.tick()]

    def step(self) -> list[StepSaid]:
        """Take the steps that are due; what the hub said in them. `commands` follow from them."""
        self.commands = []
        if not self._at_work:
            return []
        self._taken.clear()
        self.commands = [(c.topic, c.payload) for c in self._hub.step()]
        return [_step_said(taken) for taken in self._taken]

    def mail(self, now: bool) -> list[Mail]:
        """Hand over what is in the outbox and due, `now` or once an hour."""
        now_s = self.now_s()
        if self._store is None or not (now or now_s >= self._mail_s):
            return []
        self._mail_s = now_s + MAIL_S
        gone = []
        for notice in self._store.notices_to_mail(now_s):
            if notice.expires_s and now_s >= notice.expires_s:
                self._store.bury(notice, "too late")
                continue
            self._store.set_mailed(notice, now_s)
            rule = "deadline" if notice.rule == DIGEST else notice.rule
            day = date.fromisoformat(notice.day)
            gone.append(Mail(notice.school, day, rule, notice.email, now_s))
        return gone

    @property
    def _at_work(self) -> bool:
        return self._store is not None and self.now_s() >= self._judge_from_s

    def _read_calendars(self) -> None:
        self._calendars_s = self.now_s() + CALENDARS_S
        for feed in self._calendars.due(self._settings.schools):
            self._calendars.read(feed)


class _Calendars(Calendars):
    """The hub's calendars, read in this process: they are ours, and take no time."""

    def ask(self, request: Request) -> Answer:
        """What its reader would answer."""
        return answer(request)


def _school(plan: SchoolPlan, calendar: Path) -> School:
    feed = Feed(str(calendar), calendar.name, tuple(CLOSED), tuple(HALF_DAY), tuple(IGNORE))
    return School(
        name=plan.name,
        zone=plan.zone,
        coordinator=Person(*plan.coordinator),
        deadline=plan.deadline,
        carts=tuple(cart_of(cart) for cart in plan.carts),
        feeds=(feed,),
        principal=Person(*plan.principal),
    )


def _day_said(day: SchoolDay) -> DaySaid:
    return DaySaid(
        day.school.name,
        date.fromisoformat(day.day),
        day.deadline_s,
        day.judged_s,
        _carts_said(day.carts),
        bool(day.calendar_troubles),
    )


def _carts_said(carts: Sequence[CartVerdict]) -> dict[int, list[Alert]]:
    return {
        cart.cart.number: [
            Alert(verdict.finding, verdict.slots, verdict.hides, verdict.about)
            for verdict in cart.verdicts
        ]
        for cart in carts
    }


def _step_said(taken: Taken) -> StepSaid:
    letters = tuple(_letter(told) for told in taken.letters)
    return StepSaid(taken.step, taken.school.name, taken.day, taken.at_s, letters)


def _letter(told: Told) -> Letter:
    heard, week = told.heard, told.week
    return Letter(
        told.person.email,
        wrong=tuple(map(_heard, heard.wrong)),
        corrected=tuple(map(_heard, heard.corrected)),
        right=tuple(map(_heard, heard.right)),
        flapping=tuple(map(_heard, heard.flapping)),
        nudged=_carts_said(told.carts) if told.carts else None,
        ready={ready.cart.number: _ready(ready) for ready in told.ready} if told.ready else None,
        week=None if week is None else (week.judged, week.missed),
    )


def _heard(alert: HubAlert) -> Heard:
    about = alert.subject if not alert.subject.startswith("slot ") else ""
    said = date.fromisoformat(alert.said_day) if alert.said_day else None
    return Heard(
        alert.cart,
        Alert(alert.finding, alert.slots, alert.hides, about),
        said,
        alert.resolved_s if alert.state == "resolved" else None,
        alert.correction == "added",
    )


def _ready(ready: Readiness) -> dict[str, tuple[int, ...]]:
    words = ("charged", "charging", "idle", "away", "unknown")
    return {word: getattr(ready, word) for word in words}
