"""Events waiting for the broker: a bounded ring in RAM that counts what it had to drop."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.contract import Body


class Outbox:
    """First in, first out. An event stays until the broker has acknowledged it.

    `limit` is how many events it holds; one more pushes the oldest out and is counted in
    `dropped`. `changed` is called after each new event, so that a sender need not poll.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: "list[Body]" = []
        self.dropped = 0
        self.changed: "Callable[[], None] | None" = None

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: "Body") -> None:
        """Keep `event`, a dict with its `seq`."""
        if len(self._events) >= self._limit:
            del self._events[0]
            self.dropped += 1
        self._events.append(event)
        if self.changed is not None:
            self.changed()

    def oldest(self, count: int) -> "list[Body]":
        """Up to `count` events, oldest first. They stay."""
        return self._events[:count]

    def leave(self, seq: int) -> None:
        """Let go of every event numbered up to `seq`: the broker has them."""
        while self._events and self._events[0]["seq"] <= seq:
            del self._events[0]
