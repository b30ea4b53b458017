"""What a slot is: one transition table from (presence, current, elapsed) to a state.

Theory of operation. Each reading of a slot is two symbols: the switch (PRESENT, ABSENT, RESTLESS
when it has not come to rest for long, BLIND when its chip is dead) and the level of the charge
current (one of LEVELS, DARK when its chip is dead). The table says, per state, which symbols lead
to which next state and for how long they must hold first: that hold is the debounce and, with the
gap between `trickle_ma` and `charge_ma`, the hysteresis. The first row that fits wins; a reading
that fits no row clears what was pending. There is no other way from one state to another.

`debounce_ms` counts from when the switch last moved, any other hold from when its row began to
fit. A chip that is dead has been given its time already (core.health): what follows from that
follows at once, so that a bank's fault and what it hides are said together.

A device that draws current is in its slot whatever the switch says: an open switch then leads to
MISMATCH, never to EMPTY, and nothing but the switch itself leads out of MISMATCH.

On USB-A a full tablet asleep and a tablet without its cable both draw nothing, so FULL is reached
only by history: charged strongly, then a trickle for `full_ms`, since the device was put in. A
strong pulse shorter than that is a top-up, and it stays full.

Thresholds (`t` below) are those of the board file, whose schema says what each means: mA and ms.
"""

from homeslot import const

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
UNSTEADY = "unsteady"
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
    UNSTEADY: (None, "unsteady"),  # the switch does not come to rest
    UNKNOWN: (None, None),  # its switch chip does not answer
}

PRESENT, ABSENT, RESTLESS, BLIND = "present", "absent", "restless", "blind"

REVERSED, NOTHING, LITTLE, BETWEEN = "reversed", "nothing", "little", "between"
MUCH, STRONG, EXCESS, DARK = "much", "strong", "excess", "dark"
LEVELS = (REVERSED, NOTHING, LITTLE, BETWEEN, MUCH, STRONG, EXCESS, DARK)

_FLOWING = (REVERSED, LITTLE, BETWEEN, MUCH, STRONG, EXCESS)
_UNSTEADY_MS = const(5000)  # a hand is done with a device by then, a worn contact is not

# Rows: (switch, levels, hold or "" for none, next, only after a strong charge).
_BLINDED = (BLIND, LEVELS, "", UNKNOWN, False)
_CHATTERS = (RESTLESS, LEVELS, "", UNSTEADY, False)
_TAKEN = (ABSENT, (NOTHING, DARK), "debounce_ms", EMPTY, False)
_LIES = (ABSENT, _FLOWING, "settle_ms", MISMATCH, False)
_BROUGHT = (PRESENT, LEVELS, "debounce_ms", IDLE, False)
_DARKENED = (PRESENT, (DARK,), "", UNMEASURED, False)
_BACKWARDS = (PRESENT, (REVERSED,), "settle_ms", REVERSE, False)
_TOO_MUCH = (PRESENT, (EXCESS,), "settle_ms", OVER_CURRENT, False)
_CHARGES = (PRESENT, (MUCH, STRONG), "settle_ms", CHARGING, False)
_FILLED = (PRESENT, (LITTLE,), "full_ms", FULL, True)
_TRICKLES = (PRESENT, (LITTLE, BETWEEN), "settle_ms", TRICKLE, False)
_STOPS = (PRESENT, (NOTHING,), "none_ms", IDLE, False)
_DOUBTS = (_BLINDED, _CHATTERS)
_GONE = _DOUBTS + (_TAKEN, _LIES, _DARKENED)


def _first_sight(hold: str) -> "tuple[Row, ...]":
    return (
        (PRESENT, (DARK,), hold, UNMEASURED, False),
        (PRESENT, (MUCH, STRONG, EXCESS), hold, CHARGING, False),
        (PRESENT, (LITTLE, BETWEEN), hold, TRICKLE, False),
        (PRESENT, (NOTHING, REVERSED), hold, IDLE, False),
    )


