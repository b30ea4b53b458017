"""The cart's body: the board's chips and pins, wired to the simulated world.

The firmware sees only what a real controller would see: registers over the bus, levels at pins.
"""

from homeslot_sim.cart.battery import CHARGE, REST, USE, Battery
from homeslot_sim.chips.bus import Bus, MachineI2C
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


class Body:
    """Chips, batteries and pins of one cart on `board` (homeslot.board.Board), as `world` has it.

    It is the firmware's Pins port and holds its `i2c`; `chips` are those of each bank by address.
    `on_level(name, level)`, when set, is called for each input that changes. `up_ms` is a callable
    for the simulated time; `seed` makes the batteries and the noise of this cart its own.
    """

    def __init__(
        self, board: "Board", world: "World", up_ms: "Callable[[], int]", seed: int
    ) -> None:
        self._board = board
        self._world = world
        self._up_ms = up_ms
        self.on_level: "Callable[[str, int], None] | None" = None
        self._on_fall: "dict[str, Callable[[], None]]" = {}
        self._levels: "dict[str, int]" = {"bank_interrupt": 1, "tamper": 0}
        self._asserted: "set[int]" = set()
        self._batteries = [
            # Half full to nearly full, and no two devices quite alike.
            Battery(4000 + (i * 37 + seed * 11) % 40 * 100, 8000, 1500 + (i * 7 + seed) % 8 * 100)
            for i in range(len(board.slots))
        ]
        self._noise = Noise(seed)
        self.bus = Bus()
        self._mux = TCA9548A()
        self.bus.attach(board.mux_address, self._mux)
        self._switches: "list[MCP23017]" = []
        self.chips: "list[dict[int, Chip]]" = []
        for b in range(len(board.banks)):
            self._plug_in(b, board.banks[b])
        self.i2c = MachineI2C(self.bus)
        self._follow()

    def apply(self, verb: str, numbers: "Sequence[int]") -> None:
        """Let `verb` happen now to the slots or banks `numbers` (from 1, [] for the cart)."""
        self._world.apply(self._up_ms(), verb, numbers)
        self._follow()

    def read(self, name: str) -> int:
        """Pins port: the level of input `name`."""
        return self._levels[name]

    def write(self, name: str, level: int) -> None:
        """Pins port: drive an output."""
        if name == "mux_reset":
            self._mux.reset_pin(level)

    def on_fall(self, name: str, call: "Callable[[], None]") -> None:
        """Pins port: call `call` at each falling edge of `name`."""
        self._on_fall[name] = call

    def _plug_in(self, b: int, bank: "Bank") -> None:
        switches = MCP23017(lambda asserted: self._interrupt(b, asserted))
        chips: "dict[int, Chip]" = {bank.presence_address: switches}
        for c in range(len(bank.current_addresses)):
            source = _Wires([i for i in range(len(self._board.slots)) if self._at(i, b, c)], self)
            chips[bank.current_addresses[c]] = INA3221(
                self._up_ms, source, self._board.shunt_mohm, noise=self._noise
            )
        self._switches.append(switches)
        self.chips.append(chips)
        self._mux.plug(bank.channel, chips)

    def _at(self, slot: int, bank: int, chip: int) -> bool:
        where = self._board.slots[slot]
        return where[0] == bank and where[2] == chip

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
        for b in range(len(self._switches)):
            plugged = bool(self._mux.channels[self._board.banks[b].channel])
            if plugged and not good["bank"][b]:
                self._mux.unplug(self._board.banks[b].channel)
            elif not plugged and good["bank"][b]:
                self._mux.plug(self._board.banks[b].channel, self.chips[b])
        for i in range(len(self._batteries)):
            b, pin, _, _ = self._board.slots[i]
            here = good["device"][i]
            fed = here and good["cable"][i] and good["shelf"][b] and good["mains"][0]
            self._batteries[i].switch(now_ms, CHARGE if fed else REST if here else USE)
            self._switches[b].drive(pin, 0 if here else None)
        for name, aspect in FOLLOWS.items():
            self._set(name, 0 if good[aspect][0] else 1)

    def current_ma(self, slot: int, now_ms: int) -> int:
        """What flows to `slot` (from 0) at `now_ms`, in mA."""
        return self._batteries[slot].current_ma(now_ms)

    def voltage_mv(self) -> int:
        """The supply of the cables in mV."""
        return 5000 if self._world.good["mains"][0] else 0


class _Wires:
    """What one current chip measures: the cables of up to three slots."""

    def __init__(self, slots: "list[int]", body: Body) -> None:
        self._slots = slots
        self._body = body

    def current_ma(self, channel: int, now_ms: int) -> int:
        if channel >= len(self._slots):
            return 0
        return self._body.current_ma(self._slots[channel], now_ms)

    def voltage_mv(self, channel: int, now_ms: int) -> int:
        return self._body.voltage_mv()
