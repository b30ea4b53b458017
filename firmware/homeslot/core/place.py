"""Where the cart is: the access point it is near, once it has come to rest there.

A cart between two access points goes from one to the other and back, and has not been moved. So
another one counts when it was heard without a break for HOLD_MS, and QUIET_MS after the last that
counted. What was near is remembered while nothing is heard: a cart may be carried through a dead
corner.
"""

HOLD_MS = 60000
QUIET_MS = 600000


class Place:
    """`bssid` is the access point the cart is at, None until it has heard one."""

    def __init__(self) -> None:
        self.bssid: "str | None" = None
        self._heard: "str | None" = None
        self._since_ms = 0
        self._moved_ms: "int | None" = None

    def step(self, now_ms: int, bssid: "str | None") -> "str | None":
        """Hear the access point `bssid`, or None. Returns the one left, or None if unchanged."""
        if bssid != self._heard:
            self._heard, self._since_ms = bssid, now_ms
        if self.bssid is None:
            self.bssid = bssid
        if bssid is None or bssid == self.bssid or now_ms - self._since_ms < HOLD_MS:
            return None
        if self._moved_ms is not None and now_ms - self._moved_ms < QUIET_MS:
            return None
        left, self.bssid, self._moved_ms = self.bssid, bssid, now_ms
        return left
