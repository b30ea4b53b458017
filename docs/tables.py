"""The tables inside the pages, made from the code. Used by the cog blocks of `docs/*.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from remarks import remarks

from homeslot import contract
from homeslot.core import settings as cart_settings
from homeslot.core import signals as cart_signals
from homeslot.core import slots
from homeslot_hardware import boards
from homeslot_hardware import parts as parts_list
from homeslot_hardware.bench.paper import pin_rows
from homeslot_hardware.controllers import CONTROLLERS
from homeslot_hardware.harness import kinds, strap
from homeslot_hardware.lint import (
    BREAKER_PERCENT,
    continuous_ma,
    conversion_us,
    mains_ma,
    schema,
)

SAID = {True: "in", False: "out", None: "not known"}
COLOURS = {
    (True, True, True): "white",
    (True, False, False): "red",
    (True, True, False): "yellow",
    (False, True, False): "green",
    (False, False, True): "blue",
    (True, False, True): "violet",
}
BRICK = {"supply_mv": 20000, "device_max_ma": 2250}  # a laptop's, 45 W


def topics() -> str:
    """Topics of the contract."""
    meaning = remarks(contract, "TOPICS")
    return _table(
        ("topic", "from", "retained", "what it says"),
        (
            (f"`{contract.topic('<cart>', kind)}`", sender, ("no", "yes")[retained], meaning[kind])
            for kind, (sender, retained) in contract.TOPICS.items()
        ),
    )


def fields(kind: str) -> str:
    """Fields of one kind of message."""
    meaning = remarks(contract, "MESSAGES", kind)
    return _table(
        ("field", "type", "allowed", "meaning"),
        (
            (f"`{name}`", _type(of), _allowed(of, allowed), meaning[name])
            for name, of, allowed in contract.fields(kind)
        ),
    )


def limits() -> str:
    """Sizes both sides keep to."""
    return _table(
        ("what", "limit"),
        (
            ("bytes of a payload", f"{contract.MAX_PAYLOAD_BYTES}"),
            ("slots of a cart", f"{contract.MAX_SLOTS}"),
            ("banks of a cart", f"{contract.MAX_BANKS}"),
            ("events of one boot", f"{contract.SEQ_PER_BOOT}"),
        ),
    )


def events() -> str:
    """What an event may be about."""
    return _table(
        ("kind", "index", "value and was"),
        (
            (f"`{kind}`", f"1..{highest}" if highest else "left out", _words(words) or "a BSSID")
            for kind, (words, highest) in contract.EVENTS.items()
        ),
    )


def commands() -> str:
    """Commands, and the field each cannot do without."""
    return _table(
        ("command", "needs"),
        (
            (f"`{command}`", f"`{contract.NEEDS[command]}`" if command in contract.NEEDS else "")
            for command in contract.COMMANDS
        ),
    )


def states() -> str:
    """States of a slot."""
    return _table(
        ("state", "device", "charge", "rows out of it"),
        (
            (f"`{state}`", SAID[present], charge or "not known", str(len(slots.TABLE[state])))
            for state, (present, charge) in slots.STATES.items()
        ),
    )


def levels() -> str:
    """Levels of a charge current, by the thresholds between them."""
    bounds = {
        slots.REVERSED: "current < `reverse_ma`",
        slots.NOTHING: "`reverse_ma` <= current < `none_ma`",
        slots.LITTLE: "`none_ma` <= current <= `trickle_ma`",
        slots.BETWEEN: "`trickle_ma` < current < `charge_ma`",
        slots.MUCH: "`charge_ma` <= current < `strong_ma`",
        slots.STRONG: "`strong_ma` <= current <= `over_ma`",
        slots.EXCESS: "`over_ma` < current",
        slots.DARK: "its chip does not answer",
    }
    return _table(("level", "when"), ((level, bounds[level]) for level in slots.LEVELS))


def transitions() -> str:
    """Every row of the slot table, in the order in which they are tried."""
    rows = []
    for state, ways in slots.TABLE.items():
        for switch, amounts, hold, following, after_strong in ways:
            current = "any" if amounts == slots.LEVELS else ", ".join(amounts)
            only = ", after a strong charge" if after_strong else ""
            held = f"`{hold}`{only}" if hold else "at once"
            rows.append((f"`{state}`", switch, current, held, f"`{following}`"))
    return _table(("from", "switch", "current", "held for", "to"), rows)


def thresholds(board: str) -> str:
    """Thresholds with the values of `board` and their ranges."""
    values = boards.load(board)["thresholds"]
    return _table(
        ("threshold", board, "allowed", "meaning"),
        (
            (
                f"`{name}`",
                str(values[name]),
                f"{rule['minimum']}..{rule['maximum']}",
                rule["description"],
            )
            for name, rule in schema()["properties"]["thresholds"]["properties"].items()
        ),
    )


def settings() -> str:
    """Settings of a cart."""
    meaning = remarks(cart_settings, "SETTINGS")
    rows = []
    for name, default, low, high, unit in cart_settings.SETTINGS:
        said = "not shown" if name in cart_settings.SECRETS else f"`{default}`" if default else ""
        if default == 0:
            said = "`0`"
        rows.append((f"`{name}`", f"{low}..{high} {unit}".strip(), said, meaning[name]))
    return _table(("setting", "allowed", "default", "what it is"), rows)


def signals() -> str:
    """Signals of a cart's light and buzzer, the most urgent first."""
    meaning = remarks(cart_signals, "SIGNALS")
    return _table(
        ("signal", "light", "flashes of", "buzzer", "what it means"),
        (
            (f"`{name}`", _colour(colour), _flashes(steps), "yes" if sounds else "", meaning[name])
            for name, colour, steps, sounds in cart_signals.SIGNALS
        ),
    )


