"""A bank board on a desk: its bus through Blinka, its chips by the published CircuitPython drivers.

The adapter carries I2C from USB (MCP2221, FT232H) or is a Raspberry Pi's own pins. A mux on the bus
is walked through channel by channel; without one the bus is that of one bare bank.

Of adafruit-circuitpython-ina3221 1.2.3 only what agrees with the datasheet is used: its negative
values are one step (40 uV) short, which here is within the chip's offset.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from homeslot_hardware.bench.diagnosis import Addresses, Fault, Heard, bank_name
from homeslot_hardware.bench.problems import NoPort
from homeslot_hardware.lint import CHANNELS

# What tells Blinka which adapter there is, and what must be installed for it besides our extra.
ADAPTERS = {
    "mcp2221": ("BLINKA_MCP2221", "hidapi"),
    "ft232h": ("BLINKA_FT232H", "pyftdi"),
    "pi": ("", "rpi-lgpio"),
}
INA3221_IDS = (0x5449, 0x3220)  # maker and die, SBOS576 section 8.6.2
CHANNELS_OF_MUX = 8
# One conversion at once: three channels, shunt and bus, 1.1 ms each.
CYCLE_MS = 10

Bus = Any  # busio.I2C, or what behaves like it


@dataclass(frozen=True, slots=True)
class Reading:
    """What the chips say of one slot: whether its switch is closed, its current and its voltage."""

    slot: int
    closed: bool | None
    current_ma: int | None
    supply_mv: int | None


def open_bus(adapter: str) -> Bus:
    """The bus of an adapter of ADAPTERS. Raises NoPort when it, or a package for it, is missing."""
    variable, package = ADAPTERS[adapter]
    os.environ["BLINKA_SKIP_DEPENDENCY_CHECK"] = "1"  # it would install packages unasked
    if variable:
        os.environ[variable] = "1"
    try:
        import board

        return board.I2C()
    except ImportError as error:
        raise NoPort(
            f"{adapter}: {error.name} is missing: pip install 'homeslot[desk]' {package}"
        ) from None
    except (OSError, RuntimeError, ValueError, AttributeError, NotImplementedError) as error:
        first = str(error).strip().split("\n")[0]
        raise NoPort(
            f"{adapter}: Blinka finds none here: {first or type(error).__name__}"
        ) from None


def hear(bus: Bus, mux_address: int) -> Heard:
    """What answers on `bus`, and behind each channel of a mux at `mux_address` if there is one."""
    from adafruit_tca9548a import TCA9548A

    with _locked(bus):
        trunk = _scan(bus)
    behind: dict[int, Addresses | None] = {}
    if mux_address in trunk:
        mux = TCA9548A(bus, mux_address)
        for number in range(CHANNELS_OF_MUX):
            behind[number] = _scan_channel(bus, mux[number])
            if behind[number] is None:
                break  # held low, it stays open: the mux hears no more until its reset
    return Heard(trunk, behind)


def strangers(bus: Bus, board: dict[str, Any], b: int, answered: Addresses) -> list[Fault]:
    """Chips of bank `b` (from 0) that answer in the place of an INA3221 and are none."""
    from adafruit_ina3221 import INA3221

    found = []
    for chip in board["banks"][b]["current"]:
        address = int(chip["address"], 16)
        if address in answered:
            meter = INA3221(bus, address)
            ids = (meter.manufacturer_id, meter.die_id)
            if ids != INA3221_IDS:
                what = (
                    f"what answers at 0x{address:02x} is no INA3221 (ids {ids[0]:04x} {ids[1]:04x})"
                )
                found.append(Fault(bank_name(board, b), what, ("the chip's marking",)))
    return found


def readings(
    bus: Bus, board: dict[str, Any], b: int, answered: Addresses, wait_ms: Callable[[int], None]
) -> list[Reading]:
    """What the chips of bank `b` (from 0) that answer say of its slots; None for the others."""
    from adafruit_ina3221 import AVG_MODE, CONV_TIME, INA3221
    from adafruit_mcp230xx.mcp23017 import MCP23017

    bank = board["banks"][b]
    presence = int(bank["presence"]["address"], 16)
    levels = None
    if presence in answered:
        expander = MCP23017(bus, presence)
        expander.gppu = sum(1 << bit for bit in bank["presence"]["inputs"])
        levels = expander.gpio
    measured: dict[int, tuple[int, int]] = {}
    for c, chip in enumerate(bank["current"]):
        address = int(chip["address"], 16)
        if address not in answered:
            continue
        meter = INA3221(bus, address)
        meter.averaging_mode = AVG_MODE.AVG_1_SAMPLE
        meter.bus_voltage_conv_time = CONV_TIME.CONV_TIME_1MS
        meter.shunt_voltage_conv_time = CONV_TIME.CONV_TIME_1MS
        wait_ms(CYCLE_MS)
        for channel in range(CHANNELS):
            of = meter[channel]
            ma = round(of.shunt_voltage * 1000 / board["shunt_mohm"])
            measured[CHANNELS * c + channel] = ma, round(of.bus_voltage * 1000)
    first = 1 + sum(before["slots"] for before in board["banks"][:b])
    return [
        Reading(
            first + i,
            None if levels is None else not levels >> bit & 1,
            *measured.get(i, (None, None)),
        )
        for i, bit in enumerate(bank["presence"]["inputs"])
    ]


def behind_mux(bus: Bus, mux_address: int, channel: int) -> Bus:
    """The bus behind one channel of the mux."""
    from adafruit_tca9548a import TCA9548A

    return TCA9548A(bus, mux_address)[channel]


def _scan(bus: Bus) -> Addresses:
    try:
        return frozenset(bus.scan())
    except OSError:
        return frozenset()


def _scan_channel(bus: Bus, channel: Bus) -> Addresses | None:
    """What answers behind `channel`; None when it holds the bus low.

    The driver closes the channel before it gives the lock back, which a bus held low prevents.
    """
    try:
        channel.try_lock()
        found = _scan(channel)
        channel.unlock()
    except OSError:
        bus.unlock()
        return None
    return found


@contextmanager
def _locked(bus: Bus) -> Iterator[None]:
    while not bus.try_lock():
        pass
    try:
        yield
    finally:
        bus.unlock()
