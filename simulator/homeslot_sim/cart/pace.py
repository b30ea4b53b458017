"""Scaled time: how simulated time runs against the wall clock, the same for all processes."""

import asyncio
import time


class Pace:
    """Simulated ms as a function of wall ms: `steps` is [[from simulated ms, factor], …].

    From each step on simulated time runs `factor` times as fast as the wall; the first is from 0.
    """

    def __init__(self, steps: "list[list[float]]") -> None:
        self._steps: "list[tuple[float, float, float]]" = []  # (simulated ms, wall ms, factor)
        wall_ms = 0.0
        for i in range(len(steps)):
            from_ms, factor = steps[i]
            if i:
                wall_ms += (from_ms - steps[i - 1][0]) / steps[i - 1][1]
            self._steps.append((from_ms, wall_ms, factor))

    def simulated_ms(self, wall_ms: float) -> int:
        """The simulated time at `wall_ms` after the start."""
        step = self._steps[0]
        for later in self._steps:
            if later[1] <= wall_ms:
                step = later
        return int(step[0] + (wall_ms - step[1]) * step[2])

    def wall_ms(self, simulated_ms: float) -> float:
        """How long after the start the wall clock shows when it is `simulated_ms`."""
        step = self._steps[0]
        for later in self._steps:
            if later[0] <= simulated_ms:
                step = later
        return step[1] + (simulated_ms - step[0]) / step[2]


class ScaledClock:
    """The Clock port on scaled time; `start_ms` is the wall clock at simulated 0, in epoch ms."""

    def __init__(self, pace: Pace, start_ms: int) -> None:
        self._pace = pace
        self._start_ms = start_ms

    def up_ms(self) -> int:
        """Simulated milliseconds since the start; 0 before it."""
        return self._pace.simulated_ms(max(0, wall_ms() - self._start_ms))

    async def sleep_ms(self, ms: int) -> None:
        """Wait until `ms` simulated milliseconds have passed."""
        until_ms = self.up_ms() + ms
        while True:  # the wall clock shows whole milliseconds, which may be much simulated time
            left_ms = self._start_ms + self._pace.wall_ms(until_ms) - wall_ms()
            await asyncio.sleep(max(0, left_ms) / 1000)
            if self.up_ms() >= until_ms:
                return


class WallClock:
    """The Clock port on the wall clock: for what a real peer on a real network must answer."""

    def __init__(self) -> None:
        self._start_ms = wall_ms()

    def up_ms(self) -> int:
        """Milliseconds since this clock was made."""
        return wall_ms() - self._start_ms

    async def sleep_ms(self, ms: int) -> None:
        """Wait `ms` milliseconds."""
        await asyncio.sleep(ms / 1000)


def wall_ms() -> int:
    """The wall clock in epoch milliseconds."""
    return time.time_ns() // 1000000
