"""Everything the cart senses: scans the chips and pins, steps the tables, says what changed.

A reading that fails is no reading (None) at once; the slot table debounces that like any other. A
chip that goes on failing makes its bank faulty, and nothing else: the other chips are read as
before, and the dead one is probed and set up again with back-off. Should it hold the bus down, the
mux is reset, which shuts its bank out (TI SCPS207, section 8.4.1).
"""

from homeslot.core.health import Health
from homeslot.core.inputs import INPUTS, Input
from homeslot.core.slots import Slot
from homeslot.drivers.ina3221 import INA3221
from homeslot.drivers.mcp23017 import MCP23017
from homeslot.drivers.tca9548a import TCA9548A

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot import board as boards
    from homeslot.ports import Bus, Pins

    Changed = Callable[[str, int, str, str, int | None], None]


class Sensors:
    """The cart's senses on `bus` and `pins` as `board` lays them out.

    `changed(kind, index, value, was, current_ma)` is called for each change after `announce`.
    `current_ma` has one entry per slot, None where it could not be measured.
    """

    def __init__(self, board: "boards.Board", bus: "Bus", pins: "Pins", changed: "Changed") -> None:
        self._thresholds = board.thresholds
        self._pins = pins
        self._changed = changed
        self._announcing = False
        self._mux = TCA9548A(bus, board.mux_address)
        self.slots = [Slot() for _ in range(board.slots)]
        self.current_ma: "list[int | None]" = [None] * board.slots
        self._banks: "list[_Bank]" = []
        first = 0
        for bank in board.banks:
            self._banks.append(_Bank(bus, bank, board, self.current_ma, first))
            first += len(bank.inputs)
        self.banks = ["unknown"] * len(self._banks)
        self.inputs = {name: Input(name) for name in INPUTS}
        self.bouncing = False  # a slot's switch moved and has not come to rest
        self.bus_errors = 0
        self.scanned_ms = 0

    def announce(self) -> None:
        """From now on say what changes; what was found at start is told by the first snapshot."""
        self._announcing = True

    def scan(self, now_ms: int, currents: bool = True) -> None:
        """Read all switches, and all currents unless told not to, at uptime `now_ms`."""
        for b in range(len(self._banks)):
            bank = self._banks[b]
            if bank.due(now_ms, currents):
                if self._reach(bank.channel):
                    self.bus_errors += bank.scan(now_ms, currents)
                else:
                    bank.lose(now_ms)
            word = "ok" if bank.alive() else "faulty"
            if word != self.banks[b]:
                was, self.banks[b] = self.banks[b], word
                self._say("bank", b + 1, word, was, None)
        try:
            self._mux.off()
        except OSError:
            self.bus_errors += 1
        self.scanned_ms = now_ms
        self._step_slots(now_ms)
        for name, switch in self.inputs.items():
            left = switch.step(now_ms, self._pins.read(name))
            if left is not None:
                self._say(name, 0, switch.state, left, None)

    def _reach(self, channel: int) -> bool:
        """Connect the bus to `channel`; False when the mux does not answer even after a reset."""
        for _ in range(2):
            try:
                self._mux.select(channel)
            except OSError:
                self.bus_errors += 1
                self._pins.write("mux_reset", 0)
                self._pins.write("mux_reset", 1)
            else:
                return True
        return False

    def _step_slots(self, now_ms: int) -> None:
        self.bouncing = False
        thresholds = self._thresholds
        i = 0
        for bank in self._banks:
            for bit in bank.inputs:
                closed = None if bank.closed is None else bank.closed >> bit & 1 == 1
                current_ma = self.current_ma[i]
                slot = self.slots[i]
                i += 1
                left = slot.step(now_ms, closed, current_ma, thresholds)
                if left is not None:
                    self._say("slot", i, slot.state, left, current_ma)
                elif slot.bouncing:
                    self.bouncing = True

    def _say(self, kind: str, index: int, value: str, was: str, current_ma: "int | None") -> None:
        if self._announcing:
            self._changed(kind, index, value, was, current_ma)


class _Bank:
    """One bank's chips, each with its own health, and what its switches last said.

    Its currents go to `current_ma`, a list in mA, from index `first` on.
    """

    def __init__(
        self,
        bus: "Bus",
        bank: "boards.Bank",
        board: "boards.Board",
        current_ma: "list[int | None]",
        first: int,
    ) -> None:
        self.channel = bank.channel
        self.inputs = bank.inputs
        self.closed: "int | None" = None  # mask of closed switches, None while not known
        self._current_ma = current_ma
        self._first = first
        self._switches = MCP23017(bus, bank.presence_address)
        self._currents = [
            INA3221(bus, address, board.shunt_mohm, board.current_config)
            for address in bank.current_addresses
        ]
        self._switches_health = Health()
        self._currents_health = [Health() for _ in self._currents]

    def alive(self) -> bool:
        """True when every chip of the bank answers."""
        return self._switches_health.alive and all(h.alive for h in self._currents_health)

    def due(self, now_ms: int, currents: bool) -> bool:
        """True when a chip should be spoken to now: between probes a dead bank is left alone."""
        return self._switches_health.due(now_ms) or (
            currents and any(health.due(now_ms) for health in self._currents_health)
        )

    def scan(self, now_ms: int, currents: bool) -> int:
        """Read the bank's switches and, if asked, its currents. Returns how often a chip failed."""
        errors = self._scan_switches(now_ms)
        if currents:
            for c in range(len(self._currents)):
                errors += self._scan_currents(c, now_ms)
        return errors

    def _scan_switches(self, now_ms: int) -> int:
        health = self._switches_health
        if not health.due(now_ms):
            return 0
        try:
            if not health.alive:
                self._switches.setup()
                for current in self._currents_health:
                    current.doubt()  # they share its supply, and would not say what they forgot
            self.closed = self._switches.read()
        except OSError:
            health.failed(now_ms)
            self.closed = None
            return 1
        health.answered()
        return 0

    def _scan_currents(self, c: int, now_ms: int) -> int:
        health = self._currents_health[c]
        if not health.due(now_ms):
            return 0
        chip = self._currents[c]
        try:
            if not health.alive:
                chip.setup()  # its first conversion is there at the next scan
            else:
                first = self._first + 3 * c
                for channel in range(min(3, len(self.inputs) - 3 * c)):
                    self._current_ma[first + channel] = chip.current_ma(channel)
        except OSError:
            health.failed(now_ms)
            self._forget(c)
            return 1
        health.answered()
        return 0

    def lose(self, now_ms: int) -> None:
        """The bank is out of reach: every chip failed, and nothing is known."""
        for health in [self._switches_health] + self._currents_health:
            if health.due(now_ms):
                health.failed(now_ms)
        self.closed = None
        for c in range(len(self._currents)):
            self._forget(c)

    def _forget(self, c: int) -> None:
        for i in range(3 * c, min(3 * c + 3, len(self.inputs))):
            self._current_ma[self._first + i] = None
