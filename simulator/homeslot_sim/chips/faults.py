"""A bus with faults planted in it: dead chips, SDA held low, colliding addresses, accidents.

For tests and benches; a cart that only has to live its day has the plain `bus.Bus`.
"""

import errno

from homeslot_sim.chips.bus import Bus, Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

STUCK_MS = 50  # MicroPython's default I2C timeout is 50,000 us (docs: class I2C)
_NEVER_BITS = 1 << 60


class FaultyBus(Bus):
    """The wires, the chips on them and what is wrong with them.

    A master that finds SDA held low waits STUCK_MS: `waited_ms` counts that, and `wait_ms`, when
    given, is called with it so that a clock can be advanced. Faults are named by `channel`: that of
    the mux the chip sits behind, None for the wires at the controller; they belong to the place and
    outlast an unplugged bank.

    A master that is an emulated peripheral goes byte by byte: `start`, `byte` for each it moves,
    `stop`, and tells the chip itself what it writes and reads.
    """

    def __init__(self, wait_ms: "Callable[[int], None] | None" = None) -> None:
        super().__init__()
        self.waited_ms = 0
        self._wait_ms = wait_ms
        self._dead: "set[tuple[int | None, int]]" = set()
        self._held: "set[int | None]" = set()
        self._stuck = False
        self._alarms: "list[tuple[int, Callable[[], None]]]" = []
        self._alarm_bits = _NEVER_BITS

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

    def scan(self) -> "list[int]":
        """Every address from 08h to 77h that acknowledges a probe."""
        found = []
        for address in range(0x08, 0x78):
            try:
                self.writeto(address, b"")
            except OSError:
                continue
            found.append(address)
        return found

    def writeto(self, address: int, data: "bytes | bytearray", stop: bool = True) -> int:
        """As `Bus.writeto`; a chip that goes away in the middle leaves a byte unacknowledged.

        Raises OSError: EIO for what is not acknowledged, ETIMEDOUT when SDA is held low. So do the
        other transactions.
        """
        chip = self.start(address)
        for _ in range(len(data)):
            self._clock(9)
            if self._live.get(address) is not chip:
                self._fail()
        chip.write(data)
        if stop:
            self.stop()
        return len(data)

    def readfrom_into(self, address: int, buf: bytearray, stop: bool = True) -> None:
        """As `Bus.readfrom_into`.

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

    def readfrom_mem_into(self, address: int, register: int, buf: bytearray) -> None:
        """As `Bus.readfrom_mem_into`, step by step where something is due to happen meanwhile."""
        if self._live.get(address) is None or self.bits + 30 + 9 * len(buf) >= self._alarm_bits:
            self.writeto(address, bytes((register,)), False)
            self.readfrom_into(address, buf)
        else:
            super().readfrom_mem_into(address, register, buf)

    def start(self, address: int) -> Chip:
        """As `Bus.start`."""
        if self._stuck:
            self._fail()
        self._clock(10)
        chip = self._live.get(address)
        if chip is None:
            self._fail()
        self._unstopped.append(chip)
        return chip

    def byte(self, address: int, chip: Chip) -> bool:
        """One byte and its acknowledge; whether `chip` is still there at `address`."""
        self._clock(9)
        return self._live.get(address) is chip

    def stop(self) -> None:
        """As `Bus.stop`."""
        self._clock(1)
        self._end_all()

    def _fail(self) -> "NoReturn":
        if self._stuck:
            self.waited_ms += STUCK_MS
            if self._wait_ms is not None:
                self._wait_ms(STUCK_MS)
            raise OSError(errno.ETIMEDOUT, "SDA is held low")
        super()._fail()

    def _clock(self, bits: int) -> None:
        self.bits += bits
        while self.bits >= self._alarm_bits:
            call = self._alarms.pop(0)[1]
            self._alarm_bits = self._alarms[0][0] if self._alarms else _NEVER_BITS
            call()

    def _reroute(self, rewired: bool) -> None:
        super()._reroute(rewired)
        self._stuck = None in self._held or any(
            mux.control >> channel & 1
            for mux in self._muxes
            for channel in self._held
            if channel is not None
        )
        if self._stuck:
            self._live = {}

    def _listen(
        self, channel: "int | None", chips: "dict[int, Chip]", table: "dict[int, Chip]"
    ) -> None:
        for address, chip in chips.items():
            if chip.answers and (channel, address) not in self._dead:
                before = table.get(address)
                table[address] = chip if before is None else _Both(before, chip)


class _Both(Chip):
    """Two chips that hear the same address: both take a write, a read is their wired-AND."""

    def __init__(self, one: Chip, other: Chip) -> None:
        self._one = one
        self._other = other
        self.word = one.word

    def write(self, data: "bytes | bytearray") -> None:
        self._one.write(data)
        self._other.write(data)

    def read_into(self, buf: bytearray) -> None:
        self._one.read_into(buf)
        pulled = bytearray(len(buf))
        self._other.read_into(pulled)
        for i in range(len(buf)):
            buf[i] &= pulled[i]

    def stop(self) -> None:
        self._one.stop()
        self._other.stop()
