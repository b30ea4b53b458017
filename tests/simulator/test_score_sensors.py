"""Between two changes a table's answer changes only when it says that it will."""

from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot.core.inputs import INPUTS, Input
from homeslot.core.slots import Slot
from homeslot_hardware import boards
from homeslot_sim.cart.battery import CHARGE, MS_PER_H, REST, USE, Batteries
from homeslot_sim.score.quick_sensors import WatchedInput, WatchedSlot

LIMITS = boards.load("pico-w-30")["thresholds"]
LOOK_MS = 50
CURRENTS = (None, -100, 0, 100, 270, 400, 1500, 3500)
READINGS = st.lists(
    st.tuples(
        st.sampled_from((True, False, None)),
        st.sampled_from(CURRENTS),
        st.one_of(st.integers(1, 6), st.integers(1, 100), st.integers(1000, 14000)),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(READINGS)
def test_a_slot_looked_at_when_it_is_due_is_a_slot_that_is_looked_at_all_the_time(readings):
    polled, watched = Slot(), WatchedSlot()
    now_ms, by_polling, when_due = 0, [], []
    for present, current_ma, looks in readings:
        due_ms = now_ms
        for _ in range(looks):
            if polled.step(now_ms, present, current_ma, LIMITS) is not None:
                by_polling.append((now_ms, polled.state))
            if due_ms <= now_ms:
                if watched.step(now_ms, present, current_ma, LIMITS) is not None:
                    when_due.append((now_ms, watched.state))
                due_ms = watched.due_ms(now_ms, LIMITS)
            assert watched.bouncing == polled.bouncing
            now_ms += LOOK_MS
    assert when_due == by_polling


@given(
    st.sampled_from(list(INPUTS)),
    st.lists(st.tuples(st.sampled_from((0, 1)), st.integers(1, 80)), max_size=20),
)
def test_so_it_is_with_a_switch_of_the_cart(name, levels):
    polled, watched = Input(name), WatchedInput(name)
    now_ms, by_polling, when_due = 0, [], []
    for level, looks in levels:
        due_ms = now_ms
        for _ in range(looks):
            if polled.step(now_ms, level) is not None:
                by_polling.append((now_ms, polled.state))
            if due_ms <= now_ms:
                if watched.step(now_ms, level) is not None:
                    when_due.append((now_ms, watched.state))
                due_ms = watched.due_ms()
            now_ms += LOOK_MS
    assert when_due == by_polling


@given(st.integers(0, 8000), st.integers(500, 2400), st.sampled_from((CHARGE, REST, USE)))
def test_between_two_turns_a_battery_draws_less_and_less(charge_mah, bulk_ma, mode):
    batteries = Batteries(8000, [charge_mah], [bulk_ma])
    batteries.switch(0, 0, mode)
    at_ms = 0
    for _ in range(5):
        turn_ms = batteries.turn_ms(0, at_ms)
        if mode is not CHARGE:
            assert turn_ms is None
            return
        assert turn_ms > at_ms
        seen = [batteries.current_ma(0, at_ms + (turn_ms - 1 - at_ms) * n // 50) for n in range(51)]
        assert seen == sorted(seen, reverse=True)
        at_ms = turn_ms


def test_later_is_the_same_batteries_on_another_clock():
    batteries = Batteries(8000, [4000, 7900], [1500, 2000])
    for i in range(2):
        batteries.switch(i, 1000, CHARGE)
    twin = batteries.later(MS_PER_H)
    for at_ms in range(MS_PER_H, 8 * MS_PER_H, 100000):
        for i in range(2):
            assert twin.current_ma(i, at_ms - MS_PER_H) == batteries.current_ma(i, at_ms)
    twin.switch(0, 0, REST)
    assert batteries.current_ma(0, MS_PER_H) > 0
