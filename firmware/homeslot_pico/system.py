"""ports.System on the RP2040 and RP2350."""

import gc
import sys
import time

import machine
import onewire
from ds18x20 import DS18X20

REFERENCE_MV = 3300  # of the converter; `read_u16` gives 65535 for it
FULL_SCALE = 65535
WATCHDOG_MS = 8388  # all an RP2040 can do (ports/rp2/machine_wdt.c)
# Registers of the two chips: REASON and SCRATCH0 of the watchdog, and CHIP_RESET with its bits for
# power and for the RUN pin (RP2040 datasheet 2.8.6 and 4.7.6, RP2350 datasheet 6.4 and 12.9.7). A
# reset that machine.reset() asks for goes through the watchdog too, which says so in REASON. Only
# power and RUN clear the scratch registers; the boot ROM uses the upper four.
RP2040 = (0x40058008, 0x4005800C, 0x40064008, 1 << 8, 1 << 16)
RP2350 = (0x400D8008, 0x400D800C, 0x4010002C, 3 << 16, 1 << 18)
BITTEN, ASKED = 1, 2  # bits of REASON


class System:
    """The controller itself, with what the board file's `pins` and `circuit` say is wired to it."""

    def __init__(self, gp, circuit):
        self._registers = RP2350 if "RP2350" in sys.implementation._machine else RP2040
        self._battery = machine.ADC(machine.Pin(gp["battery"])) if "battery" in gp else None
        self._divider = circuit.get("battery_divider", 1)
        self._sensor = self._rom = self._watchdog = None
        if "temperature" in gp:
            self._sensor = DS18X20(onewire.OneWire(machine.Pin(gp["temperature"])))

    def reset_cause(self) -> str:
        """One of contract.RESET."""
        reason, _, chip_reset, had_power, had_pin = self._registers
        if machine.mem32[reason] & BITTEN:
            return "watchdog"
        if machine.mem32[reason] & ASKED:
            return "soft"
        if machine.mem32[chip_reset] & had_pin:
            return "pin"
        return "power_on" if machine.mem32[chip_reset] & had_power else "unknown"

    def heap_free(self) -> int:
        """Bytes free after a collection."""
        gc.collect()
        return gc.mem_free()

    def battery_mv(self):
        """Voltage of the battery behind the controller in mV; None when none is wired."""
        if self._battery is None:
            return None
        return self._battery.read_u16() * REFERENCE_MV * self._divider // FULL_SCALE

    def temperature_c(self):
        """Temperature in the cart in degrees Celsius, as it was at the call before.

        A DS18B20 takes 750 ms to measure: each call fetches what the last one ordered, and orders
        the next. None the first time, and while no sensor answers.
        """
        if self._sensor is None:
            return None
        try:
            celsius = None
            if self._rom is None:
                self._rom = self._sensor.scan()[0]
            else:
                celsius = round(self._sensor.read_temp(self._rom))
            self._sensor.convert_temp()
            return celsius
        except (IndexError, onewire.OneWireError, AssertionError):  # none, silent, checksum
            self._rom = None
            return None

    def set_clock(self, at_s: int) -> None:
        """Let the machine's own clock say epoch `at_s` seconds, if it can."""
        try:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime(at_s)[:8]
            machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
        except (OverflowError, ValueError):  # the contract's times go on until 2106
            pass

    def feed_watchdog(self) -> None:
        """Show life. The first call starts the watchdog, and nothing but a reset stops it."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()

    def mark(self, number: int) -> None:
        """Keep `number` over a reset by the watchdog."""
        machine.mem32[self._registers[1]] = number

    def marked(self) -> int:
        """The number marked last, also before a reset by the watchdog; 0 after power-on."""
        return machine.mem32[self._registers[1]]

    def restart(self) -> None:
        """Start the controller again."""
        machine.reset()
