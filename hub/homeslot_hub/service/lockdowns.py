"""C11 at work: orders to the device management, prepared by the hub and confirmed by a person.

Everything that happens to an order stands in the history of its alert. Whether a device is home is
asked at the very moment that it matters: when its lock is confirmed, and again when it is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from homeslot_hub.model import CartVerdict, Place, School
from homeslot_hub.rules import lockdown, words
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.rules.lockdown import WORDS, Order
from homeslot_hub.service.alert_book import AlertStore, Change
from homeslot_hub.service.ports import Store

Tags = Mapping[tuple[int, int], str]  # asset tag by cart and slot


class OrderStore(Protocol):
    """Where orders are kept, within the Store's transactions. Methods may raise StoreError."""

    def orders(self, school: str) -> list[Order]:
        """All orders of a school, oldest first."""

    def order(self, number: int) -> Order | None:
        """The order with the id `number`."""

    def put(self, order: Order) -> Order:
        """Keep an order as it is now; returns it with its id."""

    def due(self, now_s: int) -> list[Order]:
        """The confirmed orders whose sending, or next try, is due, oldest first."""


class UnknownOrder(Exception):
    """No order has this number."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: the `orders` it was about, and what was `refused`, and why."""

    orders: tuple[Order, ...]
    refused: tuple[str, ...] = ()


