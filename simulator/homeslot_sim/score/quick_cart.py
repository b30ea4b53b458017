"""A cart that costs milliseconds a day: the firmware's own words, driven by changes and timers.

Its slot table, switches, place, reporter, outbox, journal and back-off are the firmware's; what is
new here is when they are called (see `quick_sensors`) and a link without packets: what is published
is the very payload of the contract, and either the broker has it or the connection is gone. Of the
controller's own health (`diag`) it says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from msgspec.json import encode

from homeslot import contract
from homeslot.app.reporter import Reporter
from homeslot.app.resets import BOOT, next_boot
from homeslot.core.backoff import Backoff
from homeslot.core.timekeeper import TimeKeeper
from homeslot.journal import Journal
from homeslot.outbox import KEEP_MS, Outbox
from homeslot_sim.cart.battery import Batteries
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import HERE, THERE
from homeslot_sim.cart.world import ASPECTS, SLOTS, World
from homeslot_sim.score.quick_sensors import FEEDING, SETTLE_MS, SETTLE_SCANS, QuickSensors, charge
from homeslot_sim.score.timeline import NEVER_MS

if TYPE_CHECKING:
    from homeslot.board import Board

UP_MS = SETTLE_SCANS * SETTLE_MS  # from here on a boot reports
BEAT_MS = 1000  # of the outbox
NOTICED_MS = 15000  # a dead link is noticed by the next ping, half a keep-alive later
WINDOW = 8
Told = tuple[int, str, int, str, str]  # at ms, kind, index, value, was
ABILITIES = [
    *("time", "report", "settings", "logs", "restart", "ca"),
    *("identify", "nudge", "scan", "selftest"),
]


class Broker(Protocol):
    """What a cart asks of its broker."""

    up: bool

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Take a message."""


class _Ports:
    """Clock, network, system and resets of one boot, as the reporter asks for them."""

    cause, why = "power_on", ""

    def __init__(self, cart: QuickCart, boot_ms: int) -> None:
        self._cart, self._boot_ms = cart, boot_ms
        self.counts: dict[str, int] = {}

    def up_ms(self) -> int:
        return self._cart.now_ms - self._boot_ms

    def access_point(self) -> tuple[str | None, int | None]:
        return self._cart.access_point()

    def battery_mv(self) -> int:
        return 5000

    def temperature_c(self) -> int:
        return 24


