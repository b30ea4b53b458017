"""Safe mode: what a cart still does after too many failed boots in a row.

It can be reached by console and link, told its settings, and updated. It touches no sensor, no
journal and no bus: one of them may be why it is here. It says so (`hello.safe`, the light), reports
its health, and after an hour tries once more by itself.
"""

from homeslot import const
from homeslot.app.node import Node
from homeslot.app.resets import next_boot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.node import Ports
    from homeslot.contract import Body
    from homeslot.ports import Boot, Files

_AGAIN_MS = const(3600000)
_SHOW_BOUND_MS = const(10000)
_LOOK_MS = const(1000)


class Safe(Node):
    """The cart in safe mode, on `ports`, `sides` of which started it."""

    def __init__(self, ports: "Ports", sides: "Boot") -> None:
        self._sides = sides
        super().__init__(ports, NoEvents(), _number(ports.files), None, lambda: ["safe"])
        self.log.say("safe mode: the last boots failed: " + (self.resets.why or "nobody knows why"))
        self.supervisor.task("show", _SHOW_BOUND_MS, self._show)

    async def run(self) -> None:
        """Run until it is time to try again. Any defect ends it: the caller restarts."""
        await self.supervisor.run()

    async def _show(self) -> None:
        diag_ms: int = self.settings["diag_s"] * 1000
        due_ms = self.clock.up_ms()
        while self.clock.up_ms() < _AGAIN_MS:
            self.supervisor.life("show")
            if self.clock.up_ms() >= due_ms:
                due_ms += diag_ms
                self.link.say("diag", self.diag)
            await self.clock.sleep_ms(_LOOK_MS)
        self._sides.forgive()
        self.end("safe mode ends: it is tried again")
        self.system.restart()


class NoEvents:
    """In place of the outbox: what waits in the journal waits on."""

    dropped = 0
    changed: "Callable[[], None] | None" = None

    def __len__(self) -> int:
        return 0

    def put(self, event: "Body") -> None:
        """Nothing is sensed here."""

    def due(self, count: int) -> "list[Body]":
        """None."""
        return []

    def leave(self, seq: int) -> None:
        """None has left."""

    def connected(self) -> None:
        """Nothing to replay."""

    def keep(self) -> None:
        """Nothing to keep."""


def _number(files: "Files") -> int:
    try:
        return next_boot(files)
    except (ValueError, OSError):  # damaged or full, which may be why it is here
        return 1
