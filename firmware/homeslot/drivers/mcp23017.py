"""Driver of the MCP23017, sixteen switches to ground (Microchip DS20001952 revision D).

The chip has no id register and forgets everything without power, after which open switches look
like any others. So setup writes a pattern and reads it back, and the two pins that cannot be inputs
stand watch: GPA7 puts out 1 and GPB7 puts out 0, and a reading in which they do not is refused. A
chip at its power-on values fails that, and so does a bus that floats high or is pulled low.
"""

from homeslot import const
from homeslot.drivers import WrongChip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.ports import Bus

# Registers of the BANK = 0 map (section 3.5).
_IODIR = const(0x00)
_IOCON = const(0x0A)
_GPIO = const(0x12)
_OLAT = const(0x14)
_IOCON_IF_BANK = const(0x05)
_MIRROR_OPEN_DRAIN = const(b"\x44")
# IODIR, IPOL, GPINTEN, DEFVAL, INTCON, IOCON, GPPU for A and B: 14 inputs with pull-ups that read 1
# when closed, interrupt on any change; one interrupt pin for both ports, shared with other banks.
_PATTERN = const(b"\x7f\x7f\x7f\x7f\x7f\x7f\x00\x00\x00\x00\x44\x44\x7f\x7f")
_WATCH = const(0x8080)
_WATCH_OUT = const(b"\x80\x00")

_read = bytearray(2)  # of whichever chip is read: only one is at a time


class MCP23017:
    """The chip at `address`. Every method raises OSError, WrongChip when it answers nonsense."""

    def __init__(self, bus: "Bus", address: int) -> None:
        self._bus = bus
        self._address = address

    def setup(self) -> None:
        """Configure the chip from any state, make sure it took it, and clear its interrupt."""
        # With BANK = 1 IOCON is elsewhere, and no write but this one would find its register.
        self._bus.writeto_mem(self._address, _IOCON_IF_BANK, _MIRROR_OPEN_DRAIN)
        self._bus.writeto_mem(self._address, _IOCON, _MIRROR_OPEN_DRAIN)
        self._bus.writeto_mem(self._address, _OLAT, _WATCH_OUT)
        self._bus.writeto_mem(self._address, _IODIR, _PATTERN)
        found = bytearray(len(_PATTERN))
        self._bus.readfrom_mem_into(self._address, _IODIR, found)
        for i in range(len(_PATTERN)):
            if found[i] != _PATTERN[i]:
                raise WrongChip(self._address, "register %02xh" % i, _PATTERN[i], found[i])
        self.read()

    def read(self) -> int:
        """The closed switches, bit 0 is GPA0 and bit 8 GPB0; clears the interrupt."""
        self._bus.readfrom_mem_into(self._address, _GPIO, _read)
        value = _read[0] | _read[1] << 8
        if value & _WATCH != _WATCH_OUT[0]:
            raise WrongChip(self._address, "GPA7, GPB7", _WATCH_OUT[0], value & _WATCH)
        return value & ~_WATCH
