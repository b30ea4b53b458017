"""C1, C2, C4 and C7: the slots of a cart that was heard, and the sensors that read them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from homeslot_hub.model import Fact, Place, SlotFacts, Verdict
from homeslot_hub.rules import words
from homeslot_hub.rules.case import Case, sensor_fault
from homeslot_hub.rules.register import excuse, teacher_of

# Shelves that take turns: a third of the cart at a time, 20 minutes each (a district's own guide),
# so a slot waits up to 40 minutes for its turn and is not suspected within an hour (C1).
ROTATION_S = 3600

SHELF = 3  # so many devices of one bank, all that are in it and none drawing, are one fault

_DRAWING = frozenset({"charging", "trickle", "full"})
_POWER = {
    "over_current": "has been drawing too much current",
    "reverse": "has been feeding current back into the cart",
}


def judge_slots(case: Case) -> tuple[tuple[Place, ...], list[Verdict]]:
    """The place of each configured slot, and the verdicts about slots in no particular order."""
    spare = case.cart.spare
    places: list[Place] = []
    verdicts: list[Verdict] = []
    away: list[int] = []
    unclear: list[int] = []
    for number, slot in enumerate(case.facts.slots[: case.cart.slots], 1):
        charge = slot.charge.value
        if number in spare:
            places.append("spare")
            if charge in _POWER:
                verdicts.append(_power_fault(case, number, slot))
            elif charge == "mismatch":
                verdicts.append(_mismatch(case, number, slot, hides=()))
            continue
        presence = slot.presence.value
        if presence == "present":
            places.append("home")
            if charge in _DRAWING:
                continue
            if charge == "idle":
                verdicts += _idle(case, number, slot)
            elif charge in _POWER:
                verdicts.append(_power_fault(case, number, slot))
            else:
                unclear.append(number)
        elif presence == "absent":
            if excuse(case, number) is None:
                places.append("out")
                away.append(number)
            else:
                places.append("excused")
        else:
            places.append("unknown")
            unclear.append(number)
    missing = range(len(places) + 1, case.cart.slots + 1)
    places += ["spare" if number in spare else "unknown" for number in missing]
    if len(case.facts.slots) != case.cart.slots:
        verdicts.append(_miscounted(case))
    verdicts = _by_shelf(case, verdicts)
    if away:
        verdicts += _out(case, away)
    if unclear or any(bank.value != "ok" for bank in case.facts.banks):
        verdicts += _blind(case, unclear)
    return tuple(places), verdicts


def _out(case: Case, away: list[int]) -> list[Verdict]:
    """C2, one verdict a device: each left at its own time."""
    slots = case.facts.slots
    it = "it" if len(away) == 1 else "each"
    action = f"Find {it}, put it back in its own slot and plug in its cable."
    visited = [
        slot
        for slot in sorted(case.cart.spare)
        if slot <= len(slots) and slots[slot - 1].presence.value == "present"
    ]
    if visited:
        where = words.slot_numbers(visited)
        action = f"Look in spare {where} first: a device is there. {action}"
    verdicts = []
    for number in away:
        since_s = slots[number - 1].presence.since_s
        if slots[number - 1].shut and case.cart.lock == "locked":
            verdicts.append(_out_of_a_shut_cart(case, number, since_s))
            continue
        reason = f"{case.device(number)} has been out of its slot{case.since(since_s)}."
        if since_s is None:
            reason = f"{case.device(number)} is out of its slot, since when is not known."
        evidence = f"Switch of slot {number} open."
        person = teacher_of(case, number).person
        own = person.email.lower() == case.cart.teacher.email.lower()
        whom = "" if own else f"Ask {person.name} first. "
        verdicts.append(
            Verdict("C2", "out", (number,), since_s, "known", reason, evidence, whom + action)
        )
    return verdicts


def _out_of_a_shut_cart(case: Case, number: int, since_s: int | None) -> Verdict:
    """C3: a device was seen to leave while door and bolt said that nobody could take it."""
    return Verdict(
        "C3",
        "out",
        (number,),
        since_s,
        "inferred",
        f"{case.device(number)} left its slot{_at(case, since_s)} while the cart was locked and "
        "shut.",
        f"Switch of slot {number} open; it opened while the door was closed and the bolt thrown.",
        "Look in the slot first: its switch may be wrong. If the device is gone, somebody got in "
        "another way: look at the cart's back, its hinges and its lock.",
    )


def _idle(case: Case, number: int, slot: SlotFacts) -> list[Verdict]:
    """C7: drawn nothing since it was put back, for longer than a pause may last."""
    put_back_s, mains = slot.presence.since_s, case.facts.mains
    if slot.drew is not False or mains.value != "on" or put_back_s is None:
        return []  # full or resting, or may be; hidden by the mains; never seen coming back
    start_s, event = put_back_s, "it was put back"
    if mains.since_s is not None and mains.since_s > put_back_s:
        start_s, event = mains.since_s, "power came back to the cart"
    limit_s = case.school.idle_after_s
    turn = ""
    if case.cart.rotates:
        limit_s = max(limit_s, ROTATION_S)
        turn = "; its shelf has had its turn"
    if case.at_s - start_s < limit_s:
        return []
    return [
        Verdict(
            "C7",
            "not_charging",
            (number,),
            start_s,
            "inferred",
            f"{case.device(number)} has drawn nothing since {event} at {case.clock(start_s)}.",
            f"Switch of slot {number} closed, no current measured since, mains on{turn}.",
            "Check the charging cable at both ends. If it is in, the device is full, or its cable "
            "or battery is bad: try it in another slot.",
        )
    ]


def _by_shelf(case: Case, verdicts: list[Verdict]) -> list[Verdict]:
    """C1, C7: where no device of a bank draws, its shelf is suspected before any cable."""
    idle = {verdict.slots[0] for verdict in verdicts if verdict.finding == "not_charging"}
    if len(idle) < SHELF:
        return verdicts
    shelves: defaultdict[int, set[int]] = defaultdict(set)
    for number, slot in enumerate(case.facts.slots[: case.cart.slots], 1):
        if slot.presence.value == "present" and number not in case.cart.spare:
            shelves[slot.bank].add(number)
    actions = {
        number: f"None of {words.slot_numbers(shelf)} draws, all of one shelf: look at the power "
        "of that shelf before any cable."
        for bank, shelf in shelves.items()
        if bank and len(shelf) >= SHELF and shelf <= idle
        for number in shelf
    }
    return [
        replace(verdict, action=actions[verdict.slots[0]])
        if verdict.finding == "not_charging" and verdict.slots[0] in actions
        else verdict
        for verdict in verdicts
    ]


def _power_fault(case: Case, number: int, slot: SlotFacts) -> Verdict:
    since_s, what = slot.charge.since_s, slot.charge.value
    return Verdict(
        "C1",
        "power_fault",
        (number,),
        since_s,
        "known",
        f"Slot {number} {_POWER[what]}{case.since(since_s)}.",
        f"Current of slot {number}: {what.replace('_', '-')}.",
        "Take the device and its cable out of the slot and use neither until a technician has "
        "looked at them.",
    )


def _miscounted(case: Case) -> Verdict:
    """C1: the cart has fewer or more slots than the configuration says."""
    cart, reported = case.cart, len(case.facts.slots)
    missing = range(reported + 1, cart.slots + 1)
    if reported:
        apart = words.slot_numbers(missing or range(cart.slots + 1, reported + 1))
        reason = (
            f"The cart reports {words.count(reported, 'slot')} and {cart.slots} are configured: "
            f"nothing is said here of {apart}."
        )
        action = "Correct the number of slots of this cart in the hub's configuration."
    else:
        reason = "The cart reports, but has said nothing of its slots yet."
        action = "Restart its controller. If that changes nothing, ask IT to look at it."
    evidence = f"{words.count(reported, 'slot')} reported, {cart.slots} configured."
    hides = tuple(number for number in missing if number not in cart.spare)
    return sensor_fault("C1", (), None, reason, evidence, action, hides, "slots")


def _blind(case: Case, unclear: list[int]) -> list[Verdict]:
    """One verdict for each bank at fault, with its unclear slots; the others slot by slot.

    A slot of which no bank is known belongs to the one at fault, when there is just one.
    """
    banks, slots = case.facts.banks, case.facts.slots
    of_bank: defaultdict[int, list[int]] = defaultdict(list)
    at_fault = [bank for bank, fact in enumerate(banks, 1) if fact.value != "ok"]
    alone: list[Verdict] = []
    for number in unclear:
        slot = slots[number - 1]
        bank = at_fault[0] if slot.bank == 0 and len(at_fault) == 1 else slot.bank
        if bank in at_fault:
            of_bank[bank].append(number)
        else:
            alone.append(_slot_fault(case, number, slot))
    return [
        _bank_fault(case, bank, fact, of_bank[bank])
        for bank, fact in enumerate(banks, 1)
        if fact.value == "faulty" or of_bank[bank]
    ] + alone


def _bank_fault(case: Case, bank: int, fact: Fact, unclear: list[int]) -> Verdict:
    hides = tuple(
        number for number in unclear if case.facts.slots[number - 1].presence.value != "present"
    )
    since = case.since(fact.since_s)
    action = "Have a technician check the bank's board and its cable."
    if hides:
        rule, reason = "C2", f"Sensor bank {bank} has not answered{since}."
        action = f"Count the devices in its slots by eye. {action}"
    elif unclear:
        rule, reason = "C7", f"Sensor bank {bank} has not measured charging{since}."
    else:
        rule, reason = "C1", f"Sensor bank {bank} has reported a fault{since}."
    evidence = f"The controller reports bank {bank} {fact.value}."
    return sensor_fault(
        rule, tuple(unclear), fact.since_s, reason, evidence, action, hides, f"bank {bank}"
    )


def _slot_fault(case: Case, number: int, slot: SlotFacts) -> Verdict:
    if slot.presence.value == "present":
        since_s = slot.charge.since_s
        reason = f"{case.device(number)} is in its slot, but its charging is not measured."
        evidence = f"Switch of slot {number} closed, current not measured."
        action = "Have a technician check the slot's current sensor."
        return sensor_fault("C7", (number,), since_s, reason, evidence, action)
    if slot.charge.value == "mismatch":
        return _mismatch(case, number, slot, hides=(number,))
    if slot.charge.value == "unsteady":
        since_s = slot.charge.since_s
        reason = f"The switch of slot {number} has not come to rest{case.since(since_s)}."
        evidence = f"Switch of slot {number} closes and opens all the time."
    else:
        since_s = slot.presence.since_s
        reason = f"The switch of slot {number} has not answered{case.since(since_s)}."
        evidence = f"Switch of slot {number} cannot be read."
    action = "Look in the slot, then have a technician check its switch."
    return sensor_fault("C2", (number,), since_s, reason, evidence, action, (number,))


def _mismatch(case: Case, number: int, slot: SlotFacts, hides: tuple[int, ...]) -> Verdict:
    """C1: something charges in a slot that says it is empty. What it is, nobody can sense."""
    since_s = slot.charge.since_s
    since = case.since(since_s)
    return sensor_fault(
        "C1",
        (number,),
        since_s,
        f"Something has drawn current in slot {number}{since}, and its switch says it is empty.",
        f"Switch of slot {number} open, current measured.",
        "Look in the slot: a device may be in it without pressing its switch, or something else "
        "may hang on its cable. If neither, have a technician check the switch.",
        hides,
    )


def _at(case: Case, moment_s: int | None) -> str:
    return "" if moment_s is None else f" at {case.clock(moment_s)}"
