"""What the cart's light and buzzer say: one table of patterns, the most urgent first.

A pattern is a colour (0xRRGGBB) and milliseconds: lit, dark, lit, dark and so on, then again from
the beginning. Bright enough for a classroom, and below 10 mA.
"""

from homeslot import const
from homeslot.core.slots import EMPTY, MISMATCH, OVER_CURRENT, REVERSE, UNMEASURED, UNSTEADY

_WHITE = const(0x282828)
_RED = const(0x400000)
_YELLOW = const(0x281800)
_GREEN = const(0x003000)
_BLUE = const(0x000040)
_VIOLET = const(0x200030)
# name, colour, milliseconds lit and dark in turn, whether the buzzer sounds while it is lit
SIGNALS = (
    ("identify", _BLUE, (), False),  # which slot is meant: a long flash for each ten, then the ones
    ("update", _VIOLET, (100, 400), False),  # new firmware arrives: leave the cart as it is
    ("safe", _VIOLET, (100, 200, 100, 200, 100, 1800), False),  # firmware failed: it can be updated
    ("nudge", _WHITE, (300, 200, 300, 1200), True),  # soon the bell rings, and not all is home
    ("blank", _BLUE, (800, 800), False),  # not provisioned: its settings are missing
    ("wrong_key", _YELLOW, (100, 200, 100, 200, 100, 1800), False),  # the Wi-Fi refuses its key
    ("no_link", _YELLOW, (100, 1900), False),  # no connection to the hub
    ("fault", _RED, (500, 1500), False),  # a sensor is dead, or a current is wrong: see the hub
    ("home", _GREEN, (50, 2950), False),  # every device in its slot, bolt thrown, mains on
)
_LONG_MS = const(700)
_SHORT_MS = const(150)
_GAP_MS = const(350)
_END_MS = const(1500)
_FAULTS = (OVER_CURRENT, REVERSE, UNMEASURED, MISMATCH, UNSTEADY, "unknown")


def flashes(slot: int) -> "tuple[int, ...]":
    """The pattern that tells `slot`: as many long flashes as it has tens, then short ones."""
    lit = [_LONG_MS] * (slot // 10) + [_SHORT_MS] * (slot % 10)
    steps = []
    for ms in lit:
        steps += [ms, _GAP_MS]
    steps[-1] = _END_MS
    return tuple(steps)


def sensed(slots: "list[str]", spare: int, banks: "list[str]", inputs: "dict[str, str]") -> str:
    """What follows from the senses: "fault", "home", or "" when neither is so.

    `slots` and `banks` are their states, `spare` is how many slots may be empty with all home, and
    `inputs` the words of bolt, door, mains and tamper.
    """
    if any(state in _FAULTS for state in slots) or "faulty" in banks:
        return "fault"
    good = (inputs["bolt"], inputs["door"], inputs["mains"]) == ("thrown", "closed", "on")
    empty = sum([state == EMPTY for state in slots])
    return "home" if good and empty <= spare else ""
