"""The cart: what it senses, and the tasks that do so, on top of what every node has."""

import asyncio

from homeslot import const
from homeslot.app.looks import Looks
from homeslot.app.node import Node
from homeslot.app.resets import next_boot
from homeslot.app.sensors import Sensors
from homeslot.core.signals import sensed
from homeslot.journal import Journal
from homeslot.outbox import Outbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.app.node import Ports
    from homeslot.app.proof import Proof
    from homeslot.contract import Body
    from homeslot.ports import Bus

# At start every 500 ms for 3 s: longer than any switch needs to be known (mains: 2 s).
_SETTLE_SCANS = const(6)
_SETTLE_MS = const(500)
_OUTBOX_MS = const(1000)
_BOUNCE_MS = const(50)  # presence is scanned at 20 Hz while a switch moves
# How long a task may go without a sign of life, beyond its own period.
_SCAN_BOUND_MS = const(10000)
_OUTBOX_BOUND_MS = const(10000)
_FOLLOW_BOUND_MS = const(60000)
_REPORT_BOUND_MS = const(10000)


class Cart(Node):
    """One cart's firmware on `ports`, and the `bus` it senses by."""

    def __init__(self, ports: "Ports", bus: "Bus") -> None:
        self.bus = bus
        journal = Journal(ports.files)
        outbox = Outbox(ports.stored.values["outbox_events"], journal)
        boot = next_boot(ports.files, journal.last_boot)
        super().__init__(ports, outbox, boot, self.state, self._signals)
        self.sensors = Sensors(
            self.board, bus, self.pins, self.reporter.event, self.network.access_point
        )
        self._proof: "Proof | None" = None
        if self.sides is not None:
            from homeslot.app.proof import Proof

            self._proof = Proof(self.sides, self.clock, self.link)
        Looks(self)
        self._moved = asyncio.Event()
        self._lag_ms = 0
        report_ms = self.settings["report_s"] * 1000
        task = self.supervisor.task
        task("scan", _SCAN_BOUND_MS + self.settings["scan_ms"], self._scan)
        task("follow", _FOLLOW_BOUND_MS, self._follow_switches, self._moved.set)
        task("outbox", _OUTBOX_BOUND_MS, lambda: self._keep(outbox))
        task("report", _REPORT_BOUND_MS + report_ms, self._report)

    async def run(self) -> None:
        """Run for ever. Any defect ends it: the caller lets the controller start again."""
        self.pins.on_fall("bank_interrupt", self._moved.set)
        for _ in range(_SETTLE_SCANS):
            self.sensors.scan(self.clock.up_ms())
            self.system.feed_watchdog()
            await self.clock.sleep_ms(_SETTLE_MS)
        self.sensors.announce()
        await self.supervisor.run()

    def live(self) -> None:
        """Every task shows life: to be told each second."""
        super().live()
        if self._proof is not None and self._proof.given():
            self._proof = None

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
        return self.reporter.state(self.sensors)

    def diag(self) -> "Body":
        """The body of `diag`; what it counts from report to report begins anew."""
        lag_ms, self._lag_ms = self._lag_ms, 0
        return self.reporter.diag(
            lag_ms, self.sensors.bus_errors, self.link.connections, self.link.refused
        )

    async def _keep(self, outbox: Outbox) -> None:
        """The outbox's beat: what waits goes to the flash in time."""
        while True:
            self.supervisor.life("outbox")
            outbox.beat(self.clock.up_ms())
            await self.clock.sleep_ms(_OUTBOX_MS)
