"""Virtual time: it jumps, it never waits, and what would wait for ever is refused."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.virtual_time import Stalled, VirtualClock, VirtualLoop, run


def lived(main):
    loop = VirtualLoop()
    return run(main(VirtualClock(loop)), loop)


def test_a_day_passes_in_no_time():
    async def day(clock):
        await clock.sleep_ms(24 * 3600 * 1000)
        return clock.up_ms()

    began = time.perf_counter()
    assert lived(day) == 24 * 3600 * 1000
    assert time.perf_counter() - began < 5


@given(st.lists(st.integers(0, 10**9), max_size=20))
def test_everyone_wakes_when_they_asked_to_and_in_that_order(delays_ms):
    async def main(clock):
        woken = []

        async def sleeper(ms):
            await clock.sleep_ms(ms)
            woken.append((clock.up_ms(), ms))

        await asyncio.gather(*[sleeper(ms) for ms in delays_ms])
        return woken

    assert lived(main) == [(ms, ms) for ms in sorted(delays_ms)]


def test_a_timeout_comes_before_a_longer_sleep():
    async def main(clock):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(clock.sleep_ms(5000), 1)
        return clock.up_ms()

    assert lived(main) == 1000


def test_waiting_for_what_never_happens_is_refused():
    async def main(clock):
        await asyncio.Event().wait()

    with pytest.raises(Stalled):
        lived(main)


def test_the_same_day_is_lived_the_same_way_twice():
    async def main(clock):
        seen = []

        async def worker(step_ms):
            for _ in range(50):
                await clock.sleep_ms(step_ms)
                seen.append((clock.up_ms(), step_ms))

        await asyncio.gather(worker(7), worker(11), worker(7))
        return seen

    assert lived(main) == lived(main)
