"""Every trap of a board file is refused, by its key and with what would be right."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.board import Board
from homeslot.contract import MAX_SLOTS
from homeslot.core.slots import level
from homeslot_hardware import boards
from homeslot_hardware.controllers import CONTROLLERS
from homeslot_hardware.lint import Finding, conversion_us, lint, schema

GOOD = boards.load("pico-w-30")


def changed(*edits):
    """The good board with each (path, value) of `edits` put into it."""
    board = copy.deepcopy(GOOD)
    for path, value in edits:
        *parents, last = path.split(".")
        at = board
        for name in parents:
            at = at[int(name)] if isinstance(at, list) else at[name]
        at[int(last) if isinstance(at, list) else last] = value
    return board


def refused(*edits):
    """The findings about the good board with `edits`, as text."""
    return [str(finding) for finding in lint(changed(*edits))]


def bank(inputs, chips=4, channel=0):
    return {
        "channel": channel,
        "slots": len(inputs),
        "presence": {"chip": "MCP23017", "address": "0x20", "inputs": list(inputs)},
        "current": [{"chip": "INA3221", "address": f"0x4{c}"} for c in range(chips)],
    }


TRAPS = [
    ("banks.0.presence.inputs.4", 7, "banks[0].presence.inputs[4] is 7: GPA7 is output only"),
    ("banks.2.presence.inputs.9", 15, "banks[2].presence.inputs[9] is 15: GPB7 is output only"),
    ("banks.0.presence.inputs.1", 0, "banks[0].presence.inputs[1] is 0: is the input of slot 1"),
    ("banks.0.presence.inputs.1", 16, "banks[0].presence.inputs[1] is 16: allowed 0..15"),
    ("banks.0.presence.address", "0x28", "a MCP23017 can be at 0x20..0x27"),
    ("banks.1.current.3.address", "0x44", "a INA3221 can be at 0x40..0x43"),
    ("mux.address", "0x78", "a TCA9548A can be at 0x70..0x77"),
    ("mux.address", "0x41", 'banks[0].current[1].address is "0x41": is taken by the mux'),
    ("banks.1.presence.address", "0x70", "is taken by the mux, which is heard on every channel"),
    ("banks.1.current.1.address", "0x40", "is taken by banks[1].current[0]"),
    ("banks.1.current.0.chip", "INA219", "banks[1].current[0].chip is \"INA219\": 'INA3221'"),
    ("banks.2.channel", 0, "banks[2].channel is 0: is taken by banks[0]"),
    ("banks.2.channel", 8, "banks[2].channel is 8: allowed 0..7"),
    ("banks.0.slots", 9, "banks[0].slots is 9: there are 10 inputs"),
    ("banks.0", bank(range(7), chips=2), "2 current chips measure at most 6 slots"),
    ("banks.2", bank(range(6), channel=2), "banks[2].slots is 6: all banks have 10 like the first"),
    ("pins.door", 23, "GP23 belongs to the Wi-Fi chip of pico-w"),
    ("pins.door", 29, "GP29 belongs to the Wi-Fi chip"),
    ("pins.door", 30, "pins.door is 30: allowed 0..29"),
    ("pins.door", 3, "pins.bolt is 3: GP3 is taken by pins.door"),
    ("pins.door", 4, "pins.door is 4: GP4 is taken by i2c.sda"),
    ("pins.battery", 27.0, "27.0 is not of type 'integer'"),
    ("pins.battery", 21, "pins.battery is 21: only GP26..GP28 measure voltages"),
    ("pins.siren", 21, "Additional properties are not allowed ('siren' was unexpected)"),
    ("i2c.sda", 5, "SDA of I2C0 is one of GP0, GP4, GP8"),
    ("i2c.scl", 3, "SCL of I2C0 is one of GP1, GP5, GP9"),
    ("i2c.id", 1, "SDA of I2C1 is one of GP2, GP6, GP10"),
    ("i2c.freq_hz", 400001, "i2c.freq_hz is 400001: allowed 10000..400000"),
    ("shunt_mohm", 100, "100 mOhm measure up to 1474 mA"),
    ("shunt_mohm", 100, "turns 2400 mA into 576 mW of heat"),
    ("shunt_mohm", 18, "may read 9100 mA, a cart reports at most 9000 mA"),
    ("shunt_mohm", 2, "no current may read as 60 mA with 2 mOhm"),
    ("shunt_mohm", 2, "thresholds.reverse_ma is -20: no current may read as -60 mA"),
    ("thresholds.over_ma", 8000, "20 mOhm measure up to 7371 mA"),
    ("thresholds.none_ma", 6, "no current may read as 6 mA with 20 mOhm, it must be above"),
    ("thresholds.none_ma", 5, "thresholds.none_ma is 5: allowed 6..100"),
    ("thresholds.reverse_ma", 0, "thresholds.reverse_ma is 0: allowed -500..-10"),
    ("thresholds.trickle_ma", 300, "thresholds.trickle_ma is 300: must be below charge_ma, 300"),
    ("thresholds.charge_ma", 501, "thresholds.charge_ma is 501: must be at most strong_ma, 500"),
    ("thresholds.strong_ma", 3000, "thresholds.strong_ma is 3000: must be below over_ma, 3000"),
    ("circuit.device_max_ma", 3000, "circuit.device_max_ma is 3000: must be between charge_ma"),
    ("current_config", "0xf527", "bit 15 resets the chip"),
    ("current_config", "0x6527", "bits 14-12 must be 111"),
    ("current_config", "0x7523", "bits 2-0 must be 101 or 111"),
    ("current_config", "0x7526", "bits 2-0 must be 101 or 111"),
    ("current_config", "0x7b27", "one round takes 1690 ms, it must be below 1000 ms"),
    ("current_config", "7527", 'current_config is "7527": '),
    ("controller", "pico", "controller is \"pico\": 'pico' is not one of"),
    ("id", "Pico W", 'id is "Pico W": '),
    ("id", "pico-w\n", 'id is "pico-w\\n": '),
]


@pytest.mark.parametrize(("path", "value", "problem"), TRAPS)
def test_a_trap_is_refused_by_its_key_value_and_what_is_right(path, value, problem):
    assert any(problem in line for line in refused((path, value))), refused((path, value))


@pytest.mark.parametrize("gp", range(16, 22))
def test_the_wired_board_keeps_six_pins_for_its_w5500(gp):
    assert refused(("pins.button", gp)) == []
    assert refused(("controller", "w5500-evb-pico"), ("pins.button", gp)) == [
        f"pins.button is {gp}: GP{gp} belongs to the W5500 of w5500-evb-pico, choose another"
    ]


@pytest.mark.parametrize(
    ("controller", "gp", "owner"),
    [
        ("pico-2-w", 24, "Wi-Fi chip"),
        ("pico-2-w", 29, "Wi-Fi chip"),
        ("w5500-evb-pico", 23, "regulator"),
        ("w5500-evb-pico", 25, "LED"),
        ("w5500-evb-pico2", 21, "W5500"),
        ("w5500-evb-pico2", 29, "supply sense"),
    ],
)
def test_a_pin_the_controller_keeps_is_refused_with_what_it_keeps_it_for(controller, gp, owner):
    assert refused(("controller", controller), ("pins.button", gp)) == [
        f"pins.button is {gp}: GP{gp} belongs to the {owner} of {controller}, choose another"
    ]


def test_the_bus_is_offered_only_pins_its_controller_leaves_free():
    (finding,) = refused(("controller", "w5500-evb-pico"), ("i2c.sda", 11))
    assert finding.endswith("SDA of I2C0 is one of GP0, GP4, GP8, GP12, GP28")


def test_breakouts_with_their_own_50_milliohm_shunts_are_a_board_with_100_they_are_not():
    assert refused(("shunt_mohm", 50), ("thresholds.over_ma", 2900)) == []
    assert any("mW of heat" in line for line in refused(("shunt_mohm", 100)))


def test_a_carrier_that_avoids_both_sets_serves_all_four_controllers():
    assert len(CONTROLLERS) == 4
    for controller in CONTROLLERS:
        assert refused(("controller", controller)) == []


def test_a_battery_pin_needs_its_divider():
    board = changed()
    del board["circuit"]["battery_divider"]
    assert [finding.key for finding in lint(board)] == ["circuit.battery_divider"]
    del board["pins"]["battery"]
    assert lint(board) == []


def test_eight_full_banks_are_more_than_a_cart_can_report():
    inputs = [*range(6), *range(8, 14)]
    board = changed(("banks", [bank(inputs, channel=channel) for channel in range(8)]))
    assert [str(finding) for finding in lint(board)][:1] == [
        "banks is 96: slots in all, a cart reports at most 80"
    ]


def test_thirty_laptop_bricks_on_one_breaker_are_a_warning_not_an_error():
    board = changed(("circuit.supply_mv", 20000), ("circuit.device_max_ma", 2250))
    assert [(finding.key, finding.level) for finding in lint(board)] == [
        ("circuit.breaker_a", "warning")
    ]
    # The same bricks on a 20 A breaker: 13.2 A of the 16 A it bears.
    board["circuit"]["breaker_a"] = 20
    assert lint(board) == []


def test_the_time_of_a_round_agrees_with_the_datasheet():
    assert conversion_us(0x7527) == 105600
    assert conversion_us(0x7727) == 422400
    assert conversion_us(0x7127) == 6600
    assert conversion_us(0x7525) == 52800  # shunts only


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_any_json_at_all_is_judged_without_a_crash(value):
    assert lint(value)


def _paths(value, path=""):
    """Every place in a JSON value, as `changed` takes it."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in members:
        here = f"{path}.{name}" if path else str(name)
        yield here
        if isinstance(member, dict | list):
            yield from _paths(member, here)


