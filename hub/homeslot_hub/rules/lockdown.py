"""C11: the life of an order to the device management, to lock one device down or to unlock it.

Theory of operation. A switch says that a slot is empty or that something is in it; it says neither
that a device is lost nor which device came back. So every order is *prepared* by the hub, and a
named person confirms it before anything is sent:

- a lock is prepared in the evening for each device with an asset tag that a sensor says is out;
- a device that comes home before its lock is sent is never locked: `home` withdraws the order;
- one that comes home afterwards has an unlock prepared, at most one for each lock. It is not sent
  by itself: the switch of a slot closes on any device.

What a person withdraws is not sent. A lock that was sent is taken back by its unlock alone. What
was on its way when it was withdrawn is `sent` all the same: what is recorded is what happened.
What stands in no row of STATES cannot happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from homeslot_hub.model import Place
from homeslot_hub.rules import words
from homeslot_hub.rules.alerts import Alert

Action = Literal["lock", "unlock"]
State = Literal["prepared", "confirmed", "sent", "withdrawn", "given up"]
Event = Literal["confirm", "withdraw", "home", "taken", "refused"]

STATES: dict[Action, dict[State, dict[Event, State]]] = {
    "lock": {
        "prepared": {"confirm": "confirmed", "withdraw": "withdrawn", "home": "withdrawn"},
        "confirmed": {
            "withdraw": "withdrawn",
            "home": "withdrawn",
            "taken": "sent",
            "refused": "given up",
        },
        "sent": {},
        "withdrawn": {"taken": "sent"},
        "given up": {"confirm": "confirmed", "withdraw": "withdrawn", "home": "withdrawn"},
    },
    "unlock": {
        "prepared": {"confirm": "confirmed", "withdraw": "withdrawn"},
        "confirmed": {"withdraw": "withdrawn", "taken": "sent", "refused": "given up"},
        "sent": {},
        "withdrawn": {"confirm": "confirmed", "taken": "sent"},
        "given up": {"confirm": "confirmed", "withdraw": "withdrawn"},
    },
}
EVENTS: tuple[Event, ...] = ("confirm", "withdraw", "home", "taken", "refused")
WORDS: dict[Action, str] = {"lock": "lock-down", "unlock": "unlock"}


class IllegalOrder(Exception):
    """Something that cannot happen to an order in its state, and which."""


@dataclass(frozen=True, slots=True)
class Order:
    """One order about the device of a slot, by its asset `tag`.

    `day` is the school day of the evening on which its lock was prepared, `alert` the number of the
    alert that the device is out. `who` and `why` are those of the person who decided last;
    `confirmed_s` is when, 0 before that. A failed try is in `tries` and `error`, the next is due at
    `next_s`. `id` is its number in the store, 0 before that.
    """

    school: str
    day: str
    cart: int
    slot: int
    tag: str
    action: Action
    alert: int
    prepared_s: int
    state: State = "prepared"
    who: str = ""
    why: str = ""
    confirmed_s: int = 0
    tries: int = 0
    next_s: int = 0
    error: str = ""
    id: int = 0

    @property
    def device(self) -> str:
        """The number of its device (C4)."""
        return words.device(self.cart, self.slot)

    @property
    def open(self) -> bool:
        """It waits for a person, or for the device management."""
        return self.state in ("prepared", "confirmed", "given up")


def step(order: Order, event: Event) -> Order:
    """`order` after `event`. Raises IllegalOrder."""
    row = STATES[order.action][order.state]
    if event not in row:
        raise IllegalOrder(
            f"the {WORDS[order.action]} of {order.device} is {order.state}: "
            f"{event} cannot happen to it"
        )
    return replace(order, state=row[event])


def confirm(order: Order, who: str, why: str, now_s: int) -> Order:
    """`order`, to be sent from `now_s` on, as `who` has decided. Raises IllegalOrder."""
    fresh = replace(order, who=who, why=why, confirmed_s=now_s, tries=0, next_s=now_s, error="")
    return step(fresh, "confirm")


def withdraw(order: Order, who: str, why: str) -> Order:
    """`order`, not to be sent, as `who` has decided. Raises IllegalOrder."""
    return replace(step(order, "withdraw"), who=who, why=why)


def failed(order: Order, next_s: int, error: str) -> Order:
    """`order` after a try that failed for `error`; the next is due at `next_s`."""
    return replace(order, tries=order.tries + 1, next_s=next_s, error=error)


def locks(
    out: Iterable[Alert],
    tags: Mapping[tuple[int, int], str],
    orders: Iterable[Order],
    day: str,
    now_s: int,
) -> list[Order]:
    """The locks to prepare in the evening of `day` for the devices of `out`, by their `tags`.

    `orders` are those there are. A device that is locked, or about to be, is not locked again, and
    nothing is asked twice in an evening.
    """
    last = newest(orders)
    found = []
    for alert in out:
        for slot in alert.slots:
            tag = tags.get((alert.cart, slot), "")
            before = last.get((alert.cart, slot))
            if not tag or (before is not None and _stands(before, day)):
                continue
            found.append(Order(alert.school, day, alert.cart, slot, tag, "lock", alert.id, now_s))
    return found


def unlock(lock: Order, now_s: int) -> Order:
    """What takes `lock` back."""
    return Order(lock.school, lock.day, lock.cart, lock.slot, lock.tag, "unlock", lock.alert, now_s)


def looked_at(
    orders: Iterable[Order], places: Mapping[tuple[int, int], Place], now_s: int
) -> list[Order]:
    """The orders that are changed, or new, as the devices in `places` are there now."""
    changed = []
    for where, order in newest(orders).items():
        if order.action != "lock" or places.get(where) != "home":
            continue
        if order.open:
            changed.append(step(order, "home"))
        elif order.state == "sent":
            changed.append(unlock(order, now_s))
    return changed


def newest(orders: Iterable[Order]) -> dict[tuple[int, int], Order]:
    """The last order about each device: a lock, or the unlock that follows it."""
    return {(order.cart, order.slot): order for order in sorted(orders, key=_age)}


def _age(order: Order) -> tuple[str, bool, int]:
    return order.day, order.action == "unlock", order.id


def _stands(order: Order, day: str) -> bool:
    """Whether nothing is to be prepared beside `order`, the last about its device."""
    if order.action == "unlock":
        return order.day == day or order.state != "sent"  # until then it is locked
    return order.day == day or order.open or order.state == "sent"
