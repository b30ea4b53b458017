"""The hub's one face: messages in, verdicts and due school days out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from homeslot_hub.model import CartFacts, Command, Message, School, SchoolDay
from homeslot_hub.rules import calendar
from homeslot_hub.rules.judge import judge_cart
from homeslot_hub.service import deadman, status
from homeslot_hub.service.alert_book import AlertStore
from homeslot_hub.service.alerts import Alerts
from homeslot_hub.service.beliefs import CHECKPOINT_EVERY, Beliefs
from homeslot_hub.service.due import Due
from homeslot_hub.service.intake import Intake
from homeslot_hub.service.ports import Store

STRANGER_S = 86400  # an unknown controller is worth a line while it was heard within a day


class Hub:
    """Schools and their carts, over one store. One thread at a time.

    `now_s` gives epoch seconds. `checkpoint_every` so many observations of a cart its folded
    picture is kept. Without `alerts` nothing is followed up. Constructing a hub reads nothing and
    writes nothing.
    """

    def __init__(
        self,
        schools: tuple[School, ...],
        store: Store,
        now_s: Callable[[], int],
        checkpoint_every: int = CHECKPOINT_EVERY,
        alerts: AlertStore | None = None,
    ) -> None:
        self.schools = schools
        self._store = store
        self._now_s = now_s
        self._beliefs = Beliefs(store, checkpoint_every)
        self._intake = Intake(schools, store, self._beliefs, now_s)
        self._alerts = None if alerts is None else self._followed_up(alerts)
        on_judged = None if self._alerts is None else self._alerts.judged
        self._due = Due(schools, store, self.judge, on_judged)

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
        """The school's carts judged as of `at_s`. No side effects."""
        now_s = self._now_s() if judged_s is None else judged_s
        day = calendar.school_day_of(school, at_s)
        return SchoolDay(
            school=school,
            day=day.isoformat(),
            deadline_s=calendar.deadline_s(school, day),
            judged_s=now_s,
            carts=tuple(
                judge_cart(school, cart, self._beliefs.facts(cart.controller, at_s), at_s)
                for cart in school.carts
            ),
            unknown_controllers=tuple(
                stranger.controller
                for stranger in self._store.strangers()
                if stranger.first_s <= now_s and stranger.last_s > at_s - STRANGER_S
            ),
        )

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

    def _followed_up(self, alerts: AlertStore) -> Alerts:
        return Alerts(
            self._store,
            alerts,
            self.judge,
            lambda school, day, now_s: self.judge(school, calendar.deadline_s(school, day), now_s),
            self.facts,
            self._intake.command_id,
        )

    def status(self) -> status.Status:
        """How everything stands now."""
        now_s = self._now_s()
        read = status.read(self.schools, self._store, self._beliefs, now_s)
        return replace(read, unjudged=deadman.unjudged(self.schools, self._store, now_s))
