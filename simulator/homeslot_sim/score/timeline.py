"""What will happen, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

NEVER_MS = 1 << 60


class Timeline:
    """A clock that began at epoch `start_s`, and what is to be called when."""

    def __init__(self, start_s: int) -> None:
        self.start_s = start_s
        self.now_ms = 0
        self._calls: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    @property
    def now_s(self) -> int:
        """Epoch seconds."""
        return self.start_s + self.now_ms // 1000

    @property
    def next_ms(self) -> int:
        """When the next call is due."""
        return self._calls[0][0] if self._calls else NEVER_MS

    def call(self, at_ms: int, what: Callable[..., None], *args: Any) -> None:
        """Call `what(*args)` at `at_ms`: what was asked for first first."""
        self._count += 1
        heapq.heappush(self._calls, (at_ms, self._count, what, args))

    def at(self, at_s: int, what: Callable[..., None], *args: Any) -> None:
        """Call `what(*args)` at epoch `at_s`."""
        self.call((at_s - self.start_s) * 1000, what, *args)

    def step(self) -> None:
        """Go to the next call, and make it."""
        self.now_ms, _, what, args = heapq.heappop(self._calls)
        what(*args)
