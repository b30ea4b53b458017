"""The MCP23017, sixteen inputs or outputs with interrupts (Microchip DS20001952 revision D).

Registers are kept in the order of the BANK = 0 map (section 3.5), port A and B side by side; the
BANK = 1 map is a translation of the address. Section numbers below are the datasheet's.
"""

from homeslot import const
from homeslot_sim.chips.bus import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Registers of port A; that of port B is the next one.
_IODIR = const(0x00)
_IPOL = const(0x02)
_GPINTEN = const(0x04)
_DEFVAL = const(0x06)
_INTCON = const(0x08)
_IOCON = const(0x0A)
_GPPU = const(0x0C)
_INTF = const(0x0E)
_INTCAP = const(0x10)
_GPIO = const(0x12)
_OLAT = const(0x14)
_SIZE = const(22)
# IOCON bits (section 3.5.6)
_BANK = const(0x80)
_MIRROR = const(0x40)
_SEQOP = const(0x20)
_ODR = const(0x04)
_INTPOL = const(0x02)
_READS = const(0x7F)  # GPA7, GPB7 are outputs only since revision D: an input there reads 0 here


class MCP23017(Chip):
    """One chip: `drive` its pins from outside, talk to its registers over the bus.

    Pins are numbered 0..15, GPA0 first. A pin nobody drives reads 1 with its pull-up, and without
    it 0: a floating input may read anything, and 0 makes a forgotten pull-up look like a device.
    `on_interrupt`, when set, is called with True when INTA becomes asserted and False when it is
    released, whatever its electrical level; `level` tells that.
    """

    def __init__(self, on_interrupt: "Callable[[bool], None] | None" = None) -> None:
        self.on_interrupt = on_interrupt
        self._driven = bytearray(2)  # per port: which pins something drives, and to what
        self._levels = bytearray(2)
        self._asserted = False
        self._registers = bytearray(_SIZE)
        self.power_cycle()

    def power_cycle(self) -> None:
        """All pins inputs, all else 0 (section 3.1; reset values in section 3.5)."""
        for i in range(_SIZE):
            self._registers[i] = 0
        self._registers[_IODIR] = self._registers[_IODIR + 1] = 0xFF
        self._pointer = 0
        self._seen = bytearray((self._pins(0), self._pins(1)))
        self._signal()

    def drive(self, pin: int, level: "int | None") -> None:
        """Drive `pin` to 0 or 1 from outside, or with None let it float."""
        port, bit = pin >> 3, 1 << (pin & 7)
        self._driven[port] = self._driven[port] & ~bit | (0 if level is None else bit)
        self._levels[port] = self._levels[port] & ~bit | (bit if level else 0)
        self._sense(port)

    def interrupts(self) -> "tuple[bool, bool]":
        """Whether INTA and INTB are asserted; with IOCON.MIRROR each stands for both ports."""
        a, b = self._registers[_INTF] != 0, self._registers[_INTF + 1] != 0
        return (a or b, a or b) if self._registers[_IOCON] & _MIRROR else (a, b)

    def level(self, port: int) -> "int | None":
        """Level at INTA (port 0) or INTB (1): 0, 1, or None, an open drain that is let go.

        IOCON.ODR overrides INTPOL (section 3.5.6).
        """
        asserted = self.interrupts()[port]
        iocon = self._registers[_IOCON]
        if iocon & _ODR:
            return 0 if asserted else None
        return int(asserted == bool(iocon & _INTPOL))

    def write(self, data: "bytes | bytearray") -> None:
        """Set the address pointer from the first byte, write the others from there on."""
        if data:
            self._pointer = data[0]
            for i in range(1, len(data)):
                self._store(self._index(self._pointer), data[i])
                self._advance()

    def read_into(self, buf: bytearray) -> None:
        """Fill `buf` from the address pointer on."""
        for i in range(len(buf)):
            buf[i] = self._load(self._index(self._pointer))
            self._advance()

    def read_register(self, register: int, buf: bytearray) -> None:
        """Point to `register` and fill `buf` from there on."""
        self._pointer = register
        self.read_into(buf)

    def _index(self, address: int) -> int:
        """Where `address` of the map in force is in the BANK = 0 order; -1: no such register."""
        if self._registers[_IOCON] & _BANK:
            address = (address & 0x0F) << 1 | address >> 4 if address < 0x20 else _SIZE
        return address if address < _SIZE else -1

    def _advance(self) -> None:
        """Move the address pointer as section 3.2.1 has it: sequential or byte mode."""
        iocon = self._registers[_IOCON]
        if iocon & _BANK:
            if not iocon & _SEQOP:
                port, register = self._pointer & 0x10, self._pointer & 0x0F
                self._pointer = self._pointer + 1 if register < _OLAT >> 1 else port ^ 0x10
        elif iocon & _SEQOP:
            self._pointer ^= 1
        else:
            self._pointer = self._pointer + 1 if self._pointer < _SIZE - 1 else 0

    def _load(self, index: int) -> int:
        if index < 0:
            return 0
        port = index & 1
        register = index - port
        if register != _GPIO and register != _INTCAP:
            return self._registers[index]
        registers = self._registers
        value = self._port(port) if register == _GPIO else registers[index]
        if registers[_INTF + port]:  # reading either clears the interrupt (section 3.6)
            registers[_INTF + port] = 0
            self._seen[port] = self._pins(port)
            self._sense(port)
            self._signal()
        return value

    def _store(self, index: int, value: int) -> None:
        port = index & 1
        register = index - port
        if index < 0 or register == _INTF or register == _INTCAP:
            return
        registers = self._registers
        if register == _IOCON:
            registers[_IOCON] = registers[_IOCON + 1] = value & 0xFE
            self._signal()
            return
        registers[_OLAT + port if register == _GPIO else index] = value
        if register == _IODIR or register == _GPPU:
            self._seen[port] = self._pins(port)  # turning a pin round is no change from outside
        self._sense(port)

    def _pins(self, port: int) -> int:
        """Levels at the pins: outputs from the latch, inputs from outside or the pull-up."""
        registers = self._registers
        inputs = registers[_IODIR + port]
        driven = self._driven[port]
        outside = driven & self._levels[port] | registers[_GPPU + port] & ~driven
        return registers[_OLAT + port] & ~inputs | outside & inputs & _READS

    def _port(self, port: int) -> int:
        """What GPIO reads: the pins, inputs turned over where IPOL says so (section 3.5.2)."""
        registers = self._registers
        inverted = registers[_IPOL + port] & registers[_IODIR + port] & _READS
        return self._pins(port) ^ inverted

    def _sense(self, port: int) -> None:
        """Look for an interrupt condition (section 3.6): a change, or a level other than DEFVAL.

        The first one fills INTF and INTCAP; both stay until INTCAP or GPIO is read.
        """
        registers = self._registers
        pins = self._pins(port)
        compared = registers[_INTCON + port]
        differs = (pins ^ self._seen[port]) & ~compared | (
            pins ^ registers[_DEFVAL + port]
        ) & compared
        self._seen[port] = pins
        hit = differs & registers[_GPINTEN + port] & registers[_IODIR + port] & _READS
        if hit and not registers[_INTF + port]:
            registers[_INTF + port] = hit
            registers[_INTCAP + port] = self._port(port)
            self._signal()

    def _signal(self) -> None:
        asserted = self.interrupts()[0]
        if asserted != self._asserted:
            self._asserted = asserted
            if self.on_interrupt is not None:
                self.on_interrupt(asserted)
