"""What a cart is in every mode: it has a link, a console and a light, it is told its settings and
updated, and one supervisor looks after all of it.
"""

from homeslot import const
from homeslot.app.commands import Commands
from homeslot.app.hands import Hands
from homeslot.app.light import Light
from homeslot.app.link import Link
from homeslot.app.reporter import Reporter
from homeslot.app.resets import Resets
from homeslot.app.supervisor import Supervisor
from homeslot.core.settings import NEEDED, missing
from homeslot.core.timekeeper import TimeKeeper
from homeslot.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.console import Console
    from homeslot.app.update import Update
    from homeslot.board import Board
    from homeslot.contract import Body
    from homeslot.mqtt.serial import SerialNetwork
    from homeslot.ports import Boot, Clock, Events, Files, Network, Pins, Serial, System
    from homeslot.stored import Stored

    MakeBody = Callable[[], Body]

# How long a task may go without a sign of life. The link waits for its back-off a minute at most,
# and for each answer of the broker ten seconds.
_LINK_BOUND_MS = const(120000)
_HANDS_BOUND_MS = const(60000)
_TRY_MS = const(600000)  # in which settings from afar must lead to the hub


class Ports:
    """What a node stands on: the ports (see homeslot.ports), its board file and its settings.

    `stored` are the settings; while one that `needed` names is not set, it is not on the air.
    `network` None: its way to the hub is a gateway at the console, `serial`. `wire_clock`: see
    app.link. `tell(text)` is given the last words. `sides` is what started it; with `updater` it
    can be updated.
    """

    def __init__(
        self,
        board: "Board",
        stored: "Stored",
        clock: "Clock",
        pins: "Pins",
        network: "Network | None",
        files: "Files",
        system: "System",
        tell: "Callable[[str], None]" = lambda text: None,
        serial: "Serial | None" = None,
        sides: "Boot | None" = None,
        updater: "Callable[[], Update] | None" = None,
        needed: "tuple[str, ...]" = NEEDED,
        wire_clock: "Clock | None" = None,
    ) -> None:
        self.board = board
        self.stored = stored
        self.clock = clock
        self.pins = pins
        self.network = network
        self.files = files
        self.system = system
        self.tell = tell
        self.serial = serial
        self.sides = sides
        self.updater = updater
        self.needed = needed
        self.wire_clock = wire_clock or clock


class Node:
    """The controller numbered `boot` by this start, on `ports`.

    Its events go to `outbox`, `state()` makes the body of a snapshot (None: it senses nothing), and
    `signals()` says which of core.signals hold. A mode adds tasks of its own to `supervisor`.
    """

    def __init__(
        self,
        ports: Ports,
        outbox: "Events",
        boot: int,
        state: "MakeBody | None",
        signals: "Callable[[], list[str]]",
    ) -> None:
        self.board = board = ports.board
        self.stored = ports.stored
        self.settings = ports.stored.values
        self.clock = clock = ports.clock
        self.pins = ports.pins
        self.files = files = ports.files
        self.system = system = ports.system
        self.sides = ports.sides
        self.updater = ports.updater
        self.boot = boot
        self._tell = ports.tell
        self.keeper = TimeKeeper()
        if self.settings["tls"]:
            from homeslot.app.dates import Dates

            self.keeper.on_set = Dates(files, system).told
        self.log = Log(clock)
        supervisor = self.supervisor = Supervisor(clock, self.live, self.end, system.mark)
        self.resets = Resets(files, system, supervisor.name)
        tunnel: "SerialNetwork | None" = None
        network = ports.network
        if network is None:
            from homeslot.mqtt.serial import SerialNetwork

            network = tunnel = SerialNetwork(ports.wire_clock, boot)
        self.network = network
        self.outbox = outbox
        self.reporter = Reporter(
            boot,
            board,
            self.settings,
            self.keeper,
            outbox,
            clock,
            network,
            system,
            self.resets,
            ports.sides,
        )
        self.commands = Commands(self.reporter, clock)
        self.console: "Console | None" = None
        if ports.serial is not None:
            from homeslot.app.console import Console

            self.console = Console(ports.serial, self.commands, self.reporter, self.log, clock)
            if tunnel is not None:
                self.console.tunnel = tunnel.receive
                tunnel.send = self.console.write
        self.link = Link(
            self.settings,
            network,
            clock,
            ports.wire_clock,
            outbox,
            self.reporter,
            self.commands,
            state,
            self.log.say,
        )
        self.light = Light(ports.pins, clock, "buzzer" in board.lines, signals)
        Hands(self)
        for problem in ports.stored.wrong:
            self.log.say("settings: " + problem)
        self.unset = missing(self.settings, ports.needed)
        if self.unset:
            self.log.say("not provisioned: not set is " + ", ".join(self.unset))
        else:
            supervisor.task("link", _LINK_BOUND_MS, self._link, self.link.wake)
        supervisor.task("light", _HANDS_BOUND_MS, self._shine)
        supervisor.task("hands", _HANDS_BOUND_MS, self._obey, self.commands.wake)
        if self.console is not None:
            supervisor.task("hear", None, self.console.read)
            supervisor.task("speak", _HANDS_BOUND_MS, self._speak, self.console.wake)

    def live(self) -> None:
        """Every task shows life: to be told each second."""
        self.system.feed_watchdog()
        if self.stored.tried:
            self._prove_settings()

    def _prove_settings(self) -> None:
        """Nobody may be near who could mend settings that lead to no hub."""
        reported = self.link.reported
        if not reported and self.clock.up_ms() <= _TRY_MS:
            return
        try:
            if reported:
                return self.stored.keep()
            self.stored.give_up()
        except OSError:  # a flash that takes no more is no reason to end
            self.stored.tried = False
            return
        self.end("settings given up: they led to no hub")
        self.system.restart()

    def end(self, why: str) -> None:
        """The boot is about to end: tell who is near, and the next boot."""
        self._tell(why)
        self.leave(why)

    def leave(self, why: str) -> None:
        """Keep for the next boot why this one ends, and all that waits."""
        self.resets.last_words(why)
        self.outbox.keep()

    def diag(self) -> "Body":
        """The body of `diag`, of what senses nothing."""
        return self.reporter.diag(0, 0, self.link.connections, self.link.refused)

    async def _link(self) -> None:
        await self.link.run(lambda: self.supervisor.life("link"))

    async def _shine(self) -> None:
        await self.light.run(lambda: self.supervisor.life("light"))

    async def _obey(self) -> None:
        await self.commands.run(lambda: self.supervisor.life("hands"))

    async def _speak(self) -> None:
        if self.console is not None:
            await self.console.send(lambda: self.supervisor.life("speak"))
