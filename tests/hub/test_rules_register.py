"""N3 to N5, N8, N9, N11, N17: what is recorded of devices and people, beside what is sensed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import (
    Cart,
    CartFacts,
    CartRegister,
    CartVerdict,
    Device,
    Exemption,
    Fact,
    Person,
    Reservation,
    SchoolDay,
    SlotFacts,
    SlotRecord,
    SubstituteDay,
    Teacher,
)
from homeslot_hub.rules.judge import CAUSES_FIRST, judge_cart
from homeslot_hub.rules.register import judge_allotments
from homeslot_hub.service.digest import compose

from .browsing import Fields
from .facts import AT_S, AWAY, BLIND, CART, DAY, SCHOOL, WELL, at, findings, with_slots
from .test_rules_properties import cart_facts, carts

LEE = Teacher(Person("Ann Lee", "Lee@lincoln.example"), 2)
TRIP = Exemption(DAY + timedelta(days=3), "field trip", "Dana Reyes")
SEVEN_OUT = with_slots(WELL, 1, 2, 3, 4, 5, 6, 7, now=AWAY)


def recorded(slot: int = 12, state: str = "in service", **more: object) -> CartRegister:
    """A register with one device."""
    device = Device(7, slot, "A-1042", "tablet", state)  # type: ignore[arg-type]
    return CartRegister({slot: SlotRecord(device, at(9, 0), **more)})  # type: ignore[arg-type]


def judged(facts: CartFacts, register: CartRegister, at_s: int = AT_S) -> CartVerdict:
    return judge_cart(SCHOOL, CART, facts, at_s, register)


@pytest.mark.parametrize(
    ("state", "rule", "spoken"),
    [
        ("in repair", "N8", "in repair"),
        ("loaner", "N8", "lent"),
        ("lost", "N9", "lost"),
        ("retired", "N17", "retired"),
    ],
)
def test_n8_n9_n17_a_device_recorded_as_away_is_excused_and_not_out(
    state: str, rule: str, spoken: str
) -> None:
    verdict = judged(with_slots(WELL, 12, now=AWAY), recorded(state=state))
    assert verdict.all_home
    assert verdict.places.count("excused") == 1 and verdict.places[11] == "excused"
    [said] = verdict.excuses
    assert (said.rule, said.slot) == (rule, 12)
    assert said.reason == f"7-12 (tag A-1042) is recorded as {spoken} since 09:00."


def test_n11_a_device_out_is_named_with_its_asset_tag() -> None:
    [out] = judged(with_slots(WELL, 12, now=AWAY), recorded()).verdicts
    assert out.reason == "7-12 (tag A-1042) has been out of its slot since 13:05."


def test_c5_a_device_of_another_teacher_is_asked_for_there_first() -> None:
    [out] = judged(with_slots(WELL, 12, now=AWAY), recorded(teacher=LEE)).verdicts
    assert out.action.startswith("Ask Ann Lee first. Find it")
    own = Teacher(Person("Maria Rivera", CART.teacher.email.upper()), 3)
    [out] = judged(with_slots(WELL, 12, now=AWAY), recorded(teacher=own)).verdicts
    assert out.action.startswith("Find it")


def test_n3_an_exemption_excuses_until_the_deadline_of_its_last_day() -> None:
    facts = with_slots(WELL, 12, now=AWAY)
    verdict = judged(facts, recorded(exemption=TRIP))
    assert verdict.all_home
    assert verdict.excuses[0].reason == (
        "7-12 (tag A-1042) may be away until Fri 20 Nov 17:00: field trip "
        "(authorised by Dana Reyes)."
    )
    last = recorded(exemption=replace(TRIP, until=DAY))
    assert judged(facts, last, AT_S - 1).places[11] == "excused"
    assert judged(facts, last, AT_S).places[11] == "out"


def test_n4_on_a_substitute_day_no_exemption_counts_and_each_device_out_is_named() -> None:
    facts = with_slots(WELL, 12, 14, now=AWAY)
    day = SubstituteDay(CART.teacher.email, DAY)
    register = replace(recorded(exemption=TRIP), substitutes=frozenset({day}))
    verdict = judged(facts, register)
    assert findings(verdict) == ["substitute", "out", "out"]
    assert verdict.places[11] == "out"
    first = verdict.verdicts[0]
    assert (first.rule, first.slots, first.since_s) == ("N4", (12, 14), at(13, 5))
    assert first.reason == "A substitute stands in for Ms Rivera today, and 7-12, 7-14 are out."


def test_n4_another_day_and_another_teacher_are_not_asked() -> None:
    facts = with_slots(WELL, 12, now=AWAY)
    days = {
        SubstituteDay(CART.teacher.email, DAY + timedelta(days=1)),
        SubstituteDay("somebody@lincoln.example", DAY),
    }
    register = replace(recorded(exemption=TRIP), substitutes=frozenset(days))
    assert judged(facts, register).all_home
    theirs = replace(
        recorded(teacher=LEE), substitutes=frozenset({SubstituteDay("lee@lincoln.example", DAY)})
    )
    assert findings(judged(facts, theirs)) == ["substitute", "out"], "addresses have no case"


def test_n4_a_device_in_repair_is_in_no_classroom() -> None:
    register = replace(
        recorded(state="in repair"),
        substitutes=frozenset({SubstituteDay(CART.teacher.email, DAY)}),
    )
    assert judged(with_slots(WELL, 12, now=AWAY), register).all_home


@pytest.mark.parametrize(
    ("state", "rule"), [("lost", "N9"), ("in repair", "N8"), ("retired", "N17")]
)
def test_n8_n9_n17_a_device_that_came_back_though_recorded_as_away_is_said(
    state: str, rule: str
) -> None:
    verdict = judged(WELL, recorded(state=state))  # in its slot since 15:00, recorded at 09:00
    [back] = verdict.verdicts
    assert (back.rule, back.finding, back.slots, back.confidence) == (
        rule,
        "returned",
        (12,),
        "inferred",
    )
    assert back.reason == (
        f"7-12 (tag A-1042) is recorded as {state} since 09:00, and a device has been in its slot "
        "since 15:00."
    )
    assert verdict.places[11] == "home"


@pytest.mark.parametrize("state", ["in repair", "retired"])
def test_n8_n17_a_device_not_yet_taken_away_has_not_come_back(state: str) -> None:
    register = recorded(state=state)
    slots = {12: replace(register.slots[12], state_since_s=at(16, 0))}
    assert judged(WELL, CartRegister(slots)).all_home


def test_n9_a_device_recorded_as_lost_while_it_is_in_its_slot_is_said() -> None:
    slots = {12: replace(recorded(state="lost").slots[12], state_since_s=at(16, 0))}
    assert findings(judged(WELL, CartRegister(slots))) == ["returned"]


def test_n8_a_loaner_at_home_is_fine() -> None:
    assert judged(WELL, recorded(state="loaner")).all_home


def test_n8_what_a_silent_cart_said_last_counts_the_excused_apart() -> None:
    facts = replace(with_slots(WELL, 12, now=AWAY), heard_s=at(14, 0))
    [silent] = judged(facts, recorded(state="in repair")).verdicts
    assert "29 home, 0" not in silent.evidence
    assert silent.evidence == "Last known at 14:00: 29 home, 1 excused."


def test_c2_a_slot_nobody_can_see_is_unknown_whatever_is_recorded() -> None:
    facts = with_slots(WELL, 12, now=BLIND)
    for state in ("in repair", "lost", "retired", "loaner"):
        verdict = judged(facts, recorded(state=state))
        assert verdict.places[11] == "unknown"
        assert "returned" not in findings(verdict)


EIGHT = Cart("cart-8", 8, "Room 13", Person("Mr Hale", "hale@lincoln.example"))
TWO = replace(SCHOOL, carts=(CART, EIGHT))


def allotted(
    facts: dict[int, CartFacts], registers: dict[int, CartRegister]
) -> tuple[CartVerdict, ...]:
    carts = [
        judge_cart(
            TWO,
            cart,
            facts.get(cart.number, WELL),
            AT_S,
            registers.get(cart.number, CartRegister()),
        )
        for cart in TWO.carts
    ]
    return judge_allotments(TWO, carts, registers)


def test_n3_more_devices_out_than_allotted_is_said_once_with_the_names() -> None:
    verdict, other = allotted({7: SEVEN_OUT}, {7: CartRegister(teacher=Teacher(CART.teacher, 5))})
    over = verdict.verdicts[-1]
    assert (over.rule, over.finding, over.slots) == ("N3", "over_allotment", (1, 2, 3, 4, 5, 6, 7))
    assert over.reason == "Ms Rivera has 7 devices out, and 5 allotted: 7-1 to 7-7."
    assert over.action.startswith("Have 2 of them brought back")
    assert findings(verdict).count("over_allotment") == 1
    assert other.all_home


@pytest.mark.parametrize(("allotment", "over"), [(None, 0), (7, 0), (8, 0), (6, 1), (0, 1)])
def test_n3_as_many_as_allotted_may_be_out(allotment: int | None, over: int) -> None:
    register = CartRegister(teacher=Teacher(CART.teacher, allotment))
    verdict, _ = allotted({7: SEVEN_OUT}, {7: register})
    assert findings(verdict).count("over_allotment") == over


def test_n3_an_allotment_counts_over_all_carts_and_stands_with_the_cart_of_most() -> None:
    slots = {slot: SlotRecord(teacher=LEE) for slot in range(1, 31)}
    facts = {7: with_slots(WELL, 1, now=AWAY), 8: with_slots(WELL, 5, 6, now=AWAY)}
    seven, eight = allotted(facts, {7: CartRegister(slots), 8: CartRegister(slots)})
    assert "over_allotment" not in findings(seven)
    assert eight.verdicts[-1].reason == "Ann Lee has 3 devices out, and 2 allotted: 7-1, 8-5, 8-6."


def test_n3_what_is_excused_does_not_count() -> None:
    records = {slot: SlotRecord(exemption=TRIP) for slot in (1, 2)}
    register = CartRegister(records, Teacher(CART.teacher, 5))
    verdict, _ = allotted({7: SEVEN_OUT}, {7: register})
    assert "over_allotment" not in findings(verdict)


def test_n5_what_is_reserved_at_that_moment_does_not_count() -> None:
    def verdict(begins: int, ends: int, devices: int) -> CartVerdict:
        reservation = Reservation(
            7,
            datetime(2026, 11, 17, begins),
            "lee@lincoln.example",
            datetime(2026, 11, 17, ends),
            devices,
        )
        register = CartRegister(teacher=Teacher(CART.teacher, 5), reservations=(reservation,))
        return allotted({7: SEVEN_OUT}, {7: register})[0]

    assert "over_allotment" not in findings(verdict(16, 18, 2))
    assert "over_allotment" in findings(verdict(8, 17, 2)), "it has ended at 17:00"
    assert verdict(16, 18, 1).verdicts[-1].reason == (
        "Ms Rivera has 7 devices out, and 5 allotted and 1 reserved: 7-1 to 7-7."
    )


def test_n8_the_digest_names_the_excused_and_its_subject_counts_them() -> None:
    away = judged(with_slots(WELL, 12, now=AWAY), recorded(state="in repair"))
    digest = compose(SchoolDay(SCHOOL, "2026-11-17", AT_S, AT_S + 121, (away,)))
    assert digest.subject.endswith("29 devices home, 1 excused, 1 cart locked and plugged in")
    for text in (digest.text, Fields(digest.html).text):
        assert "7-12 (tag A-1042) is recorded as in repair since 09:00." in " ".join(text.split())
    out = judged(with_slots(WELL, 12, 14, now=AWAY), recorded(state="in repair"))
    digest = compose(SchoolDay(SCHOOL, "2026-11-17", AT_S, AT_S + 121, (out,)))
    assert digest.subject.endswith("1 device out, 1 excused, 1 cart needs a hand")
    assert "28 home, 1 out, 1 excused" in digest.text
    for text in (digest.text, Fields(digest.html).text):
        assert "7-12 (tag A-1042) is recorded as in repair since 09:00." in " ".join(text.split())


def test_n8_the_digest_only_names_the_excused_where_they_are_many() -> None:
    slots = range(1, 12)
    records = {slot: SlotRecord(Device(7, slot, state="loaner"), at(9, 0)) for slot in slots}
    verdict = judged(with_slots(WELL, *slots, now=AWAY), CartRegister(records))
    digest = compose(SchoolDay(SCHOOL, "2026-11-17", AT_S, AT_S + 121, (verdict,)))
    assert "- 7-1 to 7-11: `homeslot check` says why." in digest.text
    assert "recorded as lent" not in digest.text


def test_c13_no_subject_names_the_people_whom_the_text_names() -> None:
    register = CartRegister(
        teacher=Teacher(CART.teacher, 0),
        substitutes=frozenset({SubstituteDay(CART.teacher.email, DAY)}),
    )
    seven, _ = allotted({7: SEVEN_OUT}, {7: register})
    digest = compose(SchoolDay(TWO, "2026-11-17", AT_S, AT_S + 121, (seven,)))
    assert "Rivera" in digest.text
    assert "Rivera" not in digest.subject


# For every cart, every set of facts and everything that can be recorded.

DATES = st.dates(date(2026, 11, 10), date(2026, 11, 24))
TEACHERS = st.sampled_from([LEE, Teacher(CART.teacher), Teacher(EIGHT.teacher, 0)])
records = st.builds(
    SlotRecord,
    st.none()
    | st.builds(
        Device,
        st.just(7),
        st.just(1),
        st.sampled_from(("", "T")),
        st.just(""),
        st.sampled_from(("in service", "in repair", "loaner", "lost", "retired")),
    ),
    st.none() | st.integers(AT_S - 10 * 86400, AT_S),
    st.none() | st.builds(Exemption, DATES, st.just("why"), st.just("who")),
    st.none() | TEACHERS,
)
registers = st.builds(
    CartRegister,
    st.dictionaries(st.integers(1, 40), records, max_size=12),
    st.none() | TEACHERS,
    st.frozensets(
        st.builds(
            SubstituteDay,
            st.sampled_from(["lee@lincoln.example", "rivera@lincoln.example"]),
            st.sampled_from([DAY, DAY + timedelta(days=1)]),
        )
    ),
)


@given(carts, cart_facts, registers)
def test_n8_what_is_recorded_only_ever_makes_an_out_excused(
    cart: Cart, facts: CartFacts, register: CartRegister
) -> None:
    plain = judge_cart(SCHOOL, cart, facts, AT_S)
    verdict = judge_cart(SCHOOL, cart, facts, AT_S, register)
    for before, after in zip(plain.places, verdict.places, strict=True):
        assert after == before or (before, after) == ("out", "excused")
    excused = [n for n, place in enumerate(verdict.places, 1) if place == "excused"]
    assert [said.slot for said in verdict.excuses] == excused
    said = Counter(slot for v in verdict.verdicts if v.finding == "out" for slot in v.slots)
    assert said == {n: 1 for n, place in enumerate(verdict.places, 1) if place == "out"}


@given(carts, cart_facts, registers)
def test_n4_a_substitutes_devices_are_all_out_and_causes_stand_first(
    cart: Cart, facts: CartFacts, register: CartRegister
) -> None:
    verdict = judge_cart(SCHOOL, cart, facts, AT_S, register)
    for one in verdict.verdicts:
        if one.finding == "substitute":
            assert {verdict.places[slot - 1] for slot in one.slots} == {"out"}
        if one.finding == "returned":
            assert {verdict.places[slot - 1] for slot in one.slots} == {"home"}
    [counted] = judge_allotments(SCHOOL, [verdict], {cart.number: register})
    ranks = [CAUSES_FIRST.index(one.finding) for one in counted.verdicts]
    assert ranks == sorted(ranks)


@given(carts, cart_facts)
def test_with_nothing_recorded_nothing_is_judged_otherwise(cart: Cart, facts: CartFacts) -> None:
    plain = judge_cart(SCHOOL, cart, facts, AT_S)
    empty = CartRegister({})
    assert judge_cart(SCHOOL, cart, facts, AT_S, empty) == plain
    assert judge_allotments(SCHOOL, [plain], {cart.number: empty}) == (plain,)
    assert plain.excuses == ()


def test_n9_a_spare_slot_is_spare_whatever_is_recorded() -> None:
    cart = replace(CART, spare=frozenset({12}))
    slot = SlotFacts(Fact("absent", at(13, 5)), Fact("none", at(13, 5)))
    verdict = judge_cart(
        SCHOOL, cart, with_slots(WELL, 12, now=slot), AT_S, recorded(state="loaner")
    )
    assert verdict.places[11] == "spare"
    assert verdict.all_home
