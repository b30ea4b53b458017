"""ports.System on the RP2040 and RP2350."""

import gc

import machine
import onewire
from ds18x20 import DS18X20

REFERENCE_MV = 3300  # of the converter; `read_u16` gives 65535 for it
FULL_SCALE = 65535
WATCHDOG_MS = 8388  # all an RP2040 can do (ports/rp2/machine_wdt.c)
# The chip knows only these two: the RUN pin looks like power, and machine.reset() like the watchdog
# it works with (ports/rp2/modmachine.c).
CAUSES = {machine.PWRON_RESET: "power_on", machine.WDT_RESET: "watchdog"}


class System:
    """The controller itself, with what the board file's `pins` and `circuit` say is wired to it."""

    def __init__(self, gp, circuit):
        self._battery = machine.ADC(machine.Pin(gp["battery"])) if "battery" in gp else None
        self._divider = circuit.get("battery_divider", 1)
        self._sensor = self._rom = self._watchdog = None
        if "temperature" in gp:
            self._sensor = DS18X20(onewire.OneWire(machine.Pin(gp["temperature"])))

    def reset_cause(self) -> str:
        """One of contract.RESET."""
        return CAUSES.get(machine.reset_cause(), "unknown")

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

    def feed_watchdog(self) -> None:
        """Show life. The first call starts the watchdog, and nothing but a reset stops it."""
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=WATCHDOG_MS)
        self._watchdog.feed()
