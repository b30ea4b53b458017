"""Alerts as they are kept: their store, and what one transaction or one person sees of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from homeslot_hub.rules.alerts import Alert, abandon, change, wake
from homeslot_hub.service.ports import Notice, Store

SNOOZE_AT_MOST_S = 31 * 86400
TEXT_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an alert's history. `who` and `why` are empty where no person did it."""

    at_s: int
    what: str
    who: str = ""
    why: str = ""


class AlertStore(Protocol):
    """Where alerts are kept, within the Store's transactions. Methods may raise StoreError."""

    def active(self, school: str, day: str) -> list[Alert]:
        """What may still change: the alerts not over, and all that were opened on `day`."""

    def opened(self, school: str, first: str, last: str) -> list[Alert]:
        """The alerts of the days from `first` to `last`, oldest first."""

    def alert(self, number: int) -> Alert | None:
        """The alert with the id `number`."""

    def put(self, alert: Alert, changes: Iterable[Change]) -> Alert:
        """Keep an alert as it is now, with new lines of its history; returns it with its id."""

    def note(self, number: int, changes: Iterable[Change]) -> None:
        """Keep new lines of the history of the alert with the id `number`."""

    def history(self, number: int) -> list[Change]:
        """What has happened to an alert, in order."""

    def deadlines(self, school: str, first: str, last: str) -> tuple[int, int]:
        """How many deadlines from `first` to `last` were judged, and how many missed."""

    def digest(self, school: str, day: str, email: str) -> Notice | None:
        """The digest of `day` as `email` got it."""


class Book:
    """The alerts of one school in one transaction: as they were, as they are, and what happened."""

    def __init__(self, store: AlertStore, school: str, day: str, now_s: int) -> None:
        self.day = day
        self._store = store
        self._now_s = now_s
        active = store.active(school, day)
        self._before: dict[tuple[object, ...], Alert] = {_identity(a): a for a in active}
        self._now = dict(self._before)
        self._notes: defaultdict[tuple[object, ...], list[Change]] = defaultdict(list)

    def now(self) -> list[Alert]:
        """All of them, as they are now."""
        return list(self._now.values())

    def by_cart(self) -> Mapping[int, list[Alert]]:
        """The same, by the number of their cart."""
        of_cart: defaultdict[int, list[Alert]] = defaultdict(list)
        for alert in self._now.values():
            of_cart[alert.cart].append(alert)
        return of_cart

    def get(self, alert: Alert) -> Alert:
        """`alert` as it is now."""
        return self._now[_identity(alert)]

    def put(self, alert: Alert) -> None:
        """`alert` is like this now."""
        before = self._now.get(_identity(alert))
        self._now[_identity(alert)] = alert
        what = change(before, alert)
        if what and what != "notified":  # that is a note: told whom
            self.note(alert, what)

    def note(self, alert: Alert, what: str) -> None:
        """A line of its history."""
        self._notes[_identity(alert)].append(Change(self._now_s, what))

    def begin(self, carts: Iterable[int]) -> None:
        """End the snoozes that are over, and the alerts of all but the carts with these numbers."""
        known = frozenset(carts)
        for alert in self.now():
            if alert.cart not in known:
                self.put(abandon(alert, self._now_s))
            else:
                self.put(wake(alert, self._now_s))

    def keep(self, told: str) -> None:
        """Write what has changed, so that each has its id; more may change then.

        `told` is noted of each that has been told for the first time.
        """
        for key, alert in list(self._now.items()):
            before = self._before.get(key)
            if told and alert.told != (frozenset() if before is None else before.told):
                self.note(alert, told)
            if alert != before or key in self._notes:
                self._now[key] = self._store.put(alert, self._notes[key])
        self._before = dict(self._now)
        self._notes.clear()


def _identity(alert: Alert) -> tuple[object, ...]:
    return (alert.day, *alert.key)


def is_text(text: str) -> bool:
    """Whether `text` can say who acts, or why: 1..TEXT_AT_MOST printable characters."""
    return bool(text.strip()) and text.isprintable() and len(text) <= TEXT_AT_MOST


class UnknownAlert(Exception):
    """No alert has this number."""


class AlertDesk:
    """What a person does with alerts, beside a running hub or without one."""

    def __init__(self, store: Store, alerts: AlertStore) -> None:
        self._store = store
        self._alerts = alerts

    def active(self, school: str, day: str) -> list[Alert]:
        """The alerts of `school` that are not over, and all that were opened on `day`."""
        return self._alerts.active(school, day)

    def alert(self, number: int) -> Alert:
        """One alert. Raises UnknownAlert."""
        alert = self._alerts.alert(number)
        if alert is None:
            raise UnknownAlert(f"there is no alert {number}: see homeslot alert list")
        return alert

    def history(self, number: int) -> list[Change]:
        """What has happened to it, in order."""
        return self._alerts.history(number)

    def act(
        self,
        numbers: Iterable[int],
        act: Callable[[Alert], Alert],
        now_s: int,
        who: str,
        why: str,
        what: str = "",
    ) -> list[Alert]:
        """Do `act` to each alert, to all or none, as `who` and `why` have it in their history.

        There it is called `what`, else by the state it leads to. What is so already stays as it is.
        Raises UnknownAlert, IllegalEvent, and what `act` raises.
        """
        with self._store.transaction():
            before = [self.alert(number) for number in dict.fromkeys(numbers)]
            after = [act(alert) for alert in before]
            for old, new in zip(before, after, strict=True):
                if new != old:
                    self._alerts.put(new, [Change(now_s, what or new.state, who, why)])
            return after
