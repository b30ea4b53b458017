"""What is soldered to the emulated Pico: the simulated cart's chips and switches."""

from __future__ import annotations

import errno
from typing import Any

from rp2040py.gpio_pin import GPIOPinState
from rp2040py.peripherals.i2c import ENABLE, IC_ENABLE, R_TX_EMPTY, RPI2C, I2CMode, I2CState
from rp2040py.rp2040 import RP2040

from homeslot_sim.cart.body import Body
from homeslot_sim.chips.bus import Chip
from homeslot_sim.chips.faults import FaultyBus

BATTERY_MV = 5000
ADC_FULL_MV = 3300
ADC_STEPS = 4095
FIRST_ADC_PIN = 26
INPUTS = ("door", "bolt", "mains", "tamper", "bank_interrupt")


class Wiring:
    """The lines of `board` (a parsed board file) between the Pico and the cart's `body`, `bus`."""

    def __init__(self, board: dict[str, Any], body: Body, bus: FaultyBus) -> None:
        self._board = board
        self._body = body
        self._bus = bus

    def attach(self, rp2040: RP2040) -> None:
        """Solder everything."""
        gp = self._board["pins"]
        _Master(rp2040.i2c[self._board["i2c"]["id"]], self._bus)

        def level(name: str, value: int) -> None:
            rp2040.gpio[gp[name]].set_input_value(bool(value))

        def reset(state: GPIOPinState, was: GPIOPinState) -> None:
            self._body.write("mux_reset", 0 if state == GPIOPinState.LOW else 1)

        for name in INPUTS:
            level(name, self._body.read(name))
        self._body.on_level = level
        rp2040.gpio[gp["mux_reset"]].add_listener(reset)
        if "battery" in gp:
            battery_mv = BATTERY_MV // self._board["circuit"].get("battery_divider", 1)
            steps = battery_mv * ADC_STEPS // ADC_FULL_MV
            rp2040.adc.channel_values[gp["battery"] - FIRST_ADC_PIN] = steps


class _Master:
    """The I2C block of the RP2040 on our bus, byte by byte. On the wires no time passes.

    What rp2040py 0.3.6 lacks: an abort empties the transmit FIFO, and TX_EMPTY follows its level
    (RP2040 datasheet, section 4.3). The SDK waits for it, and a chip that does not acknowledge
    would be ETIMEDOUT instead of EIO: it is raised here. And a block that is disabled gives up what
    it was at. The SDK does that before each transfer: without it a bus once stuck stayed stuck.
    """

    def __init__(self, block: RPI2C, bus: FaultyBus) -> None:
        self._block = block
        self._bus = bus
        self._address = 0
        self._chip: Chip | None = None
        self._writing: bytearray | None = None
        self._read: list[int] = []
        self._write_register = block.write_uint32
        block.write_uint32 = self._on_write_register  # type: ignore[method-assign]
        block.on_start = self._on_start
        block.on_connect = self._on_connect
        block.on_write_byte = self._on_write_byte
        block.on_read_byte = self._on_read_byte
        block.on_stop = self._on_stop

    def _on_write_register(self, offset: int, value: int) -> None:
        block = self._block
        if offset == IC_ENABLE and not value & ENABLE and block._busy:
            self._chip = self._writing = None
            block._busy = block._stop = block._pending_restart = False
            block._state = I2CState.IDLE
        self._write_register(offset, value)

    def _on_start(self, repeated: bool) -> None:
        self._hand_over()
        self._block.complete_start()

    def _on_connect(self, address: int, mode: I2CMode) -> None:
        self._address = address & 0x7F
        try:
            self._chip = self._bus.start(self._address)
        except OSError as error:
            self._chip = None
            if error.errno == errno.EIO:
                self._refuse(self._block.complete_connect)
            return  # on a stuck bus START never comes about: the SDK's timeout ends the wait
        self._read = []
        self._writing = bytearray() if mode == I2CMode.WRITE else None
        self._block.complete_connect(True)

    def _on_write_byte(self, value: int) -> None:
        if self._chip is None or self._writing is None or not self._there(self._chip):
            self._refuse(self._block.complete_write)
        else:
            self._writing.append(value)
            self._block.complete_write(True)

    def _on_read_byte(self, ack: bool) -> None:
        if self._chip is None or not self._there(self._chip):
            self._block.complete_read(0xFF)  # nobody drives SDA
            return
        if not self._read:
            register = bytearray(self._chip.word)
            self._chip.read_into(register)
            self._read = list(register)
        self._block.complete_read(self._read.pop(0))

    def _on_stop(self) -> None:
        self._hand_over()
        if self._chip is not None:
            self._chip = None
            self._bus.stop()
        self._block.complete_stop()

    def _there(self, chip: Chip) -> bool:
        return self._bus.byte(self._address, chip)

    def _hand_over(self) -> None:
        """A chip takes the bytes of a write phase when the phase ends."""
        if self._chip is not None and self._writing is not None:
            self._chip.write(self._writing)
        self._writing = None

    def _refuse(self, complete: Any) -> None:
        self._writing = None
        complete(False)
        self._block._set_interrupts(R_TX_EMPTY)
