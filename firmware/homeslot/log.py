"""What the cart tells people: its last lines, kept in RAM."""

from homeslot import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.ports import Clock

_LINES = const(40)
_LONGEST = const(100)  # characters of a line, its time not counted


class Log:
    """The last lines said, oldest first, in `lines`; `heard(line)`, when set, is told each."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.lines: "list[str]" = []
        self.heard: "Callable[[str], None] | None" = None

    def say(self, text: str) -> None:
        """Keep each line of `text` with the seconds since boot; what is not ASCII becomes `?`."""
        for part in text.split("\n"):
            line = "%d: %s" % (self._clock.up_ms() // 1000, plain(part[:_LONGEST]))
            self.lines.append(line)
            if self.heard is not None:
                self.heard(line)
        del self.lines[:-_LINES]


def plain(text: str) -> str:
    """`text` as it may stand on the wire: printable ASCII."""
    return "".join([c if " " <= c <= "~" else "?" for c in text])
