"""Scaled time: simulated and wall time are one line seen from two sides."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.cart.pace import Pace, ScaledClock, WallClock, wall_ms

DAY_MS = 24 * 3600000


@st.composite
def steps(draw):
    """[[from simulated ms, factor]] as scenarios have them."""
    starts = draw(st.lists(st.integers(1, DAY_MS), unique=True, max_size=6))
    factors = st.integers(1, 5000)
    return [[from_ms, draw(factors)] for from_ms in [0, *sorted(starts)]]


@given(steps=steps(), simulated_ms=st.integers(0, 2 * DAY_MS))
def test_wall_and_simulated_time_are_inverse(steps, simulated_ms):
    pace = Pace(steps)
    assert abs(pace.simulated_ms(pace.wall_ms(simulated_ms)) - simulated_ms) <= 1


@given(steps=steps(), times=st.lists(st.integers(0, 2 * DAY_MS), min_size=2))
def test_neither_ever_goes_back(steps, times):
    pace, times = Pace(steps), sorted(times)
    for seen in (
        [pace.simulated_ms(at_ms) for at_ms in times],
        [pace.wall_ms(at_ms) for at_ms in times],
    ):
        assert seen == sorted(seen)


@given(steps=steps(), share=st.floats(0.01, 0.99))
def test_between_two_steps_time_runs_by_the_factor_of_the_first(steps, share):
    pace = Pace(steps)
    for (from_ms, factor), (until_ms, _) in pairwise(steps):
        at_ms = from_ms + (until_ms - from_ms) * share
        assert pace.wall_ms(at_ms) - pace.wall_ms(from_ms) == pytest.approx(
            (at_ms - from_ms) / factor, abs=1e-6
        )


def test_before_its_start_a_scaled_clock_stands_at_0():
    assert ScaledClock(Pace([[0, 600]]), wall_ms() + 3600000).up_ms() == 0


@pytest.mark.parametrize("factor", [1, 600, 100000])
def test_a_clock_that_slept_is_later_by_what_it_slept(factor):
    async def naps():
        clock = ScaledClock(Pace([[0, factor]]), wall_ms())
        for _ in range(20):
            before_ms = clock.up_ms()
            await clock.sleep_ms(1 + factor // 8)
            assert clock.up_ms() >= before_ms + 1 + factor // 8

    asyncio.run(naps())


def test_the_wall_clock_starts_at_0_and_goes_on():
    async def nap():
        clock = WallClock()
        assert 0 <= clock.up_ms() < 1000
        await clock.sleep_ms(2)
        assert clock.up_ms() >= 1

    asyncio.run(nap())
