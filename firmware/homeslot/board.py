"""The board as the firmware sees it: where every slot's switch and current are found.

`Board` takes the parsed board file (a dict, see homeslot_hardware/boards and its schema). The lint
in homeslot_hardware has judged it before it reaches a cart; here it is only laid out for scanning.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Board:
    """A board file laid out for the drivers.

    Its `slots` are counted through its `banks`, slot 1 first: the slots of a bank are its `inputs`
    (bits 0..15 of its switch chip), and its current chips measure three each in the same order.
    `thresholds` in mA and ms, see core.slots.
    """

    def __init__(self, text: "dict[str, Any]") -> None:
        self.id: str = text["id"]
        self.mux_address = int(text["mux"]["address"], 16)
        self.shunt_mohm: int = text["shunt_mohm"]
        self.current_config = int(text["current_config"], 16)
        self.thresholds: "dict[str, int]" = text["thresholds"]
        self.banks = [Bank(bank) for bank in text["banks"]]
        self.lines = tuple(text["pins"])  # names of the lines that are wired
        self.slots = sum([len(bank.inputs) for bank in self.banks])


class Bank:
    """One bank board behind one channel of the mux."""

    def __init__(self, text: "dict[str, Any]") -> None:
        self.channel: int = text["channel"]
        self.presence_address = int(text["presence"]["address"], 16)
        self.inputs: "list[int]" = text["presence"]["inputs"]
        self.current_addresses = [int(chip["address"], 16) for chip in text["current"]]
