"""Whether a chip is to be believed: a few failures in a row make it dead, probes bring it back."""

FAILURES = 3  # one NACK is noise on a long cable, three in a row are a fault
DOUBT_MS = 1000  # if they go on for this long: while a switch moves, three are over in no time
FIRST_PROBE_MS = 1000
LAST_PROBE_MS = 60000


class Health:
    """The health of one chip that was set up: `alive`, and when a dead one is probed again."""

    def __init__(self) -> None:
        self.alive = False
        self._failures = 0
        self._wait_ms = 0
        self._at_ms = 0  # alive: when it began to fail; dead: when it is probed

    def due(self, now_ms: int) -> bool:
        """True when the chip should be spoken to now: it is alive, or its next probe is due."""
        return self.alive or now_ms >= self._at_ms

    def doubt(self) -> None:
        """The chip may have lost what it was told: to be set up again, and that at once."""
        self.alive = False
        self._at_ms = 0

    def answered(self) -> None:
        """The chip did what it was asked."""
        self.alive = True
        self._failures = 0
        self._wait_ms = 0

    def failed(self, now_ms: int) -> None:
        """The chip did not answer. Probes of a dead chip back off from 1 s to 60 s."""
        if self.alive:
            if self._failures == 0:
                self._at_ms = now_ms
            self._failures += 1
            if self._failures < FAILURES or now_ms - self._at_ms < DOUBT_MS:
                return
        self.alive = False
        self._wait_ms = min(self._wait_ms * 2 or FIRST_PROBE_MS, LAST_PROBE_MS)
        self._at_ms = now_ms + self._wait_ms
