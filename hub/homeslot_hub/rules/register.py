"""N3, N4, N5, N8, N9 and N17: what the register says of devices and people, beside what is sensed.

Theory of operation. A device that is out of its slot is excused when the register says why: it is
in repair, lent, lost or retired, or somebody has authorised it to be away. An exemption ends at the
school's deadline of its last day, so that at that deadline the device has to be home. On a day when
a substitute stands in for its teacher no exemption counts (N4: "NO EXCEPTIONS"); a device in repair
is in no classroom and stays excused.

Whoever has more devices out than allotted (N3) is found over all carts of a school at once. What is
excused does not count, nor do as many as are reserved from a cart at that moment (N5): which of
those that are out they are nobody can sense, so the doubt is in favour of each teacher there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from homeslot_hub.model import (
    CartRegister,
    CartVerdict,
    DeviceState,
    Excuse,
    Reservation,
    School,
    SubstituteDay,
    Teacher,
    Verdict,
)
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.case import Case

# Which rule a state belongs to, and how a device in it is spoken of.
AWAY_STATES: dict[DeviceState, tuple[str, str]] = {
    "in repair": ("N8", "in repair"),
    "loaner": ("N8", "lent"),
    "lost": ("N9", "lost"),
    "retired": ("N17", "retired"),
}
_NOTHING = CartRegister()


def teacher_of(case: Case, slot: int) -> Teacher:
    """Who answers for the device of `slot` (C5): whom the register says, else the cart's own."""
    return _teacher_of(case.register, Teacher(case.cart.teacher), slot)


def excuse(case: Case, slot: int) -> Excuse | None:
    """Why the device of `slot`, which is out of it, need not be there; None when it should be."""
    record = case.register.slots.get(slot)
    if record is None:
        return None
    device, exemption = record.device, record.exemption
    if device is not None and device.state in AWAY_STATES:
        rule, spoken = AWAY_STATES[device.state]
        since = case.since(record.state_since_s)
        return Excuse(rule, slot, f"{case.device(slot)} is recorded as {spoken}{since}.")
    if exemption is None or _has_substitute(case, teacher_of(case, slot)):
        return None
    ends_s = calendar.deadline_s(case.school, exemption.until)
    if case.at_s >= ends_s:
        return None
    until = words.clock(case.school.zone, ends_s, case.at_s)
    reason = (
        f"{case.device(slot)} may be away until {until}: {exemption.why} "
        f"(authorised by {exemption.authorised})."
    )
    return Excuse("N3", slot, reason)


def judge_substitutes(case: Case, out: Sequence[int]) -> list[Verdict]:
    """N4: one verdict for each teacher with a substitute today and devices out."""
    if not case.register.substitutes:
        return []
    of_teacher: defaultdict[str, list[int]] = defaultdict(list)
    names = {}
    for slot in out:
        teacher = teacher_of(case, slot)
        if _has_substitute(case, teacher):
            of_teacher[teacher.person.email.lower()].append(slot)
            names[teacher.person.email.lower()] = teacher.person.name
    verdicts = []
    for email, slots in of_teacher.items():
        moments = [case.facts.slots[slot - 1].presence.since_s for slot in slots]
        devices = words.devices(case.cart.number, slots)
        verdicts.append(
            Verdict(
                "N4",
                "substitute",
                tuple(slots),
                min((moment for moment in moments if moment is not None), default=None),
                "known",
                f"A substitute stands in for {names[email]} today, and {devices} "
                f"{'is' if len(slots) == 1 else 'are'} out.",
                f"Substitute day recorded; {words.slot_numbers(slots)} open.",
                "Have them brought back at once: none stays with a substitute, without exception.",
                about=names[email],
            )
        )
    return verdicts


