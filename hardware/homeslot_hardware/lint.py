"""What is wrong with a board file: all of it at once, each with key, value and what would be right.

The shape (names, types, ranges) is judged by `boards/board.schema.json`. What a schema cannot say
is said by the rules here; a rule runs when the parts it looks at have the right shape. Facts of
the chips: INA3221 SBOS576, MCP23017 DS20001952 rev D, TCA9548A SCPS207, RP2040 datasheet 1.4.3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Literal

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from homeslot.contract import MAX_SLOTS, fields
from homeslot_hardware.controllers import ANALOGUE, CONTROLLERS, GPS

# Where each chip can be strapped to.
ADDRESSES = {"MCP23017": (0x20, 0x27), "INA3221": (0x40, 0x43), "TCA9548A": (0x70, 0x77)}
OUTPUT_ONLY = (7, 15)  # GPA7 and GPB7 of the MCP23017, since rev D of its datasheet (2022)
CHANNELS = 3  # of an INA3221

SHUNT_STEP_UV = 40
SHUNT_RANGE_UV = 163800
SHUNT_OFFSET_UV = 80
SHUNT_MARGIN_PERCENT = 10  # a current must be seen to pass `over_ma`, not only to reach it
SHUNT_MAX_MW = 500  # half of what a 2512 resistor bears: it sits in a closed cart
AVERAGES = (1, 4, 16, 64, 128, 256, 512, 1024)
CONVERSION_US = (140, 204, 332, 588, 1100, 2116, 4156, 8244)
REPORTABLE_MA = next(int(of[1]) for name, _, of in fields("state") if name == "current_ma")
SCAN_US = 1000000  # currents are read once a second
BREAKER_PERCENT = 80  # of a breaker, for a continuous load

RANGES = ("minimum", "maximum", "minItems", "maxItems")
DIVISORS = ("shunt_mohm", "circuit")  # out of its range one of these may be 0

# Each must be below the next; `=` may be equal.
ORDER = ("reverse_ma", "none_ma", "trickle_ma", "charge_ma", "strong_ma=", "over_ma")


# To JSON Schema 4.0 is an integer; to the firmware, which shifts by it, it is not.
_Validator = extend(  # type: ignore[no-untyped-call]  # the stubs leave it untyped
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong at `key` (as in `banks[0].channel`), which is `value`.

    An `error` keeps the board from being used; a `warning` is for a person to weigh.
    """

    key: str
    value: object
    problem: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        if isinstance(self.value, dict | list):
            return f"{self.key}: {self.problem}"
        return f"{self.key} is {json.dumps(self.value)[:60]}: {self.problem}"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a board file."""
    text = files(__package__).joinpath("boards", "board.schema.json").read_text("utf-8")
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def lint(board: object) -> list[Finding]:
    """All findings on the parsed board file `board`, the shape first. Raises nothing."""
    broken = list(_Validator(schema()).iter_errors(board))
    found = sorted((_shape(error) for error in broken), key=lambda finding: finding.key)
    if not isinstance(board, Mapping):
        return found
    sound = set(board) - {str(error.absolute_path[0]) for error in broken if _spoils(error)}
    for parts, rule in RULES:
        if sound.issuperset(parts):
            found += rule(*(board[part] for part in parts))
    return found


def conversion_us(config: int) -> int:
    """How long an INA3221 with configuration word `config` takes for one round of its channels."""
    channels = (config >> 12 & 7).bit_count()
    bus, shunt = CONVERSION_US[config >> 6 & 7], CONVERSION_US[config >> 3 & 7]
    mode = config & 7
    return channels * AVERAGES[config >> 9 & 7] * (shunt * (mode & 1) + bus * (mode >> 1 & 1))


def mains_ma(slots: int, circuit: Mapping[str, int]) -> int:
    """What `slots` devices at their most draw from the mains of `circuit`, in mA."""
    load_mw = slots * circuit["device_max_ma"] * circuit["supply_mv"] // 1000
    return load_mw * 100 // circuit["efficiency_percent"] // circuit["mains_v"]


def continuous_ma(circuit: Mapping[str, int]) -> int:
    """What the breaker of `circuit` bears for hours, in mA."""
    return circuit["breaker_a"] * 10 * BREAKER_PERCENT


def _spoils(error: ValidationError) -> bool:
    """True when rules cannot look at the part of the file that `error` is in."""
    if not error.absolute_path:
        return False
    return error.validator not in RANGES or error.absolute_path[0] in DIVISORS


def _shape(error: ValidationError) -> Finding:
    key = error.json_path.removeprefix("$").removeprefix(".") or "the file"
    rule = error.schema
    allowed = rule.get("description", "") if isinstance(rule, dict) else ""
    if error.validator in ("minimum", "maximum") and isinstance(rule, dict):
        problem = f"allowed {rule['minimum']}..{rule['maximum']}"
    else:
        problem = error.message
    return Finding(key, error.instance, f"{problem} ({allowed})" if allowed else problem)


def _pins(controller: str, i2c: dict[str, int], pins: dict[str, int]) -> Iterator[Finding]:
    users: dict[int, str] = {}
    lines = {"i2c.sda": i2c["sda"], "i2c.scl": i2c["scl"]}
    lines |= {f"pins.{name}": gp for name, gp in pins.items()}
    for key, gp in lines.items():
        if gp in users:
            yield Finding(key, gp, f"GP{gp} is taken by {users[gp]}, choose a free one")
        users.setdefault(gp, key)
        owner = CONTROLLERS[controller].taken.get(gp)
        if owner:
            yield Finding(key, gp, f"GP{gp} belongs to the {owner} of {controller}, choose another")
    if "battery" in pins and pins["battery"] not in ANALOGUE:
        yield Finding("pins.battery", pins["battery"], "only GP26..GP28 measure voltages")


def _i2c(controller: str, i2c: dict[str, int]) -> Iterator[Finding]:
    # RP2040 datasheet, table of GPIO functions: I2C0 SDA, I2C0 SCL, I2C1 SDA, I2C1 SCL repeat.
    if i2c["id"] not in (0, 1):
        return
    for line, offset in (("sda", 0), ("scl", 1)):
        first = 2 * i2c["id"] + offset
        if i2c[line] % 4 != first:
            taken = CONTROLLERS[controller].taken
            right = ", ".join(f"GP{gp}" for gp in GPS[first::4] if gp not in taken)
            yield Finding(
                f"i2c.{line}", i2c[line], f"{line.upper()} of I2C{i2c['id']} is one of {right}"
            )


def _battery(pins: dict[str, int], circuit: dict[str, int]) -> Iterator[Finding]:
    if "battery" in pins and "battery_divider" not in circuit:
        yield Finding(
            "circuit.battery_divider", None, "pins.battery is there, so its divider must be, 1..6"
        )


def _addresses(mux: dict[str, str], banks: list[dict[str, Any]]) -> Iterator[Finding]:
    yield from _address("mux", mux)
    for b, bank in enumerate(banks):
        chips = {f"banks[{b}].presence": bank["presence"]}
        chips |= {f"banks[{b}].current[{c}]": chip for c, chip in enumerate(bank["current"])}
        # The mux itself answers whatever channel is open, so its address is taken in every bank.
        seen = {int(mux["address"], 16): "the mux, which is heard on every channel"}
        for key, chip in chips.items():
            yield from _address(key, chip)
            address = int(chip["address"], 16)
            if address in seen:
                yield Finding(f"{key}.address", chip["address"], f"is taken by {seen[address]}")
            seen.setdefault(address, key)


def _address(key: str, chip: dict[str, str]) -> Iterator[Finding]:
    low, high = ADDRESSES[chip["chip"]]
    if not low <= int(chip["address"], 16) <= high:
        allowed = f"a {chip['chip']} can be at 0x{low:02x}..0x{high:02x}"
        yield Finding(f"{key}.address", chip["address"], allowed)


def _banks(banks: list[dict[str, Any]]) -> Iterator[Finding]:
    channels: dict[int, str] = {}
    for b, bank in enumerate(banks):
        key, channel, inputs = f"banks[{b}]", bank["channel"], bank["presence"]["inputs"]
        if channel in channels:
            yield Finding(
                f"{key}.channel", channel, f"is taken by {channels[channel]}, one bank a channel"
            )
        channels.setdefault(channel, key)
        yield from _inputs(f"{key}.presence.inputs", inputs)
        if bank["slots"] != len(inputs):
            yield Finding(f"{key}.slots", bank["slots"], f"there are {len(inputs)} inputs")
        measured = CHANNELS * len(bank["current"])
        if bank["slots"] > measured:
            yield Finding(
                f"{key}.slots",
                bank["slots"],
                f"{len(bank['current'])} current chips measure at most {measured} slots",
            )
        if bank["slots"] != banks[0]["slots"]:
            # Nothing on the wire says which bank reads a slot: the hub divides them equally.
            yield Finding(
                f"{key}.slots", bank["slots"], f"all banks have {banks[0]['slots']} like the first"
            )
    total = sum(bank["slots"] for bank in banks)
    if total > MAX_SLOTS:
        yield Finding("banks", total, f"slots in all, a cart reports at most {MAX_SLOTS}")


def _inputs(key: str, inputs: list[int]) -> Iterator[Finding]:
    for i, bit in enumerate(inputs):
        if bit in OUTPUT_ONLY:
            name = "GPA7" if bit == OUTPUT_ONLY[0] else "GPB7"
            yield Finding(f"{key}[{i}]", bit, f"{name} is output only, use 0..6 or 8..14")
        if bit in inputs[:i]:
            yield Finding(f"{key}[{i}]", bit, f"is the input of slot {inputs.index(bit) + 1} too")


def _config(word: str) -> Iterator[Finding]:
    config = int(word, 16)
    problems = []
    if config >> 15:
        problems.append("bit 15 resets the chip, it must be 0")
    if config >> 12 & 7 != 7:
        problems.append("bits 14-12 must be 111, all three channels on")
    if config & 7 not in (5, 7):
        problems.append("bits 2-0 must be 101 or 111, shunts measured continuously")
    cycle_us = conversion_us(config)
    if cycle_us >= SCAN_US:
        problems.append(f"one round takes {cycle_us / 1000:.0f} ms, it must be below 1000 ms")
    yield from (Finding("current_config", word, problem) for problem in problems)


def _order(thresholds: dict[str, int]) -> Iterator[Finding]:
    for lower, upper in pairwise(ORDER):
        low, high = lower.rstrip("="), upper.rstrip("=")
        if thresholds[low] > thresholds[high] - (not upper.endswith("=")):
            relation = "at most" if upper.endswith("=") else "below"
            yield Finding(
                f"thresholds.{low}",
                thresholds[low],
                f"must be {relation} {high}, {thresholds[high]}",
            )


def _shunt(mohm: int, thresholds: dict[str, int], circuit: dict[str, int]) -> Iterator[Finding]:
    range_ma = SHUNT_RANGE_UV * (100 - SHUNT_MARGIN_PERCENT) // 100 // mohm
    if thresholds["over_ma"] > range_ma:
        yield Finding(
            "thresholds.over_ma",
            thresholds["over_ma"],
            f"{mohm} mOhm measure up to {range_ma} mA (163.8 mV less {SHUNT_MARGIN_PERCENT} %)",
        )
    full_ma = SHUNT_RANGE_UV // mohm
    if full_ma > REPORTABLE_MA:
        yield Finding(
            "shunt_mohm",
            mohm,
            f"may read {full_ma} mA, a cart reports at most {REPORTABLE_MA} mA",
        )
    heat_mw = circuit["device_max_ma"] ** 2 * mohm // 1000000
    if heat_mw > SHUNT_MAX_MW:
        yield Finding(
            "shunt_mohm",
            mohm,
            f"turns {circuit['device_max_ma']} mA into {heat_mw} mW of heat,"
            f" allowed {SHUNT_MAX_MW} mW",
        )
    # What a slot without current may read: the chip's offset, and a step for rounding.
    blur_ma = -(-(SHUNT_OFFSET_UV + SHUNT_STEP_UV) // mohm)
    if thresholds["none_ma"] <= blur_ma:
        yield Finding(
            "thresholds.none_ma",
            thresholds["none_ma"],
            f"no current may read as {blur_ma} mA with {mohm} mOhm, it must be above",
        )
    if thresholds["reverse_ma"] >= -blur_ma:
        yield Finding(
            "thresholds.reverse_ma",
            thresholds["reverse_ma"],
            f"no current may read as {-blur_ma} mA with {mohm} mOhm, it must be below",
        )


def _devices(thresholds: dict[str, int], circuit: dict[str, int]) -> Iterator[Finding]:
    most_ma = circuit["device_max_ma"]
    if not thresholds["charge_ma"] < most_ma < thresholds["over_ma"]:
        yield Finding(
            "circuit.device_max_ma",
            most_ma,
            "must be between charge_ma and over_ma,"
            f" {thresholds['charge_ma']}..{thresholds['over_ma']}",
        )


def _breaker(banks: list[dict[str, Any]], circuit: dict[str, int]) -> Iterator[Finding]:
    slots = sum(bank["slots"] for bank in banks)
    drawn_ma, borne_ma = mains_ma(slots, circuit), continuous_ma(circuit)
    if drawn_ma > borne_ma:
        yield Finding(
            "circuit.breaker_a",
            circuit["breaker_a"],
            f"{slots} devices at once draw {drawn_ma / 1000:.1f} A from the mains, a breaker bears"
            f" {BREAKER_PERCENT} % continuously: {borne_ma / 1000:.1f} A",
            "warning",
        )


# Which parts of the file a rule looks at, and the rule.
RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Finding]]], ...] = (
    (("controller", "i2c", "pins"), _pins),
    (("controller", "i2c"), _i2c),
    (("pins", "circuit"), _battery),
    (("mux", "banks"), _addresses),
    (("banks",), _banks),
    (("current_config",), _config),
    (("thresholds",), _order),
    (("shunt_mohm", "thresholds", "circuit"), _shunt),
    (("thresholds", "circuit"), _devices),
    (("banks", "circuit"), _breaker),
)
