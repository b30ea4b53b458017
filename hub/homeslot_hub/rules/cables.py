"""N10: which charging cables to replace, by the stays of devices in their slots over some days.

Theory of operation. Only stays that could tell count (rules.stays). Several in a row without a
draw, or days of them, make a cable dead. Even so it is inferred: who finds each time a full device,
or one that has stopped charging, senses the same. A cable lost during a stay is noticed in the
stays after it.

Slot or device? The switches do not tell one device from another, and all slots of a cart are empty
at once on every school day. Two slots whose behaviour was exchanged at such a moment may have
exchanged their devices or their cables, or one was mended as the other failed. So by what is sensed
alone nothing is concluded: what is said is the test by which a person will know. When the register
has the device moved from one slot to the other at that very time, it followed the device. The
opposite, that it stays with the slot, is never concluded: a register that is corrected looks the
same as a device that is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from homeslot_hub.model import Cart, CartFacts, Confidence, School
from homeslot_hub.rules import words
from homeslot_hub.rules.case import Case
from homeslot_hub.rules.slots import SHELF
from homeslot_hub.rules.stays import LONG_S, Span, Stay, stays_of

DEAD_STAYS = 3  # in a row without a draw, or LONG_S of them in all

Word = Literal["draws", "dead", "cannot tell"]
Tags = Sequence[tuple[int, Mapping[int, str]]]
_CONFIDENCE: dict[Word, Confidence] = {
    "draws": "known",
    "dead": "inferred",
    "cannot tell": "unknown",
}


@dataclass(frozen=True, slots=True)
class Cable:
    """What the stays in one slot say of its cable.

    `told` is how many stays could tell, `drew` in how many of them it drew. `row` is how many
    without a draw came last in a row, `watched_s` how long these were watched in all, and `since_s`
    when the first of them began, None without any. `drew_s` is when it last drew. `bank` is that of
    its sensors, 0 when not known. `reason` and `action` are for a person; no action, none needed.
    """

    slot: int
    word: Word
    told: int
    drew: int
    row: int
    watched_s: int
    since_s: int | None
    drew_s: int | None
    bank: int
    reason: str
    action: str = ""

    @property
    def confidence(self) -> Confidence:
        """How sure `word` is: that it draws was seen, that it is dead follows."""
        return _CONFIDENCE[self.word]


class _Move(NamedTuple):
    """The device with `tag` was in `slot` until `until_s`, and drew nothing in its last `stays`."""

    tag: str
    slot: int
    until_s: int
    stays: int


def judge_cables(
    school: School,
    cart: Cart,
    steps: Sequence[tuple[int, CartFacts]],
    heard: Sequence[Span],
    until_s: int,
    tags: Tags = (),
) -> tuple[Cable, ...]:
    """The cables of the cart's slots, by what was believed from the first of `steps` to `until_s`.

    `steps` are the facts from a moment on, `heard` the spans (from, to) of being heard, both in
    order. `tags` are the asset tags recorded by slot, at some moments in order. Of anything after
    `until_s` nothing counts.
    """
    steps = [step for step in steps if step[0] <= until_s] or [(until_s, CartFacts())]
    case = Case(school, cart, steps[-1][1], until_s)
    stays = stays_of(school, cart, steps, heard, until_s)
    found = [_cable(case, slot, _known_s(slot, steps), here) for slot, here in enumerate(stays, 1)]
    told = {slot: _told(here) for slot, here in enumerate(stays, 1)}
    recorded = [each for each in tags if each[0] <= until_s]
    return tuple(
        _advised(case, cable, found, _move(cable.slot, told, recorded))
        if cable.word == "dead"
        else cable
        for cable in found
    )


def _advised(case: Case, dead: Cable, cables: Sequence[Cable], move: _Move | None) -> Cable:
    """`dead` with what to do next, after what is known of slot or device."""
    if move is None:
        return replace(dead, action=_action(dead, cables))
    reason = (
        f"{dead.reason} Its device, tag {move.tag}, was recorded in slot {move.slot} until "
        f"{case.clock(move.until_s)}: there it drew nothing in "
        f"{words.count(move.stays, 'stay')}, and since then that slot draws and this one does not. "
        "It followed the device."
    )
    action = (
        f"Have the device with tag {move.tag} looked at: its socket, then its battery. The cables "
        f"of slots {move.slot} and {dead.slot} have drawn with others."
    )
    return replace(dead, reason=reason, action=action)


def _move(slot: int, told: Mapping[int, Sequence[Stay]], tags: Tags) -> _Move | None:
    """The move recorded by which the device of `slot` brought its not drawing along, if any.

    Before it, the other slot was dead and this one drew; after it, this one was dead and the other
    one drew. `told` are the stays that could tell, by slot. A device that was moved twice proves
    nothing, nor do stays that began between the two of `tags` of which it moved.
    """
    tag = tags[-1][1].get(slot, "") if tags else ""
    places = [next((at for at, what in each.items() if what == tag), 0) for _, each in tags]
    moved = [i for i in range(1, len(places)) if places[i] != places[i - 1]]
    if not tag or len(moved) != 1:
        return None
    other, before_s, after_s = places[0], tags[moved[0] - 1][0], tags[moved[0]][0]
    there_before = _between(told.get(other, ()), tags[0][0], before_s)
    here_before = _between(told[slot], tags[0][0], before_s)
    there_after = _between(told.get(other, ()), after_s)
    here_after = _between(told[slot], after_s)
    brought = _row(there_before)
    if not (_is_dead(brought) and _draws(here_before) and _draws(there_after)):
        return None
    if _row(here_after) != here_after or not _is_dead(here_after):
        return None
    return _Move(tag, other, before_s, len(brought))


def _between(stays: Sequence[Stay], from_s: int, to_s: int | None = None) -> list[Stay]:
    """Those that began from `from_s` on, before `to_s`."""
    return [s for s in stays if from_s <= s.came_s and (to_s is None or s.came_s < to_s)]


def _told(stays: Sequence[Stay]) -> list[Stay]:
    return [stay for stay in stays if not stay.why]


def _row(told: Sequence[Stay]) -> list[Stay]:
    """The last in a row without a draw."""
    row: list[Stay] = []
    for stay in reversed(told):
        if stay.drew_s is not None:
            break
        row.insert(0, stay)
    return row


def _is_dead(row: Sequence[Stay]) -> bool:
    return len(row) >= DEAD_STAYS or sum(stay.watched_s for stay in row) >= LONG_S


def _draws(told: Sequence[Stay]) -> bool:
    return bool(told) and not _row(told)


def _known_s(slot: int, steps: Sequence[tuple[int, CartFacts]]) -> int | None:
    """From when on something was believed of `slot`, None when nothing ever was."""
    return next((at_s for at_s, facts in steps if len(facts.slots) >= slot), None)


def _cable(case: Case, slot: int, known_s: int | None, stays: Sequence[Stay]) -> Cable:
    told = _told(stays)
    drew = sum(stay.drew_s is not None for stay in told)
    row = _row(told)
    watched_s = sum(stay.watched_s for stay in row)
    drew_s = max((stay.drew_s for stay in told if stay.drew_s is not None), default=None)
    last = f"It has not been seen drawing{case.since(known_s)}."
    if drew_s is not None:
        last = f"It last drew {case.clock(drew_s)}."
    bank = case.facts.slots[slot - 1].bank if slot <= len(case.facts.slots) else 0
    word: Word = "cannot tell"
    if row:
        stays_word = words.count(len(row), "stay")
        reason = (
            f"Slot {slot} drew nothing in {stays_word} in a row{case.since(row[0].came_s)}, "
            f"watched for {words.lasting(watched_s)} in all. {last}"
        )
        if _is_dead(row):
            word = "dead"
        else:
            enough = f"{DEAD_STAYS} stays or {words.lasting(LONG_S)}"
            reason += f" Fewer than {enough} may be chance."
    elif told:
        word, reason = "draws", last
    elif stays:
        reason = f"No stay in slot {slot} could tell; in the last one {stays[-1].why}."
    elif known_s is None:
        reason = f"Nothing was reported of slot {slot}."
    else:
        reason = f"No device has been seen in slot {slot}{case.since(known_s)}."
    since_s = row[0].came_s if row else None
    return Cable(slot, word, len(told), drew, len(row), watched_s, since_s, drew_s, bank, reason)


def _action(dead: Cable, cables: Sequence[Cable]) -> str:
    """What to do next: the cause that many share first, then the test of slot or device."""
    shelf = [cable for cable in cables if dead.bank and cable.bank == dead.bank and cable.told]
    if len(shelf) >= SHELF and all(cable.word == "dead" for cable in shelf):
        slots = words.slot_numbers(cable.slot for cable in shelf)
        return (
            f"None of {slots} draws, all of one bank: look at the power of that shelf, then have "
            "a technician check its current sensors, before any cable."
        )
    look = f"Look whether slot {dead.slot} has its cable, in at both ends."
    draws = [cable.slot for cable in cables if cable.word == "draws"]
    if not draws:
        return f"{look} If so, try it with a device that is known to charge elsewhere."
    other = min(draws, key=lambda slot: (abs(slot - dead.slot), slot))
    return (
        f"{look} If so, swap the devices of slots {dead.slot} and {other} for a day: if slot "
        f"{other} then draws nothing, the device is at fault; if slot {dead.slot} still draws "
        "nothing, its cable or socket is."
    )
