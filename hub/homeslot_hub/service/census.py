"""The census (N9): every slot of every cart at one moment, with since when and what says so.

What is not known now is not counted as there: a slot behind a silence or a dead sensor is unknown,
and how it was last known stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from homeslot_hub.model import Cart, CartFacts, CartVerdict, Fact, School
from homeslot_hub.service.ports import Store, Told

_LAST = {"present": "home", "absent": "out"}


@dataclass(frozen=True, slots=True)
class SlotCensus:
    """One slot. `place` is home, out, excused, unknown or spare.

    `since_s` is when it came to that, `told` the message that says so, None where none does. Of an
    unknown slot `why` is the reason and `last` how it was last known, else both are empty.
    """

    school: School
    cart: Cart
    slot: int
    place: str
    since_s: int | None
    charge: str
    why: str
    last: str
    told: Told | None


def census(
    school: School, verdict: CartVerdict, known: CartFacts, store: Store
) -> Iterator[SlotCensus]:
    """The slots of the cart judged in `verdict`, of which the facts `known` were believed then."""
    cart = verdict.cart
    presence = {number: slot.presence for number, slot in enumerate(known.slots, 1)}
    witnesses = _witnesses(store, cart.controller, presence)
    for number, place in enumerate(verdict.places, 1):
        fact = presence.get(number, Fact("unknown", None))
        cause = None if place != "unknown" else _cause(verdict, number)
        charge = known.slots[number - 1].charge.value if number in presence else "unknown"
        yield SlotCensus(
            school,
            cart,
            number,
            place,
            fact.since_s if cause is None else cause[1],
            charge if place != "unknown" else "unknown",
            "" if cause is None else cause[0],
            "" if cause is None else _LAST.get(fact.value, ""),
            witnesses.get(number),
        )


def _witnesses(store: Store, controller: str, presence: Mapping[int, Fact]) -> dict[int, Told]:
    """By slot, the message by which its presence came to be what it is: rather its own event than a
    snapshot of the same second."""
    times = {fact.since_s for fact in presence.values() if fact.since_s is not None}
    found: dict[int, Told] = {}
    for told in store.told_at(controller, times):
        for number, fact in presence.items():
            if fact.since_s != told.at_s:
                continue
            if told.kind == "slot" and told.number == number:
                found[number] = told
            elif told.snap:
                found.setdefault(number, told)
    return found


def _cause(verdict: CartVerdict, slot: int) -> tuple[str, int | None]:
    """Why nothing can be said of `slot`, and since when."""
    for wrong in verdict.verdicts:
        if slot in wrong.hides:
            return wrong.reason, wrong.since_s
    return "", None
