"""The wiring of a board as WireViz sources: what goes where, and in which colour.

Theory of operation. A cart is wired in three drawings, each small enough to read beside the work:
`bus` (controller, mux, banks), `lines` (controller and everything that is not in a bank), and one
`bank-N` for each kind of bank, N being the first bank of its kind. Functions of the board file: no
files, no WireViz. WireViz 0.4 turns each into a picture (docs/hardware).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from homeslot_hardware import parts
from homeslot_hardware.controllers import (
    CONTROLLERS,
    HEADER_PINS,
    SUPPLIES,
    ground_near,
    header_pin,
)
from homeslot_hardware.drawing import Drawing, End, Wire
from homeslot_hardware.lint import ADDRESSES, CHANNELS

# One colour, one meaning, in every drawing (DIN 47100 letters, as WireViz has them).
COLOURS = {
    "3V3": "RD",
    "5V": "OG",
    "VSYS": "OG",
    "VBUS": "OG",
    "GND": "BK",
    "SDA": "BU",
    "SCL": "YE",
    "INT": "GN",
    "RST": "WH",
}
SIGNAL = "WH"
STRAPS = {0x40: "GND", 0x41: "VS", 0x42: "SDA", 0x43: "SCL"}  # A0 of the INA3221, SBOS576 table 1


class Leads(NamedTuple):
    """Terminals of what a line leads to, each with where it goes (LINE: the line's own pin)."""

    terminals: tuple[tuple[str, str], ...]
    notes: str = ""


LINE = "line"
ENDS: Mapping[str, Leads] = {
    "door": Leads((("A", LINE), ("B", "GND")), "its magnet on the door"),
    "bolt": Leads((("NO", LINE), ("COM", "GND")), "pressed by the thrown bolt"),
    "mains": Leads(
        (("4 collector", LINE), ("3 emitter", "GND")),
        "1 anode: by 1 kOhm from +5 V of a listed\nadapter at the inlet; 2 cathode: its 0 V",
    ),
    "tamper": Leads((("NO", LINE), ("COM", "GND")), "pressed by the closed lid"),
    "light": Leads(
        (("DIN", LINE), ("GND", "GND"), ("VDD", "VSYS")),
        "diode 1N4001 in the VDD wire,\nits ring to the light",
    ),
    "buzzer": Leads((("+", LINE), ("-", "GND"))),
    "button": Leads((("A", LINE), ("B", "GND"))),
    "temperature": Leads((("DQ", LINE), ("GND", "GND"), ("VDD", "3V3")), "4.7 kOhm from DQ to VDD"),
    "battery": Leads((("middle", LINE), ("foot", "GND"), ("head", "VBUS"))),
}
PICO = "PICO"
PULL_UPS = "4.7 kOhm: SDA, SCL to 3V3"
BRANCH = ("3V3", "GND", "SDA", "SCL", "INT")  # what every bank is given


def drawings(board: dict[str, Any]) -> dict[str, str]:
    """The WireViz YAML of each drawing of the sound board file `board`, by its name."""
    drawn = {"bus": _bus(board), "lines": _lines(board)}
    for alike in kinds(board["banks"]):
        drawn[f"bank-{alike[0] + 1}"] = _bank(board, alike)
    return {name: drawing.text() for name, drawing in drawn.items()}


def wires(board: dict[str, Any], one: str, other: str) -> list[Wire]:
    """The wires between two boxes of the drawings `bus` and `lines` of `board`."""
    drawn = (*_bus(board).wires("bus"), *_lines(board).wires("lines"))
    return [wire for wire in drawn if {wire.left[0], wire.right[0]} == {one, other}]


def strap(chip: str, address: int) -> str:
    """How a `chip` of lint.ADDRESSES is strapped to `address`."""
    if chip == "INA3221":
        return f"A0 to {STRAPS[address]}"
    offset = address - ADDRESSES[chip][0]
    high = [f"A{bit}" for bit in range(3) if offset >> bit & 1]
    low = [f"A{bit}" for bit in range(3) if not offset >> bit & 1]
    ways = [f"{' '.join(pins)} to {level}" for pins, level in ((low, "GND"), (high, "3V3")) if pins]
    return ", ".join(ways)


def slots_of(banks: Sequence[Mapping[str, Any]], bank: int) -> range:
    """Numbers of the slots of bank `bank` (from 0)."""
    first = 1 + sum(before["slots"] for before in banks[:bank])
    return range(first, first + banks[bank]["slots"])


def kinds(banks: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Banks (from 0) that are wired alike, together."""
    kinds: dict[str, list[int]] = {}
    for b, bank in enumerate(banks):
        wiring = {key: value for key, value in bank.items() if key != "channel"}
        kinds.setdefault(json.dumps(wiring, sort_keys=True), []).append(b)
    return list(kinds.values())


def _controller(board: dict[str, Any], pins: Mapping[int, str]) -> tuple[str, dict[int, str], str]:
    """Kind, pins in the header's order and notes of the controller's box."""
    of = CONTROLLERS[board["controller"]]
    return of.title, dict(sorted(pins.items())), "the numbers are pins of its header"


def _bus(board: dict[str, Any]) -> Drawing:
    drawing = Drawing()
    banks, i2c, pins, mux = board["banks"], board["i2c"], board["pins"], board["mux"]
    ways = {
        "SDA": i2c["sda"],
        "SCL": i2c["scl"],
        "INT": pins["bank_interrupt"],
        "RST": pins["mux_reset"],
    }
    at = {line: header_pin(gp) for line, gp in ways.items()}
    labels = {at[line]: f"GP{gp} {line}" for line, gp in ways.items()}
    at |= {"3V3": SUPPLIES["3V3"], "GND": ground_near(at["SDA"])}
    labels |= {at["3V3"]: "3V3", at["GND"]: "GND"}
    drawing.box(PICO, *_controller(board, labels))
    trunk = ("3V3", "GND", "SDA", "SCL", "RST", "INT")
    channels = [f"{line}{bank['channel']}" for bank in banks for line in ("SD", "SC")]
    drawing.box(
        "MUX",
        f"{mux['chip']} at {mux['address']}",
        [*trunk, *channels],
        strap(mux["chip"], int(mux["address"], 16)),
        PULL_UPS,
        "INT is a joint, no pin of the mux",
    )
    colours = [COLOURS[line] for line in trunk]
    kind = parts.PARTS["six-core"].what
    drawing.connect((PICO, [at[line] for line in trunk]), ("MUX", trunk), colours, trunk, kind)
    for b, bank in enumerate(banks):
        slots, name, presence = slots_of(banks, b), f"BANK{b + 1}", bank["presence"]
        drawing.box(
            name,
            f"slots {slots[0]} to {slots[-1]}",
            BRANCH,
            f"{presence['chip']} {presence['address']}",
            "INA3221 " + " ".join(chip["address"] for chip in bank["current"]),
            PULL_UPS,
        )
        channel = bank["channel"]
        drawing.connect(
            ("MUX", ("3V3", "GND", f"SD{channel}", f"SC{channel}", "INT")),
            (name, BRANCH),
            [COLOURS[line] for line in BRANCH],
            BRANCH,
            parts.PARTS["five-core"].what,
        )
    return drawing


def _grounds(board: dict[str, Any], lines: list[int]) -> dict[int, int]:
    """The ground pin for each of the header pins `lines`; whoever is nearest to one chooses first.

    The bus has its own already.
    """
    taken = [ground_near(header_pin(board["i2c"]["sda"]))]
    grounds = {}
    for pin in sorted(lines, key=lambda pin: abs(ground_near(pin) - pin)):
        grounds[pin] = ground_near(pin, taken)
        taken.append(grounds[pin])
    return grounds


def _lines(board: dict[str, Any]) -> Drawing:
    drawing, pins = Drawing(), board["pins"]
    ends = {line: ENDS[line] for line in sorted(pins, key=lambda line: pins[line]) if line in ENDS}
    ways: dict[str, list[int]] = {}
    labels: dict[int, str] = {}
    grounds = _grounds(board, [header_pin(pins[line]) for line in ends])
    for line, end in ends.items():
        pin = header_pin(pins[line])
        places = SUPPLIES | {LINE: pin, "GND": grounds[pin]}
        ways[line] = [places[where] for _, where in end.terminals]
        labels |= {places[where]: where for _, where in end.terminals}
        labels[pin] = f"GP{pins[line]}"
    drawing.box(PICO, *_controller(board, labels))
    for line, end in ends.items():
        name, notes, terminals = line.upper(), end.notes, [at for at, _ in end.terminals]
        if line == "battery":
            times = board["circuit"]["battery_divider"] - 1
            notes = f"{times} from head to middle,\n1 from middle to foot"
        drawing.box(name, parts.PARTS[parts.LINES[line][0]].what, terminals, notes)
        left: End = (PICO, ways[line])
        right: End = (name, terminals)
        # Each line leaves on the side of the controller its wires come from, as on the desk.
        if max(ways[line]) <= HEADER_PINS // 2:
            left, right = right, left
        wheres = [where for _, where in end.terminals]
        drawing.connect(
            left,
            right,
            [COLOURS.get(where, SIGNAL) for where in wheres],
            [line if where == LINE else where for where in wheres],
        )
    return drawing


def _bank(board: dict[str, Any], alike: Sequence[int]) -> Drawing:
    drawing, banks, bank = Drawing(), board["banks"], board["banks"][alike[0]]
    together = zip(*(slots_of(banks, b) for b in alike), strict=True)
    slots = ["slot " + " / ".join(map(str, numbers)) for numbers in together]
    presence = bank["presence"]
    inputs = [f"GP{'AB'[bit // 8]}{bit % 8}" for bit in presence["inputs"]]
    drawing.box("CHARGER", "+ of its ports", ["0 V", *slots], "0 V: one wire for all ports")
    drawing.box(
        "PRESENCE",
        f"{presence['chip']} at {presence['address']}",
        ["GND", *inputs],
        strap(presence["chip"], int(presence["address"], 16)),
        "INTA: INT of the bank",
    )
    drawing.box("SWITCHES", "NO, closed by the device", ["COM", *slots], "COM of all together")
    drawing.box("DEVICES", "+ of their cables", slots, "0 V wires stay whole")
    drawing.connect(("CHARGER", ["0 V"]), ("PRESENCE", ["GND"]), [COLOURS["GND"]])
    drawing.connect(
        ("PRESENCE", ["GND", *inputs]),
        ("SWITCHES", ["COM", *slots]),
        [COLOURS["GND"]] + [SIGNAL] * len(slots),
    )
    for c, chip in enumerate(bank["current"]):
        here, name = slots[CHANNELS * c : CHANNELS * (c + 1)], f"CURRENT{c + 1}"
        supply, load = ([f"IN{sign}{1 + i}" for i in range(len(here))] for sign in "+-")
        drawing.box(
            name,
            f"{chip['chip']} at {chip['address']}",
            [end for ends in zip(supply, load, strict=True) for end in ends],
            strap(chip["chip"], int(chip["address"], 16)),
            f"{board['shunt_mohm']} mOhm from IN+ to IN-",
        )
        colours = [COLOURS["5V"]] * len(here)
        drawing.connect(("CHARGER", here), (name, supply), colours)
        drawing.connect((name, load), ("DEVICES", here), colours)
    return drawing
