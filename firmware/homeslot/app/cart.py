"""The cart: every task of the firmware, wired once, under one supervisor."""

import asyncio

from homeslot import const
from homeslot.app.commands import Commands
from homeslot.app.hands import Hands
from homeslot.app.light import Light
from homeslot.app.link import Link
from homeslot.app.looks import Looks
from homeslot.app.reporter import Reporter
from homeslot.app.resets import Resets, next_boot
from homeslot.app.sensors import Sensors
from homeslot.app.supervisor import Supervisor
from homeslot.core.settings import NEEDED, missing
from homeslot.core.signals import sensed
from homeslot.core.timekeeper import TimeKeeper
from homeslot.journal import Journal
from homeslot.log import Log
from homeslot.outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.console import Console
    from homeslot.app.proof import Proof
    from homeslot.app.update import Update
    from homeslot.board import Board
    from homeslot.contract import Body
    from homeslot.mqtt.serial import SerialNetwork
    from homeslot.ports import Boot, Bus, Clock, Files, Network, Pins, Serial, System
    from homeslot.stored import Stored

# At start every 500 ms for 3 s: longer than any switch needs to be known (mains: 2 s).
_SETTLE_SCANS = const(6)
_SETTLE_MS = const(500)
_OUTBOX_MS = const(1000)
_BOUNCE_MS = const(50)  # presence is scanned at 20 Hz while a switch moves
# How long a task may go without a sign of life, beyond its own period. The link waits for its
# back-off a minute at most, and for each answer of the broker ten seconds.
_SCAN_BOUND_MS = const(10000)
_OUTBOX_BOUND_MS = const(10000)
_FOLLOW_BOUND_MS = const(60000)
_LINK_BOUND_MS = const(120000)
_REPORT_BOUND_MS = const(10000)
_HANDS_BOUND_MS = const(60000)


