"""The controllers a board may carry: what to order, what to load, and which pins they keep.

Sources: Pico W, Pico 2 W, W5500-EVB-Pico and W5500-EVB-Pico2 datasheets, figure "pinout"; names of
the MicroPython builds from `ports/rp2/boards`. All four have the 40-pin header of the Pico.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

GPS = range(30)
ANALOGUE = (26, 27, 28)
HEADER_PINS = 40
GROUNDS = (3, 8, 13, 18, 23, 28, 33, 38)  # pins of the header
WIRES = 2  # in one terminal
SUPPLIES = {"3V3": 36, "VSYS": 39, "VBUS": 40}  # 3.3 V out; VBUS behind a diode; 5 V from USB

_WIFI = dict.fromkeys((23, 24, 25, 29), "Wi-Fi chip")
_WIRED = dict.fromkeys(range(16, 22), "W5500") | {
    23: "regulator",
    24: "USB sense",
    25: "LED",
    29: "supply sense",
}


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller as it is bought. `taken` says which GP numbers it keeps, and for what."""

    title: str
    manufacturer: str
    mpn: str
    micropython: str  # name of its build on micropython.org/download
    network: str
    taken: Mapping[int, str]


# By the name a board file has for it.
CONTROLLERS = {
    "pico-w": Controller(
        "Raspberry Pi Pico W with header",
        "Raspberry Pi",
        "SC0919",
        "RPI_PICO_W",
        "Wi-Fi 2.4 GHz",
        _WIFI,
    ),
    "pico-2-w": Controller(
        "Raspberry Pi Pico 2 W with header",
        "Raspberry Pi",
        "SC1634",
        "RPI_PICO2_W",
        "Wi-Fi 2.4 GHz",
        _WIFI,
    ),
    "w5500-evb-pico": Controller(
        "WIZnet W5500-EVB-Pico", "WIZnet", "W5500-EVB-Pico", "W5500_EVB_PICO", "Ethernet", _WIRED
    ),
    "w5500-evb-pico2": Controller(
        "WIZnet W5500-EVB-Pico2", "WIZnet", "W5500-EVB-Pico2", "W5500_EVB_PICO2", "Ethernet", _WIRED
    ),
}


def header_pin(gp: int) -> int:
    """Number of the header pin that carries GP number `gp` (0..22, 26..28) on every Pico board.

    Source: Raspberry Pi Pico datasheet, figure 2. A ground pin precedes GP2 and each fourth after
    it; the analogue pins follow RUN and have a ground of their own before GP28.
    """
    return {26: 31, 27: 32, 28: 34}.get(gp, gp + 1 + (gp + 2) // 4)


def ground_near(pin: int, taken: Sequence[int] = ()) -> int:
    """The ground pin of the header nearest to header pin `pin`, on the same side of the board.

    `taken` has a ground for each wire that is there already: a terminal bears two thin ones.
    """
    side = [ground for ground in GROUNDS if (ground <= 20) == (pin <= 20)]
    free = [ground for ground in side if taken.count(ground) < WIRES] or side
    return min(free, key=lambda ground: abs(ground - pin))
