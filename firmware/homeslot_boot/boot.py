"""Which side of the flash runs: one small file, `boot.json`, and the rules about it.

The flash has two sides, the folders `a` and `b`, each with room for a whole firmware. At every
start, in this order:

1. A trial that was begun before and is not confirmed has failed, whatever ended it: the other side
   runs again. So a trial has one boot.
2. A trial that is ordered begins.
3. Power was away: whoever switches a cart off and on starts the count of failed boots anew.
4. After three boots in a row that nobody confirmed, the next one is in safe mode.

The file is replaced whole or not at all, so at every moment there is one answer. A file that is
damaged reads as a cart fresh from the bench: side a, nothing on trial.
"""

import json

LAYOUT = 1  # of this file, the sides and what the firmware is given; a bundle says what it needs
FILE = "boot.json"
FAILED_BOOTS = 3
SIDES = ("a", "b")
_NONE, _ORDERED, _BEGUN = range(3)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Files(Protocol):
        """Where boot.json is; see homeslot.ports.Files."""

        def read(self, name: str) -> "bytes | None":
            """The content of file `name`; None when it was never written."""

        def write(self, name: str, data: bytes) -> None:
            """Replace file `name` whole or not at all."""


class Boot:
    """This boot: `side` runs, on `trial`, in `safe` mode or neither (ports.Boot).

    `gave_up` is the version of the last trial that failed, "" when none did since the last update.
    """

    layout = LAYOUT

    def __init__(self, files: "Files") -> None:
        self._files = files
        self.side, self._stage, self._failed, self._tried, self.gave_up = _parse(files.read(FILE))
        self.trial = self.safe = False

    @property
    def other(self) -> str:
        """The side that does not run."""
        return SIDES[self.side == SIDES[0]]

    def begin(self, powered_on: bool) -> None:
        """Decide what this boot is; `powered_on`: it follows a time without power.

        A flash that takes no more writing is no reason not to start.
        """
        if powered_on:
            self._failed = 0
        if self._stage == _BEGUN:
            self.side, self._stage, self.gave_up = self.other, _NONE, self._tried
        self.trial = self._stage == _ORDERED
        if self.trial:
            self._stage = _BEGUN
        else:
            self.safe = self._failed >= FAILED_BOOTS
            self._failed += not self.safe
        try:
            self._keep(self.side, self._stage, self._failed, self._tried, self.gave_up)
        except OSError:
            pass

    def confirm(self) -> None:
        """This boot is healthy: what was on trial stays. Raises OSError when that cannot be kept,
        and then it does not."""
        if self._stage == _BEGUN or (self._stage == _NONE and self._failed):
            self._keep(self.side, _NONE, 0, "", "" if self.trial else self.gave_up)
            self.trial = False

    def order_trial(self, version: str) -> None:
        """The next boot tries the other side, which has `version`. Raises OSError."""
        self._keep(self.other, _ORDERED, self._failed, version, "")

    def forgive(self) -> None:
        """The next boot is not in safe mode, but the one after may be. Raises OSError."""
        failed = min(self._failed, FAILED_BOOTS - 1)
        side = self.other if self._stage == _ORDERED else self.side
        self._keep(side, self._stage, failed, self._tried, self.gave_up)

    def _keep(self, side: str, stage: int, failed: int, tried: str, gave_up: str) -> None:
        record = {"side": side, "stage": stage, "failed": failed, "tried": tried}
        record["gave_up"] = gave_up
        self._files.write(FILE, json.dumps(record).encode())
        self._stage, self._failed, self._tried, self.gave_up = stage, failed, tried, gave_up


def _parse(data: "bytes | None") -> "tuple[str, int, int, str, str]":
    """(side, stage, failed boots, version on trial, version given up)."""
    try:
        record = json.loads((data or b"").decode())
        found = tuple(record[name] for name in ("side", "stage", "failed", "tried", "gave_up"))
        side, stage, failed, tried, gave_up = found
        if side in SIDES and stage in (_NONE, _ORDERED, _BEGUN) and 0 <= failed <= FAILED_BOOTS:
            return side, stage, failed, str(tried), str(gave_up)
    except (ValueError, TypeError, KeyError):
        pass
    return SIDES[0], _NONE, 0, "", ""
