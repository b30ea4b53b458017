"""Driver of the TCA9548A, which connects the bus to one bank at a time (TI SCPS207)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.ports import Bus

_OPEN = tuple([bytes([1 << channel]) for channel in range(8)])  # made once: a scan allocates none


class TCA9548A:
    """The mux at `address`. Raises OSError when it does not answer."""

    def __init__(self, bus: "Bus", address: int) -> None:
        self._bus = bus
        self._address = address
        self._channel: "int | None" = None

    def select(self, channel: int) -> None:
        """Open `channel` (0..7) and close the others; costs nothing when it is open already."""
        if channel != self._channel:
            self._channel = None
            self._bus.writeto(self._address, _OPEN[channel])
            self._channel = channel

    def off(self) -> None:
        """Close every channel. Call it after each scan: the next one then trusts nothing old."""
        self._channel = None
        self._bus.writeto(self._address, b"\x00")

    def was_reset(self) -> None:
        """Its reset pin was pulled: every channel is closed."""
        self._channel = None
