"""Everything the cart senses: scans the chips and pins, steps the tables, says what changed.

A chip that goes on failing makes its bank faulty, and nothing else: the other chips are read as
before, and the dead one is probed and set up again with back-off. What a dead chip hides is said
right behind its bank's fault. Should a chip hold the bus down, its bank is left at once and the mux
is reset, which shuts the bank out (TI SCPS207, section 8.4.1): every try costs the whole timeout.
"""

from homeslot import const
from homeslot.app.bank import Bank
from homeslot.core.inputs import NAMES, Input
from homeslot.core.place import Place
from homeslot.core.slots import Slot
from homeslot.drivers.tca9548a import TCA9548A

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot import board as boards
    from homeslot.ports import Bus, Pins

    Changed = Callable[[str, int, str, str, int | None], None]
    AccessPoint = Callable[[], tuple[str | None, int | None]]

_LOCATE_MS = const(10000)


class Sensors:
    """The cart's senses on `bus` and `pins` as `board` lays them out.

    `changed(kind, index, value, was, current_ma)` is called for each change after `announce`.
    `current_ma` has one entry per slot, None where it could not be measured. `access_point` is that
    of ports.Network.
    """

    def __init__(
        self,
        board: "boards.Board",
        bus: "Bus",
        pins: "Pins",
        changed: "Changed",
        access_point: "AccessPoint",
    ) -> None:
        self._thresholds = board.thresholds
        self._pins = pins
        self._changed = changed
        self._access_point = access_point
        self._announcing = False
        self._mux = TCA9548A(bus, board.mux_address)
        self.slots = [Slot() for _ in range(board.slots)]
        self.current_ma: "list[int | None]" = [None] * board.slots
        self._banks: "list[Bank]" = []
        first = 0
        for bank in board.banks:
            self._banks.append(Bank(bus, bank, board, self.slots, self.current_ma, first))
            first += len(bank.inputs)
        self.banks = ["unknown"] * len(self._banks)
        self.inputs = {name: Input(name) for name in NAMES}
        self.place = Place()
        self._locate_ms = 0
        self._moving = 0  # mask of the banks with a switch that moves
        self._inputs_move = False
        self.bus_errors = 0
        self.scanned_ms = 0

    @property
    def bouncing(self) -> bool:
        """A switch moved and has not come to rest: `look` again soon."""
        return self._moving != 0 or self._inputs_move

    def announce(self) -> None:
        """From now on say what changes; what was found at start is told by the first snapshot."""
        self._announcing = True

    def look(self, now_ms: int) -> None:
        """A closer look at uptime `now_ms`: at the banks with a switch that moves, and at all while
        one of them asks for it. A bank at rest waits for the next scan.
        """
        moving = self._moving
        self._read_banks(moving, now_ms, False)
        if not self._pins.read("bank_interrupt"):
            self._read_banks(~moving, now_ms, False)
        self._step_inputs(now_ms)

    def scan(self, now_ms: int, currents: bool = True) -> None:
        """Read all switches, and all currents unless told not to, at uptime `now_ms`."""
        self._read_banks(-1, now_ms, currents)
        self._step_inputs(now_ms)
        if now_ms >= self._locate_ms:
            self._locate_ms = now_ms + _LOCATE_MS
            left = self.place.step(now_ms, self._access_point()[0])
            if left is not None:
                self._say("place", 0, self.place.bssid or "", left, None)

    def _read_banks(self, mask: int, now_ms: int, currents: bool) -> None:
        reached = True
        for b in range(len(self._banks)):
            if mask >> b & 1:
                reached = self._read_bank(b, now_ms, currents, reached)
        if reached and mask:
            try:
                self._mux.off()
            except OSError:
                self.bus_errors += 1

    def _read_bank(self, b: int, now_ms: int, currents: bool, reached: bool) -> bool:
        """Whether the mux still answers."""
        bank = self._banks[b]
        bank.rest()
        if bank.due(now_ms, currents):
            reached = reached and self._reach(bank.channel)
            if reached:
                self._read(bank, now_ms, currents)
            else:
                bank.lose(now_ms)
        word = "ok" if bank.alive() else "faulty"
        if word != self.banks[b]:
            was, self.banks[b] = self.banks[b], word
            self._say("bank", b + 1, word, was, None)
        self._moving &= ~(1 << b)
        if self._step_slots(bank, now_ms):
            self._moving |= 1 << b
        return reached

    def _reach(self, channel: int) -> bool:
        """Connect the bus to `channel`; False when the mux does not answer even after a reset."""
        for _ in range(2):
            try:
                self._mux.select(channel)
            except OSError:
                self.bus_errors += 1
                self._reset_mux()
            else:
                return True
        return False

    def _read(self, bank: Bank, now_ms: int, currents: bool) -> None:
        try:
            self.bus_errors += bank.scan(now_ms, currents)
        except OSError:
            self.bus_errors += 1
            self._reset_mux()
            bank.lose(now_ms)

    def _reset_mux(self) -> None:
        self._pins.write("mux_reset", 0)
        self._pins.write("mux_reset", 1)
        self._mux.was_reset()

    def _step_slots(self, bank: Bank, now_ms: int) -> bool:
        """Whether one of its switches moves."""
        moves = False
        for i in range(bank.count):
            left = bank.step(i, now_ms, self._thresholds)
            i += bank.first
            slot = self.slots[i]
            if left is not None:
                self._say("slot", i + 1, slot.state, left, self.current_ma[i])
            elif slot.bouncing:
                moves = True
        return moves

    def _step_inputs(self, now_ms: int) -> None:
        self.scanned_ms = now_ms
        self._inputs_move = False
        for name in NAMES:
            switch = self.inputs[name]
            left = switch.step(now_ms, self._pins.read(name))
            if left is not None:
                self._say(name, 0, switch.state, left, None)
            elif switch.moving:
                self._inputs_move = True

    def _say(self, kind: str, index: int, value: str, was: str, current_ma: "int | None") -> None:
        if self._announcing:
            self._changed(kind, index, value, was, current_ma)