class QuickCart:
    """One cart with `settings` on `board`; it lives in `world`, and its flash outlives its boots.

    Times are ms since the start of the whole. It is moved by `wake` at `next_ms`, by `befall`, and
    by what reaches it: `obey`, `broker_gone`, `broker_back`.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        board: Board,
        batteries: Batteries,
        broker: Broker,
        world: World,
    ) -> None:
        self.id: str = settings["cart"]
        self.world, self.batteries, self.files = world, batteries, Drawer()
        self.now_ms = 0
        self.next_ms = NEVER_MS
        self.on = False
        self.boot_ms = 0
        self.told: list[Told] | None = None  # where somebody listens
        self._settings, self._board, self._broker = settings, board, broker
        self._topics = {kind: contract.topic(self.id, kind) for kind in contract.MESSAGES}
        self._each = board.slots // len(board.banks)

    # What befalls it

    def switch_on(self, now_ms: int, told_s: int | None = None) -> None:
        """The controller boots: a new number, no idea of the time, and what its flash has kept.

        With `told_s` somebody (a time server) tells it that epoch second.
        """
        self.now_ms = self.boot_ms = now_ms
        self.on, self.online = True, False
        self._journal = journal = Journal(self.files)
        self.outbox = Outbox(self._settings["outbox_events"], journal)
        self.boot = next_boot(self.files, journal.last_boot)
        self.keeper = TimeKeeper()
        if told_s is not None:
            self.keeper.set(told_s, 0)
        ports: Any = _Ports(self, now_ms)
        self._reporter = Reporter(
            self.boot, self._board, self._settings, self.keeper, self.outbox, ports, ports, ports,
            ports,
        )  # fmt: skip
        self._reporter.abilities = ABILITIES
        self.sensors = QuickSensors(
            self._board, self.world, self.batteries, now_ms, self._settings["scan_ms"], self._event
        )
        self._backoff = Backoff(1000, 60000, sum(self.id.encode()))
        self._try_ms = now_ms + UP_MS
        self._report_ms = now_ms + UP_MS + self._settings["report_s"] * 1000
        self._beat_ms = self._beat_after(now_ms) if len(journal) else NEVER_MS
        self._plan()

    def switch_off(self, now_ms: int) -> None:
        """The controller has no power: what was in RAM is gone."""
        self.now_ms, self.on, self.online, self.next_ms = now_ms, False, False, NEVER_MS

    def befall(self, now_ms: int, aspect: str, numbers: list[int], good: bool) -> None:
        """From `now_ms` on `aspect` of the world is `good` or not at `numbers` (from 0)."""
        self.now_ms = now_ms
        slots = self._slots_of(aspect, numbers)
        if self.on:
            self.sensors.before_change(now_ms - self.boot_ms, slots)
        for i in numbers:
            self.world.good[aspect][i] = good
        charge(self.batteries, self.world, now_ms, slots, self._each)
        if self.on:
            concerned = slots if aspect in FEEDING else numbers
            self.sensors.follow(now_ms - self.boot_ms, aspect, concerned)
            if aspect == "link" and self.online:
                self._try_ms = NEVER_MS if good else now_ms + NOTICED_MS
            self._plan()

    def _slots_of(self, aspect: str, numbers: list[int]) -> list[int]:
        if ASPECTS[aspect] == SLOTS:
            return numbers
        if aspect == "shelf":
            return [b * self._each + i for b in numbers for i in range(self._each)]
        return list(range(self._board.slots)) if aspect == "mains" else []

    def access_point(self) -> tuple[str | None, int | None]:
        """As `cart.rig.Air` has it."""
        good = self.world.good
        if not good["link"][0]:
            return (None, None)
        return HERE if good["place"][0] else THERE

    # What it does

    def wake(self, now_ms: int) -> None:
        """Do what is due at `now_ms`."""
        self.now_ms = now_ms
        up_ms = now_ms - self.boot_ms
        if self.sensors.next_ms <= up_ms:
            self.sensors.look(up_ms, self.access_point()[0])
        if self._beat_ms <= now_ms:
            self.outbox.beat(up_ms)
            self._flush()
            self._beat_ms = NEVER_MS
            self._want_beat()
        if self._report_ms <= now_ms:
            self._report_ms += self._settings["report_s"] * 1000
            self._say("state")
        if self._try_ms <= now_ms:
            self._try()
        self._plan()

    def obey(self, now_ms: int, payload: bytes) -> None:
        """Carry out and answer a command of the hub: the time, and where its numbers stand."""
        if not self.online or not self.world.good["link"][0]:
            return
        self.now_ms = now_ms
        command = contract.decode(self._topics["cmd"], "cmd", payload)
        if command["cmd"] != "time":
            return
        self.keeper.set(command["at_s"], now_ms - self.boot_ms)
        if self._reached():  # the hub knows by the answer how this boot's clock stands
            self._publish("reply", self._reporter.reply(command["id"], ""))
        heard = command.get("boot", 0)
        if heard > self.boot:
            self.files.write(BOOT, b"%d" % heard)
            self.outbox.keep()
            self.switch_on(now_ms)

    def broker_gone(self, now_ms: int) -> None:
        """The broker has ended all connections."""
        if self.on and self.online:
            self.now_ms = now_ms
            self._lose()
            self._plan()

    def _event(self, kind: str, index: int, value: str, was: str, current_ma: int | None) -> None:
        if self.told is not None:
            self.told.append((self.now_ms, kind, index, value, was))
        waiting = len(self.outbox)
        self._reporter.event(kind, index, value, was, current_ma)
        if self.online and self._reached():
            self._flush()
        if len(self.outbox) and (not waiting or self._beat_ms == NEVER_MS):
            self._want_beat()

    def _want_beat(self) -> None:
        if not len(self.outbox):
            return
        after_ms = self.now_ms if self.online else self.now_ms + KEEP_MS - 1
        if self.online or self._unkept():
            self._beat_ms = min(self._beat_ms, self._beat_after(after_ms))

    def _unkept(self) -> bool:
        """Whether events wait in RAM for the journal."""
        return len(self.outbox) > len(self._journal)

    def _beat_after(self, now_ms: int) -> int:
        up_ms = max(0, now_ms - self.boot_ms - UP_MS)
        return self.boot_ms + UP_MS + (up_ms // BEAT_MS + 1) * BEAT_MS

    def _reached(self) -> bool:
        """Whether what is sent now arrives; if not, that is noticed at once."""
        if self._broker.up and self.world.good["link"][0]:
            return True
        self._lose()
        return False

    def _lose(self) -> None:
        self.online = False
        self._try_ms = self.now_ms + self._backoff.next_ms()
        self._want_beat()

    def _try(self) -> None:
        if self.online:  # a ping without an answer
            self._try_ms = NEVER_MS
            self._reached()
        elif not (self._broker.up and self.world.good["link"][0]):
            self._try_ms = self.now_ms + self._backoff.next_ms()
        else:
            self.online, self._try_ms = True, NEVER_MS
            self._publish("link", self._reporter.link("online"))
            for kind in ("hello", "state"):
                self._say(kind)
            self._backoff.reset()
            self.outbox.connected()
            self._flush()
            self._want_beat()

    def _say(self, kind: str) -> None:
        if self.online and self._reached():
            if kind == "hello":
                self._publish(kind, self._reporter.hello())
            else:
                self.sensors.snapshot(self.now_ms - self.boot_ms)
                sensors: Any = self.sensors
                self._publish(kind, self._reporter.state(sensors))

    def _publish(self, kind: str, body: dict[str, Any]) -> None:
        # Not checked here against the table of the contract: the hub does, and refuses what breaks
        # it, and a cart that was refused would soon be silent.
        self._broker.publish(self._topics[kind], encode(body), contract.TOPICS[kind][1])

    def _flush(self) -> None:
        """Hand the broker what the outbox gives."""
        while self.online and (events := self.outbox.due(WINDOW)):
            if not self._reached():
                return
            for event in events:
                self._reporter.date(event)
                self._publish("event", event)
                self.outbox.leave(event["seq"])

    def _plan(self) -> None:
        self.next_ms = min(
            self.boot_ms + self.sensors.next_ms, self._beat_ms, self._report_ms, self._try_ms
        )
