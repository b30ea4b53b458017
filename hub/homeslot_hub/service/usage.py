"""The usage of a school (N6): how much its devices were used, by what was sensed of each cart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from homeslot_hub.model import Cart, School
from homeslot_hub.rules import calendar
from homeslot_hub.rules.usage import UsageDay, cart_day, window
from homeslot_hub.service.ports import Store
from homeslot_hub.service.week import steps_of


class RolledUp(Protocol):
    """Where the days are whose history is no longer kept."""

    def days(self, cart: str, first: date, last: date) -> list[UsageDay]:
        """The rolled up days of a cart from `first` to `last`, in order."""


@dataclass(frozen=True, slots=True)
class CartUse:
    """One cart on the school days of a time. `lost` are those of which nothing is kept."""

    cart: Cart
    days: tuple[UsageDay, ...]
    lost: tuple[date, ...]


def usage(
    school: School, store: Store, rolled_up: RolledUp, first: date, last: date, now_s: int
) -> Iterator[CartUse]:
    """The carts of `school` on its school days from `first` to `last`, as far as they have begun.

    Days before the hub first knew the school are left out.
    """
    known_s = store.known_since_s(school.name) or 0
    kept_s = store.kept_since_s()
    length = (last - first).days + 1
    days = [
        day
        for day in (first + timedelta(days=ahead) for ahead in range(length))
        if calendar.is_school_day(school, day)
        and calendar.begins_s(school, day) <= now_s
        and calendar.deadline_s(school, day) > known_s
    ]
    whole = [day for day in days if calendar.begins_s(school, day) >= kept_s]
    past = [day for day in days if calendar.begins_s(school, day) < kept_s]
    for cart in school.carts:
        rolled = []
        if past:
            wanted = frozenset(past)
            found = rolled_up.days(cart.controller, past[0], past[-1])
            rolled = [one for one in found if one.day in wanted]
        there = {one.day for one in rolled}
        lost = tuple(day for day in past if day not in there)
        here = sensed(store, school, cart, whole, now_s)
        yield CartUse(cart, (*rolled, *here), lost)


def sensed(
    store: Store, school: School, cart: Cart, days: Sequence[date], now_s: int
) -> list[UsageDay]:
    """A cart on `days`, in order, by its history, which is kept from their beginning on.

    Each day for itself, by what had been measured by its end: what is measured later, by a clock
    that was wrong perhaps, changes nothing of it.
    """
    heard = store.heard_spans(cart.controller, now_s) if days else []
    found = []
    for day in days:
        begin_s, end_s = window(school, day, now_s)
        until_s = min(now_s, end_s + school.silent_after_s)
        steps = steps_of(store, cart.controller, begin_s, until_s)
        near = [span for span in heard if span[1] >= begin_s - school.silent_after_s]
        found.append(cart_day(school, cart, day, steps, near, until_s))
    return found
