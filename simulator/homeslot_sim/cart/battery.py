"""A device's battery: how much current it takes, and how full that makes it.

Charging is constant current up to 80 % and tapers exponentially from there, as a lithium cell does
at its voltage limit. At CUTOFF_MA the device calls itself full and sleeps; it then wakes for a
short top-up now and again, as tablets do. Thirty of these fit into a cart's interpreter because
they keep integers and little else.
"""

import math

KNEE_PERCENT = 80  # of the capacity: from here on the voltage limit rules
CUTOFF_MA = 80
TOP_UP_MA = 120
TOP_UP_MS = 60000
TOP_UP_EVERY_MS = 1800000
USE_MA = 400  # drain while a pupil works on it
MS_PER_H = 3600000

REST, CHARGE, USE = "rest", "charge", "use"


class Battery:
    """`charge_mah` of `capacity_mah`, charging with at most `bulk_ma`."""

    def __init__(self, charge_mah: int, capacity_mah: int, bulk_ma: int) -> None:
        self._capacity_mah = capacity_mah
        self._bulk_ma = bulk_ma
        self._charge_mah = charge_mah
        self._mode = REST
        self._since_ms = 0
        self._knee_ms = 0  # when the taper begins and when it ends, after `_since_ms`
        self._full_ms = 0

    def switch(self, now_ms: int, mode: str) -> None:
        """From `now_ms` on the device rests, is charged or is in use."""
        if mode == self._mode:
            return
        self._charge_mah = self.charge_mah(now_ms)
        self._since_ms, self._mode = now_ms, mode
        knee_mah = self._capacity_mah * KNEE_PERCENT // 100
        self._knee_ms = max(0, knee_mah - self._charge_mah) * MS_PER_H // self._bulk_ma
        knee_ma = self._knee_ma()
        self._full_ms = self._knee_ms
        if knee_ma > CUTOFF_MA:
            self._full_ms += int(self._taper_ms() * math.log(knee_ma / CUTOFF_MA))

    def charge_mah(self, now_ms: int) -> int:
        """What is in the battery at `now_ms`."""
        ms = now_ms - self._since_ms
        if self._mode == REST:
            return self._charge_mah
        if self._mode == USE:
            return max(0, self._charge_mah - USE_MA * ms // MS_PER_H)
        if ms >= self._full_ms:
            return self._capacity_mah
        if ms < self._knee_ms:
            return self._charge_mah + self._bulk_ma * ms // MS_PER_H
        return self._capacity_mah - self.current_ma(now_ms) * self._taper_ms() // MS_PER_H

    def current_ma(self, now_ms: int) -> int:
        """What the device draws through its cable at `now_ms`, in whole mA."""
        if self._mode is not CHARGE:
            return 0
        ms = now_ms - self._since_ms
        if ms < self._knee_ms:
            return self._bulk_ma
        if ms < self._full_ms:
            return int(self._knee_ma() * math.exp((self._knee_ms - ms) / self._taper_ms()))
        return TOP_UP_MA if (ms - self._full_ms) % TOP_UP_EVERY_MS < TOP_UP_MS else 0

    def _taper_ms(self) -> int:
        """The time constant: what the bulk current needs for the rest above the knee."""
        return self._capacity_mah * (100 - KNEE_PERCENT) // 100 * MS_PER_H // self._bulk_ma

    def _knee_ma(self) -> int:
        """The current at which the taper begins, so that it ends with the battery full."""
        knee_mah = self._capacity_mah * KNEE_PERCENT // 100
        rest_mah = self._capacity_mah - max(self._charge_mah, knee_mah)
        return min(rest_mah * MS_PER_H // self._taper_ms(), self._bulk_ma)
