"""C1, C2, C4 and C7: devices in and out of their slots, and sensors that cannot be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeslot_hub.model import UNKNOWN, Fact, SlotFacts

from .facts import (
    AWAY,
    BLIND,
    CART,
    FAULTY,
    IDLE,
    MISMATCH,
    OK,
    OVER,
    REVERSE,
    UNMEASURED,
    UNSTEADY,
    WELL,
    at,
    findings,
    judged,
    with_slots,
)


def test_c2_a_cart_with_all_devices_in_their_slots_is_all_home() -> None:
    verdict = judged(WELL)
    assert verdict.all_home
    assert verdict.places == ("home",) * 30


def test_c2_a_device_out_at_the_deadline_is_named_with_the_time_it_left() -> None:
    verdict = judged(with_slots(WELL, 12, now=AWAY))
    (out,) = verdict.verdicts
    assert (out.rule, out.finding, out.slots, out.confidence) == ("C2", "out", (12,), "known")
    assert out.since_s == at(13, 5)
    assert out.reason == "7-12 has been out of its slot since 13:05."
    assert verdict.places.index("out") == 11
    assert verdict.places.count("home") == 29


@pytest.mark.parametrize(("lock", "rule"), [("locked", "C3"), ("open", "C2")])
def test_c3_a_device_that_left_a_locked_cart_is_inferred_where_it_has_to_be_locked(
    lock: str, rule: str
) -> None:
    cart = replace(CART, lock=lock)  # type: ignore[arg-type]
    (out,) = judged(with_slots(WELL, 12, now=replace(AWAY, shut=True)), cart).verdicts
    assert (out.finding, out.rule) == ("out", rule)
    assert out.confidence == ("inferred" if rule == "C3" else "known")
    assert ("locked and shut" in out.reason) == (rule == "C3")


def test_c2_a_device_out_since_another_day_is_named_with_that_day() -> None:
    away = replace(AWAY, presence=Fact("absent", at(13, 5) - 86400))
    (out,) = judged(with_slots(WELL, 1, now=away)).verdicts
    assert out.reason == "7-1 has been out of its slot since Mon 16 Nov 13:05."


def test_c2_a_device_never_seen_in_its_slot_is_out_since_nobody_knows_when() -> None:
    away = SlotFacts(Fact("absent", None), Fact("none", None))
    (out,) = judged(with_slots(WELL, 1, now=away)).verdicts
    assert out.since_s is None
    assert out.reason == "7-1 is out of its slot, since when is not known."


def test_c2_each_device_out_has_a_verdict_of_its_own() -> None:
    verdict = judged(with_slots(WELL, 3, 4, 30, now=AWAY))
    assert [one.slots for one in verdict.verdicts] == [(3,), (4,), (30,)]


def test_c2_a_spare_slot_is_never_out_and_may_hold_a_device() -> None:
    cart = replace(CART, spare=frozenset({29, 30}))
    verdict = judged(with_slots(WELL, 30, now=AWAY), cart)
    assert verdict.all_home
    assert verdict.places[28:] == ("spare", "spare")


def test_c2_a_device_in_a_spare_slot_is_where_to_look_first_for_one_that_is_out() -> None:
    cart = replace(CART, spare=frozenset({29, 30}))
    (out,) = judged(with_slots(WELL, 12, 29, now=AWAY), cart).verdicts
    assert out.action.startswith("Look in spare slot 30 first")


def test_c4_a_device_is_named_by_the_number_of_its_cart_and_its_own() -> None:
    cart = replace(CART, number=41)
    (out,) = judged(with_slots(WELL, 5, now=AWAY), cart).verdicts
    assert out.reason.startswith("41-5 ")


def test_c1_thirty_slots_are_a_default_and_not_a_limit() -> None:
    cart = replace(CART, slots=80)
    facts = replace(WELL, slots=(WELL.slots * 3)[:80])
    assert judged(facts, cart).places == ("home",) * 80


def test_c1_slots_the_cart_does_not_report_are_unknown_and_said_so() -> None:
    verdict = judged(replace(WELL, slots=WELL.slots[:20]))
    (fault,) = verdict.verdicts
    assert (fault.finding, fault.confidence) == ("sensor_fault", "unknown")
    assert fault.hides == tuple(range(21, 31))
    assert "reports 20 slots and 30 are configured" in fault.reason
    assert verdict.places == ("home",) * 20 + ("unknown",) * 10


def test_c1_slots_beyond_those_configured_are_said_and_not_judged() -> None:
    facts = with_slots(WELL, 30, now=AWAY)
    verdict = judged(facts, replace(CART, slots=29))
    (fault,) = verdict.verdicts
    assert fault.finding == "sensor_fault"
    assert fault.hides == ()
    assert verdict.places == ("home",) * 29


def test_c1_a_cart_that_has_said_nothing_of_its_slots_has_unknown_slots() -> None:
    verdict = judged(replace(WELL, slots=(), banks=()))
    assert findings(verdict) == ["sensor_fault"]
    assert verdict.places == ("unknown",) * 30


def test_c2_a_dead_bank_is_one_fault_and_ten_unknown_slots_never_ten_missing_devices() -> None:
    facts = with_slots(WELL, *range(11, 21), now=BLIND)
    verdict = judged(replace(facts, banks=(OK, FAULTY, OK)))
    (fault,) = verdict.verdicts
    assert (fault.finding, fault.confidence) == ("sensor_fault", "unknown")
    assert fault.reason == "Sensor bank 2 has not answered since 13:20."
    assert fault.slots == fault.hides == tuple(range(11, 21))
    assert verdict.places == ("home",) * 10 + ("unknown",) * 10 + ("home",) * 10


def test_c2_a_bank_has_the_slots_its_facts_say_however_many() -> None:
    slots = tuple(replace(BLIND if i in (4, 5) else WELL.slots[i], bank=i // 4) for i in range(8))
    facts = replace(WELL, banks=(FAULTY,), slots=slots)
    (fault,) = judged(facts, replace(CART, slots=8)).verdicts
    assert fault.hides == (5, 6)


def test_c2_slots_of_no_known_bank_belong_to_the_one_bank_at_fault_and_to_none_of_two() -> None:
    blind = with_slots(WELL, 11, 12, now=BLIND)
    facts = replace(blind, slots=tuple(replace(slot, bank=0) for slot in blind.slots))
    (fault,) = judged(replace(facts, banks=(OK, FAULTY, OK))).verdicts
    assert fault.hides == (11, 12)
    verdicts = judged(replace(facts, banks=(OK, FAULTY, FAULTY))).verdicts
    assert [one.hides for one in verdicts] == [(), (), (11,), (12,)]


def test_c2_a_device_out_beside_a_dead_bank_is_still_named_after_its_cause() -> None:
    facts = with_slots(with_slots(WELL, *range(11, 21), now=BLIND), 3, now=AWAY)
    verdict = judged(replace(facts, banks=(OK, FAULTY, OK)))
    assert findings(verdict) == ["sensor_fault", "out"]


@pytest.mark.parametrize("word", ["faulty", "unknown"])
def test_c7_a_bank_that_only_lost_its_currents_keeps_its_devices_home(word: str) -> None:
    facts = with_slots(WELL, 1, 2, 3, now=UNMEASURED)
    verdict = judged(replace(facts, banks=(Fact(word, at(13, 20)), OK, OK)))
    (fault,) = verdict.verdicts
    assert fault.reason == "Sensor bank 1 has not measured charging since 13:20."
    assert (fault.slots, fault.hides) == ((1, 2, 3), ())
    assert verdict.places == ("home",) * 30


def test_c1_a_faulty_bank_whose_slots_still_read_is_said_too() -> None:
    (fault,) = judged(replace(WELL, banks=(OK, OK, FAULTY))).verdicts
    assert (fault.finding, fault.slots, fault.hides) == ("sensor_fault", (), ())


def test_c2_current_without_a_device_is_a_fault_of_the_switch_and_the_slot_unknown() -> None:
    verdict = judged(with_slots(WELL, 9, now=MISMATCH))
    (fault,) = verdict.verdicts
    assert (fault.finding, fault.slots, fault.hides) == ("sensor_fault", (9,), (9,))
    assert fault.since_s == at(14, 0)
    assert verdict.places[8] == "unknown"


def test_c2_a_switch_that_does_not_come_to_rest_makes_its_slot_unknown_and_says_so() -> None:
    verdict = judged(with_slots(WELL, 9, now=UNSTEADY))
    (fault,) = verdict.verdicts
    assert (fault.finding, fault.slots, fault.hides) == ("sensor_fault", (9,), (9,))
    assert fault.reason == "The switch of slot 9 has not come to rest since 14:00."
    assert verdict.places[8] == "unknown"


def test_c2_one_switch_that_does_not_answer_in_a_sound_bank_is_a_fault_of_that_slot() -> None:
    verdict = judged(with_slots(WELL, 9, 25, now=BLIND))
    assert [one.hides for one in verdict.verdicts] == [(9,), (25,)]
    assert findings(verdict) == ["sensor_fault", "sensor_fault"]


def test_c7_a_device_whose_charging_is_not_measured_is_home_and_that_is_said() -> None:
    verdict = judged(with_slots(WELL, 9, now=UNMEASURED))
    (fault,) = verdict.verdicts
    assert (fault.rule, fault.slots, fault.hides) == ("C7", (9,), ())
    assert verdict.places == ("home",) * 30


def test_c7_a_device_that_drew_nothing_since_it_was_put_back_has_its_cable_suspected() -> None:
    (idle,) = judged(with_slots(WELL, 5, now=IDLE)).verdicts
    assert (idle.rule, idle.finding, idle.slots) == ("C7", "not_charging", (5,))
    assert (idle.since_s, idle.confidence) == (at(15, 32), "inferred")
    assert idle.reason == "7-5 has drawn nothing since it was put back at 15:32."


@pytest.mark.parametrize(("minutes", "said"), [(14, []), (15, ["not_charging"])])
def test_c7_a_device_just_put_back_is_given_time(minutes: int, said: list[str]) -> None:
    just = replace(IDLE, presence=Fact("present", at(17, -minutes)))
    assert findings(judged(with_slots(WELL, 5, now=just))) == said


def test_c7_a_device_that_drew_and_now_rests_is_full_or_paused_and_no_alert() -> None:
    for drew in (True, None):  # None: it may have, unseen
        assert judged(with_slots(WELL, *range(1, 31), now=replace(IDLE, drew=drew))).all_home


@pytest.mark.parametrize(("minutes", "said"), [(59, []), (60, ["not_charging"])])
def test_c1_a_cart_whose_shelves_take_turns_is_given_a_whole_round(
    minutes: int, said: list[str]
) -> None:
    waiting = replace(IDLE, presence=Fact("present", at(17, -minutes)))
    cart = replace(CART, rotates=True)
    assert findings(judged(with_slots(WELL, 5, now=waiting), cart)) == said


def test_c7_power_that_came_back_lately_starts_the_clock_again() -> None:
    facts = with_slots(WELL, 5, now=IDLE)
    assert judged(replace(facts, mains=Fact("on", at(16, 50)))).all_home
    (idle,) = judged(replace(facts, mains=Fact("on", at(16, 40)))).verdicts
    assert idle.reason == "7-5 has drawn nothing since power came back to the cart at 16:40."


def test_c7_a_device_never_seen_coming_back_is_not_suspected() -> None:
    idle = replace(IDLE, presence=Fact("present", None))
    assert judged(with_slots(WELL, 5, now=idle)).all_home


@pytest.mark.parametrize(
    ("slot", "what"), [(OVER, "drawing too much current"), (REVERSE, "feeding current back")]
)
def test_c1_current_too_high_or_backwards_is_a_power_fault_of_its_slot(
    slot: SlotFacts, what: str
) -> None:
    verdict = judged(with_slots(WELL, 20, now=slot), replace(CART, spare=frozenset({20})))
    (fault,) = verdict.verdicts
    assert (fault.finding, fault.slots, fault.confidence) == ("power_fault", (20,), "known")
    assert what in fault.reason and "since 16:56" in fault.reason


def test_c1_a_slot_of_which_nothing_is_known_at_all_does_not_stop_the_judgement() -> None:
    facts = replace(WELL, slots=(SlotFacts(),) * 30, banks=(UNKNOWN,) * 3)
    verdict = judged(facts)
    assert verdict.places == ("unknown",) * 30
    assert set(findings(verdict)) == {"sensor_fault"}
