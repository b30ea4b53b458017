"""The history of one cart or one slot as a person reads it (N16): what changed, and who said so.

An event is a line. A snapshot is one for each thing that it says otherwise than what was known
before it: a change whose own event was lost, or the first word about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from homeslot_hub.service.picture import SINGLE, decode_picture, spelled
from homeslot_hub.service.ports import Store, Told


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that became `value`. `number` is that of the slot or bank, 0 for others.

    `was` is empty when nothing was known before. `told` is the message that says so.
    """

    kind: str
    number: int
    value: str
    was: str
    told: Told

    @property
    def thing(self) -> str:
        """What it is about: `slot 12`, `bolt`."""
        return f"{self.kind} {self.number}" if self.number else self.kind


def lines(store: Store, cart: str, slot: int | None = None) -> Iterator[Line]:
    """What is kept of the history of `cart`: of everything in it, or of the one `slot` alone."""
    known = _known_before(store, cart)
    for told in store.told(cart, slot):
        if told.snap:
            for kind, number, word in spelled(told.value):
                if slot is not None and (kind, number) != ("slot", slot):
                    continue
                was = known.get((kind, number), "")
                if word != was:
                    known[kind, number] = word
                    yield Line(kind, number, word, was, told)
        elif slot is None or (told.kind, told.number) == ("slot", slot):
            known[told.kind, told.number] = told.value
            yield Line(told.kind, told.number, told.value, told.was, told)


def _known_before(store: Store, cart: str) -> dict[tuple[str, int], str]:
    """What was known of each thing where the kept history of `cart` begins."""
    data = store.checkpoint(cart, store.base(cart), None)
    if data is None:
        return {}
    picture = decode_picture(data)
    known = {("slot", number): word for number, word in enumerate(picture.slot_words, 1)}
    known |= {("bank", number): word for number, word in enumerate(picture.bank_words, 1)}
    facts = {kind: getattr(picture, kind) for kind in SINGLE}
    return known | {(kind, 0): fact.value for kind, fact in facts.items() if fact.since_s}


def between(found: Iterable[Line], from_s: int | None, until_s: int | None) -> Iterator[Line]:
    """The lines measured from `from_s` to `until_s`. With a bound, those of unknown time not."""
    for line in found:
        at_s = line.told.at_s
        if at_s is None:
            if from_s is None and until_s is None:
                yield line
        elif (from_s is None or from_s <= at_s) and (until_s is None or at_s <= until_s):
            yield line


def evidence(told: Told) -> str:
    """A message as evidence: `event 3000017 of boot 3, record 5214`."""
    kind = "snapshot after" if told.snap else "event"
    return f"{kind} {told.seq} of boot {told.boot}, record {told.record}"