def _colour(colour: int) -> str:
    parts = (colour >> 16, colour >> 8 & 255, colour & 255)
    lit = tuple(2 * part >= max(parts) for part in parts)
    return COLOURS[lit]


def _flashes(steps: Sequence[int]) -> str:
    if not steps:
        return "the slot's number"
    lit, dark = steps[::2], steps[-1]
    return f"{len(lit)} x {lit[0]} ms, then dark for {dark} ms"


def pins(board: str) -> str:
    """Lines of `board` by GP number."""
    return _table(("GP", "pin", "line", "what it is"), pin_rows(boards.load(board)))


def banks(board: str) -> str:
    """Which chip and input serves each slot of `board`."""
    rows, slot = [], 0
    for bank in boards.load(board)["banks"]:
        presence, chips = bank["presence"], bank["current"]
        for i, bit in enumerate(presence["inputs"]):
            slot += 1
            chip, channel = chips[i // 3], i % 3 + 1
            rows.append(
                (
                    str(slot),
                    str(bank["channel"]),
                    f"{presence['chip']} {presence['address']} GP{'AB'[bit // 8]}{bit % 8}",
                    f"{chip['chip']} {chip['address']} channel {channel}",
                )
            )
    return _table(("slot", "mux channel", "switch", "current"), rows)


def addresses(board: str) -> str:
    """Every chip of `board` with its address and how it is strapped to it."""
    text = boards.load(board)
    mux = text["mux"]
    chips = [("carrier", mux["chip"], mux["address"])]
    for alike in kinds(text["banks"]):
        bank = text["banks"][alike[0]]
        where = "bank " + ", ".join(str(b + 1) for b in alike)
        chips += [
            (where, chip["chip"], chip["address"]) for chip in (bank["presence"], *bank["current"])
        ]
    return _table(
        ("where", "chip", "address", "straps"),
        ((*chip, strap(chip[1], int(chip[2], 16))) for chip in chips),
    )


def parts(board: str) -> str:
    """What to buy for one cart with `board`."""
    listed = parts_list.parts(boards.load(board))
    return _table(parts_list.COLUMNS, parts_list.rows(listed))


def costs() -> str:
    """What a cart and a slot cost on each board, with chips and with breakouts."""
    rows = []
    for board in boards.names():
        text = boards.load(board)
        slots = sum(bank["slots"] for bank in text["banks"])
        for how, breakouts in (("your own bank boards", False), ("breakouts", True)):
            cents = parts_list.cents(parts_list.parts(text, breakouts))
            usd = f"{cents / 100:.0f}"
            rows.append((f"[{board}](board-{board}.md)", how, usd, f"{cents / 100 / slots:.2f}"))
    return _table(("board", "chips on", "USD a cart, estimate", "USD a slot"), rows)


def breakouts() -> str:
    """Ready-made boards by the chip they carry."""
    return _table(
        ("instead of", "buy", "number"),
        (
            (parts_list.PARTS[name].what, f"{of.manufacturer} {of.what}", of.mpn)
            for name, of in parts_list.BREAKOUTS.items()
        ),
    )


def controllers() -> str:
    """The controllers a board may carry."""
    rows = []
    for name, of in CONTROLLERS.items():
        kept = ", ".join(f"GP{gp}" for gp in of.taken)
        rows.append((f"`{name}`", of.title, of.mpn, of.network, f"`{of.micropython}`", kept))
    return _table(("controller", "buy", "number", "network", "MicroPython", "keeps"), rows)


def load(board: str) -> str:
    """What the slots of `board` draw from the outlet, and what it would be with laptop bricks."""
    text = boards.load(board)
    slots = sum(bank["slots"] for bank in text["banks"])
    circuits = (text["circuit"], text["circuit"] | BRICK)

    def row(what: str, *values: str) -> tuple[str, ...]:
        return (what, *values)

    return _table(
        ("what", board, "the same with 45 W laptops"),
        (
            row("devices at once", *[str(slots)] * 2),
            row("one draws at most", *(f"{_watts(c):.0f} W" for c in circuits)),
            row("behind the power supplies", *(f"{slots * _watts(c):.0f} W" for c in circuits)),
            row(
                "before them",
                *(
                    f"{mains_ma(slots, c) * c['mains_v'] / 1000:.0f} W, at"
                    f" {c['efficiency_percent']} %"
                    for c in circuits
                ),
            ),
            row(
                "from the outlet",
                *(f"{mains_ma(slots, c) / 1000:.1f} A at {c['mains_v']} V" for c in circuits),
            ),
            row(
                f"{BREAKER_PERCENT} % of the breaker",
                *(f"{continuous_ma(c) / 1000:.1f} A of {c['breaker_a']} A" for c in circuits),
            ),
            row(
                "so",
                *(
                    "fits"
                    if mains_ma(slots, c) <= continuous_ma(c)
                    else "**too much**: charge in banks, one after the other"
                    for c in circuits
                ),
            ),
        ),
    )


def _watts(circuit: dict[str, int]) -> float:
    return circuit["device_max_ma"] * circuit["supply_mv"] / 1e6


def measuring(board: str) -> str:
    """What the shunt and the chips' configuration of `board` come to."""
    text = boards.load(board)
    mohm = text["shunt_mohm"]
    most_ma = text["circuit"]["device_max_ma"]
    return _table(
        ("what", "value", "from"),
        (
            ("shunt", f"{mohm} mOhm", "board file"),
            ("one step", f"{40 / mohm:.1f} mA", "40 uV, SBOS576"),
            ("offset, at most", f"+-{80 / mohm:.1f} mA", "80 uV, SBOS576"),
            ("range", f"+-{163800 / mohm / 1000:.2f} A", "163.8 mV, SBOS576"),
            ("heat in the shunt", f"{most_ma**2 * mohm / 1e6:.0f} mW", f"at {most_ma} mA"),
            (
                "a fresh reading each",
                f"{conversion_us(int(text['current_config'], 16)) / 1000:.0f} ms",
                f"configuration {text['current_config']}",
            ),
        ),
    )


def board_keys() -> str:
    """Keys of a board file, as its schema describes them."""
    return _table(
        ("key", "meaning"),
        ((f"`{key}`", rule["description"]) for key, rule in schema()["properties"].items()),
    )


def _type(of: str) -> str:
    words = [of.rstrip("?-*")]
    if "*" in of:
        words.append("list")
    if "?" in of:
        words.append("or null")
    if "-" in of:
        words.append("may be left out")
    return ", ".join(words)


def _allowed(of: str, allowed: Any) -> str:
    kind = of.rstrip("?-*")
    if kind == "bool":
        return "true, false"
    if kind == "bssid":
        return "as `aa:bb:cc:dd:ee:ff`"
    if kind == "word":
        return _words(allowed)
    unit = {"int": "", "text": " characters", "map": " names"}[kind]
    return f"{allowed[0]}..{allowed[1]}{unit}"


def _words(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
