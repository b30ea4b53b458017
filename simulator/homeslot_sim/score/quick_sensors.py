"""A cart's senses without polling: the firmware's tables, stepped when their answer can change.

Theory of operation. The firmware looks at every switch and current at a steady beat, and nearly
always learns nothing: between two changes of what is read, a table's answer changes only when the
hold of its pending row runs out. So each table here says when that will be (`due_ms`), each
battery when its current will next be on another level, and only the first look at or after that
moment is taken. Looks are where the firmware has them: six to settle after the boot, then one in
`scan_ms`, and one in 50 ms while a switch moves, beginning with a bank's interrupt.

What is new here is the glue of app.sensors and app.bank, without registers: a bank answers or not.
Conversions are taken to be done at once, and without noise. `replay` holds this beside the firmware
on simulated chips; tests hold `due_ms` beside a table that is stepped all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from homeslot.board import Board
from homeslot.core import slots as table
from homeslot.core.health import Health
from homeslot.core.inputs import NAMES, Input
from homeslot.core.place import Place
from homeslot.core.slots import Slot, level
from homeslot_sim.cart.battery import Batteries, mode_of
from homeslot_sim.cart.body import FOLLOWS
from homeslot_sim.cart.world import World
from homeslot_sim.score.timeline import NEVER_MS

SETTLE_SCANS, SETTLE_MS = 6, 500  # as app.cart has it, like BOUNCE_MS
BOUNCE_MS = 50
ROUGH_MS = 500
LOCATE_MS = 10000  # as app.sensors has it
CHANNELS = 3  # of a current chip, which is read as a whole
FEEDING = ("cable", "load", "flow", "shelf", "mains")  # what a current depends on
Changed = Callable[[str, int, str, str, int | None], None]


class WatchedSlot(Slot):
    """A slot of the firmware that also says when it is to be looked at again."""

    def due_ms(self, now_ms: int, t: dict[str, int]) -> int:
        """The first uptime after `now_ms` at which a step can do something, if readings stay."""
        due_ms = NEVER_MS
        if self._restless_ms is not None:
            unsteady_ms = self._restless_ms + table._UNSTEADY_MS
            due_ms = min(self._moved_ms + t["debounce_ms"], unsteady_ms)
        row = self._row
        if row is not None:
            hold = row[2]
            since_ms = self._moved_ms if hold == "debounce_ms" else self._row_since_ms
            due_ms = min(due_ms, since_ms + t[hold] if hold else now_ms)
        if self._level is table.STRONG and self.state is table.CHARGING and not self._strong:
            due_ms = now_ms  # a strong charge counts from the reading after the one that found it
        return max(due_ms, now_ms + 1)

    def heeds(self, amount: str) -> bool:
        """Whether the current on another level would mean something, the switch being as it is."""
        return self._fitting_row(str(self._seen), amount) is not self._row


class WatchedInput(Input):
    """An input of the firmware that also says when it is to be looked at again."""

    def due_ms(self) -> int:
        """The uptime at which a level that stays will have held; NEVER_MS where nothing moves."""
        return self._since_ms + self._hold_ms if self.moving else NEVER_MS


class WatchedHealth(Health):
    """A health of the firmware that also says when a dead chip is probed."""

    @property
    def probe_ms(self) -> int:
        """The uptime of the next probe."""
        return self._at_ms


class QuickSensors:
    """What a cart on `board` senses of `world` and `batteries`; in place of app.sensors.Sensors.

    All times are uptimes in ms; the batteries' clock shows `boot_ms` more. `changed` is called as
    there. Whoever changes the world calls `before_change`, and then `follow`; whoever waits for
    something to happen waits until `next_ms`, and calls `look`.
    """

    def __init__(
        self,
        board: Board,
        world: World,
        batteries: Batteries,
        boot_ms: int,
        scan_ms: int,
        changed: Changed,
    ) -> None:
        self._t = board.thresholds
        self._shunt_mohm = board.shunt_mohm
        self._world, self._batteries, self._boot_ms = world, batteries, boot_ms
        self._scan_ms = scan_ms
        self._settled_ms = SETTLE_SCANS * SETTLE_MS
        self._changed = changed
        self.slots = [WatchedSlot() for _ in range(board.slots)]
        self.current_ma: list[int | None] = [None] * board.slots
        self._steady_ms = [0] * board.slots  # until when that of the last snapshot stays
        self._turned_ms = [0] * board.slots  # when it last turned: before that nobody knows it
        self.banks = ["unknown"] * len(board.banks)
        self.inputs = {name: WatchedInput(name) for name in NAMES}
        self.place = Place()
        self.scanned_ms = 0
        self._bank_of = [b for b, bank in enumerate(board.banks) for _ in bank.inputs]
        self._chip_of = [n // CHANNELS for bank in board.banks for n in range(len(bank.inputs))]
        self._slots_of = [
            [i for i, of in enumerate(self._bank_of) if of == b] for b in range(len(board.banks))
        ]
        self._switches = [WatchedHealth() for _ in board.banks]
        self._currents = [WatchedHealth() for _ in board.banks]
        self._due_ms = [0] * board.slots
        self._slots_due_ms = [0] * len(board.banks)  # the earliest of each bank
        self._bank_due_ms = [0] * len(board.banks)
        self._input_due_ms = dict.fromkeys(NAMES, 0)
        self._place_due_ms = 0
        self._forgot: set[int] = set()  # banks whose chips have lost what they were told
        self._moving: set[int] = set()  # banks with a switch that moves
        self._interrupted: set[int] = set()  # banks with a switch that has moved, not yet read
        self._inputs_move = False
        self._look_ms = NEVER_MS  # the next closer look
        self.next_ms = 0

    # What the world does

    def before_change(self, now_ms: int, slots: Iterable[int]) -> None:
        """The current of `slots` (from 0) is about to turn: the last scan's is kept for looks."""
        scan_ms = self._last_scan_ms(now_ms)
        for i in slots:
            self._steady_ms[i] = 0
            if self.current_ma[i] is not None and self._turned_ms[i] <= scan_ms:
                self.current_ma[i] = self._measured_ma(i, scan_ms)
            self._turned_ms[i] = now_ms

    def follow(self, now_ms: int, aspect: str, numbers: Sequence[int]) -> None:
        """The world has changed in `aspect` at `numbers` (from 0; of the cart: nothing)."""
        if aspect in ("device", "switch"):
            for i in numbers:
                b = self._bank_of[i]
                self._due_ms[i] = now_ms
                watched = self.banks[b] == "ok" and b not in self._forgot
                if watched and now_ms >= self._settled_ms:
                    self._interrupted.add(b)
                    if self._look_ms == NEVER_MS:
                        self._look_ms = now_ms
                self._slots_due_ms[b] = now_ms
        elif aspect in FEEDING:
            for i in numbers:
                self._due_ms[i] = now_ms
                self._slots_due_ms[self._bank_of[i]] = now_ms
        elif aspect == "bank":
            for b in numbers:
                if not self._world.good["bank"][b]:
                    self._forgot.add(b)
                    self._interrupted.discard(b)
                if self._switches[b].alive:
                    self._bank_due_ms[b] = now_ms
        elif aspect in ("place", "link"):
            self._place_due_ms = min(self._place_due_ms, self._locate_at_ms(now_ms))
        for name, of in FOLLOWS.items():
            if of == aspect:
                self._input_due_ms[name] = now_ms
        self._plan(now_ms - 1)

    # What the firmware does

    def look(self, now_ms: int, bssid: str | None) -> None:
        """The look that is due at `now_ms`: a scan of everything or a closer look."""
        scan = self._scan_at_ms(now_ms) == now_ms
        if scan or self._interrupted:  # the banks share one line
            banks: Iterable[int] = range(len(self.banks))
        else:
            banks = sorted(self._moving)
        self.scanned_ms = now_ms
        for b in banks:
            if self._slots_due_ms[b] <= now_ms or self._bank_due_ms[b] <= now_ms:
                self._look_at(b, now_ms, scan)
            else:
                self._interrupted.discard(b)
        self._look_at_inputs(now_ms)
        if scan and now_ms >= self._place_due_ms:
            self._locate(now_ms, bssid)
        if now_ms >= self._settled_ms:
            bouncing = self._moving or self._inputs_move
            if not scan or self._look_ms <= now_ms or self._look_ms == NEVER_MS:
                self._look_ms = now_ms + BOUNCE_MS if bouncing else NEVER_MS
        self._plan(now_ms)

    def snapshot(self, now_ms: int) -> None:
        """Bring `current_ma` and `scanned_ms` to the last scan before `now_ms`."""
        self.scanned_ms = scan_ms = self._last_scan_ms(now_ms)
        for i, known in enumerate(self.current_ma):
            if self._steady_ms[i] > scan_ms or self._turned_ms[i] > scan_ms:
                continue
            if known is not None:
                self.current_ma[i] = self._measured_ma(i, scan_ms)
                steady_ms = self._batteries.steady_ms(i, scan_ms + self._boot_ms)
                self._steady_ms[i] = NEVER_MS if steady_ms is None else steady_ms - self._boot_ms

    def _look_at(self, b: int, now_ms: int, scan: bool) -> None:
        self._interrupted.discard(b)
        switches, currents = self._switches[b], self._currents[b]
        mine = self._slots_of[b]
        answers = self._world.good["bank"][b]
        # It was away for so short that nobody has set it up again: its switches are not believed.
        refused = answers and switches.alive and b in self._forgot
        fresh = False  # set up just now, nothing measured yet
        if answers and switches.alive and currents.alive and not refused:
            if self._bank_due_ms[b] <= now_ms:  # it did not answer for a moment
                switches.answered()
                currents.answered()
                self._bank_due_ms[b] = NEVER_MS
                for i in mine:
                    self._due_ms[i] = now_ms
        else:
            if not answers:
                for health in (switches, currents):
                    if health.due(now_ms) and (scan or health is switches):
                        health.failed(now_ms)
            elif refused:
                switches.failed(now_ms)
                if scan and currents.alive:
                    currents.answered()
            elif switches.due(now_ms) and not switches.alive:
                self._forgot.discard(b)
                switches.answered()
                currents.doubt()
                fresh = True
            elif switches.alive and scan:
                switches.answered()
                currents.answered()
                for i in mine:
                    self.current_ma[i] = self._measured_ma(i, now_ms)
            if not currents.alive and not fresh:
                for i in mine:
                    self.current_ma[i], self._steady_ms[i] = None, 0
            self._say_bank(b, switches.alive and currents.alive)
            for i in mine:
                self._due_ms[i] = now_ms
            probe_ms = switches.probe_ms if not switches.alive else now_ms + 1
            self._bank_due_ms[b] = NEVER_MS if switches.alive and currents.alive else probe_ms
            if (refused or not answers) and switches.alive:
                for i in mine:
                    self.slots[i].miss(now_ms)
                    self._due_ms[i] = NEVER_MS
                self._slots_due_ms[b] = NEVER_MS
                self._bank_due_ms[b] = now_ms + 1
                self._rest(b)
                return
        read = None if scan else {self._chip_of[i] for i in mine if self._opened(i)}
        for i in mine:
            if self._due_ms[i] <= now_ms:
                self._step(i, b, now_ms, read is None or self._chip_of[i] in read)
        self._slots_due_ms[b] = min(self._due_ms[i] for i in mine)
        self._rest(b)

    def _rest(self, b: int) -> None:
        """Note whether a switch of bank `b` moves."""
        if any(self.slots[i].bouncing for i in self._slots_of[b]):
            self._moving.add(b)
        else:
            self._moving.discard(b)

    def _say_bank(self, b: int, alive: bool) -> None:
        word = "ok" if alive else "faulty"
        was = self.banks[b]
        if word != was:
            self.banks[b] = word
            self._say("bank", b + 1, word, was, None)

    def _closed(self, i: int) -> bool:
        return self._world.good["device"][i] and self._world.good["switch"][i]

    def _opened(self, i: int) -> bool:
        """Whether a closer look reads the current of slot `i`, and with it those of its chip."""
        return not self._closed(i) and self.slots[i].state is not table.EMPTY

    def _step(self, i: int, b: int, now_ms: int, read: bool) -> None:
        slot = self.slots[i]
        closed = self._closed(i) if self._switches[b].alive else None
        dead = not self._currents[b].alive
        measured = read and self._world.good["bank"][b] and not dead
        if measured:
            self.current_ma[i] = self._measured_ma(i, now_ms)
        blind = dead and not self._switches[b].alive
        left = slot.step(now_ms, closed, self.current_ma[i], self._t, measured or blind)
        if left is not None:
            self._say("slot", i + 1, slot.state, left, self.current_ma[i])
        due_ms = slot.due_ms(now_ms, self._t)
        if measured:
            due_ms = min(due_ms, self._next_level_ms(i, now_ms, due_ms))
        elif blind:
            due_ms = NEVER_MS
        else:
            due_ms = min(due_ms, self._scan_at_ms(now_ms + 1))
        self._due_ms[i] = due_ms

    def _look_at_inputs(self, now_ms: int) -> None:
        self._inputs_move = False
        for name, due_ms in self._input_due_ms.items():
            switch = self.inputs[name]
            if due_ms <= now_ms:
                good = name not in FOLLOWS or self._world.good[FOLLOWS[name]][0]
                left = switch.step(now_ms, 0 if good else 1)
                if left is not None:
                    self._say(name, 0, switch.state, left, None)
                self._input_due_ms[name] = switch.due_ms()
            self._inputs_move = self._inputs_move or switch.moving

    def _locate(self, now_ms: int, bssid: str | None) -> None:
        left = self.place.step(now_ms, bssid)
        if left is not None:
            self._say("place", 0, self.place.bssid or "", left, None)
        settled = bssid is None or bssid == self.place.bssid
        self._place_due_ms = NEVER_MS if settled else self._locate_at_ms(now_ms + 1)

    def _say(self, kind: str, index: int, value: str, was: str, current_ma: int | None) -> None:
        if self.scanned_ms >= self._settled_ms:
            self._changed(kind, index, value, was, current_ma)

    # When

    def _plan(self, now_ms: int) -> None:
        """Set `next_ms`: the first look after `now_ms` that can find something."""
        want_ms = min(
            min(self._slots_due_ms),
            min(self._bank_due_ms),
            min(self._input_due_ms.values()),
            self._place_due_ms,
        )
        scan_ms = self._scan_at_ms(max(want_ms, now_ms + 1)) if want_ms < NEVER_MS else NEVER_MS
        look_ms = self._look_ms
        if look_ms < NEVER_MS:
            soon_ms = NEVER_MS
            if self._inputs_move:
                soon_ms = min(self._input_due_ms.values())
            for b in self._moving | self._interrupted:
                soon_ms = min(soon_ms, self._slots_due_ms[b], self._bank_due_ms[b])
            if soon_ms == NEVER_MS:
                look_ms = NEVER_MS
            elif soon_ms > look_ms:
                look_ms += -(-(soon_ms - look_ms) // BOUNCE_MS) * BOUNCE_MS
        self.next_ms = min(scan_ms, look_ms)

    def _scan_at_ms(self, at_ms: int) -> int:
        """The first scan at or after `at_ms`."""
        if at_ms <= self._settled_ms - SETTLE_MS:
            return -(-at_ms // SETTLE_MS) * SETTLE_MS
        beats = -(-max(0, at_ms - self._settled_ms) // self._scan_ms)
        return self._settled_ms + beats * self._scan_ms

    def _locate_at_ms(self, at_ms: int) -> int:
        """The first scan at or after `at_ms` that asks for the access point."""
        first_ms = self._scan_at_ms(LOCATE_MS)
        every_ms = -(-LOCATE_MS // self._scan_ms) * self._scan_ms
        return first_ms + max(0, -(-(at_ms - first_ms) // every_ms)) * every_ms if at_ms else 0

    def _last_scan_ms(self, now_ms: int) -> int:
        """The last scan at or before `now_ms`."""
        if now_ms < self._settled_ms:
            return min(now_ms // SETTLE_MS * SETTLE_MS, self._settled_ms - SETTLE_MS)
        return now_ms - (now_ms - self._settled_ms) % self._scan_ms

    # Currents

    def _measured_ma(self, i: int, now_ms: int) -> int:
        """What the current chip makes of the current of slot `i`: steps of 40 uV (INA3221)."""
        ma = self._batteries.current_ma(i, now_ms + self._boot_ms)
        steps = (ma * self._shunt_mohm + 20) // 40
        return (steps * 40 + self._shunt_mohm // 2) // self._shunt_mohm

    def _next_level_ms(self, i: int, now_ms: int, until_ms: int) -> int:
        """When to measure slot `i` next: before its current is on a level that its table heeds.

        At most ROUGH_MS too early, and never too late. NEVER_MS when that is not before `until_ms`.
        """
        batteries = self._batteries
        at_ms = now_ms
        for _ in range(4):  # the taper, a top-up and the rest after it; then it begins again
            turn_ms = batteries.turn_ms(i, at_ms + self._boot_ms)
            if turn_ms is None:
                return NEVER_MS
            turn_ms -= self._boot_ms
            high_ms = min(turn_ms - 1, until_ms)
            if self._heeds(i, high_ms):
                while high_ms - at_ms > ROUGH_MS:  # within a course the current only falls
                    middle_ms = (at_ms + high_ms) // 2
                    if self._heeds(i, middle_ms):
                        high_ms = middle_ms
                    else:
                        at_ms = middle_ms
                return at_ms + 1
            if turn_ms >= until_ms:
                return NEVER_MS
            if self._heeds(i, turn_ms):
                return turn_ms
            at_ms = turn_ms
        return NEVER_MS

    def _heeds(self, i: int, at_ms: int) -> bool:
        return self.slots[i].heeds(level(self._measured_ma(i, at_ms), self._t))


def charge(
    batteries: Batteries, world: World, now_ms: int, slots: Iterable[int], each: int
) -> None:
    """Let the batteries of `slots` (from 0) follow the world at `now_ms`, `each` slots a bank."""
    for i in slots:
        batteries.switch(i, now_ms, mode_of(world.good, i, i // each))
