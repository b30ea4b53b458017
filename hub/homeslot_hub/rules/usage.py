"""N6: how much the devices of a cart are used, by what was sensed of its slots on each day.

Theory of operation. A device is used on a day when it was taken out of its slot on that day, before
the deadline: seen in its slot, then seen gone. What is out since an earlier day is not used but
missing, until it has been put back and is taken again. Hours out are those from being taken to
being put back, up to the deadline of the day: what is out after that is late.

Only time in which a slot could be seen counts: the cart heard, the slot's switch believed. How much
that is of the time asked for stands beside every figure, so that a cart that was not heard is not
taken for one that nobody used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from homeslot_hub.model import Cart, CartFacts, School
from homeslot_hub.rules import calendar
from homeslot_hub.rules.stays import Span, joined, pieces_of


@dataclass(frozen=True, slots=True)
class UsageDay:
    """One cart on one day, from midnight to the deadline: `span_s` seconds.

    By slot: `known_s` for how many seconds it could be seen, `out_s` for how many of them its
    device was out, `taken` how often it was taken.
    """

    day: date
    span_s: int
    known_s: tuple[int, ...]
    out_s: tuple[int, ...]
    taken: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Some carts over some days. `devices` are those that could be used, `used` those that were.

    `taken` counts each time, `out_s` is device-seconds. `known_s` of `asked_s` slot-seconds could
    be seen. `busiest` is the day on which most devices were used, with their number.
    """

    devices: int
    used: int
    taken: int
    out_s: int
    known_s: int
    asked_s: int
    busiest: tuple[date, int] | None

    @property
    def share_used(self) -> float | None:
        """The share of the devices that were used, None without any."""
        return self.used / self.devices if self.devices else None

    @property
    def share_known(self) -> float | None:
        """The share of the time in which it could be seen, None where no time has passed."""
        return self.known_s / self.asked_s if self.asked_s else None


def window(school: School, day: date, until_s: int) -> Span:
    """The time of `day` that counts: from midnight to the school's deadline, up to `until_s`."""
    begin_s = calendar.begins_s(school, day)
    return begin_s, max(begin_s, min(calendar.deadline_s(school, day), until_s))


def cart_day(
    school: School,
    cart: Cart,
    day: date,
    steps: Sequence[tuple[int, CartFacts]],
    heard: Sequence[Span],
    until_s: int,
) -> UsageDay:
    """The cart on `day`, as far as that has come at `until_s`.

    `steps` are the facts from a moment on, the first as of the beginning of the day, none after
    `until_s`; `heard` the spans (from, to) of being heard; both in order. Beyond the end of the day
    they are of use for as long as a cart may be silent.
    """
    begin_s, end_s = window(school, day, until_s)
    slots = [_Slot() for _ in range(cart.slots)]
    for piece in pieces_of(steps, joined(heard, school.silent_after_s, until_s), until_s):
        if piece.from_s >= end_s:
            break
        parts = (min(to_s, end_s) - max(from_s, begin_s) for from_s, to_s in piece.heard)
        seen_s = sum(part for part in parts if part > 0)
        for slot, facts in zip(slots, piece.facts.slots, strict=False):
            slot.go_on(facts.presence.value, seen_s)
    return UsageDay(
        day,
        end_s - begin_s,
        tuple(slot.known_s for slot in slots),
        tuple(slot.out_s for slot in slots),
        tuple(slot.taken for slot in slots),
    )


class _Slot:
    """One slot as the day goes by."""

    def __init__(self) -> None:
        self.known_s = self.out_s = self.taken = 0
        self._last = ""  # its presence as it was last known on this day
        self._used = False  # what is out was taken on this day

    def go_on(self, presence: str, seen_s: int) -> None:
        """For a while, of which it was heard for `seen_s`, its presence is this."""
        if presence == "unknown":
            return
        if presence != self._last:
            self._used = self._last == "present"
            self.taken += self._used and presence == "absent"
            self._last = presence
        self.known_s += seen_s
        if presence == "absent" and self._used:
            self.out_s += seen_s


def usage(carts: Iterable[tuple[Cart, Sequence[UsageDay]]]) -> Usage:
    """Some carts over some days, taken together. Spare slots have no device and do not count."""
    devices = used = taken = out_s = known_s = asked_s = 0
    by_day: Counter[date] = Counter()
    for cart, days in carts:
        for slot in range(1, cart.slots + 1):
            if slot in cart.spare:
                continue
            devices += 1
            times = 0
            # A cart may have had fewer slots when a day was rolled up.
            for day in (day for day in days if slot <= len(day.taken)):
                times += day.taken[slot - 1]
                by_day[day.day] += day.taken[slot - 1] > 0
                out_s += day.out_s[slot - 1]
                known_s += day.known_s[slot - 1]
                asked_s += day.span_s
            used += times > 0
            taken += times
    busiest = max(by_day.items(), key=lambda one: (one[1], -one[0].toordinal()), default=None)
    if busiest is not None and not busiest[1]:
        busiest = None
    return Usage(devices, used, taken, out_s, known_s, asked_s, busiest)


def monday(day: date) -> date:
    """The first day of the week of `day`."""
    return day - timedelta(days=day.weekday())
