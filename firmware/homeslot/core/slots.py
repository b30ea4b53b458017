"""What a slot is: one transition table from (presence, current, elapsed) to a state.

Theory of operation. Each reading of a slot is two symbols: the switch (PRESENT, ABSENT, BLIND when
its chip does not answer) and the level of the charge current (one of LEVELS, DARK when its chip
does not answer). The table says, per state, which symbols lead to which next state and for how
long they must hold first: that hold is the debounce and, with the gap between `trickle_ma` and
`charge_ma`, the hysteresis. The first row that fits wins; a reading that fits no row clears what
was pending. There is no other way from one state to another.

On USB-A a full tablet asleep and a tablet without its cable both draw nothing, so FULL is reached
only by history: charged strongly, then a trickle for `full_ms`, since the device was put in.

Thresholds (`t` below) are those of the board file, whose schema says what each means: mA and ms.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Row = tuple[str, tuple[str, ...], str, str, bool]

EMPTY = "empty"
IDLE = "idle"
TRICKLE = "trickle"
CHARGING = "charging"
FULL = "full"
OVER_CURRENT = "over_current"
REVERSE = "reverse"
UNMEASURED = "unmeasured"
MISMATCH = "mismatch"
UNKNOWN = "unknown"

# What each state says of the switch and of the charge. `None`: not known.
STATES = {
    EMPTY: (False, "none"),  # no device
    IDLE: (True, "idle"),  # present, drawing nothing
    TRICKLE: (True, "trickle"),  # present, drawing a little: nearly full or slow, not known which
    CHARGING: (True, "charging"),
    FULL: (True, "full"),
    OVER_CURRENT: (True, "over_current"),
    REVERSE: (True, "reverse"),  # current flows out of the device: a wiring fault
    UNMEASURED: (True, None),  # present, its current chip does not answer
    MISMATCH: (None, "mismatch"),  # current without a device: the switch is not to be trusted
    UNKNOWN: (None, None),  # its switch chip does not answer
}

PRESENT, ABSENT, BLIND = "present", "absent", "blind"

REVERSED, NOTHING, LITTLE, BETWEEN = "reversed", "nothing", "little", "between"
MUCH, STRONG, EXCESS, DARK = "much", "strong", "excess", "dark"
LEVELS = (REVERSED, NOTHING, LITTLE, BETWEEN, MUCH, STRONG, EXCESS, DARK)

# Rows: (switch, levels, hold, next, only after a strong charge).
_BLINDED = (BLIND, LEVELS, "debounce_ms", UNKNOWN, False)
_TAKEN = (ABSENT, LEVELS, "debounce_ms", EMPTY, False)
_BROUGHT = (PRESENT, LEVELS, "debounce_ms", IDLE, False)
_DARKENED = (PRESENT, (DARK,), "settle_ms", UNMEASURED, False)
_BACKWARDS = (PRESENT, (REVERSED,), "settle_ms", REVERSE, False)
_TOO_MUCH = (PRESENT, (EXCESS,), "settle_ms", OVER_CURRENT, False)
_CHARGES = (PRESENT, (MUCH, STRONG), "settle_ms", CHARGING, False)
_TRICKLES = (PRESENT, (LITTLE, BETWEEN), "settle_ms", TRICKLE, False)
_STOPS = (PRESENT, (NOTHING,), "none_ms", IDLE, False)
_GONE = (_BLINDED, _TAKEN, _DARKENED)


def _first_sight(hold: str) -> "tuple[Row, ...]":
    return (
        (PRESENT, (DARK,), hold, UNMEASURED, False),
        (PRESENT, (MUCH, STRONG, EXCESS), hold, CHARGING, False),
        (PRESENT, (LITTLE, BETWEEN), hold, TRICKLE, False),
        (PRESENT, (NOTHING, REVERSED), hold, IDLE, False),
    )


TABLE: "dict[str, tuple[Row, ...]]" = {
    EMPTY: (
        _BLINDED,
        _BROUGHT,
        (ABSENT, (LITTLE, BETWEEN, MUCH, STRONG, EXCESS), "settle_ms", MISMATCH, False),
    ),
    MISMATCH: (
        _BLINDED,
        _BROUGHT,
        (ABSENT, (NOTHING, REVERSED, DARK), "settle_ms", EMPTY, False),
    ),
    IDLE: _GONE + (_BACKWARDS, _TOO_MUCH, _CHARGES, _TRICKLES),
    TRICKLE: _GONE + (_BACKWARDS, _TOO_MUCH, _CHARGES, _STOPS),
    CHARGING: _GONE
    + (
        _BACKWARDS,
        _TOO_MUCH,
        (PRESENT, (LITTLE,), "full_ms", FULL, True),
        (PRESENT, (LITTLE,), "full_ms", TRICKLE, False),
        _STOPS,
    ),
    FULL: _GONE + (_BACKWARDS, _TOO_MUCH, _CHARGES),
    OVER_CURRENT: _GONE + (_BACKWARDS, _CHARGES, _TRICKLES, _STOPS),
    REVERSE: _GONE
    + (_TOO_MUCH, _CHARGES, _TRICKLES, (PRESENT, (NOTHING,), "settle_ms", IDLE, False)),
    UNMEASURED: (_BLINDED, _TAKEN) + _first_sight("settle_ms")[1:],
    UNKNOWN: (_TAKEN,) + _first_sight("debounce_ms"),
}


def level(current_ma: "int | None", t: "dict[str, int]") -> str:
    """The level of a charge current in mA (None: not measured) under thresholds `t`."""
    if current_ma is None:
        return DARK
    if current_ma < t["none_ma"]:
        return REVERSED if current_ma < t["reverse_ma"] else NOTHING
    if current_ma <= t["trickle_ma"]:
        return LITTLE
    if current_ma < t["charge_ma"]:
        return BETWEEN
    if current_ma < t["strong_ma"]:
        return MUCH
    return EXCESS if current_ma > t["over_ma"] else STRONG


class Slot:
    """One slot's state, what it may become next, and since when (`*_ms` are uptimes)."""

    def __init__(self) -> None:
        self.state = UNKNOWN
        self._strong = False
        self._row: "Row | None" = None
        self._row_since_ms = 0
        self._switch: "str | None" = None
        self._level: "str | None" = None

    @property
    def bouncing(self) -> bool:
        """The switch moved and has not rested yet: look again soon."""
        return self._row is not None and self._row[2] == "debounce_ms"

    def step(
        self,
        now_ms: int,
        present: "bool | None",
        current_ma: "int | None",
        t: "dict[str, int]",
    ) -> "str | None":
        """Take one reading: `present` is True, False or None, `current_ma` mA or None.

        Returns the state left, when the slot changed; None when it did not.
        """
        switch = BLIND if present is None else PRESENT if present else ABSENT
        amount = level(current_ma, t)
        if amount is STRONG and self.state is CHARGING:
            self._strong = True
        if switch is not self._switch or amount is not self._level:
            self._switch, self._level = switch, amount
            row = self._fitting_row(switch, amount)
            if row is not self._row:
                self._row, self._row_since_ms = row, now_ms
        row = self._row
        if row is None or now_ms - self._row_since_ms < t[row[2]]:
            return None
        left, self.state = self.state, row[3]
        if self.state is EMPTY or self.state is UNKNOWN:
            self._strong = False  # unwatched, it may have become another device
        self._row, self._row_since_ms = self._fitting_row(switch, amount), now_ms
        return left

    def _fitting_row(self, switch: str, amount: str) -> "Row | None":
        for row in TABLE[self.state]:
            if row[0] is switch and amount in row[1] and (self._strong or not row[4]):
                return row
        return None
