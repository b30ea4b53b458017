"""The TCA9548A, one I2C bus fanned out to eight channels (TI SCPS207)."""

from homeslot_sim.chips.bus import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class TCA9548A(Chip):
    """Its one register, its reset pin and what is plugged into its channels.

    Each bit of the control register opens a channel; several may be open, and chips that then
    share an address answer together. The last byte of a write wins and takes effect at STOP
    (section 8.5.4); at power-on every channel is closed (section 8.4.2).
    """

    def __init__(self) -> None:
        self.channels: "list[dict[int, Chip]]" = [{} for _ in range(8)]
        self.control = 0
        self.answers = True
        self.on_change: "Callable[[bool], None] | None" = None
        self._next: "int | None" = None

    def plug(self, channel: int, chips: "dict[int, Chip]") -> None:
        """Plug a bank, its chips by address, into an empty `channel`: they power up."""
        if self.channels[channel]:
            raise ValueError("channel %d is occupied" % channel)
        self.channels[channel] = chips
        for chip in chips.values():
            chip.power_cycle()
        self._changed(True)

    def unplug(self, channel: int) -> "dict[int, Chip]":
        """Pull out what is in `channel` and return it: the chips lose power."""
        chips = self.channels[channel]
        self.channels[channel] = {}
        for chip in chips.values():
            chip.power_cycle()  # what they knew is gone, an interrupt they held is released
        self._changed(True)
        return chips

    def reset_pin(self, level: int) -> None:
        """Drive RESET: 0 closes every channel and keeps the chip from answering, 1 lets it go.

        The way out when a chip behind an open channel holds SDA low (section 8.4.1).
        """
        self.answers = level != 0
        if level == 0:
            self.control = 0
            self._next = None
        self._changed(True)

    def power_cycle(self) -> None:
        """Close every channel."""
        self.control = 0
        self._next = None
        self._changed(False)

    def write(self, data: "bytes | bytearray") -> None:
        """Take the last of `data` as the control register to be."""
        if data:
            self._next = data[-1]

    def read_into(self, buf: bytearray) -> None:
        """Fill `buf` with the control register."""
        for i in range(len(buf)):
            buf[i] = self.control

    def stop(self) -> None:
        """Open and close channels as the last write asked."""
        if self._next is not None:
            self.control = self._next
            self._next = None
            self._changed(False)

    def _changed(self, rewired: bool) -> None:
        if self.on_change is not None:
            self.on_change(rewired)
