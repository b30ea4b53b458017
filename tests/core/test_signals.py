"""The signals of light and buzzer: told apart by what one sees, and what the senses call for."""

import pytest

from homeslot.core.signals import SIGNALS, flashes, sensed
from homeslot.core.slots import STATES

GOOD = {"bolt": "thrown", "door": "closed", "mains": "on", "tamper": "ok"}
HOME = ["charging"] * 30


def test_no_two_signals_look_alike_and_none_burns_more_than_the_light_may():
    assert len({(colour, steps) for _, colour, steps, _ in SIGNALS}) == len(SIGNALS)
    assert len({name for name, _, _, _ in SIGNALS}) == len(SIGNALS)
    for _, colour, steps, _ in SIGNALS:
        parts = (colour >> 16, colour >> 8 & 255, colour & 255)
        assert 0 < sum(parts) <= 0x28 * 3  # 20 mA at 255 each: 10 mA
        assert len(steps) % 2 == 0
        assert all(step >= 50 for step in steps)  # nothing that flickers
        assert sum(steps) <= 3000  # asked anew after each round


@pytest.mark.parametrize("slot", range(1, 81))
def test_every_slot_is_told_by_its_tens_and_ones(slot):
    steps = flashes(slot)
    lit = steps[::2]
    assert [ms > 500 for ms in lit] == [True] * (slot // 10) + [False] * (slot % 10)
    assert max(steps[1:-1:2], default=0) < steps[-1], "the end of a round is seen"


def test_all_home_is_every_slot_bolt_door_and_mains():
    assert sensed(HOME, 0, ["ok"] * 3, GOOD) == "home"
    for name, word in (("bolt", "open"), ("door", "open"), ("mains", "off"), ("bolt", "unknown")):
        assert sensed(HOME, 0, ["ok"] * 3, {**GOOD, name: word}) == ""
    assert sensed([*HOME[1:], "empty"], 0, ["ok"] * 3, GOOD) == ""


def test_slots_that_may_be_empty_are_no_hindrance_up_to_their_number():
    assert sensed([*HOME[2:], "empty", "empty"], 2, ["ok"] * 3, GOOD) == "home"
    assert sensed([*HOME[2:], "empty", "empty"], 1, ["ok"] * 3, GOOD) == ""


@pytest.mark.parametrize("state", STATES)
def test_a_fault_is_what_cannot_be_sensed_or_must_not_flow(state):
    expected = {
        "empty": "",
        **dict.fromkeys(["idle", "trickle", "charging", "full"], "home"),
    }
    assert sensed([*HOME[1:], state], 0, ["ok"] * 3, GOOD) == expected.get(state, "fault")


def test_a_dead_bank_is_a_fault_whatever_its_slots_say():
    assert sensed(HOME, 0, ["ok", "faulty", "ok"], GOOD) == "fault"
