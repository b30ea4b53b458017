"""The cart's own switches: a word stands once its level has rested, and falls no sooner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot import contract
from homeslot.core.inputs import INPUTS, Input

every_input = pytest.mark.parametrize("name", list(INPUTS))


@every_input
def test_every_input_says_the_words_of_the_contract_and_begins_unknown(name):
    allowed = {field: words for field, _, words in contract.fields("state")}[name]
    assert (*INPUTS[name][:2], Input(name).state) == allowed


@every_input
@pytest.mark.parametrize("level", [0, 1])
def test_the_first_level_is_believed_after_its_hold_and_not_before(name, level):
    low, high, hold_ms = INPUTS[name]
    switch = Input(name)
    assert switch.step(0, level) is None
    assert switch.step(hold_ms - 1, level) is None
    assert switch.state == "unknown"
    assert switch.step(hold_ms, level) == "unknown"
    assert switch.state == (low, high)[level]


def test_c6_a_flicker_of_the_mains_is_no_unplugged_cart():
    mains = Input("mains")
    mains.step(0, 0)
    mains.step(2000, 0)
    for now_ms in range(3000, 60000, 2000):
        assert mains.step(now_ms, 1) is None
        assert mains.step(now_ms + 1999, 0) is None
    assert mains.state == "on"


@pytest.mark.parametrize(
    ("name", "word"),
    [("door", "open"), ("bolt", "open"), ("mains", "off"), ("tamper", "tampered")],
)
def test_c3_a_cut_wire_reads_as_the_unsafe_word(name, word):
    switch = Input(name)
    pulled_up = 1
    switch.step(0, pulled_up)
    switch.step(5000, pulled_up)
    assert switch.state == word


@given(
    name=st.sampled_from(list(INPUTS)),
    readings=st.lists(st.tuples(st.integers(1, 1500), st.integers(0, 1)), max_size=60),
)
def test_the_state_is_the_last_level_that_was_read_unbroken_for_its_hold(name, readings):
    low, high, hold_ms = INPUTS[name]
    switch = Input(name)
    taken, now_ms, expected = [], 0, "unknown"
    for after_ms, level in readings:
        now_ms += after_ms
        taken.append((now_ms, level))
        run = [taken[-1]]
        for earlier in reversed(taken[:-1]):
            if earlier[1] != level:
                break
            run.append(earlier)
        before = expected
        if now_ms - run[-1][0] >= hold_ms:
            expected = (low, high)[level]
        assert switch.step(now_ms, level) == (before if before != expected else None)
        assert switch.state == expected
