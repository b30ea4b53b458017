"""The body: the world as registers on the bus and levels at the pins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot.board import Board
from homeslot.drivers.tca9548a import TCA9548A
from homeslot_hardware import boards
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.world import World

from ..device.drivers_on_chips import Drivers

BOARD = Board(boards.load("pico-w-30"))
NOTHING_MA, DRAWS_MA = 15, 60  # a measured zero has noise, and the fullest device still draws
NUMBERS = st.lists(st.integers(1, 30), unique=True, min_size=1)


class Bench:
    """A body on a hand-moved clock and a driver for each of its banks."""

    def __init__(self, seed=1):
        self.now_ms = 0
        self.body = Body(BOARD, World(30, 3), lambda: self.now_ms, seed)
        mux = TCA9548A(self.body.bus, BOARD.mux_address)
        self.banks = [Drivers(self.body.bus, mux, BOARD, bank) for bank in BOARD.banks]
        for bank in self.banks:
            bank.setup()
        self.now_ms += 1000

    def present(self):
        """Slot numbers whose switch is closed."""
        closed = []
        for b in range(3):
            mask = self.banks[b].read_switches()
            closed += [mask >> pin & 1 for pin in BOARD.banks[b].inputs]
        return [i + 1 for i in range(30) if closed[i]]

    def currents_ma(self):
        """Current of every slot as its chip measures it, a conversion cycle from now."""
        self.now_ms += 1000
        currents = [None] * 30
        for b in range(3):
            self.banks[b].read_currents(currents, 10 * b)
        return currents


@pytest.fixture
def bench():
    return Bench()


def test_c2_every_device_closes_its_own_switch_and_draws_its_own_current(bench):
    assert bench.present() == list(range(1, 31))
    for i, measured_ma in enumerate(bench.currents_ma()):
        assert abs(measured_ma - bench.body.current_ma(i, bench.now_ms)) <= 8
        assert measured_ma > DRAWS_MA


@given(numbers=NUMBERS)
@settings(max_examples=40)
def test_c2_what_is_taken_out_opens_its_switch_and_draws_nothing(numbers):
    bench = Bench()
    bench.body.apply("out", numbers)
    assert bench.present() == [n for n in range(1, 31) if n not in numbers]
    assert {i + 1 for i, ma in enumerate(bench.currents_ma()) if ma < NOTHING_MA} == set(numbers)
    bench.body.apply("in", numbers)
    assert bench.present() == list(range(1, 31))
    assert min(bench.currents_ma()) > DRAWS_MA


@given(numbers=NUMBERS)
@settings(max_examples=40)
def test_c7_a_device_without_its_cable_is_there_and_draws_nothing(numbers):
    bench = Bench()
    bench.body.apply("disconnect", numbers)
    assert bench.present() == list(range(1, 31))
    assert {i + 1 for i, ma in enumerate(bench.currents_ma()) if ma < NOTHING_MA} == set(numbers)


def test_c1_a_shelf_without_power_charges_none_of_its_ten(bench):
    bench.body.apply("shelf-off", [2])
    assert [ma > DRAWS_MA for ma in bench.currents_ma()] == [True] * 10 + [False] * 10 + [True] * 10


def test_c6_without_mains_nothing_charges_and_the_supply_is_gone(bench):
    assert bench.body.voltage_mv() == 5000
    bench.body.apply("unplug", [])
    assert max(bench.currents_ma()) < NOTHING_MA
    assert (bench.body.read("mains"), bench.body.voltage_mv()) == (1, 0)


@pytest.mark.parametrize(
    ("pin", "bad", "good"),
    [("door", "open", "close"), ("bolt", "unlock", "lock"), ("mains", "unplug", "plug")],
)
def test_c3_a_switch_pulls_its_pin_to_ground_while_all_is_well(bench, pin, bad, good):
    assert bench.body.read(pin) == 0
    bench.body.apply(bad, [])
    assert bench.body.read(pin) == 1
    bench.body.apply(good, [])
    assert bench.body.read(pin) == 0
    assert bench.body.read("tamper") == 0


def test_a_dead_bank_answers_nothing_and_the_others_do_until_it_heals(bench):
    bench.body.apply("bank-dies", [2])
    bench.body.apply("out", [15])
    assert bench.banks[0].read_switches() == bench.banks[2].read_switches()
    with pytest.raises(OSError, match="no acknowledge"):
        bench.banks[1].read_switches()
    bench.body.apply("bank-heals", [2])
    bench.banks[1].setup()
    assert bench.present() == [n for n in range(1, 31) if n != 15]


def test_the_banks_share_one_interrupt_line_that_falls_when_the_first_pulls_it(bench):
    falls = []
    bench.body.on_fall("bank_interrupt", lambda: falls.append(bench.now_ms))
    bench.body.apply("out", [3, 13, 23])
    assert len(falls) == 1
    bench.present()
    bench.body.apply("in", [13])
    assert len(falls) == 2
    bench.body.apply("in", [3])
    assert len(falls) == 2


def test_the_reset_pin_of_the_mux_closes_it_and_keeps_it_from_answering(bench):
    bench.banks[0].select()
    bench.body.write("mux_reset", 0)
    with pytest.raises(OSError, match="no acknowledge"):
        bench.banks[1].select()
    bench.body.write("mux_reset", 1)
    assert bench.present() == list(range(1, 31))


def test_one_seed_is_one_cart_and_another_seed_another():
    currents = [Bench(seed).currents_ma() for seed in (1, 1, 2)]
    assert currents[0] == currents[1]
    assert currents[0] != currents[2]


def test_a_device_that_was_used_comes_back_emptier_and_charges_for_longer():
    charged_by = []
    for hours in (0, 6):
        bench = Bench()
        bench.body.apply("out", [1])
        bench.now_ms += hours * 3600000
        bench.body.apply("in", [1])
        back_ms = bench.now_ms
        while bench.body.current_ma(0, bench.now_ms) > 500:
            bench.now_ms += 60000
        charged_by.append(bench.now_ms - back_ms)
    assert charged_by[1] > charged_by[0] + 3600000
