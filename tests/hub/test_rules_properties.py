"""What holds for every cart and every set of facts: causes, symptoms and the unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from homeslot.contract import BANK, BOLT, DOOR, MAINS, TAMPER
from homeslot.core.slots import STATES
from homeslot_hub.model import Cart, CartFacts, Fact, SlotFacts
from homeslot_hub.rules.judge import CAUSES_FIRST, judge_cart

from .facts import AT_S, CART, SCHOOL

PRESENCE = {True: "present", False: "absent", None: "unknown"}
moments = st.none() | st.integers(AT_S - 3 * 86400, AT_S)
heard = st.integers(AT_S - SCHOOL.silent_after_s, AT_S)


def facts_of(words: tuple[str, ...]) -> st.SearchStrategy[Fact]:
    return st.builds(Fact, st.sampled_from(words), moments)


@st.composite
def slots(draw: st.DrawFn) -> SlotFacts:
    presence, charge = STATES[draw(st.sampled_from(list(STATES)))]
    return SlotFacts(
        Fact(PRESENCE[presence], draw(moments)),
        Fact(charge or "unknown", draw(moments)),
        draw(st.booleans()),
        draw(st.integers(0, 4)),
    )


carts = st.builds(
    replace,
    st.just(CART),
    slots=st.integers(1, 40),
    spare=st.frozensets(st.integers(1, 40), max_size=4),
    lock=st.sampled_from(("locked", "open")),
    rotates=st.booleans(),
)
cart_facts = st.builds(
    CartFacts,
    heard_s=moments | heard,
    mains=facts_of(MAINS),
    bolt=facts_of(BOLT),
    door=facts_of(DOOR),
    tamper=facts_of(TAMPER),
    banks=st.lists(facts_of(BANK), max_size=3).map(tuple),
    slots=st.lists(slots(), max_size=40).map(tuple),
)


def is_silent(facts: CartFacts) -> bool:
    return facts.heard_s is None or AT_S - facts.heard_s > SCHOOL.silent_after_s


@given(carts, cart_facts)
def test_c2_every_slot_has_exactly_one_place_and_out_means_an_open_switch(
    cart: Cart, facts: CartFacts
) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    assert len(verdict.places) == cart.slots
    for number, place in enumerate(verdict.places, 1):
        assert (place == "spare") == (number in cart.spare)
        if place == "out":
            assert facts.slots[number - 1].presence.value == "absent"
        if place == "home":
            assert facts.slots[number - 1].presence.value == "present"


@given(carts, cart_facts)
def test_c2_a_device_is_out_in_its_place_and_in_one_verdict_or_in_neither(
    cart: Cart, facts: CartFacts
) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    said = Counter(slot for one in verdict.verdicts if one.finding == "out" for slot in one.slots)
    assert said == {n: 1 for n, place in enumerate(verdict.places, 1) if place == "out"}


@given(carts, cart_facts)
def test_c2_a_slot_is_unknown_exactly_when_one_cause_hides_it(cart: Cart, facts: CartFacts) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    blinding = (one for one in verdict.verdicts if one.finding in ("silent", "sensor_fault"))
    hidden = Counter(slot for one in blinding for slot in one.hides)
    assert hidden == {n: 1 for n, place in enumerate(verdict.places, 1) if place == "unknown"}


@given(carts, cart_facts)
def test_c2_a_silent_cart_says_only_that_it_is_silent(cart: Cart, facts: CartFacts) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    findings = [one.finding for one in verdict.verdicts]
    assert ("silent" in findings) == is_silent(facts)
    if is_silent(facts):
        assert findings == ["silent"]
        assert set(verdict.places) <= {"unknown", "spare"}


@given(carts, cart_facts, heard)
def test_c2_a_dead_sensor_never_yields_a_device_out(
    cart: Cart, facts: CartFacts, heard_s: int
) -> None:
    blind = tuple(replace(slot, presence=Fact("unknown", None)) for slot in facts.slots)
    verdict = judge_cart(SCHOOL, cart, replace(facts, heard_s=heard_s, slots=blind), AT_S)
    assert all(one.finding not in ("out", "not_charging") for one in verdict.verdicts)


@given(carts, cart_facts, heard, st.sampled_from(("off", "unknown")))
def test_c6_without_known_mains_no_device_is_said_not_to_charge(
    cart: Cart, facts: CartFacts, heard_s: int, word: str
) -> None:
    verdict = judge_cart(
        SCHOOL, cart, replace(facts, heard_s=heard_s, mains=Fact(word, None)), AT_S
    )
    findings = [one.finding for one in verdict.verdicts]
    assert "not_charging" not in findings
    assert findings.count("unplugged") == (word == "off")


@given(carts, cart_facts)
def test_causes_stand_before_symptoms(cart: Cart, facts: CartFacts) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    ranks = [CAUSES_FIRST.index(one.finding) for one in verdict.verdicts]
    assert ranks == sorted(ranks)


@given(carts, cart_facts)
def test_a_cart_without_verdict_is_known_in_everything_its_policy_asks(
    cart: Cart, facts: CartFacts
) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S)
    if verdict.all_home:
        assert set(verdict.places) <= {"home", "spare"}
        assert facts.mains.value == "on"
        if cart.lock == "locked":
            assert (facts.door.value, facts.bolt.value) == ("closed", "thrown")


@given(carts, cart_facts, st.integers(1, 99))
def test_c4_a_verdict_does_not_depend_on_where_the_cart_is_or_who_answers_for_it(
    cart: Cart, facts: CartFacts, room: int
) -> None:
    moved = replace(cart, room=f"Room {room}", controller=f"other-{room}")
    here, there = (judge_cart(SCHOOL, c, facts, AT_S) for c in (cart, moved))
    assert (here.places, here.verdicts) == (there.places, there.verdicts)


@given(carts, cart_facts)
def test_c13_no_verdict_names_a_person_and_each_says_why_and_what_next(
    cart: Cart, facts: CartFacts
) -> None:
    for one in judge_cart(SCHOOL, cart, facts, AT_S).verdicts:
        assert one.reason and one.evidence and one.action
        assert "Rivera" not in one.reason + one.evidence + one.action
