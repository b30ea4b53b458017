"""What is wrong with a bus, and which wire to look at: functions of what answered.

Theory of operation. A scan says which addresses acknowledge with no channel of the mux open, and
with each one open alone. Against the board file that leaves few causes, and the nearest to the
controller is named first: behind a dead mux nothing is said of its banks, behind a dead cable
nothing of the chips at its end. The wires are those of the drawings (`homeslot_hardware.harness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeslot_hardware.harness import kinds, slots_of, strap, wires
from homeslot_hardware.lint import ADDRESSES, CHANNELS

SUPPLY, BUS = ("3V3", "GND"), ("SDA", "SCL")
PICO, MUX = "PICO", "MUX"

Addresses = frozenset[int]


@dataclass(frozen=True, slots=True)
class Heard:
    """What answered: with no channel open, and with each channel of the mux open alone.

    None where the bus was held low, so that nothing could be asked; a channel that was not asked,
    because one before it held the bus for good, is not among `behind`.
    """

    trunk: Addresses | None
    behind: Mapping[int, Addresses | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, where it is, and what to look at, the likeliest first."""

    where: str
    what: str
    look: tuple[str, ...]


def diagnose(board: dict[str, Any], heard: Heard) -> list[Fault]:
    """What is wrong with the bus of the sound board file `board`; empty when all is well."""
    trunk, mux = heard.trunk, board["mux"]
    if trunk is None:
        look = (*_wires(board, PICO, MUX, BUS), "whether it goes away with the banks unplugged")
        return [Fault("the bus", "SDA or SCL is held low before the mux", look)]
    address = int(mux["address"], 16)
    if address not in trunk:
        return [_no_mux(board, mux["chip"], address, trunk)]
    found = [*_stray(board, trunk - {address})]
    # The mux itself is heard on every channel, and so is whatever sits before it.
    behind = {
        channel: None if addresses is None else addresses - trunk
        for channel, addresses in heard.behind.items()
    }
    for b in range(len(board["banks"])):
        found += _bank(board, b, behind)
    return found


def diagnose_bank(board: dict[str, Any], b: int, answered: Addresses | None) -> list[Fault]:
    """What is wrong with bank `b` (from 0) of `board`, alone on an adapter without a mux."""
    where = bank_name(board, b)
    if answered is None:
        return [Fault(where, "SDA or SCL is held low", ("its SDA, SCL and their pull-ups",))]
    expected = _chips(board, b)
    if not answered & set(expected):
        ends = "the adapter's 3V3, GND, SDA and SCL at the bank", "its pull-ups: 4.7 kOhm"
        return [Fault(where, f"none of its {len(expected)} chips answers", ends)]
    return [*_single_chips(board, b, answered)]


def at_rest(board: dict[str, Any], levels: Mapping[str, int]) -> list[Fault]:
    """What the levels of the inputs say is wrong while nobody touches the cart.

    Door, bolt, mains and lid are no faults here: they may be open.
    """
    held = {
        "bank_interrupt": ("the interrupt of the banks is held low", PICO, MUX, ("INT",)),
        "button": ("the button is pressed, or its wire touches ground", PICO, "BUTTON", None),
    }
    found = []
    for name, (what, one, other, labels) in held.items():
        if levels.get(name) == 0:
            found.append(Fault(name, what, tuple(_wires(board, one, other, labels))))
    return found


def _no_mux(board: dict[str, Any], chip: str, address: int, trunk: Addresses) -> Fault:
    low, high = ADDRESSES[chip]
    others = sorted(a for a in trunk if low <= a <= high)
    straps = f"its straps: {strap(chip, address)}"
    if others:
        what = f"it answers at {_hex(others)} instead of 0x{address:02x}"
        return Fault("the mux", what, (straps,))
    what = f"the {chip} does not answer at 0x{address:02x}; the banks behind it cannot be asked"
    # Held in reset it is as silent as without supply.
    look = _wires(board, PICO, MUX, (*SUPPLY, *BUS, "RST"))
    return Fault("the mux", what, (*look, straps))


def _stray(board: dict[str, Any], addresses: Addresses) -> Iterator[Fault]:
    """What answers before the mux and should not."""
    banks = {address for b in range(len(board["banks"])) for address in _chips(board, b)}
    if addresses & banks:
        what = f"chips of a bank ({_hex(addresses & banks)}) answer with every channel closed"
        yield Fault(
            "the bus", what, ("whether a bank's SDA and SCL are joined to those before the mux",)
        )
    if addresses - banks:
        what = f"something at {_hex(addresses - banks)} answers that the board file does not know"
        yield Fault("the bus", what, ("the board file, and what else is on these wires",))


