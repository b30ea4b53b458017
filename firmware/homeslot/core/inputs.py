"""The cart's own switches: door, bolt, mains and tamper, debounced.

Every switch pulls its pin to ground in its safe state (closed, thrown, on, ok) against a pull-up,
so that a cut wire reads as the unsafe one and is noticed.
"""

# name: (word at level 0, word at level 1, how long a level must hold in ms). Mains: 2 s, so that a
# flicker is not an unplugged cart; the others are contacts that bounce.
INPUTS = {
    "door": ("closed", "open", 200),
    "bolt": ("thrown", "open", 200),
    "mains": ("on", "off", 2000),
    "tamper": ("ok", "tampered", 200),
}


NAMES = ("door", "bolt", "mains", "tamper")  # in the order in which changes are told


class Input:
    """One switch. `state` is its word, `unknown` until the first level has held.

    `moving`: it says something else just now, and has not held that for long enough.
    """

    def __init__(self, name: str) -> None:
        self._words = INPUTS[name][:2]
        self._hold_ms = INPUTS[name][2]
        self._level: "int | None" = None
        self._since_ms = 0
        self.state = "unknown"
        self.moving = False

    def step(self, now_ms: int, level: int) -> "str | None":
        """Take one reading of the pin, 0 or 1. Returns the state left, or None if unchanged."""
        if level != self._level:
            self._level, self._since_ms = level, now_ms
        word = self._words[level]
        self.moving = word != self.state and now_ms - self._since_ms < self._hold_ms
        if word == self.state or self.moving:
            return None
        left, self.state = self.state, word
        return left
