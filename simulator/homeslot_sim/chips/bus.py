"""The I2C bus: whole transactions between one master and simulated chips, every bit counted.

A transaction is START, address, bytes, STOP; each byte costs nine bits (eight and the acknowledge),
START, repeated START and STOP one each, as in the I2C specification UM10204 section 3.1. What a
chip does with its bytes is the chip's business (`Chip`); who hears an address is the bus's: it
keeps a table of address -> chip for the channels open at the moment, built once for each setting
of the muxes, so that the ordinary transaction is one look-up. Faults are planted in `faults`.
"""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn


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


class Bus:
    """The wires and the chips on them, of which one hears each address at a time.

    Its transactions are the methods of MicroPython's `machine.I2C` that drivers use. `bits` counts
    every bit clocked since the start.
    """

    def __init__(self) -> None:
        self.bits = 0
        self._trunk: "dict[int, Chip]" = {}
        self._muxes: "list[Chip]" = []
        self._live: "dict[int, Chip]" = {}  # who hears which address now
        self._tables: "dict[int, dict[int, Chip]]" = {}  # the same for each setting of the muxes
        self._unstopped: "list[Chip]" = []  # chips addressed since the last STOP

    def attach(self, address: int, chip: Chip) -> None:
        """Solder `chip` to the wires at the controller, at `address`."""
        self._trunk[address] = chip
        if chip.channels:
            self._muxes.append(chip)
            chip.on_change = self._reroute
        self._reroute(True)

    def writeto(self, address: int, data: "bytes | bytearray", stop: bool = True) -> int:
        """Write `data` (b"" is a probe) to the chip at `address`; returns bytes acknowledged.

        Raises OSError (EIO) when the address is not acknowledged. So do the other transactions.
        """
        chip = self.start(address)
        self.bits += 9 * len(data)
        chip.write(data)
        if stop:
            self.stop()
        return len(data)

    def readfrom_into(self, address: int, buf: bytearray, stop: bool = True) -> None:
        """Read `len(buf)` bytes from the chip at `address`."""
        chip = self.start(address)
        self.bits += 9 * len(buf)
        chip.read_into(buf)
        if stop:
            self.stop()

    def writeto_mem(self, address: int, register: int, data: "bytes | bytearray") -> None:
        """Write `data` from `register` on."""
        self.writeto(address, bytes((register,)) + data)

    def readfrom_mem_into(self, address: int, register: int, buf: bytearray) -> None:
        """Write the byte `register`, repeat START, fill `buf`: 30 bits and 9 a byte in all."""
        chip = self._live.get(address)
        if chip is None or chip.channels:
            self.writeto(address, bytes((register,)), False)
            self.readfrom_into(address, buf)
            return
        self.bits += 30 + 9 * len(buf)
        chip.read_register(register, buf)
        if self._unstopped:
            self._end_all()

    def start(self, address: int) -> Chip:
        """START, or the repeated one, and the address. Returns the chip that acknowledges it.

        Raises OSError as the transactions do.
        """
        self.bits += 10
        chip = self._live.get(address)
        if chip is None:
            self._fail()
        self._unstopped.append(chip)
        return chip

    def stop(self) -> None:
        """STOP: the chips spoken to since the last one see it."""
        self.bits += 1
        self._end_all()

    def _end_all(self) -> None:
        ended, self._unstopped = self._unstopped, []
        for chip in ended:
            chip.stop()

    def _fail(self) -> "NoReturn":
        self.stop()
        raise OSError(errno.EIO, "no acknowledge")

    def _reroute(self, rewired: bool) -> None:
        if rewired:
            self._tables = {}
        setting = 0
        for mux in self._muxes:
            setting = setting << 8 | mux.control
        table = self._tables.get(setting)
        if table is None:
            table = self._tables[setting] = {}
            self._listen(None, self._trunk, table)
            for mux in self._muxes:
                for channel in range(len(mux.channels)):
                    if mux.control >> channel & 1:
                        self._listen(channel, mux.channels[channel], table)
        self._live = table

    def _listen(
        self, channel: "int | None", chips: "dict[int, Chip]", table: "dict[int, Chip]"
    ) -> None:
        """Enter the `chips` of a mux's channel, or with None those at the controller."""
        for address, chip in chips.items():
            if chip.answers:
                table[address] = chip