def _bank(board: dict[str, Any], b: int, behind: Mapping[int, Addresses | None]) -> Iterator[Fault]:
    bank, where, box = board["banks"][b], bank_name(board, b), f"BANK{b + 1}"
    if bank["channel"] not in behind:
        return
    answered = behind[bank["channel"]]
    if answered is None:
        # From the mux on, clock and data are this bank's own.
        look = (*_wires(board, MUX, box, BUS), "its chips, taken out one by one")
        yield Fault(where, f"SDA or SCL is held low behind channel {bank['channel']}", look)
        return
    expected = set(_chips(board, b))
    if answered & expected:
        yield from _single_chips(board, b, answered)
        return
    used = {other["channel"] for other in board["banks"]}
    elsewhere = [c for c, found in behind.items() if found and c not in used and found & expected]
    look = _wires(board, MUX, box, (*SUPPLY, *BUS))
    if elsewhere:
        what = f"its chips answer on channel {elsewhere[0]} instead of {bank['channel']}"
        yield Fault(where, what, tuple(_wires(board, MUX, box, BUS)))
    else:
        yield Fault(where, f"none of its {len(expected)} chips answers", tuple(look))


def _single_chips(board: dict[str, Any], b: int, answered: Addresses) -> Iterator[Fault]:
    """Chips of bank `b` that are silent while others answer, and strangers among them."""
    expected = _chips(board, b)
    strangers = set(answered - set(expected))
    drawing = next(f"bank-{alike[0] + 1}" for alike in kinds(board["banks"]) if b in alike)
    for address, (chip, box, slots) in expected.items():
        if address in answered:
            continue
        low, high = ADDRESSES[chip]
        instead = [a for a in sorted(strangers) if low <= a <= high]
        straps = f"{drawing} {box}, its straps: {strap(chip, address)}"
        if instead:
            strangers.discard(instead[0])
            what = f"the {chip} answers at 0x{instead[0]:02x} instead of 0x{address:02x}"
            yield Fault(bank_name(board, b), what, (straps,))
        else:
            what = f"the {chip} at 0x{address:02x} does not answer: {slots}"
            pins = f"{drawing} {box}, its 3V3, GND, SDA and SCL"
            yield Fault(bank_name(board, b), what, (pins, straps))
    if strangers:
        what = f"something at {_hex(strangers)} answers that the board file does not know"
        yield Fault(bank_name(board, b), what, ("the board file, and the chips' straps",))


def _chips(board: dict[str, Any], b: int) -> dict[int, tuple[str, str, str]]:
    """(chip, its box in the drawing, the slots it blinds) by address, of bank `b`."""
    bank, slots = board["banks"][b], slots_of(board["banks"], b)
    presence = bank["presence"]
    chips = {int(presence["address"], 16): (presence["chip"], "PRESENCE", _slots(slots, "unknown"))}
    for c, chip in enumerate(bank["current"]):
        blind = _slots(slots[CHANNELS * c : CHANNELS * (c + 1)], "unmeasured")
        chips[int(chip["address"], 16)] = (chip["chip"], f"CURRENT{c + 1}", blind)
    return chips


def _wires(
    board: dict[str, Any], one: str, other: str, labels: Sequence[str] | None
) -> tuple[str, ...]:
    found = [w for w in wires(board, one, other) if labels is None or w.label in labels]
    if labels is not None:
        found.sort(key=lambda wire: labels.index(wire.label))
    return tuple(map(str, found))


def bank_name(board: dict[str, Any], b: int) -> str:
    """How bank `b` (from 0) is called: its number and its slots."""
    slots = slots_of(board["banks"], b)
    return f"bank {b + 1} (slots {slots[0]} to {slots[-1]})"


def _slots(slots: Sequence[int], word: str) -> str:
    if len(slots) == 1:
        return f"slot {slots[0]} is {word}"
    return f"slots {slots[0]} to {slots[-1]} are {word}"


def _hex(addresses: Sequence[int] | set[int] | Addresses) -> str:
    return ", ".join(f"0x{address:02x}" for address in sorted(addresses))
