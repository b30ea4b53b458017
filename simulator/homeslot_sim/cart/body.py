"""The cart's body: the board's chips and pins, wired to the simulated world.

The firmware sees only what a real controller would see: registers over the bus, levels at pins.
"""

from homeslot_sim.cart.battery import Batteries, mode_of
from homeslot_sim.chips.bus import Bus
from homeslot_sim.chips.ina3221 import INA3221, Noise
from homeslot_sim.chips.mcp23017 import MCP23017
from homeslot_sim.chips.tca9548a import TCA9548A

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeslot.board import Bank, Board
    from homeslot_sim.cart.world import World
    from homeslot_sim.chips.bus import Chip

# Pins whose switch pulls to ground while an aspect of the world is good.
FOLLOWS = {"door": "door", "bolt": "bolt", "mains": "mains"}


def batteries(slots: int, seed: int) -> Batteries:
    """New batteries: half full to nearly full, and no two quite alike."""
    return Batteries(
        8000,
        [4000 + (i * 37 + seed * 11) % 40 * 100 for i in range(slots)],
        [1500 + (i * 7 + seed) % 8 * 100 for i in range(slots)],
    )


class Body:
    """Chips, batteries and pins of one cart on `board` (homeslot.board.Board), as `world` has it.

    It is the firmware's Pins port and holds its `bus`; `chips` are those of each bank by address,
    `cells` the batteries.
    `on_level(name, level)`, when set, is called for each input that changes. `up_ms` is a callable
    for the simulated time; `seed` makes the batteries and the noise of this cart its own, of up to
    `noise_steps` of 40 uV; `bus` may be one with faults, `cells` may have a past.
    """

    def __init__(
        self,
        board: "Board",
        world: "World",
        up_ms: "Callable[[], int]",
        seed: int,
        bus: "Bus | None" = None,
        cells: "Batteries | None" = None,
        noise_steps: int = 1,
    ) -> None:
        self._board = board
        self._world = world
        self._up_ms = up_ms
        self.on_level: "Callable[[str, int], None] | None" = None
        self._on_fall: "dict[str, Callable[[], None]]" = {}
        self._levels: "dict[str, int]" = {"bank_interrupt": 1, "tamper": 0, "button": 1}
        self.driven: "dict[str, int]" = {}  # outputs, as the firmware drives them
        self._asserted: "set[int]" = set()
        self._jammed: "dict[int, int | None]" = {}  # levels of the switches that lie
        self.cells = cells or batteries(board.slots, seed)
        noise = Noise(seed, noise_steps)
        self.bus = bus or Bus()
        self._mux = TCA9548A()
        self.bus.attach(board.mux_address, self._mux)
        self._switches: "list[MCP23017]" = []
        self.chips: "list[dict[int, Chip]]" = []
        first = 0
        for bank in board.banks:
            self._plug_in(bank, first, noise)
            first += len(bank.inputs)
        self._follow()

    def apply(self, verb: str, numbers: "Sequence[int]") -> None:
        """Let `verb` happen now to the slots or banks `numbers` (from 1, [] for the cart)."""
        self._world.apply(verb, numbers)
        self._follow()

    def jam(self, slot: int, closed: "bool | None") -> None:
        """Let the switch of `slot` (from 1) be closed or open whatever is there; None mends it."""
        if closed is None:
            self._jammed.pop(slot - 1, None)
        else:
            self._jammed[slot - 1] = 0 if closed else None
        self._follow()

    def read(self, name: str) -> int:
        """Pins port: the level of input `name`."""
        return self._levels[name]

    def write(self, name: str, level: int) -> None:
        """Pins port: drive an output."""
        self.driven[name] = level
        if name == "mux_reset":
            self._mux.reset_pin(level)

    def on_fall(self, name: str, call: "Callable[[], None]") -> None:
        """Pins port: call `call` at each falling edge of `name`."""
        self._on_fall[name] = call

    def _plug_in(self, bank: "Bank", first: int, noise: Noise) -> None:
        b = len(self.chips)
        switches = MCP23017(lambda asserted: self._interrupt(b, asserted))
        chips: "dict[int, Chip]" = {bank.presence_address: switches}
        end = first + len(bank.inputs)
        for address in bank.current_addresses:
            source = _Wires(range(first, min(first + 3, end)), self)
            chips[address] = INA3221(self._up_ms, source, self._board.shunt_mohm, noise=noise)
            first += 3
        self._switches.append(switches)
        self.chips.append(chips)
        self._mux.plug(bank.channel, chips)

    def _interrupt(self, b: int, asserted: bool) -> None:
        """The banks share one open-drain line: it falls when the first of them pulls it."""
        if asserted:
            self._asserted.add(b)
        else:
            self._asserted.discard(b)
        self._set("bank_interrupt", 0 if self._asserted else 1)

    def _set(self, name: str, level: int) -> None:
        was, self._levels[name] = self._levels.get(name), level
        if level == was:
            return
        if self.on_level is not None:
            self.on_level(name, level)
        if level == 0 and was == 1 and name in self._on_fall:
            self._on_fall[name]()

    def _follow(self) -> None:
        """Bring chips, batteries and pins in line with the world."""
        good, now_ms = self._world.good, self._up_ms()
        i = 0
        for b in range(len(self.chips)):
            bank = self._board.banks[b]
            plugged = bool(self._mux.channels[bank.channel])
            if plugged and not good["bank"][b]:
                self._mux.unplug(bank.channel)
            elif not plugged and good["bank"][b]:
                self._mux.plug(bank.channel, self.chips[b])
            for pin in bank.inputs:
                self.cells.switch(i, now_ms, mode_of(good, i, b))
                closed = good["device"][i] and good["switch"][i]
                self._switches[b].drive(pin, self._jammed.get(i, 0 if closed else None))
                i += 1
        for name, aspect in FOLLOWS.items():
            self._set(name, 0 if good[aspect][0] else 1)

    def current_ma(self, slot: int, now_ms: int) -> int:
        """What flows to `slot` (from 0) at `now_ms`, in mA."""
        return self.cells.current_ma(slot, now_ms)

    def voltage_mv(self) -> int:
        """The supply of the cables in mV."""
        return 5000 if self._world.good["mains"][0] else 0


class _Wires:
    """What one current chip measures: the cables of up to three slots."""

    def __init__(self, slots: range, body: Body) -> None:
        self._slots = slots
        self._body = body

    def current_ma(self, channel: int, now_ms: int) -> int:
        if channel >= len(self._slots):
            return 0
        return self._body.current_ma(self._slots[channel], now_ms)

    def voltage_mv(self, channel: int, now_ms: int) -> int:
        return self._body.voltage_mv()
