"""One bank board: its chips, how far each is to be believed, and the slots they see."""

import errno

from homeslot import const
from homeslot.core.health import Health
from homeslot.core.slots import EMPTY
from homeslot.drivers import WrongChip
from homeslot.drivers.ina3221 import INA3221
from homeslot.drivers.mcp23017 import MCP23017

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot import board as boards
    from homeslot.core.slots import Slot
    from homeslot.ports import Bus

_FROZEN_MS = const(1000)  # every board's conversion is shorter: the lint of board files sees to it


class Bank:
    """The bank `bank` of `board` on `bus`.

    Its slots are those of `slots`, a list of core.slots.Slot for the whole cart, from index `first`
    on; so are its currents in `current_ma`, in mA with None for what is not measured.

    A reading that failed is no reading: what was read before stands, and changes nothing, until the
    chip is dead. Then what it sees is not known.
    """

    def __init__(
        self,
        bus: "Bus",
        bank: "boards.Bank",
        board: "boards.Board",
        slots: "list[Slot]",
        current_ma: "list[int | None]",
        first: int,
    ) -> None:
        self.channel = bank.channel
        self.first = first
        self.count = len(bank.inputs)
        self._slots = slots
        self._inputs = bank.inputs
        self._closed = 0  # mask of closed switches, as last read
        self._read = False  # whether that was just now
        self._current_ma = current_ma
        self._switches = MCP23017(bus, bank.presence_address)
        self._switches_health = Health()
        self._currents = [
            INA3221(bus, address, board.shunt_mohm, board.current_config)
            for address in bank.current_addresses
        ]
        self._currents_health = [Health() for _ in self._currents]
        # When each was last seen to convert, or set up for it; None: it is dead.
        self._converted_ms: "list[int | None]" = [None for _ in self._currents]
        self._measured = 0  # mask of those whose currents were read just now

    def alive(self) -> bool:
        """True when every chip of the bank answers and works."""
        return self._switches_health.alive and all(h.alive for h in self._currents_health)

    def due(self, now_ms: int, currents: bool) -> bool:
        """True when a chip should be spoken to now: between probes a dead bank is left alone."""
        return self._switches_health.due(now_ms) or (
            currents and any(health.due(now_ms) for health in self._currents_health)
        )

    def rest(self) -> None:
        """Nothing is read this time."""
        self._read = False
        self._measured = 0

    def scan(self, now_ms: int, currents: bool) -> int:
        """Read the switches and, if asked, the currents. Returns how often a chip failed.

        The current of a slot whose switch has opened is read in any case: a device that draws has
        not gone. Raises OSError when the bus is held down: no chip behind it can be read then.
        """
        errors, again = self._scan_switches(now_ms)
        for c in range(len(self._currents)):
            if currents or again or self._opened(c):
                errors += self._scan_currents(c, now_ms)
        return errors

    def lose(self, now_ms: int) -> None:
        """The bank is out of reach: every chip failed."""
        if self._switches_health.due(now_ms):
            self._switches_health.failed(now_ms)
        for c in range(len(self._currents)):
            if self._currents_health[c].due(now_ms):
                self._fail(c, now_ms)

    def step(self, i: int, now_ms: int, thresholds: "dict[str, int]") -> "str | None":
        """Give slot `i` (from 0) of the bank what was read of it; see Slot.step."""
        slot = self._slots[self.first + i]
        closed = None
        if self._switches_health.alive:
            if not self._read:
                slot.miss(now_ms)
                return None
            closed = self._closed >> self._inputs[i] & 1 == 1
        c = i // 3
        dead = self._converted_ms[c] is None
        current_ma = self._current_ma[self.first + i]
        return slot.step(
            now_ms, closed, current_ma, thresholds, dead or self._measured >> c & 1 == 1
        )

    def _opened(self, c: int) -> bool:
        if self._read:
            for i in range(3 * c, min(3 * c + 3, self.count)):
                closed = self._closed >> self._inputs[i] & 1
                if not closed and self._slots[self.first + i].state is not EMPTY:
                    return True
        return False

    def _scan_switches(self, now_ms: int) -> "tuple[int, bool]":
        """(how often the chip failed, whether it was set up again)."""
        health = self._switches_health
        if not health.due(now_ms):
            return 0, False
        again = not health.alive
        try:
            if again:
                self._switches.setup()
            self._closed = self._switches.read()
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                raise
            health.failed(now_ms)
            return 1, False
        health.answered()
        self._read = True
        if again:  # the others share its supply, and would not say what they forgot
            for c in range(len(self._currents)):
                self._currents_health[c].doubt()
                self._converted_ms[c] = None
        return 0, again

    def _scan_currents(self, c: int, now_ms: int) -> int:
        health, chip, since_ms = self._currents_health[c], self._currents[c], self._converted_ms[c]
        if not health.due(now_ms):
            return 0
        try:
            if since_ms is None:
                chip.setup()
                self._converted_ms[c] = now_ms
            elif chip.converted():
                first = self.first + 3 * c
                for channel in range(min(3, self.count - 3 * c)):
                    self._current_ma[first + channel] = chip.current_ma(channel)
                self._converted_ms[c] = now_ms
                self._measured |= 1 << c
                health.answered()
            elif now_ms - since_ms >= _FROZEN_MS:
                raise WrongChip(chip.address, "conversion ready", 1, 0)
        except OSError as error:
            if error.errno == errno.ETIMEDOUT:
                raise
            self._fail(c, now_ms)
            return 1
        return 0

    def _fail(self, c: int, now_ms: int) -> None:
        health = self._currents_health[c]
        health.failed(now_ms)
        if not health.alive:
            self._converted_ms[c] = None
            for i in range(3 * c, min(3 * c + 3, self.count)):
                self._current_ma[self.first + i] = None
