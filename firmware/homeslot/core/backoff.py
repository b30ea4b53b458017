"""Waiting longer after each failure, never too long, and not all carts at once."""


class Backoff:
    """Delays in ms that double from `first_ms` to `last_ms`, each shortened by up to a half.

    `seed` (an integer) spreads carts that fail together; the same seed gives the same delays.
    """

    def __init__(self, first_ms: int, last_ms: int, seed: int) -> None:
        self._first_ms = first_ms
        self._last_ms = last_ms
        self._ms = first_ms
        self._random = seed & 0xFFFF

    def next_ms(self) -> int:
        """How long to wait before the next try."""
        self._random = (self._random * 25173 + 13849) & 0xFFFF
        ms, self._ms = self._ms, min(self._ms * 2, self._last_ms)
        return ms - ms // 2 * self._random // 0xFFFF

    def reset(self) -> None:
        """It worked: begin again with the first delay."""
        self._ms = self._first_ms
