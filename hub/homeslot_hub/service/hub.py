"""The hub's one face: messages in, verdicts and due school days out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from homeslot_hub.model import (
    Calendar,
    Cart,
    CartFacts,
    CartRegister,
    Command,
    Message,
    School,
    SchoolDay,
)
from homeslot_hub.rules import calendar, closures
from homeslot_hub.rules.judge import NOTHING_RECORDED, judge_cart
from homeslot_hub.rules.register import judge_allotments
from homeslot_hub.service import deadman, status
from homeslot_hub.service.alert_book import AlertStore
from homeslot_hub.service.alerts import Alerts, Taken
from homeslot_hub.service.beliefs import CHECKPOINT_EVERY, Beliefs
from homeslot_hub.service.digest import Digest, compose
from homeslot_hub.service.due import Due
from homeslot_hub.service.intake import Intake
from homeslot_hub.service.links import Links
from homeslot_hub.service.lockdowns import LockDowns, OrderStore, Tags
from homeslot_hub.service.ports import Store
from homeslot_hub.service.register import RegisterStore, View

STRANGER_S = 86400  # an unknown controller is worth a line while it was heard within a day


class Hub:
    """Schools and their carts, over one store. One thread at a time.

    `now_s` gives epoch seconds. `checkpoint_every` so many observations of a cart its folded
    picture is kept. Without a `register` nothing counts as recorded, without `alerts` nothing is
    followed up, without `links` no mail can be answered by one, without `orders` no device is
    locked down; `on_taken` gets each step of a day, in the transaction that keeps it. Constructing
    a hub reads nothing and writes nothing.
    """

    def __init__(
        self,
        schools: tuple[School, ...],
        store: Store,
        now_s: Callable[[], int],
        checkpoint_every: int = CHECKPOINT_EVERY,
        register: RegisterStore | None = None,
        alerts: AlertStore | None = None,
        links: Links | None = None,
        orders: OrderStore | None = None,
        on_taken: Callable[[Taken], None] = lambda taken: None,
    ) -> None:
        self.schools = schools
        self._store = store
        self._now_s = now_s
        self._beliefs = Beliefs(store, checkpoint_every)
        self._register = View(register, schools)
        self._intake = Intake(schools, store, self._beliefs, now_s)
        #: The orders to the device management (C11); None where there is none.
        self.lock_downs = None
        if alerts is not None and orders is not None:
            self.lock_downs = LockDowns(
                store,
                orders,
                alerts,
                lambda: self.schools,
                lambda school, at_s: self.judge(school, at_s).carts,
                self._tags,
            )
        self._alerts = None if alerts is None else self._followed_up(alerts, links, on_taken)
        digest = compose if self._alerts is None else self._alerts.judged
        self._due = Due(schools, store, self.judge_day, digest)

    def take(self, messages: Sequence[Message]) -> list[Command]:
        """Apply messages from the broker in one durable transaction; acknowledge them afterwards.

        Returns the commands to publish. Bad input never raises. Raises StoreError when the store
        cannot keep the group: nothing of it was kept then, and it may be given again.
        """
        return self._intake.take(messages)

    def facts(self, controller: str, at_s: int) -> CartFacts:
        """What was believed of one cart as of `at_s` (epoch s), by what is known today."""
        return self._beliefs.facts(controller, at_s)

    def judge(self, school: School, at_s: int, judged_s: int | None = None) -> SchoolDay:
        """The school's carts judged as of `at_s`, by the register of then. No side effects."""
        now_s = self._now_s() if judged_s is None else judged_s
        day = calendar.school_day_of(school, at_s)
        return self._judged(school, day, at_s, now_s, dict.fromkeys(school.carts, at_s))

    def judge_day(self, school: School, day: date, judged_s: int) -> SchoolDay:
        """A school day judged, each cart as of its own deadline (C8). No side effects."""
        deadlines_s = {cart: calendar.deadline_s(school, day, cart) for cart in school.carts}
        at_s = calendar.deadline_s(school, day)
        return self._judged(school, day, at_s, judged_s, deadlines_s)

    def digest(self, day: SchoolDay) -> Digest:
        """The digest of `day` as a mail has it, but for its links, which are one person's own."""
        return compose(day) if self._alerts is None else self._alerts.digest(day)

    def recorded(self, school: School, day: date) -> Mapping[int, CartRegister]:
        """What was recorded of the school's carts, by number, at the deadline of `day`."""
        return self._register.carts(school, calendar.deadline_s(school, day))

    def _judged(
        self, school: School, day: date, at_s: int, now_s: int, carts_at_s: Mapping[Cart, int]
    ) -> SchoolDay:
        recorded = self._register.carts(school, at_s)
        carts = tuple(
            judge_cart(
                school,
                cart,
                self._beliefs.facts(cart.controller, cart_at_s),
                cart_at_s,
                recorded.get(cart.number, NOTHING_RECORDED),
            )
            for cart, cart_at_s in carts_at_s.items()
        )
        return SchoolDay(
            school=school,
            day=day.isoformat(),
            deadline_s=calendar.deadline_s(school, day),
            judged_s=now_s,
            carts=judge_allotments(school, carts, recorded),
            unknown_controllers=tuple(
                stranger.controller
                for stranger in self._store.strangers()
                if stranger.first_s <= now_s and stranger.last_s > at_s - STRANGER_S
            ),
            calendar_troubles=closures.troubles(school, now_s),
            head=self._store.head().short,
        )

    def know(self, calendars: Mapping[str, Calendar]) -> None:
        """Go by these calendars of the schools, by name, from now on."""
        self.schools = tuple(
            replace(school, calendar=calendars.get(school.name, school.calendar))
            for school in self.schools
        )
        self._due.know(self.schools)

    def tick(self) -> list[SchoolDay]:
        """Judge each school day that has come due, once, its notices going to the outbox with it.

        Cheap while nothing is due: call it a few times a second. Raises StoreError.
        """
        return self._due.tick(self._now_s())

    def step(self) -> list[Command]:
        """Run the steps of the day that have come due, once, and look after what is wrong.

        Returns the commands to publish. To be called after `tick`, as often. Raises StoreError.
        """
        return [] if self._alerts is None else self._alerts.tick(self.schools, self._now_s())

    def _followed_up(
        self, alerts: AlertStore, links: Links | None, on_taken: Callable[[Taken], None]
    ) -> Alerts:
        return Alerts(
            self._store,
            alerts,
            self.judge,
            self.judge_day,
            self.facts,
            self._intake.command_id,
            links,
            self.lock_downs,
            on_taken,
        )

    def _tags(self, school: School, at_s: int) -> Tags:
        return {
            (number, slot): record.device.tag
            for number, register in self._register.carts(school, at_s).items()
            for slot, record in register.slots.items()
            if record.device is not None and record.device.tag
        }

    def status(self) -> status.Status:
        """How everything stands now."""
        now_s = self._now_s()
        read = status.read(self.schools, self._store, self._beliefs, now_s, self._register)
        return replace(read, unjudged=deadman.unjudged(self.schools, self._store, now_s))