class LockDowns:
    """The orders of `schools()`.

    `judge` judges some of a school's carts as of a moment; `tags` are the asset tags of a school as
    recorded at a moment.
    """

    def __init__(
        self,
        store: Store,
        kept: OrderStore,
        alerts: AlertStore,
        schools: Callable[[], Sequence[School]],
        judge: Callable[[School, int], Sequence[CartVerdict]],
        tags: Callable[[School, int], Tags],
    ) -> None:
        self._store = store
        self._kept = kept
        self._alerts = alerts
        self._schools = schools
        self._judge = judge
        self._tags = tags

    # Within a step of the day, in its transaction

    def prepare(
        self, school: School, day: str, out: Sequence[Alert], now_s: int
    ) -> tuple[Alert, ...]:
        """Prepare locks for the devices of `out`, which a sensor says are out.

        Returns those without an asset tag: nothing can be sent about them.
        """
        tags = self._tags(school, now_s)
        for order in lockdown.locks(out, tags, self._kept.orders(school.name), day, now_s):
            self._note(self._kept.put(order), now_s, "prepared")
        return tuple(
            alert for alert in out if any(not tags.get((alert.cart, slot)) for slot in alert.slots)
        )

    def look(self, school: School, carts: Iterable[CartVerdict], now_s: int) -> None:
        """Go by what `carts` are judged to be now: no device that is home is locked."""
        places = places_of(carts)
        for order in lockdown.looked_at(self._kept.orders(school.name), places, now_s):
            what = "prepared" if not order.id else "withdrawn: it is home"
            self._note(self._kept.put(order), now_s, what)

    def carts(self, school: str) -> frozenset[int]:
        """The numbers of the carts whose devices have to be looked at for an order."""
        last = lockdown.newest(self._kept.orders(school)).values()
        return frozenset(
            order.cart
            for order in last
            if order.action == "lock" and (order.open or order.state == "sent")
        )

    # What a person decides

    def orders(self, school: str) -> list[Order]:
        """All orders of a school, oldest first."""
        return self._kept.orders(school)

    def order(self, number: int) -> Order:
        """One order. Raises UnknownOrder."""
        order = self._kept.order(number)
        if order is None:
            raise UnknownOrder(f"there is no lock-down {number}: see homeslot lockdown list")
        return order

    def about(self, order: Order) -> str:
        """Why there is this order, in a sentence."""
        alert = self._alerts.alert(order.alert)
        if alert is None or alert.state == "resolved":
            return f"{order.device} is in its slot again."
        return alert.reason

    def waiting(self, school: str) -> list[Order]:
        """The orders of a school that wait for a person."""
        return [o for o in self._kept.orders(school) if o.state in ("prepared", "given up")]

    def confirm(self, numbers: Iterable[int], who: str, why: str, now_s: int) -> Decided:
        """Have these orders sent, as `who` has decided; but no lock unless the device is out now,
        by a sensor, and has the tag that was prepared.

        Raises UnknownOrder, IllegalOrder: then nothing was done.
        """
        done, refused = [], []
        with self._store.transaction():
            for number in dict.fromkeys(numbers):
                order = self.order(number)
                confirmed = lockdown.confirm(order, who, why, now_s)
                reason = "" if order.action == "unlock" else self._hinders(order, now_s)
                if reason:
                    refused.append(f"{order.device} is not locked: {reason}.")
                    continue
                done.append(self._kept.put(confirmed))
                self._note(confirmed, now_s, "confirmed", who, why)
        return Decided(tuple(done), tuple(refused))

    def withdraw(self, numbers: Iterable[int], who: str, why: str, now_s: int) -> Decided:
        """Have these orders not sent, as `who` has decided. A lock that was sent already is taken
        back: its unlock is confirmed.

        Raises UnknownOrder, IllegalOrder: then nothing was done.
        """
        done = []
        with self._store.transaction():
            for number in dict.fromkeys(numbers):
                order = self.order(number)
                if (order.action, order.state) == ("lock", "sent"):
                    back = self._unlock_of(order) or lockdown.unlock(order, now_s)
                    after, what = lockdown.confirm(back, who, why, now_s), "confirmed"
                else:
                    after, what = lockdown.withdraw(order, who, why), "withdrawn"
                done.append(self._kept.put(after))
                self._note(after, now_s, what, who, why)
        return Decided(tuple(done))

    # What the device management says

    def due(self, now_s: int) -> list[Order]:
        """The orders to send now. A lock whose device is home is withdrawn instead."""
        send = []
        for order in self._kept.due(now_s):
            if order.action == "lock" and self._place(order, now_s) == "home":
                with self._store.transaction():
                    now = self.order(order.id)
                    if now.state == "confirmed":
                        self._kept.put(lockdown.step(now, "home"))
                        self._note(now, now_s, "withdrawn: it is home")
                continue
            send.append(order)
        return send

    def taken(self, order: Order, now_s: int) -> None:
        """The device management has taken `order`."""
        with self._store.transaction():
            before = self.order(order.id)
            self._kept.put(lockdown.step(before, "taken"))
            self._note(before, now_s, "sent to the device management")
            if before.action == "lock" and before.state == "withdrawn":  # on its way by then
                self._note(self._kept.put(lockdown.unlock(before, now_s)), now_s, "prepared")

    def put_off(self, order: Order, next_s: int, error: str) -> None:
        """A try failed; the next is due at `next_s`."""
        with self._store.transaction():
            now = self.order(order.id)
            if now.state == "confirmed":
                self._kept.put(lockdown.failed(now, next_s, error))

    def refused(self, order: Order, error: str, now_s: int) -> None:
        """It is given up, and stays visible."""
        with self._store.transaction():
            now = self.order(order.id)
            if now.state == "confirmed":
                failed = lockdown.failed(now, 0, error)
                self._kept.put(lockdown.step(failed, "refused"))
                self._note(now, now_s, f"given up: {error}")

    def _unlock_of(self, lock: Order) -> Order | None:
        where = (lock.day, lock.cart, lock.slot)
        for order in self._kept.orders(lock.school):
            if order.action == "unlock" and (order.day, order.cart, order.slot) == where:
                return order
        return None

    def _hinders(self, order: Order, now_s: int) -> str:
        """Why the device of a lock must not be locked now; empty when nothing says so."""
        place = self._place(order, now_s)
        if place == "home":
            return "it is home"
        if place != "out":
            return f"it is not known to be out now, but {place}"
        school = next(school for school in self._schools() if school.name == order.school)
        tag = self._tags(school, now_s).get((order.cart, order.slot), "")
        if tag != order.tag:
            return f"its asset tag was {order.tag}, and is {tag or 'none'} now"
        return ""

    def _place(self, order: Order, now_s: int) -> Place:
        for school in self._schools():
            if school.name == order.school:
                some = tuple(cart for cart in school.carts if cart.number == order.cart)
                carts = self._judge(replace(school, carts=some), now_s)
                return places_of(carts).get((order.cart, order.slot), "unknown")
        return "unknown"

    def _note(self, order: Order, now_s: int, what: str, who: str = "", why: str = "") -> None:
        change = Change(now_s, f"{WORDS[order.action]} {what}", who, why)
        self._alerts.note(order.alert, [change])


def identity(order: Order) -> str:
    """32 hexadecimal digits that no other order has, the same whenever it is sent."""
    parts = (order.school, order.day, order.device, order.action, str(order.prepared_s))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def places_of(carts: Iterable[CartVerdict]) -> dict[tuple[int, int], Place]:
    """Where each device is, by cart and slot."""
    return {
        (cart.cart.number, slot): place
        for cart in carts
        for slot, place in enumerate(cart.places, 1)
    }


def devices(orders: Iterable[Order]) -> str:
    """The devices of orders, for a person: `7-3, 8-1`."""
    carts: dict[int, list[int]] = {}
    for order in orders:
        carts.setdefault(order.cart, []).append(order.slot)
    return ", ".join(words.devices(cart, slots) for cart, slots in sorted(carts.items()))
