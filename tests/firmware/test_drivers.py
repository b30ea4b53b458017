"""The cart's drivers on simulated chips, wired as the board file says."""

import contextlib
import errno
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.board import Board
from homeslot.drivers import WrongChip
from homeslot.drivers.ina3221 import INA3221
from homeslot.drivers.mcp23017 import MCP23017
from homeslot.drivers.tca9548a import TCA9548A
from homeslot_sim.chips import ina3221, mcp23017, tca9548a
from homeslot_sim.chips.faults import FaultyBus

from ..device.drivers_on_chips import Drivers

BOARDS = Path(__file__).parents[2] / "hardware" / "homeslot_hardware" / "boards"


class Registers:
    """A bus on which every register of every chip reads the same bytes, and writes vanish."""

    def __init__(self, answer):
        self.answer = answer

    def writeto(self, addr, buf):
        return len(buf)

    def writeto_mem(self, addr, memaddr, buf):
        pass

    def readfrom_mem_into(self, addr, memaddr, buf):
        buf[:] = (self.answer * len(buf))[: len(buf)]


class Slots:
    """What one INA3221 measures: the slots from `first` of a list of currents in mA."""

    def __init__(self, currents_ma, first):
        self._currents_ma = currents_ma
        self._first = first

    def current_ma(self, channel, now_ms):
        slot = self._first + channel
        return self._currents_ma[slot] if slot < len(self._currents_ma) else 0

    def voltage_mv(self, channel, now_ms):
        return 5000


