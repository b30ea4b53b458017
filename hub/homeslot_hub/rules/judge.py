"""What the facts of one cart mean at one moment: rules C1 to C9, and N3 to N17 of register.

Theory of operation. A cause is said once, and what it would make appear is hidden behind it:

- a silent cart hides everything: nothing is known of it now, and nothing else is said;
- a bank of sensors that does not answer, or a slot that contradicts itself, makes slots unknown;
  unknown is never out;
- mains off hides "not charging".

A heard cart that cannot tell about its mains, door or bolt has a sensor fault: what is not known
is said, never taken for fine. Verdicts stand in the order of CAUSES_FIRST. The confidence is that
of the answer to the rule's question: `known` where a switch says so, `inferred` where history (C7)
or an access point (C9) does, or where two switches cannot both be right (a device that left a cart
that was locked and shut), `unknown` where nothing can (silent, sensor_fault).

What was disturbed out of hours (C12) is asked of more than one moment: it is rules.off_hours'.

A place is `unknown` exactly when a silent or sensor_fault verdict hides its slot, and `excused`
exactly when it is out and the register says why.
"""

from __future__ import annotations

from homeslot_hub.model import (
    Cart,
    CartFacts,
    CartRegister,
    CartVerdict,
    Finding,
    Place,
    School,
    Verdict,
)
from homeslot_hub.rules import words
from homeslot_hub.rules.case import Case
from homeslot_hub.rules.fittings import judge_box, judge_lock, judge_mains, judge_place
from homeslot_hub.rules.register import excuse, judge_returned, judge_substitutes
from homeslot_hub.rules.slots import judge_slots

CAUSES_FIRST: tuple[Finding, ...] = (
    "silent",
    "sensor_fault",
    "unplugged",
    "power_fault",
    "elsewhere",
    "disturbed",
    "unlocked",
    "substitute",
    "out",
    "returned",
    "not_charging",
    "over_allotment",
)
_RANK = {finding: rank for rank, finding in enumerate(CAUSES_FIRST)}
NOTHING_RECORDED = CartRegister()


def judge_cart(
    school: School,
    cart: Cart,
    facts: CartFacts,
    at_s: int,
    register: CartRegister = NOTHING_RECORDED,
) -> CartVerdict:
    """The judgement of `cart` at `at_s` from what was measured and recorded until then.

    Pure; never raises. What is found over all carts of a school is register.judge_allotments'.
    """
    case = Case(school, cart, facts, at_s, register)
    if facts.heard_s is None or at_s - facts.heard_s > school.silent_after_s:
        return _judge_silent(case)
    return _judge_heard(case)


def _judge_heard(case: Case) -> CartVerdict:
    places, verdicts = judge_slots(case)
    home: tuple[int, ...] = ()
    if case.facts.mains.value == "off":
        home = _at(places, "home")
    verdicts += judge_mains(case, home)
    verdicts += judge_lock(case)
    verdicts += judge_box(case)
    verdicts += judge_place(case)
    if case.register is not NOTHING_RECORDED:
        verdicts += judge_substitutes(case, _at(places, "out"))
        verdicts += judge_returned(case, _at(places, "home"))
    if len(verdicts) > 1:
        verdicts.sort(key=lambda verdict: _RANK[verdict.finding])
    excuses = (excuse(case, slot) for slot in _at(places, "excused"))
    return CartVerdict(
        case.cart,
        case.at_s,
        places,
        tuple(verdicts),
        tuple(said for said in excuses if said is not None),
    )


def _at(places: tuple[Place, ...], word: Place) -> tuple[int, ...]:
    return tuple(number for number, place in enumerate(places, 1) if place == word)


def _judge_silent(case: Case) -> CartVerdict:
    cart, heard_s = case.cart, case.facts.heard_s
    numbers = range(1, cart.slots + 1)
    places: tuple[Place, ...] = tuple(
        "spare" if number in cart.spare else "unknown" for number in numbers
    )
    hides = tuple(number for number in numbers if number not in cart.spare)
    if heard_s is None:
        reason, evidence = "Never heard: no report has come from this cart.", "No report."
        action = (
            "Set up its controller, or see that it is on and reaches the network. Until the cart "
            "is heard, look after it by eye."
        )
    else:
        reason = f"Not heard since {case.clock(heard_s)}."
        evidence = _last_known(case, heard_s)
        action = (
            "Go and see that the cart is in its place and count its devices. If its controller is "
            "on, ask IT about the network there."
        )
        mains = case.facts.mains
        if mains.value == "off":
            lost = case.since(mains.since_s)
            reason = f"Not heard since {case.clock(heard_s)}; it had been without power{lost}."
            action = (
                "Plug the cart in: it had no power when it was last heard, so its battery may be "
                "empty. Count its devices."
            )
    verdict = Verdict("C2", "silent", (), heard_s, "unknown", reason, evidence, action, hides)
    return CartVerdict(cart, case.at_s, places, (verdict,))


def _last_known(case: Case, heard_s: int) -> str:
    """What a cart that is silent now said last, in one sentence."""
    before = _judge_heard(Case(case.school, case.cart, case.facts, heard_s, case.register))
    parts = [f"{before.places.count('home')} home"]
    away = [number for number, place in enumerate(before.places, 1) if place == "out"]
    if away:
        parts.append(f"{len(away)} out ({words.devices(case.cart.number, away)})")
    if before.excuses:
        parts.append(f"{len(before.excuses)} excused")
    if "unknown" in before.places:
        parts.append(f"{before.places.count('unknown')} unknown")
    found = {verdict.finding for verdict in before.verdicts}
    parts += ["not locked"] * ("unlocked" in found)
    return f"Last known at {case.clock(heard_s)}: {', '.join(parts)}."
