"""N10: the stays of devices in a cart's slots over some days, and what each says of its cable.

Theory of operation. A stay is one device's time in a slot, from when it was put in until it was
taken out. A stay with a draw says that the cable works. A stay without one says something only of
the time in which a draw would have been seen: the cart heard, mains on, the slot's bank at work,
its current measured, and nothing drawn since the device was put in. Such a time has to last without
a break as long as C7 asks for, on rotating shelves an hour. Nothing else counts, for or against.

A full device draws nothing too. So a stay speaks against the cable only when its slot was seen
empty for an hour before it, or when it lasts for days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from homeslot_hub.model import Cart, CartFacts, Fact, School, SlotFacts
from homeslot_hub.rules import words
from homeslot_hub.rules.slots import ROTATION_S

BRIEF_S = 3600  # out for less than this, a device may have come back full
LONG_S = 5 * 86400  # a school week, in which a device that is on runs down

Span = tuple[int, int]
# Current that flows into what is in the slot, whatever its switch says.
_DRAWS = frozenset({"charging", "trickle", "full", "over_current", "mismatch"})


@dataclass(frozen=True, slots=True)
class Stay:
    """One device's time in a slot from `came_s` on, within the days looked at.

    `drew_s` is when it last drew, None: it never did. `watched_s` is how long a draw would have
    been seen and there was none. `why` says why nothing follows from it, empty where something
    does.
    """

    came_s: int
    drew_s: int | None
    watched_s: int
    why: str


def stays_of(
    school: School,
    cart: Cart,
    steps: Sequence[tuple[int, CartFacts]],
    heard: Sequence[Span],
    until_s: int,
) -> list[list[Stay]]:
    """The stays in each of the cart's slots, in order, up to `until_s`.

    `steps` are the facts from a moment on, none after `until_s`; `heard` the spans (from, to) of
    being heard; both in order.
    """
    pieces = list(pieces_of(steps, joined(heard, school.silent_after_s, until_s), until_s))
    limit_s = max(school.idle_after_s, ROTATION_S if cart.rotates else 0)
    return [list(_stays(slot, pieces, limit_s)) for slot in range(1, cart.slots + 1)]


@dataclass(frozen=True, slots=True)
class Piece:
    """A time without news: what was believed, and in which parts of it the cart was heard."""

    from_s: int
    to_s: int
    facts: CartFacts
    heard: tuple[Span, ...]


def joined(heard: Iterable[Span], gap_s: int, until_s: int) -> list[Span]:
    """The spans up to `until_s`, as one where what lies between is too short to be a silence."""
    spans: list[Span] = []
    for from_s, to_s in heard:
        if from_s > until_s:
            continue
        if spans and from_s - spans[-1][1] <= gap_s:
            from_s, to_s = spans[-1][0], max(spans.pop()[1], to_s)
        spans.append((from_s, min(to_s, until_s)))
    return spans


def pieces_of(
    steps: Sequence[tuple[int, CartFacts]], heard: Sequence[Span], until_s: int
) -> Iterator[Piece]:
    """What lies between one step and the next, the last one up to `until_s`."""
    ends = [at_s for at_s, _ in steps[1:]] + [until_s]
    first = 0
    for (from_s, facts), to_s in zip(steps, ends, strict=True):
        while first < len(heard) and heard[first][1] < from_s:
            first += 1
        parts = []
        for begin_s, end_s in heard[first:]:
            if begin_s >= to_s:
                break
            if end_s > from_s:
                parts.append((max(begin_s, from_s), min(end_s, to_s)))
        yield Piece(from_s, to_s, facts, tuple(parts))


class _Open:
    """A stay as it goes on. `out_s` is how long its slot was seen empty before, None: never."""

    def __init__(self, came_s: int, out_s: int | None, limit_s: int) -> None:
        self._came_s, self._out_s, self._limit_s = came_s, out_s, limit_s
        self._drew_s: int | None = None
        self._watched_s = 0
        self._run: Span | None = None  # watched without a break
        self._hidden: Counter[str] = Counter()  # seconds by why they say nothing

    def go_on(self, piece: Piece, said: str, charge: Fact) -> None:
        """`piece` belongs to it, of which `said` is `draws`, `idle`, or why it says nothing."""
        if said == "draws":
            if charge.value != "full":
                self._drew_s = max([piece.from_s, *(end_s for _, end_s in piece.heard)])
            else:
                self._drew_s = charge.since_s  # it drew until then
            return
        heard_s = 0
        for from_s, to_s in piece.heard:
            heard_s += to_s - from_s
            if said == "idle":
                self._watch(from_s, to_s)
            else:
                self._hidden[said] += to_s - from_s
        self._hidden["the cart was silent"] += piece.to_s - piece.from_s - heard_s

    def end(self) -> Stay:
        """The stay, when the device has gone or there is no more to be seen of it."""
        self._end_run()
        return Stay(self._came_s, self._drew_s, self._watched_s, self._why_not())

    def _watch(self, from_s: int, to_s: int) -> None:
        if self._run is not None and self._run[1] == from_s:
            from_s = self._run[0]
        else:
            self._end_run()
        self._run = from_s, to_s

    def _end_run(self) -> None:
        if self._run is None:
            return
        run_s = self._run[1] - self._run[0]
        if run_s >= self._limit_s:
            self._watched_s += run_s
        else:
            self._hidden[f"it was not watched for {words.lasting(self._limit_s)} at a time"] += (
                run_s
            )
        self._run = None

    def _why_not(self) -> str:
        if self._drew_s is not None or self._watched_s >= LONG_S:
            return ""
        if not self._watched_s:
            [(why, _)] = self._hidden.most_common(1) or [("it has just come", 0)]
            return why
        if self._out_s is None:
            return "it was there before, and may be full"
        return "" if self._out_s >= BRIEF_S else "it was out only briefly, and may be full"


def _stays(slot: int, pieces: Iterable[Piece], limit_s: int) -> Iterator[Stay]:
    """The stays in a slot, in order."""
    stay: _Open | None = None
    empty_s: int | None = None  # how long it has been seen empty
    for piece in pieces:
        if slot > len(piece.facts.slots):
            continue
        facts = piece.facts.slots[slot - 1]
        presence = facts.presence.value
        if presence == "absent":
            if stay is not None:
                yield stay.end()
                stay = None
            empty_s = (empty_s or 0) + sum(to_s - from_s for from_s, to_s in piece.heard)
            continue
        said = _said(piece.facts, facts)
        if stay is None:
            if presence != "present" and said != "draws":
                continue  # nothing known to be in it
            came_s = facts.presence.since_s if presence == "present" else None
            stay = _Open(piece.from_s if came_s is None else came_s, empty_s, limit_s)
            empty_s = None
        stay.go_on(piece, said, facts.charge)
    if stay is not None:
        yield stay.end()


def _said(cart: CartFacts, slot: SlotFacts) -> str:
    """`draws`; `idle` where a draw would be seen; else why nothing follows."""
    charge = slot.charge.value
    if charge in _DRAWS:
        return "draws"
    if slot.presence.value != "present":
        return "its switch did not tell"
    if cart.mains.value != "on":
        return "the mains were off" if cart.mains.value == "off" else "the mains were not measured"
    banks = cart.banks[slot.bank - 1 : slot.bank] if slot.bank else cart.banks
    if any(bank.value != "ok" for bank in banks):
        return "its sensor bank was at fault"
    if charge != "idle":
        return "current was flowing back" if charge == "reverse" else "its current was not measured"
    return "idle" if slot.drew is False else "it may have been charged before"
