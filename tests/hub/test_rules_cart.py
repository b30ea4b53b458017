"""C3, C6, C9 and silence: lock, mains and place, and a cart that says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeslot_hub.model import UNKNOWN, CartFacts, Fact

from .facts import AT_S, AWAY, CART, IDLE, WELL, at, findings, judged, with_slots


def test_c2_a_silent_cart_is_not_heard_since_and_never_empty() -> None:
    verdict = judged(replace(with_slots(WELL, 12, now=AWAY), heard_s=at(14, 5)))
    (silent,) = verdict.verdicts
    assert (silent.finding, silent.confidence) == ("silent", "unknown")
    assert silent.since_s == at(14, 5)
    assert silent.reason == "Not heard since 14:05."
    assert silent.hides == tuple(range(1, 31))
    assert verdict.places == ("unknown",) * 30


def test_c2_a_silent_cart_says_what_was_last_known_as_evidence_only() -> None:
    facts = replace(with_slots(WELL, 12, now=AWAY), heard_s=at(14, 5), bolt=Fact("open", at(9, 0)))
    (silent,) = judged(facts).verdicts
    assert silent.evidence == "Last known at 14:05: 29 home, 1 out (7-12), not locked."


def test_c6_a_cart_that_lost_power_and_then_fell_silent_is_to_be_plugged_in() -> None:
    facts = replace(WELL, heard_s=at(14, 5), mains=Fact("off", at(13, 50)))
    (silent,) = judged(facts).verdicts
    assert silent.finding == "silent"
    assert silent.action.startswith("Plug the cart in")


def test_c2_a_cart_never_heard_says_so_and_hides_all_but_its_spare_slots() -> None:
    cart = replace(CART, spare=frozenset({30}))
    verdict = judged(CartFacts(), cart)
    assert findings(verdict) == ["silent"]
    assert verdict.verdicts[0].since_s is None
    assert verdict.verdicts[0].reason.startswith("Never heard")
    assert verdict.places == ("unknown",) * 29 + ("spare",)


@pytest.mark.parametrize(("age_s", "said"), [(900, []), (901, ["silent"])])
def test_c2_a_cart_is_silent_when_its_last_word_is_older_than_allowed(
    age_s: int, said: list[str]
) -> None:
    assert findings(judged(replace(WELL, heard_s=AT_S - age_s))) == said


def test_c6_mains_off_is_one_alert_and_hides_that_nothing_charges() -> None:
    facts = with_slots(WELL, *range(1, 31), now=IDLE)
    (unplugged,) = judged(replace(facts, mains=Fact("off", at(12, 10)))).verdicts
    assert (unplugged.rule, unplugged.finding) == ("C6", "unplugged")
    assert unplugged.reason == "The cart has been without power since 12:10."
    assert unplugged.hides == tuple(range(1, 31))


def test_c6_mains_off_does_not_hide_a_device_that_is_out() -> None:
    facts = with_slots(WELL, 12, now=AWAY)
    verdict = judged(replace(facts, mains=Fact("off", None)))
    assert findings(verdict) == ["unplugged", "out"]
    assert 12 not in verdict.verdicts[0].hides
    assert verdict.verdicts[0].reason == "The cart has been without power."


def test_c6_mains_not_known_while_the_cart_is_heard_is_said_and_nothing_inferred_from_it() -> None:
    facts = with_slots(WELL, 5, now=IDLE)
    (fault,) = judged(replace(facts, mains=UNKNOWN)).verdicts
    assert (fault.rule, fault.finding, fault.confidence) == ("C6", "sensor_fault", "unknown")


LOCKS = [
    ("closed", "thrown", [], ""),
    ("closed", "open", ["unlocked"], "has not been locked since 15:30; its door is closed"),
    ("open", "open", ["unlocked"], "door has been open since 15:30"),
    ("open", "unknown", ["unlocked"], "door has been open since 15:30"),
    ("unknown", "open", ["unlocked"], "its door is not known to be closed"),
    ("open", "thrown", ["sensor_fault"], "says open while its bolt says thrown"),
    ("unknown", "thrown", ["sensor_fault"], "the switch of its door says nothing"),
    ("closed", "unknown", ["sensor_fault"], "the switch of its bolt says nothing"),
    ("unknown", "unknown", ["sensor_fault"], "the switch of its door and bolt says nothing"),
]


@pytest.mark.parametrize(("door", "bolt", "said", "reason"), LOCKS)
def test_c3_a_cart_to_be_locked_is_locked_open_or_not_known(
    door: str, bolt: str, said: list[str], reason: str
) -> None:
    facts = replace(WELL, door=Fact(door, at(15, 30)), bolt=Fact(bolt, at(15, 30)))
    verdict = judged(facts)
    assert findings(verdict) == said
    assert all(one.rule == "C3" and reason in one.reason for one in verdict.verdicts)
    confidence = "known" if said == ["unlocked"] else "unknown"
    assert all(one.confidence == confidence for one in verdict.verdicts)


@pytest.mark.parametrize(("door", "bolt", "said", "reason"), LOCKS)
def test_c3_a_cart_whose_front_may_stay_open_is_never_asked_to_be_locked(
    door: str, bolt: str, said: list[str], reason: str
) -> None:
    facts = replace(WELL, door=Fact(door, at(15, 30)), bolt=Fact(bolt, at(15, 30)))
    assert judged(facts, replace(CART, lock="open")).all_home


def test_c3_an_opened_box_puts_the_sensors_in_doubt() -> None:
    (fault,) = judged(replace(WELL, tamper=Fact("tampered", at(14, 2)))).verdicts
    assert (fault.finding, fault.since_s) == ("sensor_fault", at(14, 2))
    assert "box has been open since 14:02" in fault.reason


HERE, THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"


def test_c9_a_cart_at_an_access_point_elsewhere_is_to_be_brought_back() -> None:
    stored = replace(CART, storage=frozenset({HERE}))
    facts = replace(WELL, place=Fact(THERE, at(15, 2)))
    (elsewhere,) = judged(facts, stored).verdicts
    assert (elsewhere.rule, elsewhere.finding) == ("C9", "elsewhere")
    assert (elsewhere.since_s, elsewhere.confidence) == (at(15, 2), "inferred")
    assert elsewhere.reason == "The cart has not been in its storage place since 15:02."
    assert elsewhere.action.startswith("Bring the cart back to Room 12.")
    assert judged(replace(WELL, place=Fact(HERE, at(15, 2))), stored).all_home


def test_c9_a_cart_that_cannot_tell_or_is_not_asked_is_not_said_to_be_elsewhere() -> None:
    stored = replace(CART, storage=frozenset({HERE}))
    assert judged(replace(WELL, place=UNKNOWN), stored).all_home
    assert judged(replace(WELL, place=Fact(THERE, at(15, 2)))).all_home
    silent = judged(replace(WELL, place=Fact(THERE, at(15, 2)), heard_s=at(14, 0)), stored)
    assert findings(silent) == ["silent"]
