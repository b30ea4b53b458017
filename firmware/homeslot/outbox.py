"""Events waiting for the broker: the newest in RAM, those that had to wait in a journal on flash.

An event stays until the broker has acknowledged it. One that has waited KEEP_MS goes to the
journal, with all that happened since: so a good link costs the flash nothing, and a power cut takes
at most what happened in the last KEEP_MS and a beat. What is in the journal is sent at a steady
pace, in the order it happened; what happens meanwhile does not wait for it.
"""

from homeslot.journal import RECORD_BYTES, pack_into, seq_and_up_ms, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.contract import Body
    from homeslot.journal import Journal

RAM_EVENTS = 16
KEEP_MS = 4000
REPLAY = 20  # events of the journal that may be sent from one beat to the next


class Outbox:
    """Up to `limit` events in RAM and `journal`; one more pushes the oldest out.

    `changed` is called when there may be something to send, so that a sender need not poll.
    """

    def __init__(self, limit: int, journal: "Journal") -> None:
        self._limit = limit
        self._journal = journal
        # Records, as in the journal: a dict of each would take four times the room.
        self._ram = bytearray(RAM_EVENTS * RECORD_BYTES)
        self._count = 0
        self._allowed = REPLAY
        self._dropped = 0
        self.changed: "Callable[[], None] | None" = None
        while len(self) > limit:
            self._drop()

    def __len__(self) -> int:
        return len(self._journal) + self._count

    @property
    def dropped(self) -> int:
        """Events lost since boot, because there was no room or the flash was damaged."""
        return self._dropped + self._journal.damaged

    def put(self, event: "Body") -> None:
        """Keep `event`, a body of the contract."""
        if self._count == RAM_EVENTS:
            self.keep()
        if self._count == RAM_EVENTS:  # the flash does not take them
            self._shift()
            self._dropped += 1
        while len(self) >= self._limit:
            self._drop()
        pack_into(self._ram, self._count * RECORD_BYTES, event)
        self._count += 1
        self._wake()

    def beat(self, now_ms: int) -> None:
        """To be called every second: keeps what has waited, and lets the journal go on."""
        if self._count and now_ms - seq_and_up_ms(self._ram)[1] >= KEEP_MS:
            self.keep()
        self._allowed = REPLAY
        if len(self._journal):
            self._wake()

    def connected(self) -> None:
        """What waits now is to be sent in order; only what happens from now on may overtake."""
        if len(self._journal):
            self.keep()

    def keep(self) -> None:
        """Bring all that is in RAM to the journal. A flash that refuses is tried again later."""
        while self._journal.crowded:
            self._drop()
        if self._count:
            try:
                self._journal.append(memoryview(self._ram)[: self._count * RECORD_BYTES])
                self._count = 0
            except OSError:
                pass  # still in RAM: nothing is lost yet

    def due(self, count: int) -> "list[Body]":
        """Up to `count` events to be sent now: the newest, then of the journal. They stay."""
        events = [unpack(self._ram, i * RECORD_BYTES) for i in range(min(count, self._count))]
        some = min(count - len(events), self._allowed)
        if some and len(self._journal):
            waited = self._journal.oldest(some)
            self._allowed -= len(waited)
            events += waited
        return events

    def leave(self, seq: int) -> None:
        """Let go of the event numbered `seq`: the broker has it.

        Events leave in the order `due` gave them. One that went to the journal behind others
        meanwhile stays, and is sent once more.
        """
        if self._count and seq_and_up_ms(self._ram)[0] == seq:
            self._shift()
        else:
            self._journal.leave(seq)

    def _drop(self) -> None:
        """Lose the oldest event."""
        if not len(self._journal):
            self._shift()
        elif not self._journal.drop():
            return  # it was damaged, and is counted there
        self._dropped += 1

    def _shift(self) -> None:
        end = self._count * RECORD_BYTES
        self._ram[: end - RECORD_BYTES] = self._ram[RECORD_BYTES:end]
        self._count -= 1

    def _wake(self) -> None:
        if self.changed is not None:
            self.changed()
