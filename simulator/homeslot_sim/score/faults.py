"""What breaks, how often and for how long: out of one seed, like `habits`.

Chances are per day. Times are seconds of the day; an end may lie on a later one.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

DAY_S = 86400

# Of a cart.
LINK_BLINKS = 0.4  # seconds to minutes
LINK_OUT = 0.02  # hours
BANK_DIES = 0.006
BANK_FLICKERS = 0.004  # a loose cable: several times within an hour
BANK_MENDED = 0.4
SHORTS = 0.0008  # a cable that draws too much
BACKFEEDS = 0.0004  # a device that feeds back
STICKS = 0.0006  # a switch that stays open
RESTARTS = 0.01  # a controller that was bitten by its watchdog, or whose button was pressed

# Of a boot.
TOLD_WRONG = 0.15  # the time, by a time server of the school; the hub tells the right one later

# Of a school.
POWER_CUT = 0.01  # mains of the building, and with it the Wi-Fi
WIFI_OUT = 0.02  # the access points, for minutes or hours

# Of the district's server.
HUB_RESTARTS = 0.08
HUB_CRASHES = 0.06
BROKER_RESTARTS = 0.06
FORGETS = 0.4  # a broker that restarts without what it had kept


class Fault(NamedTuple):
    """From `from_s` to `to_s` (None: until mended) something is broken; `number` is a bank or a
    slot."""

    what: str
    from_s: int
    to_s: int | None
    number: int = 0


def _some_s(random: Random, low_s: int, high_s: int) -> int:
    """A duration of low_s..high_s, short ones more often."""
    return int(low_s * (high_s / low_s) ** random.random())


def _awake_s(random: Random) -> int:
    """A moment of the day: most things break while someone is there, many near the deadline."""
    if random.random() < 0.25:
        return random.randrange(15 * 3600 + 1800, 17 * 3600 + 600)
    if random.random() < 0.8:
        return random.randrange(7 * 3600, 18 * 3600)
    return random.randrange(DAY_S)


def of_cart(random: Random, banks_dead: list[int], banks: int, slots: int) -> list[Fault]:
    """The faults of one cart on a day that begins with the banks `banks_dead` (from 1) dead."""
    found = []
    while random.random() < LINK_BLINKS:
        at_s = _awake_s(random)
        found.append(Fault("link", at_s, at_s + _some_s(random, 2, 600)))
    if random.random() < LINK_OUT:
        at_s = _awake_s(random)
        found.append(Fault("link", at_s, at_s + _some_s(random, 1200, 6 * 3600)))
    if random.random() < RESTARTS:
        at_s = _awake_s(random)
        found.append(Fault("power", at_s, at_s + random.randrange(1, 20)))
    if banks_dead:
        for bank in banks_dead:
            if random.random() < BANK_MENDED:
                found.append(Fault("mend", _awake_s(random), None, bank))
    elif random.random() < BANK_DIES:
        at_s, bank = _awake_s(random), random.randrange(banks) + 1
        until_s = None if random.random() < 0.5 else at_s + _some_s(random, 60, 4 * 3600)
        found.append(Fault("bank", at_s, until_s, bank))
    elif random.random() < BANK_FLICKERS:
        at_s, bank = _awake_s(random), random.randrange(banks) + 1
        for _ in range(random.randrange(2, 8)):
            long_s = _some_s(random, 1, 120)
            found.append(Fault("bank", at_s, at_s + long_s, bank))
            at_s += long_s + _some_s(random, 5, 600)
    for what, chance in (("load", SHORTS), ("flow", BACKFEEDS), ("switch", STICKS)):
        if random.random() < chance:
            at_s = _awake_s(random)
            until_s = at_s + _some_s(random, 60, 2 * DAY_S)
            found.append(Fault(what, at_s, until_s, random.randrange(slots) + 1))
    return found


def clock_off_s(random: Random) -> int | None:
    """How far off the time is that a controller is told at its boot; None where nobody tells."""
    if random.random() >= TOLD_WRONG:
        return None
    return random.choice((-1, 1)) * _some_s(random, 1, 400 * DAY_S)


def of_school(random: Random) -> list[Fault]:
    """The faults of one school's building on a day."""
    found = []
    if random.random() < POWER_CUT:
        at_s = _awake_s(random)
        found.append(Fault("mains", at_s, at_s + _some_s(random, 3, 8 * 3600)))
    if random.random() < WIFI_OUT:
        at_s = _awake_s(random)
        found.append(Fault("wifi", at_s, at_s + _some_s(random, 30, 3 * 3600)))
    return found


def of_server(random: Random) -> list[Fault]:
    """The faults of the district's hub and broker on a day."""
    found = []
    if random.random() < HUB_RESTARTS:
        at_s = _awake_s(random)
        found.append(Fault("hub-stop", at_s, at_s + _some_s(random, 5, 600)))
    if random.random() < HUB_CRASHES:
        at_s = _awake_s(random)
        found.append(Fault("hub-crash", at_s, at_s + _some_s(random, 5, 3600)))
    if random.random() < BROKER_RESTARTS:
        at_s = _awake_s(random)
        what = "broker-wipe" if random.random() < FORGETS else "broker-stop"
        found.append(Fault(what, at_s, at_s + _some_s(random, 3, 1200)))
    return found
