"""Why the controller started, and how often it did so for which reason.

One small file. It is written once at each start, and once more when a boot ends with last words.
"""

import json

from homeslot.contract import RESET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.ports import Files, System

BOOT = "boot"  # a file: the number of the last boot
FILE = "resets"
MOST = 1 << 30  # counted; a boot a minute gets there in two thousand years
LONGEST = 120  # characters of contract field `why`


def next_boot(files: "Files", known: int = 0) -> int:
    """The number of this boot: higher than that in `files`, where it is put, and than `known`.

    Raises OSError, and ValueError when what is there is no number.
    """
    boot = max(int(files.read(BOOT) or b"0"), known) + 1
    files.write(BOOT, b"%d" % boot)
    return boot


class Resets:
    """The start of this boot: `cause` is one of contract.RESET, `counts` the starts by cause.

    `name(number)` is the name of the task that `system` has marked with that number.
    """

    def __init__(self, files: "Files", system: "System", name: "Callable[[int], str]") -> None:
        self._files = files
        self._name = name
        self._mark = system.marked()
        self.cause = system.reset_cause()
        self.counts, self._words = _parse(files.read(FILE))
        self.counts[self.cause] = min(self.counts.get(self.cause, 0) + 1, MOST)
        self._write("")

    @property
    def why(self) -> str:
        """What led to the reset, in words; "" where nobody knows, as when the power was cut."""
        if self.cause not in ("watchdog", "soft"):
            return ""
        last = self._name(self._mark)
        if self._words or self.cause == "soft" or not last:
            return self._words
        return "hung: no task showed life after " + last

    def last_words(self, why: str) -> None:
        """Keep for the next boot why this one ends. A flash that takes no more is no hindrance."""
        self._write(_plain(why))

    def _write(self, words: str) -> None:
        try:
            self._files.write(FILE, json.dumps([self.counts, words]).encode())
        except OSError:
            pass  # counting is not worth a cart that does not start


def _parse(text: "bytes | None") -> "tuple[dict[str, int], str]":
    """The counts and the words in the file; what no boot can have written is left out."""
    try:
        counts, words = json.loads((text or b"[]").decode())
        known = {cause: counts[cause] for cause in RESET if cause in counts}
    except (ValueError, TypeError, KeyError):
        return {}, ""
    fit = {
        cause: count for cause, count in known.items() if type(count) is int and 0 <= count <= MOST
    }
    return fit, _plain(str(words))


def _plain(words: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in words[:LONGEST])
