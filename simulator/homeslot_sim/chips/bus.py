"""The I2C bus: whole transactions between one master and simulated chips, faults and bits counted.

A transaction is START, address, bytes, STOP; each byte costs nine bits (eight and the acknowledge),
START, repeated START and STOP one each, as in the I2C specification UM10204 section 3.1. What a
chip does with its bytes is the chip's business (`Chip`); who hears an address is the bus's: it
keeps a table of address -> chip for the channels open at the moment, built once for each setting
of the muxes, so that the ordinary transaction is one look-up.
"""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

STUCK_MS = 50  # MicroPython's default I2C timeout is 50,000 us (docs: class I2C)
_NEVER_BITS = 1 << 60


class Chip:
    """What the bus asks of a chip. A chip always acknowledges its address, unless told not to."""

    word = 1  # bytes of one register
    channels: "Sequence[dict[int, Chip]]" = ()  # a mux: the chips by address behind each channel
    control = 0  # a mux: one bit for each open channel
    answers = True  # False: does not acknowledge its address
    on_change: "Callable[[bool], None] | None" = None  # a mux calls it; True: chips came or went

    def write(self, data: "bytes | bytearray") -> None:
        """Take the bytes of one write phase, possibly none."""

    def read_into(self, buf: bytearray) -> None:
        """Fill `buf` with the bytes of one read phase."""

    def read_register(self, register: int, buf: bytearray) -> None:
        """Do what a write of the byte `register` and then a read phase do, in one call."""
        self.write(bytes((register,)))
        self.read_into(buf)

    def stop(self) -> None:
        """See the STOP that ends a transaction in which this chip was written or read."""

    def power_cycle(self) -> None:
        """Lose power and get it back: everything as after power-on."""


class _Several(Chip):
    """Chips that hear the same address: all take a write, a read is their wired-AND."""

    def __init__(self, chips: "list[Chip]") -> None:
        self.chips = chips
        self.word = chips[0].word

    def write(self, data: "bytes | bytearray") -> None:
        for chip in self.chips:
            chip.write(data)

    def read_into(self, buf: bytearray) -> None:
        self.chips[0].read_into(buf)
        other = bytearray(len(buf))
        for chip in self.chips[1:]:
            chip.read_into(other)
            for i in range(len(buf)):
                buf[i] &= other[i]

    def stop(self) -> None:
        for chip in self.chips:
            chip.stop()


