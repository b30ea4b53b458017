"""Safe mode: what a cart still does after too many failed boots in a row.

It can be reached by console and link, told its settings, and updated. It touches no sensor, no
journal and no bus: one of them may be why it is here. It says so (`hello.safe`, the light), reports
its health, and after an hour tries once more by itself.
"""

from homeslot import const
from homeslot.app.commands import Commands
from homeslot.app.console import Console
from homeslot.app.hands import Hands
from homeslot.app.light import Light
from homeslot.app.link import Link
from homeslot.app.reporter import Reporter
from homeslot.app.resets import Resets, next_boot
from homeslot.app.supervisor import Supervisor
from homeslot.core.settings import NEEDED, missing
from homeslot.core.timekeeper import TimeKeeper
from homeslot.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.update import Update
    from homeslot.board import Board
    from homeslot.contract import Body
    from homeslot.mqtt.serial import SerialNetwork
    from homeslot.ports import Boot, Clock, Files, Network, Pins, Serial, System
    from homeslot.stored import Stored

_AGAIN_MS = const(3600000)
_LINK_BOUND_MS = const(120000)
_HANDS_BOUND_MS = const(60000)
_SHOW_BOUND_MS = const(10000)
_LOOK_MS = const(1000)


class Safe:
    """The cart in safe mode, on the same ports as app.cart.Cart."""

    def __init__(
        self,
        board: "Board",
        stored: "Stored",
        clock: "Clock",
        pins: "Pins",
        network: "Network | None",
        files: "Files",
        system: "System",
        tell: "Callable[[str], None]",
        sides: "Boot",
        updater: "Callable[[], Update]",
        serial: "Serial",
        needed: "tuple[str, ...]" = NEEDED,
    ) -> None:
        self.clock = clock
        self.files = files
        self.updater = updater
        self.system = system
        self.stored = stored
        self.keeper = TimeKeeper()
        if stored.values["tls"]:
            from homeslot.app.dates import Dates

            self.keeper.on_set = Dates(files, system).told
        self.log = Log(clock)
        self._tell = tell
        self.sides = sides
        supervisor = Supervisor(clock, system.feed_watchdog, self.end, system.mark)
        self.supervisor = supervisor
        self.resets = Resets(files, system, supervisor.name)
        self.boot = _number(files)
        tunnel: "SerialNetwork | None" = None
        if network is None:
            from homeslot.mqtt.serial import SerialNetwork

            network = tunnel = SerialNetwork(clock, self.boot)
        self.outbox = NoEvents()
        reporter = self._reporter = Reporter(
            self.boot,
            board,
            stored.values,
            self.keeper,
            self.outbox,
            clock,
            network,
            system,
            self.resets,
            sides,
        )
        self.commands = Commands(reporter, clock)
        console = self.console = Console(serial, self.commands, reporter, self.log, clock)
        if tunnel is not None:
            console.tunnel = tunnel.receive
            tunnel.send = console.write
        self.link = Link(
            stored.values,
            network,
            clock,
            clock,
            self.outbox,
            reporter,
            self.commands,
            None,
            self.log.say,
        )
        self.light = Light(pins, clock, False, lambda: ["safe"])
        Hands(self)
        self.log.say("safe mode: the last boots failed: " + (self.resets.why or "nobody knows why"))
        for problem in stored.wrong:
            self.log.say("settings: " + problem)
        supervisor.task("light", _SHOW_BOUND_MS, self._shine)
        supervisor.task("show", _SHOW_BOUND_MS, self._show)
        if not missing(stored.values, needed):
            supervisor.task("link", _LINK_BOUND_MS, self._link, self.link.wake)
        supervisor.task("hands", _HANDS_BOUND_MS, self._obey, self.commands.wake)
        supervisor.task("hear", None, console.read)
        supervisor.task("speak", _HANDS_BOUND_MS, self._speak, console.wake)

    async def run(self) -> None:
        """Run until it is time to try again. Any defect ends it: the caller restarts."""
        await self.supervisor.run()

    def end(self, why: str) -> None:
        """The boot is about to end: tell who is near, and the next boot."""
        self._tell(why)
        self.resets.last_words(why)

    def diag(self) -> "Body":
        """The body of `diag`."""
        return self._reporter.diag(0, 0, self.link.connections, self.link.refused)

    async def _show(self) -> None:
        diag_ms: int = self.stored.values["diag_s"] * 1000
        due_ms = self.clock.up_ms()
        while self.clock.up_ms() < _AGAIN_MS:
            self.supervisor.life("show")
            if self.clock.up_ms() >= due_ms:
                due_ms += diag_ms
                self.link.say("diag", self.diag)
            await self.clock.sleep_ms(_LOOK_MS)
        self.sides.forgive()
        self.end("safe mode ends: it is tried again")
        self.system.restart()

    async def _shine(self) -> None:
        await self.light.run(lambda: self.supervisor.life("light"))

    async def _link(self) -> None:
        await self.link.run(lambda: self.supervisor.life("link"))

    async def _obey(self) -> None:
        await self.commands.run(lambda: self.supervisor.life("hands"))

    async def _speak(self) -> None:
        await self.console.send(lambda: self.supervisor.life("speak"))


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
