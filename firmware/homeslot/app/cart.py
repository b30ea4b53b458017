"""The cart: every task of the firmware, wired once, and the watch over them."""

import asyncio

from homeslot import const
from homeslot.app.link import Link
from homeslot.app.reporter import Reporter
from homeslot.app.sensors import Sensors
from homeslot.core.settings import settings
from homeslot.core.timekeeper import TimeKeeper
from homeslot.journal import Journal
from homeslot.outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.board import Board
    from homeslot.contract import Body
    from homeslot.ports import Bus, Clock, Files, Network, Pins, System

# At start every 500 ms for 3 s: longer than any switch needs to be known (mains: 2 s).
_SETTLE_SCANS = const(6)
_SETTLE_MS = const(500)
_BOUNCE_MS = const(50)  # presence is scanned at 20 Hz while a switch moves
_WATCH_MS = const(1000)


class Cart:
    """One cart's firmware on the ports it is given (see homeslot.ports).

    `changes` are settings that differ from their defaults. `wire_clock`: see app.link.
    """

    def __init__(
        self,
        board: "Board",
        cart: str,
        host: str,
        port: int,
        secret: str,
        changes: "dict[str, int]",
        clock: "Clock",
        wire_clock: "Clock",
        bus: "Bus",
        pins: "Pins",
        network: "Network",
        files: "Files",
        system: "System",
    ) -> None:
        self._clock = clock
        self._pins = pins
        self._system = system
        self.settings = settings(changes)
        journal = Journal(files)
        self.outbox = Outbox(self.settings["outbox_events"], journal)
        self._keeper = TimeKeeper()
        boot = max(int(files.read("boot") or b"0"), journal.last_boot) + 1
        files.write("boot", b"%d" % boot)
        self._reporter = Reporter(
            boot, board, self.settings, self._keeper, self.outbox, clock, network, system
        )
        self.sensors = Sensors(board, bus, pins, self._reporter.event)
        self.link = Link(
            cart,
            host,
            port,
            secret,
            self.settings,
            network,
            clock,
            wire_clock,
            self.outbox,
            self._reporter,
            self._keeper,
            lambda: self._reporter.state(self.sensors),
        )
        self._moved = asyncio.Event()
        self._lag_ms = 0
        # How long a task may go without a sign of life, beyond its own period. The link waits for
        # the broker and for its back-off, a minute at most each.
        self._patience_ms = {
            "scan": 10000 + self.settings["scan_ms"],
            "link": 180000 + self.settings["report_s"] * 1000,
        }
        self._last_life_ms: "dict[str, int]" = {}

    async def run(self) -> None:
        """Run for ever. Any defect ends it: the caller lets the controller start again."""
        self._pins.on_fall("bank_interrupt", self._moved.set)
        for _ in range(_SETTLE_SCANS):
            self.sensors.scan(self._clock.up_ms())
            await self._clock.sleep_ms(_SETTLE_MS)
        self.sensors.announce()
        await asyncio.gather(
            self._scan(),
            self._follow_switches(),
            self.link.run(lambda: self._alive("link")),
            self._report(),
            self._watch(),
        )

    async def _scan(self) -> None:
        """All switches and currents at a steady beat; a late scan is not made up for."""
        period_ms = self.settings["scan_ms"]
        due_ms = self._clock.up_ms()
        while True:
            now_ms = self._clock.up_ms()
            self._lag_ms = max(self._lag_ms, now_ms - due_ms)
            self.sensors.scan(now_ms)
            self._alive("scan")
            due_ms = max(due_ms + period_ms, now_ms)
            await self._clock.sleep_ms(max(0, due_ms - self._clock.up_ms()))

    async def _follow_switches(self) -> None:
        """Presence at once when a switch moves, until all have come to rest."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            self.sensors.scan(self._clock.up_ms(), currents=False)
            while self.sensors.bouncing:
                await self._clock.sleep_ms(_BOUNCE_MS)
                self.sensors.scan(self._clock.up_ms(), currents=False)

    async def _report(self) -> None:
        """A snapshot now and again, and less often the controller's own health."""
        report_ms = self.settings["report_s"] * 1000
        diag_ms = self.settings["diag_s"] * 1000
        diag_due_ms = self._clock.up_ms()
        while True:
            await self._clock.sleep_ms(report_ms)
            self.link.say("state", self.link.state, True)
            if self._clock.up_ms() >= diag_due_ms:
                diag_due_ms = self._clock.up_ms() + diag_ms
                self.link.say("diag", self._diag)

    def _diag(self) -> "Body":
        lag_ms, self._lag_ms = self._lag_ms, 0
        return self._reporter.diag(
            lag_ms, self.sensors.bus_errors, self.link.connections, self.link.refused
        )

    async def _watch(self) -> None:
        """Feed the watchdog only while every task has lately shown life; the outbox's beat."""
        while True:
            now_ms = self._clock.up_ms()
            self.outbox.beat(now_ms)
            lives = self._last_life_ms
            if all(now_ms - lives.get(t, now_ms) <= ms for t, ms in self._patience_ms.items()):
                self._system.feed_watchdog()
            await self._clock.sleep_ms(_WATCH_MS)

    def _alive(self, task: str) -> None:
        self._last_life_ms[task] = self._clock.up_ms()