class Bus:
    """The wires, the chips on them and the faults planted in them.

    A master in software uses whole transactions: `write`, `read_into`, `read_register`. One that is
    an emulated peripheral goes byte by byte: `start`, `byte` for each it moves, `stop`, and tells
    the chip itself what it writes and reads.

    `bits` counts every bit clocked since the start. A master that finds SDA held low waits
    STUCK_MS: `waited_ms` counts that, and `wait_ms`, when given, is called with it so that a clock
    can be advanced. Faults are named by `channel`: that of the mux the chip sits behind, None for
    the wires at the controller; they belong to the place and outlast an unplugged bank.
    """

    def __init__(self, wait_ms: "Callable[[int], None] | None" = None) -> None:
        self.bits = 0
        self.waited_ms = 0
        self._wait_ms = wait_ms
        self._trunk: "dict[int, Chip]" = {}
        self._muxes: "list[Chip]" = []
        self._dead: "set[tuple[int | None, int]]" = set()
        self._held: "set[int | None]" = set()
        self._stuck = False
        self._live: "dict[int, Chip]" = {}  # who hears which address now
        self._tables: "dict[int, dict[int, Chip]]" = {}  # the same for each setting of the muxes
        self._unstopped: "list[Chip]" = []  # chips addressed since the last STOP
        self._alarms: "list[tuple[int, Callable[[], None]]]" = []
        self._alarm_bits = _NEVER_BITS

    def attach(self, address: int, chip: Chip) -> None:
        """Solder `chip` to the wires at the controller, at `address`."""
        self._trunk[address] = chip
        if chip.channels:
            self._muxes.append(chip)
            chip.on_change = self._reroute
        self._reroute(True)

    def kill(self, address: int, channel: "int | None" = None) -> None:
        """Let the chip at `address` acknowledge nothing from now on."""
        self._dead.add((channel, address))
        self._reroute(True)

    def revive(self, address: int, channel: "int | None" = None) -> None:
        """Let it answer again, with the registers it has."""
        self._dead.discard((channel, address))
        self._reroute(True)

    def hold_sda(self, channel: "int | None" = None) -> None:
        """Hold SDA low: at once, or whenever `channel` of a mux is open."""
        self._held.add(channel)
        self._reroute(True)

    def release_sda(self, channel: "int | None" = None) -> None:
        """Let go of what `hold_sda` held."""
        self._held.discard(channel)
        self._reroute(True)

    def at_bits(self, bits: int, call: "Callable[[], None]") -> None:
        """Call `call` once when `bits` bits have been clocked, be it in mid-transaction."""
        self._alarms.append((bits, call))
        self._alarms.sort(key=lambda alarm: alarm[0])
        self._alarm_bits = self._alarms[0][0]

    def write(self, address: int, data: "bytes | bytearray", stop: bool = True) -> int:
        """Write `data` (b"" is a probe) to the chip at `address`; returns bytes acknowledged.

        Raises OSError: EIO when the address or a byte is not acknowledged, ETIMEDOUT when SDA is
        held low. So do the other transactions.
        """
        chip = self.start(address)
        size = len(data)
        if self.bits + 9 * size < self._alarm_bits:
            self.bits += 9 * size
        else:
            for _ in range(size):
                self._clock(9)
                if self._live.get(address) is not chip:
                    self._fail()
        chip.write(data)
        if stop:
            self.stop()
        return size

    def read_into(self, address: int, buf: bytearray, stop: bool = True) -> None:
        """Read `len(buf)` bytes from the chip at `address`.

        A chip that goes away in the middle is not noticed: SDA floats high and the rest reads FFh.
        """
        chip = self.start(address)
        chip.read_into(buf)
        size = len(buf)
        for i in range(size):
            self._clock(9)
            if self._live.get(address) is not chip:
                if self._stuck:
                    self._fail()
                for j in range(i, size):
                    buf[j] = 0xFF
                self._clock(9 * (size - 1 - i))
                break
        if stop:
            self.stop()

    def read_register(self, address: int, register: int, buf: bytearray) -> None:
        """Write the byte `register`, repeat START, fill `buf`: 30 bits and 9 a byte in all."""
        chip = self._live.get(address)
        bits = self.bits + 30 + 9 * len(buf)
        if chip is None or chip.channels or bits >= self._alarm_bits:
            self.write(address, bytes((register,)), False)
            self.read_into(address, buf)
            return
        self.bits = bits
        chip.read_register(register, buf)
        if self._unstopped:
            self._end_all()

    def scan(self) -> "list[int]":
        """Every address from 08h to 77h that acknowledges a probe."""
        found = []
        for address in range(0x08, 0x78):
            try:
                self.write(address, b"")
            except OSError:
                continue
            found.append(address)
        return found

    def start(self, address: int) -> Chip:
        """START, or the repeated one, and the address. Returns the chip that acknowledges it.

        Raises OSError as the transactions do.
        """
        if not self._stuck:
            self._clock(10)
            chip = self._live.get(address)
            if chip is not None:
                self._unstopped.append(chip)
                return chip
        self._fail()

    def byte(self, address: int, chip: Chip) -> bool:
        """One byte and its acknowledge; whether `chip` is still there at `address`."""
        self._clock(9)
        return self._live.get(address) is chip

    def stop(self) -> None:
        """STOP: the chips spoken to since the last one see it."""
        self._clock(1)
        self._end_all()

    def _end_all(self) -> None:
        ended, self._unstopped = self._unstopped, []
        for chip in ended:
            chip.stop()

    def _fail(self) -> "NoReturn":
        if self._stuck:
            self.waited_ms += STUCK_MS
            if self._wait_ms is not None:
                self._wait_ms(STUCK_MS)
            raise OSError(errno.ETIMEDOUT, "SDA is held low")
        self.stop()
        raise OSError(errno.EIO, "no acknowledge")

    def _clock(self, bits: int) -> None:
        self.bits += bits
        while self.bits >= self._alarm_bits:
            call = self._alarms.pop(0)[1]
            self._alarm_bits = self._alarms[0][0] if self._alarms else _NEVER_BITS
            call()

    def _reroute(self, rewired: bool) -> None:
        if rewired:
            self._tables = {}
        setting = 0
        for mux in self._muxes:
            setting = setting << 8 | mux.control
        table = self._tables.get(setting)
        if table is None:
            table = self._tables[setting] = self._table()
        self._live = table
        if self._held:
            self._stuck = None in self._held or any(
                mux.control >> channel & 1
                for mux in self._muxes
                for channel in self._held
                if channel is not None
            )
            if self._stuck:
                self._live = {}
        else:
            self._stuck = False

    def _table(self) -> "dict[int, Chip]":
        heard: "dict[int, list[Chip]]" = {}
        self._listen(None, self._trunk, heard)
        for mux in self._muxes:
            for channel in range(len(mux.channels)):
                if mux.control >> channel & 1:
                    self._listen(channel, mux.channels[channel], heard)
        return {
            address: chips[0] if len(chips) == 1 else _Several(chips)
            for address, chips in heard.items()
        }

    def _listen(
        self, channel: "int | None", chips: "dict[int, Chip]", heard: "dict[int, list[Chip]]"
    ) -> None:
        for address, chip in chips.items():
            if chip.answers and (channel, address) not in self._dead:
                heard.setdefault(address, []).append(chip)


class MachineI2C:
    """The bus with the methods of MicroPython's `machine.I2C` that our drivers and tools use."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._read_register = bus.read_register

    def scan(self) -> "list[int]":
        """Every address from 08h to 77h that answers; on a stuck bus none."""
        return self._bus.scan()

    def writeto(self, addr: int, buf: "bytes | bytearray", stop: bool = True) -> int:
        """Write `buf`; returns how many bytes were acknowledged."""
        return self._bus.write(addr, buf, stop)

    def readfrom_into(self, addr: int, buf: bytearray, stop: bool = True) -> None:
        """Fill `buf` from the chip, from wherever its register pointer stands."""
        self._bus.read_into(addr, buf, stop)

    def writeto_mem(
        self, addr: int, memaddr: int, buf: "bytes | bytearray", *, addrsize: int = 8
    ) -> None:
        """Write `buf` from register `memaddr` on."""
        self._bus.write(addr, bytes((memaddr,)) + buf)

    def readfrom_mem(self, addr: int, memaddr: int, nbytes: int, *, addrsize: int = 8) -> bytes:
        """The `nbytes` bytes from register `memaddr` on."""
        buf = bytearray(nbytes)
        self._read_register(addr, memaddr, buf)
        return bytes(buf)

    def readfrom_mem_into(
        self, addr: int, memaddr: int, buf: bytearray, *, addrsize: int = 8
    ) -> None:
        """Fill `buf` from register `memaddr` on."""
        self._read_register(addr, memaddr, buf)