JUNK = st.integers(-10, 5000) | st.sampled_from(
    [None, True, 1.5, 1e400, "", "0x40", "0xffff", [], {}, [0], 1 << 70]
)


@given(st.lists(st.tuples(st.sampled_from(sorted(_paths(GOOD))), JUNK), min_size=1, max_size=3))
def test_a_board_the_lint_accepts_is_one_the_firmware_can_lay_out(edits):
    # Longest paths first, so that none is replaced under another's feet.
    board = changed(*sorted(edits, key=lambda edit: -edit[0].count(".")))
    findings = lint(board)
    assert all(isinstance(finding, Finding) and str(finding) for finding in findings)
    if any(finding.level == "error" for finding in findings):
        return
    laid_out = Board(json.loads(json.dumps(board)))
    assert 1 <= laid_out.slots <= MAX_SLOTS
    for bank in laid_out.banks:
        assert len(set(bank.inputs)) == len(bank.inputs) <= 3 * len(bank.current_addresses)
        assert all(bit not in (7, 15) and 0 <= bit < 16 for bit in bank.inputs)


@given(
    st.fixed_dictionaries(
        {
            name: st.integers(rule["minimum"], rule["maximum"])
            for name, rule in schema()["properties"]["thresholds"]["properties"].items()
        }
    )
)
def test_accepted_thresholds_leave_room_for_every_level(thresholds):
    errors = [f for f in lint(changed(("thresholds", thresholds))) if f.level == "error"]
    if not errors:
        probes = [
            thresholds["reverse_ma"] - 1,
            0,
            thresholds["none_ma"],
            thresholds["charge_ma"],
            thresholds["strong_ma"],
            thresholds["over_ma"] + 1,
        ]
        seen = [level(current_ma, thresholds) for current_ma in probes]
        assert seen[:3] == ["reversed", "nothing", "little"]
        assert seen[4:] == ["strong", "excess"]
        assert level(4, thresholds) == level(-4, thresholds) == "nothing"  # the chip's offset
