"""The batteries of the devices: how much current each takes, and how full that makes it.

Charging is constant current up to 80 % and tapers exponentially from there, as a lithium cell does
at its voltage limit. At CUTOFF_MA the device calls itself full and sleeps; it then wakes for a
short top-up now and again, as tablets do.
"""

import math

KNEE_PERCENT = 80  # of the capacity: from here on the voltage limit rules
CUTOFF_MA = 80
TOP_UP_MA = 120
TOP_UP_MS = 60000
TOP_UP_EVERY_MS = 1800000
USE_MA = 400  # drain while a pupil works on it
MS_PER_H = 3600000

OVER_MA = 3600  # through a shorted cable that the supply can still feed
BACK_MA = -200  # out of a device whose charging circuit is broken

REST, CHARGE, USE, OVER, BACK = "rest", "charge", "use", "over", "back"
_STEADY_MA = {OVER: OVER_MA, BACK: BACK_MA}


def mode_of(good: "dict[str, list[bool]]", i: int, b: int) -> str:
    """What the battery of the device of slot `i` (from 0), on the shelf of bank `b`, does.

    `good` is cart.world.World's. What is out of its slot is in use; a fault of the current leaves
    the battery as it is.
    """
    if not good["device"][i]:
        return USE
    if not good["cable"][i]:
        return REST
    if not good["flow"][i]:
        return BACK
    if not (good["shelf"][b] and good["mains"][0]):
        return REST
    return CHARGE if good["load"][i] else OVER


class Batteries:
    """Batteries of `capacity_mah`, numbered from 0: the charge of each, the most it charges with.

    Columns of integers, so that those of a whole cart fit into its interpreter.
    """

    def __init__(self, capacity_mah: int, charges_mah: "list[int]", bulks_ma: "list[int]") -> None:
        self._capacity_mah = capacity_mah
        self._knee_mah = capacity_mah * KNEE_PERCENT // 100
        self._bulk_ma = bulks_ma
        self._charge_mah = charges_mah  # at `_since_ms`
        self._mode = [REST] * len(charges_mah)
        self._since_ms = [0] * len(charges_mah)
        self._full_ms = [0] * len(charges_mah)  # when the taper ends, after `_since_ms`

    def switch(self, i: int, now_ms: int, mode: str) -> None:
        """From `now_ms` on device `i` rests, is charged, is in use or has a fault."""
        if mode == self._mode[i]:
            return
        self._charge_mah[i] = self.charge_mah(i, now_ms)
        self._since_ms[i], self._mode[i] = now_ms, mode
        self._full_ms[i] = self._knee_ms(i)
        knee_ma = self._knee_ma(i)
        if knee_ma > CUTOFF_MA:
            self._full_ms[i] += int(self._taper_ms(i) * math.log(knee_ma / CUTOFF_MA))

    def charge_mah(self, i: int, now_ms: int) -> int:
        """What is in battery `i` at `now_ms`."""
        ms = now_ms - self._since_ms[i]
        charge_mah = self._charge_mah[i]
        if self._mode[i] == USE:
            return max(0, charge_mah - USE_MA * ms // MS_PER_H)
        if self._mode[i] != CHARGE:
            return charge_mah
        if ms >= self._full_ms[i]:
            return self._capacity_mah
        if ms < self._knee_ms(i):
            return charge_mah + self._bulk_ma[i] * ms // MS_PER_H
        return self._capacity_mah - self.current_ma(i, now_ms) * self._taper_ms(i) // MS_PER_H

    def current_ma(self, i: int, now_ms: int) -> int:
        """What device `i` draws through its cable at `now_ms`, in whole mA."""
        if self._mode[i] is not CHARGE:
            return _STEADY_MA.get(self._mode[i], 0)
        ms = now_ms - self._since_ms[i]
        if ms >= self._full_ms[i]:
            return TOP_UP_MA if (ms - self._full_ms[i]) % TOP_UP_EVERY_MS < TOP_UP_MS else 0
        knee_ms = self._knee_ms(i)
        if ms < knee_ms:
            return self._bulk_ma[i]
        return int(self._knee_ma(i) * math.exp((knee_ms - ms) / self._taper_ms(i)))

    def turn_ms(self, i: int, now_ms: int) -> "int | None":
        """When what device `i` draws next ceases to fall or to stay: the end of the taper, of a
        top-up, or of the rest before one. None: it stays as it is."""
        if self._mode[i] is not CHARGE:
            return None
        ms = now_ms - self._since_ms[i] - self._full_ms[i]
        if ms < 0:
            return now_ms - ms
        since_ms = ms % TOP_UP_EVERY_MS
        return now_ms - since_ms + (TOP_UP_MS if since_ms < TOP_UP_MS else TOP_UP_EVERY_MS)

    def steady_ms(self, i: int, now_ms: int) -> "int | None":
        """Until when what device `i` draws stays as it is; None: until something befalls it."""
        if self._mode[i] is not CHARGE:
            return None
        ms, knee_ms = now_ms - self._since_ms[i], self._knee_ms(i)
        if ms < knee_ms:
            return self._since_ms[i] + knee_ms
        return now_ms if ms < self._full_ms[i] else self.turn_ms(i, now_ms)

    def later(self, ms: int) -> "Batteries":
        """These batteries on a clock that began `ms` later: a copy that goes its own way."""
        twin = Batteries(self._capacity_mah, self._charge_mah[:], self._bulk_ma)
        twin._mode = self._mode[:]
        twin._since_ms = [since_ms - ms for since_ms in self._since_ms]
        twin._full_ms = self._full_ms[:]
        return twin

    def _knee_ms(self, i: int) -> int:
        """When the taper begins, after `_since_ms`."""
        return max(0, self._knee_mah - self._charge_mah[i]) * MS_PER_H // self._bulk_ma[i]

    def _knee_ma(self, i: int) -> int:
        """The current at which the taper begins, so that it ends with the battery full."""
        rest_mah = self._capacity_mah - max(self._charge_mah[i], self._knee_mah)
        return min(rest_mah * MS_PER_H // self._taper_ms(i), self._bulk_ma[i])

    def _taper_ms(self, i: int) -> int:
        """The time constant: what the bulk current needs for the rest above the knee."""
        return (self._capacity_mah - self._knee_mah) * MS_PER_H // self._bulk_ma[i]
