"""What time it was: uptimes placed on the calendar once someone told the time."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class TimeKeeper:
    """Knows the time from the moment `set` was called; before that it says None.

    `on_set`, where there is one, is called with each time that is told, in epoch seconds.
    """

    def __init__(self) -> None:
        self.on_set: "Callable[[int], None] | None" = None
        self._offset_ms: "int | None" = None

    def set(self, at_s: int, up_ms: int) -> None:
        """It was epoch `at_s` seconds when the uptime was `up_ms`."""
        # Whoever told it had dropped the milliseconds: half a second is the best guess.
        self._offset_ms = at_s * 1000 + 500 - up_ms
        if self.on_set is not None:
            self.on_set(at_s)

    def at_s(self, up_ms: int) -> "int | None":
        """Epoch seconds of uptime `up_ms`; None while the time is not known."""
        return None if self._offset_ms is None else (self._offset_ms + up_ms) // 1000
