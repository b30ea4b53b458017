"""The cart's senses on the simulated body: what they say is so, or they say `unknown`."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot.app.sensors import Sensors
from homeslot.board import Board
from homeslot.core.slots import STATES
from homeslot_hardware import boards
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.world import World
from homeslot_sim.chips.faults import FaultyBus

BOARD = Board(boards.load("pico-w-30"))
SCAN_MS = 1000
BANK_2 = range(10, 20)  # slots from 0
SWITCHES = BOARD.banks[0].presence_address
CURRENTS = BOARD.banks[0].current_addresses
MUX = BOARD.mux_address
CURRENT_CONFIG = BOARD.current_config


class Bench:
    """Sensors and the body they sense, on a clock moved by hand; `told` is what they said."""

    def __init__(self, seed=1):
        self.now_ms = 0
        self.told = []
        self.world = World(30, 3)
        self.body = Body(BOARD, self.world, lambda: self.now_ms, seed, FaultyBus())
        self.heard = (None, None)  # the access point, and its signal
        self.sensors = Sensors(BOARD, self.body.bus, self.body, self.tell, lambda: self.heard)

    def tell(self, kind, index, value, was, current_ma):
        self.told.append((self.now_ms, kind, index, value, was, current_ma))

    def scan(self, times=1, every_ms=SCAN_MS, currents=True):
        for _ in range(times):
            self.now_ms += every_ms
            self.sensors.scan(self.now_ms, currents)

    def started(self):
        self.scan(6)
        self.sensors.announce()
        return self

    def states(self):
        return [slot.state for slot in self.sensors.slots]

    def changes(self, kind):
        """[(index, value, was)] told of `kind`."""
        return [(index, value, was) for _, of, index, value, was, _ in self.told if of == kind]

    def current_config(self, address):
        """The configuration register of a current chip of bank 2, read past the bus."""
        value = bytearray(2)
        self.body.chips[1][address].read_register(0, value)
        return int.from_bytes(value, "big")


@pytest.fixture
def bench():
    return Bench().started()


def presence(state):
    """True, False, or None where a state does not say."""
    return STATES[state][0]


def test_nothing_is_said_before_announce_and_all_is_known_by_then():
    bench = Bench()
    bench.body.apply("out", [4])
    bench.body.apply("open", [])
    bench.scan(6, 500)
    assert bench.told == []
    assert bench.states()[3] == "empty"
    assert "unknown" not in bench.states()
    assert bench.sensors.banks == ["ok"] * 3
    assert {name: switch.state for name, switch in bench.sensors.inputs.items()} == {
        "door": "open",
        "bolt": "thrown",
        "mains": "on",
        "tamper": "ok",
    }


def test_before_the_first_scan_nothing_is_claimed():
    sensors = Bench().sensors
    assert {slot.state for slot in sensors.slots} == {"unknown"}
    assert {switch.state for switch in sensors.inputs.values()} == {"unknown"}
    assert sensors.banks == ["unknown"] * 3
    assert sensors.current_ma == [None] * 30


@settings(max_examples=50)
@given(
    out=st.sets(st.integers(1, 30)),
    loose=st.sets(st.integers(1, 30)),
    dark=st.sets(st.integers(1, 3)),
    seed=st.integers(1, 99),
)
def test_c2_c7_every_slot_is_seen_as_the_world_has_it(out, loose, dark, seed):
    bench = Bench(seed)
    for verb, numbers in (("out", out), ("disconnect", loose), ("shelf-off", dark)):
        if numbers:
            bench.body.apply(verb, sorted(numbers))
    bench.started()
    for i in range(30):
        true_ma = bench.body.current_ma(i, bench.now_ms)
        state = bench.states()[i]
        assert abs(bench.sensors.current_ma[i] - true_ma) <= 8
        if i + 1 in out:
            assert state == "empty"
        elif i + 1 in loose or i // 10 + 1 in dark:
            assert state == "idle"
        else:
            assert state == ("charging" if true_ma > 310 else "trickle") or 240 < true_ma <= 310


def test_one_scan_of_30_currents_and_30_switches_costs_at_most_2300_bits(bench):
    costs = []
    for _ in range(10):
        before = bench.body.bus.bits
        bench.scan()
        costs.append(bench.body.bus.bits - before)
    assert None not in bench.sensors.current_ma
    assert max(costs) <= 2300  # a quarter of it asks whether the converters still convert


def test_a_scan_of_the_switches_alone_costs_a_fifth_of_that(bench):
    before = bench.body.bus.bits
    bench.scan(currents=False)
    assert bench.body.bus.bits - before <= 340


def test_c2_a_device_that_is_taken_and_brought_back_is_told_with_both_states(bench):
    bench.body.apply("out", [12])
    bench.scan(4, 50, currents=False)
    assert bench.changes("slot") == [(12, "empty", "charging")]
    bench.scan()
    bench.body.apply("in", [12])
    bench.scan(4, 50, currents=False)
    bench.scan(4)
    assert bench.changes("slot")[1:] == [(12, "idle", "empty"), (12, "charging", "idle")]
    assert bench.told[-1][5] > 300


def test_while_a_switch_moves_a_closer_look_is_asked_for(bench):
    assert not bench.sensors.bouncing
    bench.body.apply("out", [12])
    bench.scan(1, 50, currents=False)
    assert bench.sensors.bouncing
    bench.scan(3, 50, currents=False)
    assert not bench.sensors.bouncing


def test_a_dead_bank_makes_its_ten_slots_unknown_with_one_fault_and_comes_back_as_it_is():
    bench = Bench().started()
    before = bench.states()
    bench.body.apply("bank-dies", [2])
    bench.body.apply("out", [5, 15, 25])
    bench.scan(60)
    assert bench.changes("bank") == [(2, "faulty", "ok")]
    assert sorted(bench.changes("slot")) == sorted(
        [(i + 1, "unknown", before[i]) for i in BANK_2]
        + [(n, "empty", before[n - 1]) for n in (5, 25)]
    )
    assert [bench.sensors.current_ma[i] for i in BANK_2] == [None] * 10
    assert None not in [bench.sensors.current_ma[i] for i in range(30) if i not in BANK_2]
    bench.body.apply("bank-heals", [2])
    bench.scan(70)
    assert bench.changes("bank")[1:] == [(2, "ok", "faulty")]
    assert bench.states()[14] == "empty"
    for i in BANK_2:
        assert i == 14 or presence(bench.states()[i]) is True


def test_a_dead_bank_is_probed_ever_less_often_and_never_less_than_once_a_minute(bench):
    bench.body.apply("bank-dies", [2])
    bench.scan(3)
    probes, seen = [], bench.sensors.bus_errors
    for _ in range(300):
        bench.scan()
        if bench.sensors.bus_errors != seen:
            seen = bench.sensors.bus_errors
            probes.append(bench.now_ms)
    waits_s = [(b - a) // 1000 for a, b in pairwise(probes)]
    assert waits_s == [2, 4, 8, 16, 32, 60, 60, 60]


def test_one_dead_current_chip_leaves_its_three_slots_unmeasured_and_present(bench):
    bench.body.bus.kill(CURRENTS[1], 1)
    bench.scan(10)
    assert [i for i, state in enumerate(bench.states()) if state == "unmeasured"] == [13, 14, 15]
    assert bench.changes("bank") == [(2, "faulty", "ok")]
    assert len(bench.changes("slot")) == 3
    bench.body.bus.revive(CURRENTS[1], 1)
    bench.scan(70)
    assert "unmeasured" not in bench.states()
    assert bench.changes("bank")[1:] == [(2, "ok", "faulty")]


def test_a_bank_that_holds_the_bus_down_takes_no_other_with_it(bench):
    before = bench.states()
    bench.body.bus.hold_sda(1)
    bench.scan(60)
    assert bench.changes("bank") == [(2, "faulty", "ok")]
    assert sorted(bench.changes("slot")) == [(i + 1, "unknown", before[i]) for i in BANK_2]
    bench.body.apply("out", [25])
    bench.scan(2)
    assert bench.states()[24] == "empty"
    waited_ms = bench.body.bus.waited_ms
    bench.scan(55)  # between two probes
    assert bench.body.bus.waited_ms - waited_ms <= 500
    bench.body.bus.release_sda(1)
    bench.scan(70)
    assert bench.changes("bank")[1:] == [(2, "ok", "faulty")]
    assert all(presence(bench.states()[i]) is True for i in BANK_2)


def test_a_bus_held_down_at_the_controller_hides_everything_and_gives_it_back(bench):
    bench.body.bus.hold_sda()
    bench.scan(10)
    assert set(bench.states()) == {"unknown"}
    assert bench.sensors.banks == ["faulty"] * 3
    bench.body.bus.release_sda()
    bench.scan(70)
    assert all(presence(state) is True for state in bench.states())
    assert bench.sensors.banks == ["ok"] * 3


def test_a_bank_that_lost_its_power_for_a_moment_is_told_everything_again(bench):
    bench.body.apply("bank-dies", [2])
    bench.body.apply("bank-heals", [2])
    assert bench.current_config(CURRENTS[0]) != CURRENT_CONFIG
    bench.scan(70)
    assert [bench.current_config(address) for address in CURRENTS] == [CURRENT_CONFIG] * 4
    assert bench.changes("bank") == [(2, "faulty", "ok"), (2, "ok", "faulty")]


@pytest.mark.parametrize("address", [SWITCHES, *CURRENTS, MUX])
def test_a_single_failed_transaction_changes_nothing(bench, address):
    bus, channel = bench.body.bus, None if address == MUX else 1
    before = bench.states()
    for offset in range(0, 2240, 40):
        bus.at_bits(bus.bits + offset, lambda: bus.kill(address, channel))
        bus.at_bits(bus.bits + offset + 40, lambda: bus.revive(address, channel))
        bench.scan(2)
    assert bench.sensors.bus_errors > 0
    assert bench.told == []
    assert bench.states() == before


# A fault of bank 1..3 and what ends it; the bus or the mux where there is no bank.
FAULTS = {
    "switches": (
        lambda body, b: body.bus.kill(SWITCHES, b),
        lambda body, b: body.bus.revive(SWITCHES, b),
    ),
    "currents": (
        lambda body, b: body.bus.kill(CURRENTS[2], b),
        lambda body, b: body.bus.revive(CURRENTS[2], b),
    ),
    "bank": (
        lambda body, b: body.apply("bank-dies", [b + 1]),
        lambda body, b: body.apply("bank-heals", [b + 1]),
    ),
    "freeze": (
        lambda body, b: setattr(body.chips[b][CURRENTS[0]], "frozen", True),
        lambda body, b: setattr(body.chips[b][CURRENTS[0]], "frozen", False),
    ),
    "held": (
        lambda body, b: body.bus.hold_sda(b),
        lambda body, b: body.bus.release_sda(b),
    ),
    "bus held": (
        lambda body, b: body.bus.hold_sda(),
        lambda body, b: body.bus.release_sda(),
    ),
    "mux": (
        lambda body, b: body.bus.kill(MUX),
        lambda body, b: body.bus.revive(MUX),
    ),
    "mux in reset": (
        lambda body, b: body.write("mux_reset", 0),
        lambda body, b: body.write("mux_reset", 1),
    ),
}  # fmt: skip


@settings(max_examples=120)
@given(
    out=st.sets(st.integers(1, 30)),
    troubles=st.lists(
        st.tuples(
            st.sampled_from(sorted(FAULTS)),
            st.integers(0, 2),  # bank from 0
            st.integers(0, 1800),  # bits into the scan at which it begins
            st.integers(1, 6000),  # how many bits it lasts
            st.sampled_from([50, 200, 1000, 5000]),  # ms between the scans after it
        ),
        max_size=8,
    ),
)
def test_c2_no_fault_of_a_chip_at_any_moment_makes_a_device_come_or_go(out, troubles):
    bench = Bench()
    if out:
        bench.body.apply("out", sorted(out))
    bench.started()
    bus = bench.body.bus
    for fault, b, begins, lasts, every_ms in troubles:
        begin, end = FAULTS[fault]
        bus.at_bits(bus.bits + begins, lambda begin=begin, b=b: begin(bench.body, b))
        bus.at_bits(bus.bits + begins + lasts, lambda end=end, b=b: end(bench.body, b))
        for _ in range(6):
            bench.scan(1, every_ms, currents=every_ms > 100)
            for i, state in enumerate(bench.states()):
                assert presence(state) in (None, i + 1 not in out)
                assert state != "mismatch"


def hold(bench, verb, back, for_ms):
    """Do `verb`, look often for `for_ms`, undo it with `back`; what was told, and when."""
    before = len(bench.told)
    bench.body.apply(verb, [])
    bench.scan(1, 50)
    start_ms = bench.now_ms
    bench.scan((for_ms + 49) // 50, 50)
    said = bench.told[before:]
    bench.body.apply(back, [])
    bench.scan(60, 50)
    return [(at_ms - start_ms, kind, value) for at_ms, kind, _, value, _, _ in said]


@pytest.mark.parametrize(
    ("name", "verb", "back", "word", "hold_ms"),
    [
        ("door", "open", "close", "open", 200),
        ("bolt", "unlock", "lock", "open", 200),
        ("mains", "unplug", "plug", "off", 2000),
    ],
)
def test_c3_c6_door_bolt_and_mains_are_believed_after_their_hold_and_not_before(
    bench, name, verb, back, word, hold_ms
):
    assert hold(bench, verb, back, hold_ms - 50) == []
    said = hold(bench, verb, back, hold_ms)
    assert [moment for moment in said if moment[1] == name] == [(hold_ms, name, word)]
    assert bench.sensors.inputs[name].state != word
