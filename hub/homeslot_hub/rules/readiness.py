"""C10: how many devices of a cart will be charged by the first bell, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass

from homeslot_hub.model import Cart, CartFacts, CartVerdict

_CHARGED = frozenset({"trickle", "full"})


@dataclass(frozen=True, slots=True)
class Readiness:
    """The slots of one cart by how their devices are: every slot but the spare ones once.

    `charged`: drew until it needed no more; `charging`, or waiting for the turn of its shelf;
    `idle`: in its slot, and has drawn nothing since it came; `away`: not in its slot; `unknown`:
    nothing can be said, as where the cart has lost its power while the device still charged.
    """

    cart: Cart
    charged: tuple[int, ...]
    charging: tuple[int, ...]
    idle: tuple[int, ...]
    away: tuple[int, ...]
    unknown: tuple[int, ...]

    @property
    def ready(self) -> bool:
        """Every device is charged or charging."""
        return not (self.idle or self.away or self.unknown)


def readiness(judged: CartVerdict, facts: CartFacts) -> Readiness:
    """How the devices of a cart stand by what was judged of it and the facts of that moment."""
    slots: dict[str, list[int]] = {
        name: [] for name in ("charged", "charging", "idle", "away", "unknown")
    }
    for number, place in enumerate(judged.places, 1):
        if place == "home":
            slots[_charge(number, judged.cart, facts)].append(number)
        elif place == "unknown":
            slots["unknown"].append(number)
        elif place != "spare":
            slots["away"].append(number)
    return Readiness(judged.cart, **{name: tuple(found) for name, found in slots.items()})


def _charge(number: int, cart: Cart, facts: CartFacts) -> str:
    slot = facts.slots[number - 1]
    word, powered = slot.charge.value, facts.mains.value == "on"
    if word in _CHARGED:
        return "charged"
    if word == "idle" and slot.drew is False:
        return "idle"
    if not powered or word not in ("charging", "idle"):
        return "unknown"
    return "charging" if word == "charging" or cart.rotates else "charged"
