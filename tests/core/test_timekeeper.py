"""The time keeper: uptimes on the calendar, also those from before it was told the time."""

from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.timekeeper import TimeKeeper

EPOCHS_S = st.integers(1577836800, 4294967295)
UPTIMES_MS = st.integers(0, 1 << 40)


@given(up_ms=UPTIMES_MS)
def test_it_says_nothing_before_it_was_told_the_time(up_ms):
    assert TimeKeeper().at_s(up_ms) is None


@given(at_s=EPOCHS_S, up_ms=UPTIMES_MS, other_ms=UPTIMES_MS)
def test_it_places_every_uptime_before_and_after_that_moment(at_s, up_ms, other_ms):
    keeper = TimeKeeper()
    keeper.set(at_s, up_ms)
    assert keeper.at_s(up_ms) == at_s
    # `at_s` was some moment of that second, so any uptime is placed half a second off at most.
    for moment_ms in (at_s * 1000, at_s * 1000 + 999):
        true_s = (moment_ms + other_ms - up_ms) / 1000
        assert keeper.at_s(other_ms) - 0.5 <= true_s <= keeper.at_s(other_ms) + 1.5


@given(at_s=EPOCHS_S, told=st.lists(st.tuples(EPOCHS_S, UPTIMES_MS), min_size=1))
def test_the_last_word_counts(at_s, told):
    keeper = TimeKeeper()
    for told_s, up_ms in told:
        keeper.set(told_s, up_ms)
    told_s, up_ms = told[-1]
    assert keeper.at_s(up_ms + 5000) == told_s + 5


def test_no_second_is_left_out_or_told_twice():
    keeper = TimeKeeper()
    keeper.set(1700000000, 1234)
    seconds = [keeper.at_s(up_ms) for up_ms in range(0, 60000, 1000)]
    assert seconds == list(range(seconds[0], seconds[0] + 60))
    assert abs(seconds[1] - 1700000000) <= 1
