"""A device's battery charges as a real one does: constant current, then a taper, then full."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.cart.battery import (
    CHARGE,
    CUTOFF_MA,
    KNEE_PERCENT,
    MS_PER_H,
    REST,
    TOP_UP_EVERY_MS,
    TOP_UP_MA,
    TOP_UP_MS,
    USE,
    Batteries,
)  # fmt: skip

DAY_MS = 24 * MS_PER_H


class Battery:
    """One of two, so that a battery that answers for its neighbour is noticed."""

    def __init__(self, charge_mah, capacity_mah, bulk_ma):
        self._both = Batteries(capacity_mah, [0, charge_mah], [1, bulk_ma])

    def switch(self, now_ms, mode):
        self._both.switch(1, now_ms, mode)
        assert self._both.charge_mah(0, now_ms) == self._both.current_ma(0, now_ms) == 0

    def charge_mah(self, now_ms):
        return self._both.charge_mah(1, now_ms)

    def current_ma(self, now_ms):
        return self._both.current_ma(1, now_ms)


@st.composite
def batteries(draw):
    """(charge in mAh, capacity in mAh, bulk current in mA) of something sold as a tablet."""
    capacity_mah = draw(st.integers(2000, 12000))
    return draw(st.integers(0, capacity_mah)), capacity_mah, draw(st.integers(800, 3000))


def rest_mah(capacity_mah):
    """What the jump from a current of CUTOFF_MA to full may skip, and rounding."""
    return capacity_mah * (100 - KNEE_PERCENT) // 100 * CUTOFF_MA // 800 + 3


@given(
    start=batteries(),
    life=st.lists(
        st.tuples(st.sampled_from([REST, CHARGE, USE]), st.integers(0, 6 * MS_PER_H)), max_size=15
    ),
)
def test_it_is_never_below_empty_or_over_full_and_draws_only_while_it_is_charged(start, life):
    charge_mah, capacity_mah, bulk_ma = start
    battery, now_ms = Battery(charge_mah, capacity_mah, bulk_ma), 0
    for mode, for_ms in life:
        battery.switch(now_ms, mode)
        for at_ms in (now_ms, now_ms + for_ms // 3, now_ms + for_ms):
            assert 0 <= battery.charge_mah(at_ms) <= capacity_mah
            assert 0 <= battery.current_ma(at_ms) <= bulk_ma
            assert mode == CHARGE or battery.current_ma(at_ms) == 0
        now_ms += for_ms


@given(
    start=batteries(), modes=st.lists(st.sampled_from([REST, CHARGE, USE]), min_size=2, max_size=9)
)
def test_changing_what_it_does_moves_no_charge_but_what_the_device_calls_full(start, modes):
    battery, now_ms = Battery(*start), 0
    for mode in modes:
        before_mah = battery.charge_mah(now_ms)
        battery.switch(now_ms, mode)
        after_mah = battery.charge_mah(now_ms)
        assert abs(after_mah - before_mah) <= 3 or (
            after_mah == start[1] and after_mah - before_mah <= rest_mah(start[1])
        )
        now_ms += 1234567


@given(start=batteries(), times=st.lists(st.integers(0, DAY_MS), min_size=2, max_size=30))
def test_charge_only_rises_while_it_charges_and_only_falls_in_use(start, times):
    for mode, rises in ((CHARGE, True), (USE, False)):
        battery = Battery(*start)
        battery.switch(0, mode)
        charges = [battery.charge_mah(at_ms) for at_ms in sorted(times)]
        assert charges == sorted(charges, reverse=not rises)


@given(start=batteries())
def test_the_current_is_constant_then_falls_to_the_cut_off_and_then_is_a_short_top_up(start):
    battery = Battery(*start)
    battery.switch(0, CHARGE)
    full_ms = next(
        at_ms for at_ms in range(0, 2 * DAY_MS, 60000) if battery.charge_mah(at_ms) == start[1]
    )
    currents = [battery.current_ma(at_ms) for at_ms in range(0, full_ms, 60000)]
    assert currents == sorted(currents, reverse=True)
    assert all(current_ma >= CUTOFF_MA - 1 for current_ma in currents[:-1])
    asleep = [
        battery.current_ma(full_ms + at_ms) for at_ms in range(0, 4 * TOP_UP_EVERY_MS, TOP_UP_MS)
    ]
    assert set(asleep) == {0, TOP_UP_MA}
    assert asleep.count(TOP_UP_MA) == 4


@given(start=batteries())
def test_the_charge_gained_is_the_current_summed_over_the_time(start):
    charge_mah, capacity_mah, bulk_ma = start
    battery = Battery(charge_mah, capacity_mah, bulk_ma)
    battery.switch(0, CHARGE)
    step_ms, flowed, at_ms = 30000, 0, 0
    while battery.charge_mah(at_ms) < capacity_mah:
        flowed += battery.current_ma(at_ms) * step_ms
        at_ms += step_ms
    gained_mah = capacity_mah - charge_mah
    assert abs(gained_mah - flowed / MS_PER_H) <= 0.02 * gained_mah + rest_mah(capacity_mah)


@pytest.mark.parametrize("bulk_ma", [1500, 2200])
def test_c10_a_half_empty_tablet_is_full_by_the_morning(bulk_ma):
    battery = Battery(4000, 8000, bulk_ma)
    battery.switch(17 * MS_PER_H, CHARGE)
    assert battery.current_ma(17 * MS_PER_H) == bulk_ma
    assert battery.charge_mah(31 * MS_PER_H) == 8000


def test_saying_the_same_again_does_not_begin_the_charge_anew():
    once, again = Battery(4000, 8000, 1500), Battery(4000, 8000, 1500)
    once.switch(0, CHARGE)
    for at_ms in range(0, 5 * MS_PER_H, 60000):
        again.switch(at_ms, CHARGE)
        assert again.current_ma(at_ms) == once.current_ma(at_ms)
        assert again.charge_mah(at_ms) == once.charge_mah(at_ms)
