"""What to buy for a board, how much of it, and about what that costs.

Quantities are counted from the board file. Numbers are to be checked before ordering; prices are
estimates in US cents for ten carts' worth, before tax and freight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeslot_hardware.controllers import CONTROLLERS

# Lengths of the cables in the cart, in cm. Estimates: a cart is about a metre high.
LENGTHS_CM = {"mux": 20, "bank": 60, "line": 120, "switch": 80, "lead": 80}


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is bought; `mpn` is "" where any will do. `cents` is an estimate, per `unit`."""

    what: str
    manufacturer: str
    mpn: str
    cents: int
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the parts list: `quantity` of `part`."""

    quantity: int
    part: Part

    @property
    def cents(self) -> int:
        """About what the line costs."""
        return self.quantity * self.part.cents


# All prices are estimates (2026).
CONTROLLER_CENTS = {
    "pico-w": 700,
    "pico-2-w": 800,
    "w5500-evb-pico": 1000,
    "w5500-evb-pico2": 1200,
}
PARTS = {
    "terminals": Part("screw-terminal carrier for the controller's 40 pins", "any", "", 1200),
    "mux": Part("I2C mux TCA9548A", "Texas Instruments", "TCA9548APWR", 150),
    "presence": Part("port expander MCP23017", "Microchip", "MCP23017-E/SO", 175),
    "current": Part("current monitor INA3221", "Texas Instruments", "INA3221AIRGVR", 190),
    "board": Part("bank board, bare, with its screw terminals", "your own", "", 900),
    "pull-up": Part("resistor 4.7 kOhm", "any", "", 2),
    "bypass": Part("capacitor 100 nF, one at each chip", "any", "", 2),
    "switch": Part("lever microswitch", "Omron", "SS-5GL", 120),
    "reed": Part("reed contact, closed by its magnet", "Standex", "MK04-1A66B-500W", 400),
    "magnet": Part("magnet for the reed contact", "Standex", "M04", 150),
    "optocoupler": Part("optocoupler PC817", "Sharp", "PC817X1NSZ9F", 30),
    "1k": Part("resistor 1 kOhm", "any", "", 2),
    "100k": Part("resistor 100 kOhm 1 %", "any", "", 2),
    "light": Part("status light WS2812B", "Worldsemi", "WS2812B", 80),
    "diode": Part("diode 1N4001", "any", "1N4001", 5),
    "buzzer": Part("active buzzer, sounds from 3 V on, 10 mA at most", "any", "", 100),
    "button": Part("push button, closes while pressed", "Omron", "B3F-4055", 40),
    "thermometer": Part("1-Wire thermometer DS18B20", "Analog Devices", "DS18B20+", 400),
    "power bank": Part("listed power bank, 10 Wh or more, charges while it feeds", "any", "", 1500),
    "adapter": Part("listed 5 V USB adapter, 1 A or more", "any", "", 700),
    "usb": Part("USB cable, power only will do", "any", "", 200),
    "six-core": Part("cable 6 x 0.25 mm2", "any", "", 100, "m"),
    "five-core": Part("shielded cable 5 x 0.25 mm2", "any", "", 120, "m"),
    "three-core": Part("cable 3 x 0.25 mm2", "any", "", 60, "m"),
    "switch wire": Part("twin wire 2 x 0.25 mm2", "any", "", 30, "m"),
    "charge wire": Part("twin wire 2 x 0.75 mm2", "any", "", 60, "m"),
}
# Resistors of the 2512 size, 1 %, 1 W, by their milliohms.
SHUNTS = {
    mohm: Part(f"shunt {mohm} mOhm 1 % 1 W 2512", "Bourns", f"CRM2512-FX-R{mohm:03}ELF", 35)
    for mohm in (10, 20, 50)
}
# Chips on ready-made boards: what replaces which chip.
BREAKOUTS = {
    "mux": Part("TCA9548A breakout", "Adafruit", "2717", 695),
    "presence": Part("MCP23017 breakout", "Adafruit", "5346", 595),
    "current": Part("INA3221 breakout", "Adafruit", "6062", 750),
}
ON_BREAKOUTS = ("pull-up", "bypass", "board")  # parts that breakouts bring along, or do without

# What a line of the board file asks for besides its cable. `bank_interrupt` and `mux_reset` run in
# the cables of the banks.
LINES: Mapping[str, tuple[str, ...]] = {
    "door": ("reed", "magnet"),
    "bolt": ("switch",),
    "mains": ("optocoupler", "1k", "adapter", "usb"),
    "tamper": ("switch",),
    "bank_interrupt": (),
    "mux_reset": (),
    "light": ("light", "diode"),
    "buzzer": ("buzzer",),
    "button": ("button",),
    "temperature": ("thermometer", "pull-up"),
    "battery": ("100k",),
}
IN_BANK_CABLES = ("bank_interrupt", "mux_reset")


def shunt(mohm: int) -> Part:
    """The shunt of `mohm` milliohms; any maker's where none is known."""
    return SHUNTS.get(mohm) or Part(f"shunt {mohm} mOhm 1 % 1 W 2512", "any", "", 35)


