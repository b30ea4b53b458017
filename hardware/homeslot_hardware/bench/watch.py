"""A cart's slots as they are now: a picture for a terminal, lines for everything else."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from homeslot.core.slots import STATES
from homeslot_hardware.bench.client import Body

INPUTS = ("door", "bolt", "mains", "tamper")
GOOD = {"door": "closed", "bolt": "thrown", "mains": "on", "tamper": "ok"}
COLUMNS = 3  # of slots side by side
# Colour of a state; what is not among them is plain. The word itself is always there too.
STYLES = {
    "charging": "green",
    "full": "green",
    "trickle": "green",
    "idle": "yellow",
    "empty": "dim",
    "unknown": "magenta",
    "unmeasured": "magenta",
    "mismatch": "bold red",
    "over_current": "bold red",
    "reverse": "bold red",
}


def picture(title: str, state: Body) -> Group:
    """The snapshot `state` as a table: every slot, the banks, and the rest of the cart."""
    table = Table(title=title, box=None, pad_edge=False)
    for _ in range(COLUMNS):
        table.add_column("slot", justify="right")
        table.add_column("state", min_width=max(map(len, STATES)))
        table.add_column("mA", justify="right", min_width=6)
    slots = state["slots"]
    rows = -(-len(slots) // COLUMNS)
    for row in range(rows):
        cells: list[Text | str] = []
        for i in range(row, len(slots), rows):
            word = slots[i]
            cells += [str(i + 1), Text(word, STYLES.get(word, "")), _ma(state["current_ma"][i])]
        table.add_row(*cells)
    return Group(table, Text(), *(Text(*line) for line in _rest(state)))


def told(state: Body) -> Iterator[str]:
    """The snapshot `state` in lines, tabs between the cells."""
    for i, word in enumerate(state["slots"]):
        yield f"slot {i + 1}\t{word}\t{_ma(state['current_ma'][i])}"
    for line, _ in _rest(state):
        yield line


def changes(was: Body, now: Body) -> Iterator[str]:
    """What differs between two snapshots, a line each: words only, as currents never rest."""
    for kind, plural in (("slot", "slots"), ("bank", "banks")):
        for i, (before, after) in enumerate(zip(was[plural], now[plural], strict=False)):
            if before != after:
                yield f"{kind} {i + 1}\t{after}\twas {before}"
    for name in INPUTS:
        if was[name] != now[name]:
            yield f"{name}\t{now[name]}\twas {was[name]}"


def _rest(state: Body) -> Iterator[tuple[str, str]]:
    """(line, style) of what is not a slot."""
    for i, word in enumerate(state["banks"]):
        yield f"bank {i + 1}\t{word}", "" if word == "ok" else "bold red"
    for name in INPUTS:
        yield f"{name}\t{state[name]}", "" if state[name] == GOOD[name] else "yellow"
    for name, unit in (("battery_mv", "mV"), ("temperature_c", "degrees C"), ("rssi_dbm", "dBm")):
        if state[name] is not None:
            yield f"{name.rpartition('_')[0]}\t{state[name]} {unit}", ""


def _ma(current_ma: int | None) -> str:
    return "-" if current_ma is None else str(current_ma)
