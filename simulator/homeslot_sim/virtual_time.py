"""Virtual time: an event loop whose clock jumps to the next thing that happens.

Everything runs in one thread and nothing waits: when no task is ready, time is moved to the
earliest timer. A loop with no timer and no ready task would never end, so it is refused.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stalled(RuntimeError):
    """Every task waits for something that will never happen."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting for a timer, moves the time there."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stalled("nothing is left to happen, and the scenario has not ended")
        self.now_s += max(timeout, 0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop on virtual time, starting at 0 s."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Timers closer together than this fire in one step; a millisecond is the carts' unit.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.now_s


class VirtualClock:
    """The Clock port of a cart in virtual time: up since the loop was at 0."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def up_ms(self) -> int:
        """Virtual milliseconds since the start."""
        return round(self._loop.time() * 1000)

    async def sleep_ms(self, ms: int) -> None:
        """Return when `ms` virtual milliseconds have passed."""
        await asyncio.sleep(ms / 1000)


def run(main: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run `main` to its end on `loop` and close it; what is still running then is cancelled."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)
