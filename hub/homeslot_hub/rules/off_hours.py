"""C12: a cart that is unlocked, opened or emptied out of hours, by whomever.

Theory of operation. Off hours go from the deadline of a school day to the morning of the next one:
a night, a weekend, the holidays. A cart is *disturbed* while something of it is not as it should be
that was seen to become so in them:

- its door open, or its bolt not thrown, where its policy is `locked` and both switches agree;
- a device out of its slot that nobody has excused.

What was wrong at the deadline has been said in its digest and is not said again. What nobody saw
coming (a cart that was off, a dead sensor, the first report of all) disturbs nothing: it may have
become so in school hours.

Whoever brings a late device opens the door for it. So a disturbance is told when it has stood for
the school's `alarm_after_s`, counted from the last device that came home; but as soon as
MANY devices are gone: that is nobody who brings one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from homeslot_hub.model import CartFacts, CartVerdict, Fact, School, Verdict
from homeslot_hub.rules import calendar, steps, words
from homeslot_hub.rules.case import Case

MANY = 5  # devices that leave one cart: more than a hand takes out to put right


@dataclass(frozen=True, slots=True)
class OffHours:
    """The time between two school days, epoch s: `day` is the one whose deadline begins it."""

    day: date
    from_s: int
    until_s: int


def off_hours(school: School, now_s: int) -> OffHours | None:
    """The off hours that `now_s` lies in, once their deadline is due; None in school hours, and
    where the school wants no alarm."""
    day = calendar.last_due(school, now_s)
    if day is None or not school.steps.alarm_after_s:
        return None
    later = (day + timedelta(days=ahead) for ahead in range(1, calendar.LOOK_DAYS))
    following = next((date for date in later if calendar.is_school_day(school, date)), None)
    if following is None:
        return None  # its calendar ends here: whether school begins again nobody knows
    until_s = steps.begins_s(school, following)
    if now_s >= until_s:
        return None
    return OffHours(day, calendar.deadline_s(school, day), until_s)


def stirred(facts: CartFacts, since_s: int) -> bool:
    """Whether a cart may be disturbed since `since_s`: quick, as it is asked of every cart."""
    return (
        _seen(facts.door, "open", since_s)
        or _seen(facts.bolt, "open", since_s)
        or any(_seen(slot.presence, "absent", since_s) for slot in facts.slots)
    )


def judge_off_hours(case: Case, judged: CartVerdict, off: OffHours) -> Verdict | None:
    """What disturbs a cart at the moment of `case`, which was `judged` otherwise; None: nothing."""
    facts, since_s = case.facts, off.from_s
    door_s = bolt_s = None
    if any(verdict.finding == "unlocked" for verdict in judged.verdicts):
        door_s = facts.door.since_s if _seen(facts.door, "open", since_s) else None
        bolt_s = facts.bolt.since_s if _seen(facts.bolt, "open", since_s) else None
    taken = tuple(
        number
        for number, place in enumerate(judged.places, 1)
        if place == "out" and _seen(facts.slots[number - 1].presence, "absent", since_s)
    )
    left = [(facts.slots[number - 1].presence.since_s or 0, number) for number in taken]
    moments = [moment for moment in (door_s, bolt_s) if moment is not None]
    if not moments and not taken:
        return None
    # Where the lock was opened too, nobody wonders how they got out.
    shut = case.cart.lock == "locked" and not moments
    shut = shut and all(facts.slots[number - 1].shut for number in taken)
    said = []
    if door_s is not None:
        said.append(f"its door was opened at {case.clock(door_s)}")
    elif bolt_s is not None:
        said.append(f"it was unlocked at {case.clock(bolt_s)}")
    if taken:
        said.append(_taken(case, sorted(left)) + " while it was locked and shut" * shut)
    action = "Find out who is at the cart. If it is nobody of yours, have someone go and look."
    if shut:
        action = (
            "Have someone look at the cart and its back: either somebody got in another way, or "
            "these switches are wrong."
        )
    switches = f"; {words.slot_numbers(taken)} open" if taken else ""
    return Verdict(
        "C12",
        "disturbed",
        taken,
        min([*moments, *(moment for moment, _ in left)]),
        "inferred" if shut else "known",
        f"Out of hours {words.listed(said)}.",
        f"Door {facts.door.value}, bolt {facts.bolt.value}{switches}; each was seen to change.",
        action,
        about="out of hours",
    )


def is_alarming(case: Case, verdict: Verdict) -> bool:
    """Whether the disturbance `verdict` has stood long enough to be told."""
    if len(verdict.slots) >= MANY or verdict.since_s is None:
        return True
    came_s = (
        slot.presence.since_s
        for slot in case.facts.slots
        if _seen(slot.presence, "present", verdict.since_s)
    )
    begin_s = max(verdict.since_s, *(moment or 0 for moment in came_s), 0)
    return case.at_s - begin_s >= case.school.steps.alarm_after_s


def _seen(fact: Fact, value: str, after_s: int) -> bool:
    """Whether it was seen to become `value` after `after_s`."""
    return fact.seen and fact.value == value and fact.since_s is not None and fact.since_s > after_s


def _taken(case: Case, left: list[tuple[int, int]]) -> str:
    """Which devices left when: `7-3 left its slot at 22:11`."""
    names = words.devices(case.cart.number, (number for _, number in left))
    first, last = case.clock(left[0][0]), case.clock(left[-1][0])
    when = f"at {first}" if first == last else f"between {first} and {last}"
    return f"{names} left {'its slot' if len(left) == 1 else 'their slots'} {when}"