def controller(name: str) -> Part:
    """The controller a board file calls `name`."""
    of = CONTROLLERS[name]
    return Part(of.title, of.manufacturer, of.mpn, CONTROLLER_CENTS[name])


def parts(board: dict[str, Any], breakouts: bool = False) -> list[Row]:
    """All parts of one cart with the sound board file `board`.

    With `breakouts` the chips come on ready-made boards. Their own shunts are then to be exchanged
    for those of the list, unless the board file says theirs.
    """
    banks, lines = board["banks"], list(board["pins"])
    slots = sum(bank["slots"] for bank in banks)
    chips = Counter(mux=1, presence=len(banks), current=sum(len(bank["current"]) for bank in banks))
    count = Counter({"terminals": 1}) + chips
    count["board"] = len(banks)
    count["bypass"] = chips.total()
    count["pull-up"] = 2 * (1 + len(banks))  # data and clock, before the mux and in each bank
    for part in (part for line in lines for part in LINES[line]):
        count[part] += 1
    if "battery" in lines:
        count["100k"] = board["circuit"]["battery_divider"]
    count["switch"] += slots
    count["power bank"] = 1
    count["adapter"] += 1
    count["usb"] += 2
    count["six-core"] = _metres("mux", 1)
    count["five-core"] = _metres("bank", len(banks))
    count["three-core"] = _metres("line", len(set(lines) - set(IN_BANK_CABLES)))
    count["switch wire"] = _metres("switch", slots)
    count["charge wire"] = _metres("lead", slots)
    if breakouts:
        for name in ON_BREAKOUTS:
            del count[name]
        count["pull-up"] = LINES["temperature"].count("pull-up") * ("temperature" in lines)
    known = PARTS | BREAKOUTS if breakouts else PARTS
    rows = [Row(count[name], part) for name, part in known.items() if count[name]]
    return [
        Row(1, controller(board["controller"])),
        *rows,
        Row(slots, shunt(board["shunt_mohm"])),
    ]


COLUMNS = ("quantity", "part", "maker", "number", "USD each", "USD")


def cents(listed: list[Row]) -> int:
    """About what the parts in `listed` cost together."""
    return sum(row.cents for row in listed)


def rows(listed: list[Row]) -> list[tuple[str, ...]]:
    """The parts list as text, a cell for each of COLUMNS, with the sum as its last row."""
    cells = [
        (
            f"{row.quantity} {row.part.unit}".rstrip(),
            row.part.what,
            row.part.manufacturer,
            row.part.mpn,
            _dollars(row.part.cents),
            _dollars(row.cents),
        )
        for row in listed
    ]
    return [*cells, ("", "together, an estimate", "", "", "", _dollars(cents(listed)))]


def _dollars(amount: int) -> str:
    return f"{amount / 100:.2f}"


def _metres(cable: str, times: int) -> int:
    """Metres that `times` lengths of a cable in LENGTHS_CM come to, rounded up."""
    return -(-LENGTHS_CM[cable] * times // 100)
