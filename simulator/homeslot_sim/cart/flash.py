"""A flash whose power can be cut at any byte, or that fills up: the Files port in RAM, for tests.

What a file system guarantees is kept and nothing more: `write` replaces whole or not at all,
`append` may be torn anywhere, and a torn append may leave its rest as erased flash reads.
"""

from homeslot_sim.cart.drawer import Drawer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot_sim.cart.drawer import Data

ERASED = b"\xff"


class PowerCut(Exception):
    """The power is gone: whoever was at work has lost all he had in RAM."""


class Flash(Drawer):
    """`bytes_left` may still be programmed before the power is cut; None: it stays.

    Renaming and deleting count as one byte each. `erased_tail`: a torn append has its full length,
    and erased flash where nothing was programmed. While `full`, nothing can be written: OSError.
    `programmed` and `calls` count what was asked of the flash so far, in bytes and in calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes_left: "int | None" = None
        self.erased_tail = False
        self.full = False
        self.programmed = 0
        self.calls = 0

    def power_up(self) -> None:
        """The power is back, for good."""
        self.bytes_left = None

    def write(self, name: str, data: "Data") -> None:
        """Replace `name`: a new file, then one step that gives it its name."""
        self._program(len(data) + 1)
        super().write(name, data)

    def append(self, name: str, data: "Data") -> None:
        """Add to `name`."""
        left = self.bytes_left
        try:
            self._program(len(data))
        except PowerCut:
            torn = bytes(data)[: left or 0]
            if self.erased_tail:
                torn += ERASED * (len(data) - len(torn))
            super().append(name, torn)
            raise
        super().append(name, data)

    def remove(self, name: str) -> None:
        """Delete `name`."""
        if name in self.names():
            self._program(1)
            super().remove(name)

    def flip(self, name: str, bit: int) -> None:
        """Let one bit of `name` age."""
        data = bytearray(self.read(name) or b"")
        data[bit // 8] ^= 1 << bit % 8
        super().write(name, data)

    def _program(self, count: int) -> None:
        if self.bytes_left is not None:
            if self.bytes_left < count:
                self.bytes_left = 0
                raise PowerCut
            self.bytes_left -= count
        if self.full:
            raise OSError(28, "no space left")
        self.calls += 1
        self.programmed += count
