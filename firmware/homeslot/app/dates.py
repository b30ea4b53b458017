"""The machine's own clock, by which TLS judges the dates of the broker's certificate.

A controller starts with a clock that says 2021. It is set whenever the cart is told the time, and
at each start to the last time that was kept: one write a day. Whoever tells the time by TLS has a
clock by which that certificate was valid, so no hub can tell a cart away from itself.
"""

from homeslot import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.ports import Files, System

_FILE = "time"
_KEPT_S = const(86400)


class Dates:
    """Keeps the time in `files` and the clock of `system` at it."""

    def __init__(self, files: "Files", system: "System") -> None:
        self._files = files
        self._system = system
        self._kept_s = int(files.read(_FILE) or b"0")
        if self._kept_s:
            system.set_clock(self._kept_s)

    def told(self, at_s: int) -> None:
        """It is epoch `at_s` seconds."""
        self._system.set_clock(at_s)
        if abs(at_s - self._kept_s) >= _KEPT_S:
            self._kept_s = at_s
            self._files.write(_FILE, b"%d" % at_s)
