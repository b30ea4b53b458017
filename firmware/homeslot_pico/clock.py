"""ports.Clock on MicroPython's ticks."""

import asyncio
import time


class Clock:
    """Milliseconds since this boot, past the 12.4 days after which `time.ticks_ms` starts over.

    Ask at least once in 6.2 days (2^29 ms): further apart, two ticks cannot be told from one
    another. The scan asks every second.
    """

    def __init__(self, ticks_ms=None):
        self._now_ms = ticks_ms or time.ticks_ms
        self._ticks_ms = self._up_ms = self._now_ms()

    def up_ms(self) -> int:
        """Milliseconds since this boot; never goes back."""
        now_ms = self._now_ms()
        self._up_ms += time.ticks_diff(now_ms, self._ticks_ms)
        self._ticks_ms = now_ms
        return self._up_ms

    async def sleep_ms(self, ms: int) -> None:
        """Return after `ms` milliseconds."""
        await asyncio.sleep_ms(ms)