TABLE: "dict[str, tuple[Row, ...]]" = {
    EMPTY: _DOUBTS + (_BROUGHT, _LIES),
    MISMATCH: _DOUBTS + (_BROUGHT,),
    IDLE: _GONE + (_BACKWARDS, _TOO_MUCH, _CHARGES, _TRICKLES),
    TRICKLE: _GONE + (_BACKWARDS, _TOO_MUCH, _CHARGES, _FILLED, _STOPS),
    CHARGING: _GONE
    + (
        _BACKWARDS,
        _TOO_MUCH,
        _FILLED,
        (PRESENT, (LITTLE,), "full_ms", TRICKLE, False),
        _STOPS,
    ),
    FULL: _GONE + (_BACKWARDS, _TOO_MUCH, (PRESENT, (MUCH, STRONG), "full_ms", CHARGING, False)),
    OVER_CURRENT: _GONE + (_BACKWARDS, _CHARGES, _TRICKLES, _STOPS),
    REVERSE: _GONE
    + (_TOO_MUCH, _CHARGES, _TRICKLES, (PRESENT, (NOTHING,), "settle_ms", IDLE, False)),
    UNMEASURED: _DOUBTS + (_TAKEN, _LIES) + _first_sight("settle_ms")[1:],
    UNSTEADY: (_BLINDED, (ABSENT, (NOTHING, DARK), "settle_ms", EMPTY, False), _LIES)
    + _first_sight("settle_ms"),
    UNKNOWN: (_CHATTERS, _TAKEN, _LIES) + _first_sight("debounce_ms"),
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
        self._seen: "str | None" = None  # what the switch said last
        self._moved_ms = 0
        self._restless_ms: "int | None" = None  # since when it has not come to rest
        self._level: "str | None" = None

    @property
    def bouncing(self) -> bool:
        """The switch has moved and what that means is not decided yet: look again soon."""
        row = self._row
        return row is not None and (row[0] is ABSENT or self._restless_ms is not None)

    def step(
        self,
        now_ms: int,
        present: "bool | None",
        current_ma: "int | None",
        t: "dict[str, int]",
        measured: bool = True,
    ) -> "str | None":
        """Take one reading: `present` is True, False or None, `current_ma` mA or None.

        Not `measured`: the current is of an earlier reading, and changes nothing now. Returns the
        state left, when the slot changed; None when it did not.
        """
        switch = BLIND if present is None else PRESENT if present else ABSENT
        amount = level(current_ma, t)
        if amount is STRONG and self.state is CHARGING:
            self._strong = True
        differs = switch is not self._seen or amount is not self._level
        self._level = amount
        if switch is not self._seen:
            self._seen, self._moved_ms = switch, now_ms
            if self._restless_ms is None:
                self._restless_ms = now_ms
        if self._restless_ms is not None:
            if switch is BLIND or now_ms - self._moved_ms >= t["debounce_ms"]:
                self._restless_ms = None
                differs = True
            elif now_ms - self._restless_ms >= _UNSTEADY_MS:
                switch = RESTLESS
                differs = True
        if differs:
            row = self._fitting_row(switch, amount)
            if row is not self._row:
                self._row, self._row_since_ms = row, now_ms
        row = self._row
        if row is None or not (measured or row[1] is LEVELS):
            return None
        hold = row[2]
        since_ms = self._moved_ms if hold == "debounce_ms" else self._row_since_ms
        if hold and now_ms - since_ms < t[hold]:
            return None
        left, self.state = self.state, row[3]
        if STATES[self.state][0] is not True:
            self._strong = False  # unwatched, it may have become another device
        self._row, self._row_since_ms = self._fitting_row(switch, amount), now_ms
        return left

    def miss(self, now_ms: int) -> None:
        """The switch could not be read this time: whether it rested meanwhile is not known."""
        self._seen = self._restless_ms = None
        self._moved_ms = now_ms

    def _fitting_row(self, switch: str, amount: str) -> "Row | None":
        for row in TABLE[self.state]:
            if row[0] is switch and amount in row[1] and (self._strong or not row[4]):
                return row
        return None
