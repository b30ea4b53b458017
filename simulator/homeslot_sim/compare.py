"""The truth laid beside what the hub said: a row per thing that is wrong, and one for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from homeslot_sim.truth import CartTruth

WORDS = {
    "out": "out",
    "not_charging": "not charging",
    "unplugged": "not plugged in",
    "elsewhere": "not in its place",
    "unlocked": "not locked",
    "disturbed": "disturbed out of hours",
    "silent": "silent",
    "sensor_fault": "sensors dead",
    "power_fault": "power fault",
    "over_allotment": "over the allotment",
    "substitute": "out with a substitute",
    "returned": "recorded as away",
}


@dataclass(frozen=True, slots=True)
class Said:
    """One finding of the hub about a cart: what, which slots (those a fault hides), since when."""

    finding: str
    slots: tuple[int, ...]
    since_s: int | None


@dataclass(frozen=True, slots=True)
class CartSaid:
    """What the hub said of one cart: a place per slot, by the hub's words."""

    cart: int
    places: tuple[str, ...]
    findings: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison, in words."""

    cart: int
    true: str
    said: str
    agree: bool


def compare(
    truths: Iterable[CartTruth], said: Iterable[CartSaid], zone: ZoneInfo, tolerance_s: int
) -> list[Row]:
    """All rows, cart by cart. The hub agrees with the truth when every row does.

    A moment the hub gives may be off the true one by `tolerance_s`.
    """
    by_cart = {cart.cart: cart for cart in said}
    rows: list[Row] = []
    for truth in truths:
        cart = by_cart.get(truth.cart, CartSaid(truth.cart, (), ()))
        rows += _findings(truth, cart, zone, tolerance_s)
        rows.append(_places(truth, cart))
    return rows


def _findings(truth: CartTruth, cart: CartSaid, zone: ZoneInfo, tolerance_s: int) -> Iterator[Row]:
    left = list(cart.findings)
    for wrong in truth.wrong:
        true = _sentence(truth.cart, wrong.finding, wrong.slots, wrong.since_s, zone)
        match = next(
            (f for f in left if (f.finding, f.slots) == (wrong.finding, wrong.slots)), None
        )
        if match is None:
            yield Row(truth.cart, true, "nothing", False)
            continue
        left.remove(match)
        since = match.since_s
        near = since is not None and abs(since - wrong.since_s) <= tolerance_s
        words = _sentence(truth.cart, match.finding, match.slots, since, zone)
        yield Row(truth.cart, true, words, near)
    for extra in left:
        words = _sentence(truth.cart, extra.finding, extra.slots, extra.since_s, zone)
        yield Row(truth.cart, "nothing", words, False)


def _places(truth: CartTruth, cart: CartSaid) -> Row:
    right = tuple(
        place if place == "spare" or sensed else "unknown"
        for place, sensed in zip(truth.places, truth.sensed, strict=True)
    )
    blind = sum(
        place != "spare" and not sensed
        for place, sensed in zip(truth.places, truth.sensed, strict=True)
    )
    true = _tally(truth.places) + (f" ({blind} cannot be sensed)" if blind else "")
    return Row(truth.cart, true, _tally(cart.places), right == cart.places)


def _tally(places: Sequence[str]) -> str:
    return ", ".join(f"{n} {place}" for place, n in sorted(Counter(places).items())) or "nothing"


def _sentence(
    cart: int, finding: str, slots: Sequence[int], since_s: int | None, zone: ZoneInfo
) -> str:
    since = "" if since_s is None else f" since {datetime.fromtimestamp(since_s, zone):%H:%M}"
    return " ".join(filter(None, [_slots(cart, slots), WORDS.get(finding, finding)])) + since


def _slots(cart: int, slots: Sequence[int]) -> str:
    if not slots:
        return ""
    last = f" to {cart}-{slots[-1]}" if len(slots) > 1 else ""
    return f"{cart}-{slots[0]}{last}"
