"""The board as the firmware sees it: where every slot's switch and current are found.

`Board` takes the parsed board file (a dict, see homeslot_hardware/boards and its schema). The lint
in homeslot_hardware has judged it before it reaches a cart; here it is only laid out for scanning.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Board:
    """A board file laid out for the drivers.

    `banks` is a list of Bank, `slots` a list of (bank index, input bit of the MCP23017 0..15,
    current chip index, channel 0..2), slot 1 first. `thresholds` in mA and ms, see core.slots.
    """

    def __init__(self, text: "dict[str, Any]") -> None:
        self.id: str = text["id"]
        self.pins: "dict[str, int]" = text["pins"]
        self.i2c: "dict[str, int]" = text["i2c"]
        self.mux_address = int(text["mux"]["address"], 16)
        self.shunt_mohm: int = text["shunt_mohm"]
        self.current_config = int(text["current_config"], 16)
        self.thresholds: "dict[str, int]" = text["thresholds"]
        self.banks = [Bank(bank) for bank in text["banks"]]
        self.slots: "list[tuple[int, int, int, int]]" = []
        for b in range(len(self.banks)):
            inputs = self.banks[b].inputs
            for i in range(len(inputs)):
                self.slots.append((b, inputs[i], i // 3, i % 3))


class Bank:
    """One bank board behind one channel of the mux."""

    def __init__(self, text: "dict[str, Any]") -> None:
        self.channel: int = text["channel"]
        self.presence_address = int(text["presence"]["address"], 16)
        self.inputs: "list[int]" = text["presence"]["inputs"]
        self.current_addresses = [int(chip["address"], 16) for chip in text["current"]]
