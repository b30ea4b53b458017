"""What is believed of one cart, folded from its observations in order.

Theory of operation. An observation is an event (one thing is now so) or a snapshot (everything is
so). They are folded in the order of `Key`, which is the cart's own order and has nothing to do
with arrival. A fact's `since_s` moves only when its value changes. A thing that goes unknown and
comes back as it was counts as unchanged: a chip that hiccups is not a device that left. In between
it is unknown, and says so.

A snapshot that follows from the picture need not be kept, which is what makes heartbeats cheap.
It follows when it says the same words and no event can ever come between it and what is kept:
every event since the last kept snapshot is there (`whole_seq`), and the snapshot includes no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import msgspec

from homeslot.core.slots import STATES
from homeslot_hub.model import UNKNOWN, CartFacts, Fact, SlotFacts
from homeslot_hub.service.ports import BEFORE_ALL, Key, Observation

# A hand opens the cart and takes a device. Each switch has a debounce and a scan of its own, so
# which of them is said first within this time means nothing.
HAND_S = 60
# A device whose current could not be measured for longer than this may have been charged meanwhile.
BLIND_S = 900
_MEASURED = ("bolt", "door", "mains", "tamper")
SINGLE = (*_MEASURED, "place")  # what a cart has once
_DREW = frozenset({"charging", "full", "trickle", "over_current"})
_PRESENCE = {True: "present", False: "absent", None: "unknown"}
# state word -> (presence, charge, it draws)
_SLOT = {
    word: (_PRESENCE[present], charge or "unknown", word in _DREW)
    for word, (present, charge) in STATES.items()
}


def snapshot_words(body: Any) -> str:
    """The words of a `state` body in one line: slots|banks|bolt|door|mains|tamper|place.

    One kept by an older hub ends before the place.
    """
    lists = (" ".join(body.slots), " ".join(body.banks))
    return "|".join((*lists, *(getattr(body, name) for name in _MEASURED), _place(body)))


def spelled(words: str) -> Iterator[tuple[str, int, str]]:
    """What snapshot_words wrote, thing by thing: (kind, number, word), as events would say it."""
    slots, banks, *single = words.split("|")
    for kind, listed in (("slot", slots), ("bank", banks)):
        for number, word in enumerate(listed.split(), 1):
            yield kind, number, word
    for kind, word in zip(SINGLE, single, strict=False):
        yield kind, 0, word


def _place(body: Any) -> str:
    return body.bssid or "unknown"


_NOTHING = SlotFacts()


class Picture(msgspec.Struct):
    """The fold of all observations up to `key`. Serialises whole, for checkpoints."""

    key: Key = BEFORE_ALL
    through_s: int = 0  # the latest measured-at in it
    base_s: int = 0  # the latest measured-at since the last snapshot in it
    whole_seq: int = -1  # all events from the last snapshot in it up to this number are in it
    slot_words: list[str] = []
    bank_words: list[str] = []
    slots: list[SlotFacts] = []
    banks: list[Fact] = []
    bolt: Fact = UNKNOWN
    door: Fact = UNKNOWN
    mains: Fact = UNKNOWN
    tamper: Fact = UNKNOWN
    place: Fact = UNKNOWN
    held: dict[str, Fact] = {}  # the last known fact of what is unknown now

    def apply(self, seen: Observation) -> None:
        """Fold in the next observation in order of Key."""
        at_s = seen.at_s
        if seen.kind == "state":
            self._apply_snapshot(seen.value, at_s)
            self.whole_seq, self.base_s = seen.seq, at_s
        else:
            whole = seen.seq == self.whole_seq + 1  # nothing was missed on the way to it
            if whole:
                self.whole_seq = seen.seq
            self.base_s = max(self.base_s, at_s)
            if seen.kind == "slot":
                self._grow(seen.number, len(self.bank_words))
                self._set_slot(seen.number - 1, seen.value, at_s, whole)
            elif seen.kind == "bank":
                self._grow(len(self.slots), seen.number)
                self._set_bank(seen.number - 1, seen.value, at_s, whole)
            else:
                self._set_single(seen.kind, seen.value, at_s, whole)
        self.key = seen[:4]
        self.through_s = max(self.through_s, at_s)

    def copy(self) -> Picture:
        """This picture as it is now; its facts are shared, as they never change."""
        twin = copy(self)
        twin.slot_words, twin.bank_words = self.slot_words[:], self.bank_words[:]
        twin.slots, twin.banks, twin.held = self.slots[:], self.banks[:], self.held.copy()
        return twin

    def implies(self, body: Any, at_s: int) -> bool:
        """Whether a `state` body measured at `at_s` follows from what is already kept."""
        boot, seq, *_ = self.key
        return bool(
            body.seq == seq == self.whole_seq
            and body.boot == boot
            and at_s >= self.base_s
            and body.slots == self.slot_words
            and body.banks == self.bank_words
            and body.mains == self.mains.value
            and body.bolt == self.bolt.value
            and body.door == self.door.value
            and body.tamper == self.tamper.value
            and _place(body) == self.place.value
        )

    def facts(self, heard_s: int | None) -> CartFacts:
        """The picture as the rules read it."""
        return CartFacts(
            heard_s,
            self.mains,
            self.bolt,
            self.door,
            self.tamper,
            tuple(self.banks),
            tuple(self.slots),
            self.place,
        )

    def _apply_snapshot(self, words: str, at_s: int) -> None:
        slots, banks, *single = words.split("|")
        slot_words, bank_words = slots.split(), banks.split()
        self._grow(len(slot_words), len(bank_words))
        for kept, count in (
            (self.slots, len(slot_words)),
            (self.slot_words, len(slot_words)),
            (self.banks, len(bank_words)),
            (self.bank_words, len(bank_words)),
        ):
            del kept[count:]
        for i, word in enumerate(slot_words):
            self._set_slot(i, word, at_s)
        for i, word in enumerate(bank_words):
            self._set_bank(i, word, at_s)
        for name, word in zip(SINGLE, single, strict=False):
            self._set_single(name, word, at_s)
        self._place_slots()

    def _grow(self, slots: int, banks: int) -> None:
        while len(self.slots) < slots:
            self.slots.append(_NOTHING)
            self.slot_words.append("unknown")
        while len(self.banks) < banks:
            self.banks.append(UNKNOWN)
            self.bank_words.append("unknown")

    def _place_slots(self) -> None:
        """Which bank reads a slot: equal banks in order, as the boards are made; else not known."""
        each, rest = divmod(len(self.slots), len(self.banks))
        for i, slot in enumerate(self.slots):
            bank = 0 if rest else i // each + 1
            if slot.bank != bank:
                self.slots[i] = SlotFacts(slot.presence, slot.charge, slot.drew, bank, slot.shut)

    def _set_slot(self, i: int, word: str, at_s: int, whole: bool = False) -> None:
        presence, charge, draws = _SLOT[word]
        old, name = self.slots[i], f"slot {i + 1}"
        known = old.presence if old.presence.value != "unknown" else self.held.get(name, UNKNOWN)
        stays = presence in ("unknown", known.value)
        # Nobody saw it come, or what it drew since: it may have been charged meanwhile.
        unseen = presence == "present" and (
            _was_blind(old.charge, charge, at_s) if stays else old.presence.value == "unknown"
        )
        drew: bool | None = draws or (stays and old.drew)
        if unseen and not drew:
            drew = None
        now = self._moved(name, old.presence, presence, at_s, whole)
        shut = old.shut and presence != "present"
        if presence == "absent" and not stays:
            shut = now.seen and (self.door.value, self.bolt.value) == ("closed", "thrown")
        new = SlotFacts(
            now,
            self._moved(name + " charge", old.charge, charge, at_s, whole),
            drew,
            old.bank,
            shut,
        )
        self.slot_words[i] = word
        if new != old:
            self.slots[i] = new

    def _set_bank(self, i: int, word: str, at_s: int, whole: bool = False) -> None:
        self.banks[i] = self._moved(f"bank {i + 1}", self.banks[i], word, at_s, whole)
        self.bank_words[i] = word

    def _set_single(self, name: str, word: str, at_s: int, whole: bool = False) -> None:
        setattr(self, name, self._moved(name, getattr(self, name), word, at_s, whole))
        if word == "open" and name in ("door", "bolt"):
            for i, slot in enumerate(self.slots):
                left_s = slot.presence.since_s
                if slot.shut and left_s is not None and at_s - left_s <= HAND_S:
                    self.slots[i] = replace(slot, shut=False)

    def _moved(self, name: str, old: Fact, value: str, at_s: int, whole: bool) -> Fact:
        """The fact that follows `old` when `value` is said at `at_s`; `whole`: by an event, and all
        before it is known."""
        if value == old.value and old.since_s is not None:
            return old
        if value == "unknown":
            if old.value != "unknown":
                self.held[name] = old
        else:
            held = self.held.pop(name, None)
            if held is not None and held.value == value:
                return held
        return Fact(value, at_s, whole and "unknown" not in (old.value, value))


def _was_blind(old: Fact, charge: str, at_s: int) -> bool:
    """Whether a slot's charge is known again that was not for long."""
    since_s = old.since_s
    ends = old.value == "unknown" and charge != "unknown"
    return ends and since_s is not None and at_s - since_s > BLIND_S


def decode_picture(data: bytes) -> Picture:
    """The picture of a checkpoint, as written by `encode_picture`."""
    return _DECODER.decode(data)


def encode_picture(picture: Picture) -> bytes:
    """A picture for a checkpoint."""
    return msgspec.json.encode(picture)


_DECODER = msgspec.json.Decoder(Picture)
