"""One bank of slots: a switch chip and current chips behind one channel of the mux."""

from homeslot.drivers.ina3221 import INA3221
from homeslot.drivers.mcp23017 import MCP23017

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot import board
    from homeslot.drivers.tca9548a import TCA9548A
    from homeslot.ports import Bus


class Bank:
    """The bank that `description` (a board.Bank) describes, behind `mux`.

    Every method raises OSError from the first chip that does not answer as it must. `presence` and
    `currents` are the chips: after `select()` each can be set up and read alone. A bank that lost
    power shows in the next `read_switches`, which costs nothing extra; then `setup()` it.
    """

    def __init__(
        self,
        bus: "Bus",
        mux: "TCA9548A",
        description: "board.Bank",
        shunt_mohm: int,
        config: int,
    ) -> None:
        self._mux = mux
        self._channel = description.channel
        self._slots = len(description.inputs)
        self.presence = MCP23017(bus, description.presence_address)
        self.currents = [
            INA3221(bus, address, shunt_mohm, config) for address in description.current_addresses
        ]

    def select(self) -> None:
        """Connect the bus to this bank."""
        self._mux.select(self._channel)

    def setup(self) -> None:
        """Check and configure every chip, the switches first."""
        self.select()
        self.presence.setup()
        for chip in self.currents:
            chip.setup()

    def read_switches(self) -> int:
        """The closed switches, bit by input of the switch chip (0..15)."""
        self.select()
        return self.presence.read()

    def read_currents(self, into: "list[int | None]", offset: int) -> None:
        """Write the current of each slot in mA to `into`, the bank's first slot at `offset`."""
        for k in range(len(self.currents)):
            self.read_chip(k, into, offset)

    def read_chip(self, k: int, into: "list[int | None]", offset: int) -> None:
        """The same for the slots of current chip `k` alone: `offset` + 3k and up to two more."""
        self.select()
        chip = self.currents[k]
        for slot in range(3 * k, min(3 * k + 3, self._slots)):
            into[offset + slot] = chip.current_ma(slot - 3 * k)