class Cart:
    """The reference board: chips on one side of the bus, drivers on the other."""

    def __init__(self):
        self.board = Board(json.loads((BOARDS / "pico-w-30.json").read_text()))
        self.now_ms = 0
        self.currents_ma = [0] * self.board.slots
        self.wires = FaultyBus()
        self.mux_chip = tca9548a.TCA9548A()
        self.wires.attach(self.board.mux_address, self.mux_chip)
        self.mux = TCA9548A(self.wires, self.board.mux_address)
        self.banks = []
        first = 0
        for description in self.board.banks:
            chips = {description.presence_address: mcp23017.MCP23017()}
            for k in range(len(description.current_addresses)):
                source = Slots(self.currents_ma, first + 3 * k)
                chips[description.current_addresses[k]] = ina3221.INA3221(
                    lambda: self.now_ms, source, self.board.shunt_mohm
                )
            self.mux_chip.plug(description.channel, chips)
            self.banks.append(Drivers(self.wires, self.mux, self.board, description))
            first += len(description.inputs)

    def chips(self, b):
        return self.mux_chip.channels[self.board.banks[b].channel]

    def switch(self, slot, present):
        bank = self.board.banks[slot // 10]
        chip = self.chips(slot // 10)[bank.presence_address]
        chip.drive(bank.inputs[slot % 10], 0 if present else None)

    def setup(self):
        for bank in self.banks:
            bank.setup()
        self.mux.off()

    def scan(self):
        """(presence by slot, current by slot in mA) as one scan reads them."""
        present = []
        read_ma = [None] * self.board.slots
        for b in range(len(self.banks)):
            closed = self.banks[b].read_switches()
            present += [bool(closed >> pin & 1) for pin in self.board.banks[b].inputs]
            self.banks[b].read_currents(read_ma, 10 * b)
        self.mux.off()
        return present, read_ma


@pytest.fixture
def cart():
    cart = Cart()
    cart.setup()
    return cart


def test_every_slot_is_read_at_its_place(cart):
    cart.currents_ma[:] = [100 * slot for slot in range(30)]
    present = [slot % 3 != 0 for slot in range(30)]
    for slot in range(30):
        cart.switch(slot, present[slot])
    cart.now_ms += 1000
    assert cart.scan() == (present, cart.currents_ma)


def test_a_scan_of_thirty_slots_costs_at_most_1700_bits(cart):
    cart.now_ms += 1000
    before = cart.wires.bits
    cart.scan()
    assert cart.wires.bits - before == 1664  # 30 shunts, 3 ports, 4 times the mux
    assert cart.wires.bits - before <= 1700


def test_the_mux_is_off_after_a_scan(cart):
    cart.scan()
    assert cart.mux_chip.control == 0


def test_selecting_the_open_channel_again_costs_nothing(cart):
    cart.mux.select(1)
    before = cart.wires.bits
    cart.mux.select(1)
    assert cart.wires.bits == before
    assert cart.mux_chip.control == 0x02


def test_a_failed_selection_is_not_remembered(cart):
    cart.mux.select(1)
    cart.wires.kill(cart.board.mux_address)
    with pytest.raises(OSError):
        cart.mux.select(2)
    cart.mux_chip.power_cycle()
    cart.wires.revive(cart.board.mux_address)
    cart.mux.select(1)
    assert cart.mux_chip.control == 0x02


def test_the_board_files_configuration_is_in_force(cart):
    for b in range(3):
        for address in cart.board.banks[b].current_addresses:
            buf = bytearray(2)
            cart.chips(b)[address].read_register(0x00, buf)
            assert buf == b"\x75\x27"


def test_a_switch_pulls_the_interrupt_and_reading_it_lets_go(cart):
    chip = cart.chips(0)[0x20]
    assert chip.level(0) is None  # open drain, shared by the banks
    cart.switch(7, True)  # on port B, mirrored to INTA
    assert chip.level(0) == 0
    assert cart.banks[0].read_switches() == 1 << 10
    assert chip.level(0) is None


def test_setup_finds_its_way_from_any_earlier_configuration(cart):
    chip = cart.chips(0)[0x20]
    for left_behind in (0x80, 0xA0, 0x20, 0xFE):
        chip.write(bytes([0x0A, left_behind]))
        chip.write(bytes([0x05, left_behind]))
        cart.switch(0, True)
        cart.banks[0].setup()
        assert cart.banks[0].read_switches() == 1


def test_setup_clears_an_interrupt_of_before(cart):
    cart.switch(0, True)
    cart.banks[0].setup()
    assert cart.chips(0)[0x20].level(0) is None


@pytest.mark.parametrize("answer", [b"\xff", b"\x00", b"\x7f", b"\x44"])
def test_a_chip_that_is_no_mcp23017_is_refused(answer):
    with pytest.raises(WrongChip, match="chip at 0x20: register") as caught:
        MCP23017(Registers(answer), 0x20).setup()
    assert caught.value.address == 0x20
    assert caught.value.found == answer[0]


@pytest.mark.parametrize("answer", [b"\xff\xff", b"\x00\x00", b"\x00\x80", b"\xff\x80"])
def test_a_port_whose_watch_pins_are_wrong_is_refused(answer):
    with pytest.raises(WrongChip, match="GPA7, GPB7"):
        MCP23017(Registers(answer), 0x20).read()


def test_a_chip_that_is_no_ina3221_is_refused(cart):
    chips = cart.mux_chip.unplug(1)
    chips[0x42] = mcp23017.MCP23017()
    cart.mux_chip.plug(1, chips)
    with pytest.raises(WrongChip, match=r"chip at 0x42: register feh is .*, expected 5449h"):
        cart.banks[1].setup()


def test_the_die_of_another_maker_id_5449h_is_refused():
    with pytest.raises(WrongChip, match="register ffh is 5449h, expected 3220h") as caught:
        INA3221(Registers(b"\x54\x49"), 0x40, 20, 0x7527).setup()
    assert caught.value.expected == 0x3220
    assert caught.value.errno == errno.ENODEV


def test_an_ina3221_that_does_not_take_its_configuration_is_refused(cart):
    class Deaf(ina3221.INA3221):
        def write(self, data):
            super().write(data[:1])

    chips = cart.mux_chip.unplug(0)
    chips[0x40] = Deaf(lambda: 0, Slots([], 0), 20)
    cart.mux_chip.plug(0, chips)
    with pytest.raises(WrongChip, match="register 00h is 7127h, expected 7527h"):
        cart.banks[0].setup()


@given(raw=st.integers(0, 0x1FFF), shunt_mohm=st.integers(1, 500))
def test_any_shunt_register_decodes_as_the_datasheet_says(raw, shunt_mohm):
    """Section 8.6.2.2: 13 bits left-justified, two's complement, 40 uV a step."""
    register = raw << 3
    chip = INA3221(Registers(bytes([register >> 8, register & 0xFF])), 0x40, shunt_mohm, 0x7527)
    steps = raw - 0x2000 if raw & 0x1000 else raw
    assert chip.current_ma(0) == pytest.approx(steps * 40 / shunt_mohm, abs=0.5)


def test_the_datasheets_example_decodes_to_minus_eighty_millivolts():
    assert INA3221(Registers(b"\xc1\x80"), 0x40, 1, 0x7527).current_ma(0) == -80000
    assert INA3221(Registers(b"\xc1\x80"), 0x40, 20, 0x7527).current_ma(0) == -4000


@given(st.integers(0, 0xFFFF).filter(lambda raw: raw & 7))
def test_a_shunt_register_with_its_unused_bits_set_is_refused(raw):
    chip = INA3221(Registers(bytes([raw >> 8, raw & 0xFF])), 0x43, 20, 0x7527)
    with pytest.raises(WrongChip, match="0x43"):
        chip.current_ma(2)


@given(closed=st.integers(0, 0x7FFF).map(lambda bits: bits & 0x7F7F))
def test_any_set_of_closed_switches_is_read(closed):
    wires = FaultyBus()
    chip = mcp23017.MCP23017()
    wires.attach(0x20, chip)
    driver = MCP23017(wires, 0x20)
    driver.setup()
    for pin in range(16):
        chip.drive(pin, 0 if closed >> pin & 1 else None)
    assert driver.read() == closed


def test_a_dead_current_chip_raises_and_its_neighbours_can_be_read(cart):
    cart.currents_ma[:] = [500] * 30
    cart.now_ms += 1000
    cart.wires.kill(0x41, 1)
    read_ma = [None] * 30
    with pytest.raises(OSError) as caught:
        cart.banks[1].read_currents(read_ma, 10)
    assert caught.value.errno == errno.EIO
    for k in (0, 2, 3):
        cart.banks[1].read_chip(k, read_ma, 10)
    assert read_ma[10:20] == [500] * 3 + [None] * 3 + [500] * 4
    assert cart.banks[1].read_switches() == 0


def test_a_dead_switch_chip_raises_and_the_currents_can_be_read(cart):
    cart.wires.kill(0x20, 2)
    with pytest.raises(OSError):
        cart.banks[2].read_switches()
    read_ma = [None] * 30
    cart.banks[2].read_currents(read_ma, 20)
    assert read_ma[20:] == [0] * 10


def test_an_unplugged_bank_leaves_the_others_readable(cart):
    cart.mux_chip.unplug(1)
    with pytest.raises(OSError):
        cart.banks[1].read_switches()
    assert cart.banks[0].read_switches() == cart.banks[2].read_switches() == 0


def test_a_replugged_bank_is_noticed_and_set_up_again(cart):
    cart.switch(12, True)
    cart.mux_chip.plug(1, cart.mux_chip.unplug(1))
    with pytest.raises(WrongChip):  # it answers, at its power-on values
        cart.banks[1].read_switches()
    cart.banks[1].setup()
    assert cart.banks[1].read_switches() == 1 << 2


def test_a_brown_out_is_noticed_by_the_next_reading_of_the_switches(cart):
    cart.chips(0)[0x20].power_cycle()
    with pytest.raises(WrongChip, match="GPA7, GPB7"):
        cart.banks[0].read_switches()


@pytest.mark.parametrize("bits", range(0, 68, 3))
def test_a_bank_pulled_out_anywhere_in_a_reading_of_switches_is_an_error_or_the_truth(cart, bits):
    cart.switch(0, True)
    cart.wires.at_bits(cart.wires.bits + bits, lambda: cart.mux_chip.unplug(0))
    with contextlib.suppress(OSError):
        assert cart.banks[0].read_switches() == 1
    with pytest.raises(OSError):
        cart.banks[0].read_switches()


@pytest.mark.parametrize("bits", range(0, 500, 7))
def test_a_bank_pulled_out_anywhere_in_a_reading_of_currents_gives_no_false_one(cart, bits):
    cart.currents_ma[:] = [500] * 30
    cart.now_ms += 1000
    cart.wires.at_bits(cart.wires.bits + bits, lambda: cart.mux_chip.unplug(0))
    read_ma = [None] * 10
    with pytest.raises(OSError):
        for _ in range(2):
            cart.banks[0].read_currents(read_ma, 0)
    assert set(read_ma) <= {500, None}


def test_a_stuck_bus_is_a_timeout_and_the_mux_reset_mends_it(cart):
    cart.wires.hold_sda(1)
    with pytest.raises(OSError) as caught:
        cart.banks[1].read_switches()
    assert caught.value.errno == errno.ETIMEDOUT
    cart.mux_chip.reset_pin(0)
    cart.mux_chip.reset_pin(1)
    cart.mux.off()
    assert cart.banks[2].read_switches() == 0
