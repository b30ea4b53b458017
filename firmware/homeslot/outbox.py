"""Events waiting for the broker: a bounded ring in RAM that counts what it had to drop."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # number, measured at (ms since boot, epoch s or None), kind, index or 0, value, was, current mA
    Event = tuple[int, int, int | None, str, int, str, str, int | None]


class Outbox:
    """First in, first out. An event stays until the broker has acknowledged it.

    `limit` is how many events it holds; one more pushes the oldest out and is counted in
    `dropped`. `changed` is called after each new event, so that a sender need not poll.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: "list[Event]" = []
        self.dropped = 0
        self.changed: "Callable[[], None] | None" = None

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: "Event") -> None:
        """Keep `event`, a tuple that begins with its number and takes less memory than its body."""
        if len(self._events) >= self._limit:
            del self._events[0]
            self.dropped += 1
        self._events.append(event)
        if self.changed is not None:
            self.changed()

    def oldest(self, count: int) -> "list[Event]":
        """Up to `count` events, oldest first. They stay."""
        return self._events[:count]

    def leave(self, seq: int) -> None:
        """Let go of every event numbered up to `seq`: the broker has them."""
        while self._events and self._events[0][0] <= seq:
            del self._events[0]