class Cart:
    """One cart's firmware on the ports it is given (see homeslot.ports).

    `stored` are its settings; while one that `needed` names is not set, it only senses and listens
    on the console, `serial`. `network` None: its way to the hub is a gateway at the console.
    `wire_clock`: see app.link. `tell(text)` is given the last words. With `sides` it proves itself
    to what started it, with `updater` it can be updated.
    """

    def __init__(
        self,
        board: "Board",
        stored: "Stored",
        clock: "Clock",
        wire_clock: "Clock",
        bus: "Bus",
        pins: "Pins",
        network: "Network | None",
        files: "Files",
        system: "System",
        tell: "Callable[[str], None]" = lambda text: None,
        sides: "Boot | None" = None,
        updater: "Callable[[], Update] | None" = None,
        serial: "Serial | None" = None,
        needed: "tuple[str, ...]" = NEEDED,
    ) -> None:
        self.clock = clock
        self.files = files
        self.sides = sides
        self.updater = updater
        self.system = system
        self.stored = stored
        self.settings = stored.values
        self.keeper = TimeKeeper()
        if self.settings["tls"]:
            from homeslot.app.dates import Dates

            self.keeper.on_set = Dates(files, system).told
        self.log = Log(clock)
        self.board = board
        self.bus = bus
        self.pins = pins
        self._tell = tell
        supervisor = Supervisor(clock, self._live, self.end, system.mark)
        self.supervisor = supervisor
        self.resets = Resets(files, system, supervisor.name)
        journal = Journal(files)
        self.outbox = Outbox(self.settings["outbox_events"], journal)
        self.boot = next_boot(files, journal.last_boot)
        tunnel: "SerialNetwork | None" = None
        if network is None:
            from homeslot.mqtt.serial import SerialNetwork

            network = tunnel = SerialNetwork(wire_clock, self.boot)
        self._reporter = Reporter(
            self.boot,
            board,
            self.settings,
            self.keeper,
            self.outbox,
            clock,
            network,
            system,
            self.resets,
            sides,
        )
        self.sensors = Sensors(board, bus, pins, self._reporter.event, network.access_point)
        self.commands = Commands(self._reporter, clock)
        self.console: "Console | None" = None
        if serial is not None:
            from homeslot.app.console import Console

            self.console = Console(serial, self.commands, self._reporter, self.log, clock)
            if tunnel is not None:
                self.console.tunnel = tunnel.receive
                tunnel.send = self.console.write
        self.link = Link(
            self.settings,
            network,
            clock,
            wire_clock,
            self.outbox,
            self._reporter,
            self.commands,
            self.state,
            self.log.say,
        )
        self.light = Light(pins, clock, "buzzer" in board.lines, self._signals)
        self._proof: "Proof | None" = None
        if sides is not None:
            from homeslot.app.proof import Proof

            self._proof = Proof(sides, clock, self.link)
        Hands(self)
        Looks(self)
        for problem in stored.wrong:
            self.log.say("settings: " + problem)
        self.unset = missing(self.settings, needed)
        if self.unset:
            self.log.say("not provisioned: not set is " + ", ".join(self.unset))
        self._moved = asyncio.Event()
        self._lag_ms = 0
        report_ms = self.settings["report_s"] * 1000
        supervisor.task("scan", _SCAN_BOUND_MS + self.settings["scan_ms"], self._scan)
        supervisor.task("follow", _FOLLOW_BOUND_MS, self._follow_switches, self._moved.set)
        supervisor.task("outbox", _OUTBOX_BOUND_MS, self._keep)
        if not self.unset:
            supervisor.task("link", _LINK_BOUND_MS, self._link, self.link.wake)
        supervisor.task("report", _REPORT_BOUND_MS + report_ms, self._report)
        supervisor.task("light", _HANDS_BOUND_MS, self._shine)
        supervisor.task("hands", _HANDS_BOUND_MS, self._obey, self.commands.wake)
        if self.console is not None:
            supervisor.task("hear", None, self.console.read)
            supervisor.task("speak", _HANDS_BOUND_MS, self._speak, self.console.wake)

    async def run(self) -> None:
        """Run for ever. Any defect ends it: the caller lets the controller start again."""
        self.pins.on_fall("bank_interrupt", self._moved.set)
        for _ in range(_SETTLE_SCANS):
            self.sensors.scan(self.clock.up_ms())
            self.system.feed_watchdog()
            await self.clock.sleep_ms(_SETTLE_MS)
        self.sensors.announce()
        await self.supervisor.run()

    def _live(self) -> None:
        """Every task shows life: to be told each second."""
        self.system.feed_watchdog()
        if self._proof is not None and self._proof.given():
            self._proof = None

    def end(self, why: str) -> None:
        """The boot is about to end: tell who is near, and the next boot."""
        self._tell(why)
        self.resets.last_words(why)
        self.outbox.keep()

    async def _scan(self) -> None:
        """All switches and currents at a steady beat; a late scan is not made up for."""
        period_ms = self.settings["scan_ms"]
        due_ms = self.clock.up_ms()
        while True:
            now_ms = self.clock.up_ms()
            self._lag_ms = max(self._lag_ms, now_ms - due_ms)
            self.supervisor.life("scan")
            self.sensors.scan(now_ms)
            if self.sensors.bouncing:
                self._moved.set()
            due_ms = max(due_ms + period_ms, now_ms)
            await self.clock.sleep_ms(max(0, due_ms - self.clock.up_ms()))

    async def _follow_switches(self) -> None:
        """A closer look at once when a switch moves, until all have come to rest."""
        while True:
            if not self.sensors.bouncing:
                await self._moved.wait()
            self.supervisor.life("follow")
            self._moved.clear()
            now_ms = self.clock.up_ms()
            self.sensors.look(now_ms)
            await self.clock.sleep_ms(max(0, now_ms + _BOUNCE_MS - self.clock.up_ms()))

    async def _link(self) -> None:
        await self.link.run(lambda: self.supervisor.life("link"))

    async def _shine(self) -> None:
        await self.light.run(lambda: self.supervisor.life("light"))

    def _signals(self) -> "list[str]":
        """Which of core.signals hold now."""
        sensors = self.sensors
        words = {name: switch.state for name, switch in sensors.inputs.items()}
        states = [slot.state for slot in sensors.slots]
        signals = [sensed(states, self.settings["spare_slots"], sensors.banks, words)]
        if self.unset:
            signals.append("blank")
        elif self.link.trouble == "wrong_key":
            signals.append("wrong_key")
        elif self.link.trouble is not None or not self.link.connections:
            signals.append("no_link")
        return signals

    async def _obey(self) -> None:
        await self.commands.run(lambda: self.supervisor.life("hands"))

    async def _speak(self) -> None:
        if self.console is not None:
            await self.console.send(lambda: self.supervisor.life("speak"))

    async def _report(self) -> None:
        """A snapshot now and again, and less often the controller's own health."""
        report_ms = self.settings["report_s"] * 1000
        diag_ms = self.settings["diag_s"] * 1000
        diag_due_ms = self.clock.up_ms()
        while True:
            await self.clock.sleep_ms(report_ms)
            self.supervisor.life("report")
            self.link.say("state", self.state, True)
            if self.clock.up_ms() >= diag_due_ms:
                diag_due_ms = self.clock.up_ms() + diag_ms
                self.link.say("diag", self.diag)

    def state(self) -> "Body":
        """The body of `state`: what the last scan found."""
        return self._reporter.state(self.sensors)

    def diag(self) -> "Body":
        """The body of `diag`; what it counts from report to report begins anew."""
        lag_ms, self._lag_ms = self._lag_ms, 0
        return self._reporter.diag(
            lag_ms, self.sensors.bus_errors, self.link.connections, self.link.refused
        )

    async def _keep(self) -> None:
        """The outbox's beat: what waits goes to the flash in time."""
        while True:
            self.supervisor.life("outbox")
            self.outbox.beat(self.clock.up_ms())
            await self.clock.sleep_ms(_OUTBOX_MS)