def judge_returned(case: Case, home: Sequence[int]) -> list[Verdict]:
    """N8, N9, N17: a device in a slot whose own is recorded as away.

    One that was there before it was recorded as in repair or retired has merely not left yet.
    """
    verdicts = []
    for slot in home:
        record = case.register.slots.get(slot)
        if record is None or record.device is None:
            continue
        state, recorded_s = record.device.state, record.state_since_s
        if state not in ("in repair", "lost", "retired"):
            continue
        since_s = case.facts.slots[slot - 1].presence.since_s
        came = since_s is not None and recorded_s is not None and since_s > recorded_s
        if state != "lost" and not came:
            continue
        rule, spoken = AWAY_STATES[state]
        verdicts.append(
            Verdict(
                rule,
                "returned",
                (slot,),
                since_s,
                "inferred",
                f"{case.device(slot)} is recorded as {spoken}{case.since(recorded_s)}, and a "
                f"device has been in its slot{case.since(since_s)}.",
                f"Switch of slot {slot} closed; recorded as {spoken}.",
                "Read its tag. If it is back, say so with `homeslot register set`; if not, another "
                "device is in its slot.",
            )
        )
    return verdicts


def judge_allotments(
    school: School, carts: Sequence[CartVerdict], registers: Mapping[int, CartRegister]
) -> tuple[CartVerdict, ...]:
    """N3: the verdicts on a school's carts, with those on teachers who have too many devices out.

    `registers` are by the number of the cart. A teacher's verdict stands with the cart from which
    most of their devices are out.
    """
    teachers: dict[str, Teacher] = {}
    out_of: defaultdict[str, dict[int, list[int]]] = defaultdict(dict)
    reserved: defaultdict[str, int] = defaultdict(int)
    for i, cart in enumerate(carts):
        register = registers.get(cart.cart.number, _NOTHING)
        if register.teacher is None and not any(r.teacher for r in register.slots.values()):
            continue
        here: defaultdict[str, list[int]] = defaultdict(list)
        for slot, place in enumerate(cart.places, 1):
            if place != "out":
                continue
            teacher = _teacher_of(register, Teacher(cart.cart.teacher), slot)
            if teacher.allotment is not None:
                email = teacher.person.email.lower()
                teachers[email] = teacher
                here[email].append(slot)
        devices = _reserved(school, register.reservations, cart.at_s) if here else 0
        for email, slots in here.items():
            out_of[email][i] = slots
            reserved[email] += min(devices, len(slots))
    judged = list(carts)
    for email, teacher in teachers.items():
        found, allotted = out_of[email], teacher.allotment or 0
        number = sum(map(len, found.values()))
        over = number - reserved[email] - allotted
        if over > 0:
            i = max(found, key=lambda i: len(found[i]))
            verdict = _over(teacher, carts, found, i, over, reserved[email])
            judged[i] = replace(judged[i], verdicts=(*judged[i].verdicts, verdict))
    return tuple(judged)


def _over(
    teacher: Teacher,
    carts: Sequence[CartVerdict],
    found: Mapping[int, Sequence[int]],
    i: int,
    over: int,
    reserved: int,
) -> Verdict:
    devices = ", ".join(words.devices(carts[j].cart.number, slots) for j, slots in found.items())
    number = sum(map(len, found.values()))
    also = f" and {reserved} reserved" if reserved else ""
    return Verdict(
        "N3",
        "over_allotment",
        tuple(found[i]),
        None,
        "known",
        f"{teacher.person.name} has {words.count(number, 'device')} out, and {teacher.allotment} "
        f"allotted{also}: {devices}.",
        f"Allotment recorded: {teacher.allotment}.",
        f"Have {over} of them brought back, or authorise it with `homeslot register exempt`.",
        about=teacher.person.name,
    )


def _reserved(school: School, reservations: Sequence[Reservation], at_s: int) -> int:
    wall = datetime.fromtimestamp(at_s, school.zone).replace(tzinfo=None)
    return sum(r.devices for r in reservations if r.begins <= wall < r.ends)


def _teacher_of(register: CartRegister, own: Teacher, slot: int) -> Teacher:
    record = register.slots.get(slot)
    if record is not None and record.teacher is not None:
        return record.teacher
    return register.teacher or own


def _has_substitute(case: Case, teacher: Teacher) -> bool:
    if not case.register.substitutes:
        return False
    today = calendar.school_day_of(case.school, case.at_s)
    return SubstituteDay(teacher.person.email.lower(), today) in case.register.substitutes
