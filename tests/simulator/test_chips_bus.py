"""The simulated I2C bus: its facades, its faults and what a transaction costs."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.busio import I2C
from homeslot_sim.chips.bus import Bus
from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.chips.ina3221 import INA3221
from homeslot_sim.chips.mcp23017 import MCP23017
from homeslot_sim.chips.tca9548a import TCA9548A

from .registers import GPPU, IODIR

MUX, SWITCHES, CURRENTS = 0x70, 0x20, 0x40


class Still:
    """A clock and a source in which nothing moves."""

    def up_ms(self):
        return 0

    def current_ma(self, channel, now_ms):
        return 0

    def voltage_mv(self, channel, now_ms):
        return 0


def a_cart(*arguments, make=FaultyBus):
    """(bus, mux) with one bank in channel 0, open."""
    still = Still()
    bus, mux = make(*arguments), TCA9548A()
    bus.attach(MUX, mux)
    mux.plug(0, {SWITCHES: MCP23017(), CURRENTS: INA3221(still.up_ms, still, 20)})
    bus.writeto(MUX, b"\x01")
    return bus, mux


def refusal(call, *arguments):
    """The errno of the OSError that `call` raises."""
    with pytest.raises(OSError) as caught:
        call(*arguments)
    return caught.value.errno


def cost(bus, call, *arguments):
    """The bits that `call` clocks."""
    before = bus.bits
    call(*arguments)
    return bus.bits - before


def test_nobody_at_the_address_is_eio():
    bus, _ = a_cart()
    assert refusal(bus.writeto, 0x21, b"\x00") == errno.EIO
    assert refusal(bus.readfrom_into, 0x21, bytearray(1)) == errno.EIO
    assert refusal(bus.readfrom_mem_into, 0x21, 0, bytearray(1)) == errno.EIO
    assert refusal(bus.writeto_mem, 0x21, 0, b"\x00") == errno.EIO


def test_bits_are_counted_as_the_bus_clocks_them():
    bus, _ = a_cart()
    assert cost(bus, bus.writeto, SWITCHES, b"") == 11  # START, address and acknowledge, STOP
    assert cost(bus, bus.writeto, MUX, b"\x01") == 20
    assert cost(bus, bus.writeto_mem, SWITCHES, IODIR, b"\x7f\x7f") == 38
    assert cost(bus, bus.readfrom_into, SWITCHES, bytearray(2)) == 29
    assert cost(bus, bus.readfrom_mem_into, SWITCHES, IODIR, bytearray(2)) == 48
    assert cost(bus, refusal, bus.writeto, 0x21, b"\x00") == 11


def test_the_register_pointer_survives_stop():
    bus, _ = a_cart()
    bus.writeto_mem(SWITCHES, GPPU, b"\x12\x34")
    bus.writeto(SWITCHES, bytes([GPPU]))
    buf = bytearray(2)
    bus.readfrom_into(SWITCHES, buf)
    assert buf == b"\x12\x34"


def test_every_way_to_read_a_register_reads_the_same():
    bus, _ = a_cart()
    busio = I2C(bus)
    bus.writeto_mem(SWITCHES, GPPU, b"\x12\x34")
    buf, other = bytearray(2), bytearray(4)
    bus.readfrom_mem_into(SWITCHES, GPPU, buf)
    assert busio.try_lock()
    busio.writeto_then_readfrom(SWITCHES, b"\x00" + bytes([GPPU]), other, out_start=1, in_start=2)
    assert buf == b"\x12\x34"
    assert other == b"\x00\x00\x12\x34"
    busio.writeto(SWITCHES, bytes([0, GPPU, 0]), start=1, end=2)
    busio.readfrom_into(SWITCHES, other, end=1)
    assert other == b"\x12\x00\x12\x34"


@given(
    address=st.sampled_from([MUX, SWITCHES, CURRENTS, 0x21]),
    register=st.integers(0, 255),
    size=st.integers(0, 5),
)
def test_the_quick_read_does_what_its_two_transactions_do(address, register, size):
    def outcome(read, make=FaultyBus):
        bus, mux = a_cart(make=make)
        buf = bytearray(size)
        try:
            read(bus, buf)
        except OSError as error:
            return error.errno, bus.bits, mux.control
        return bytes(buf), bus.bits, mux.control

    def slowly(bus, buf):
        bus.writeto(address, bytes([register]), stop=False)
        bus.readfrom_into(address, buf)

    def quickly(bus, buf):
        bus.readfrom_mem_into(address, register, buf)

    assert outcome(quickly) == outcome(slowly) == outcome(quickly, Bus) == outcome(slowly, Bus)


def test_sda_held_low_times_out_after_fifty_milliseconds():
    waits = []
    bus, _ = a_cart(waits.append)
    bus.hold_sda()
    before = bus.bits
    assert refusal(bus.writeto, MUX, b"\x00") == errno.ETIMEDOUT
    assert refusal(bus.readfrom_mem_into, SWITCHES, 0, bytearray(2)) == errno.ETIMEDOUT
    assert bus.bits == before  # no START without SDA
    assert waits == [50, 50]
    assert bus.waited_ms == 100
    assert bus.scan() == []
    bus.release_sda()
    assert bus.scan() == [SWITCHES, CURRENTS, MUX]


def test_a_chip_that_holds_sda_behind_a_channel_is_shut_out_by_the_mux_reset():
    bus, mux = a_cart()
    bus.writeto(MUX, b"\x00")
    bus.hold_sda(2)
    assert bus.scan() == [MUX]
    bus.writeto(MUX, b"\x04")
    assert refusal(bus.writeto, MUX, b"\x00") == errno.ETIMEDOUT  # nobody can close it any more
    mux.reset_pin(0)
    mux.reset_pin(1)
    bus.writeto(MUX, b"\x01")
    assert bus.scan() == [SWITCHES, CURRENTS, MUX]


def test_a_killed_chip_answers_nothing_and_its_neighbours_do():
    bus, _ = a_cart()
    bus.kill(CURRENTS, 0)
    assert refusal(bus.readfrom_mem_into, CURRENTS, 1, bytearray(2)) == errno.EIO
    assert bus.scan() == [SWITCHES, MUX]
    bus.revive(CURRENTS, 0)
    buf = bytearray(2)
    bus.readfrom_mem_into(CURRENTS, 0xFE, buf)
    assert buf == b"\x54\x49"


def test_a_killed_place_stays_dead_when_its_bank_is_replugged():
    bus, mux = a_cart()
    bus.kill(CURRENTS, 0)
    mux.plug(0, mux.unplug(0))
    assert bus.scan() == [SWITCHES, MUX]


def test_a_killed_mux_takes_its_banks_settings_but_no_commands():
    bus, mux = a_cart()
    bus.kill(MUX)
    assert refusal(bus.writeto, MUX, b"\x00") == errno.EIO
    assert bus.scan() == [SWITCHES, CURRENTS]
    assert mux.control == 0x01


@pytest.mark.parametrize(
    ("after_bits", "expected"),
    [
        (0, errno.EIO),  # the address is not acknowledged
        (19, errno.EIO),  # nor is the address after the repeated START
        (30, b"\xff\xff"),  # the read goes on and SDA floats high
        (40, b"\x7f\xff"),
        (49, b"\x7f\x7f"),
    ],
)
def test_a_bank_unplugged_in_the_middle_of_a_read(after_bits, expected):
    bus, mux = a_cart()
    bus.writeto_mem(SWITCHES, IODIR, b"\x7f\x7f")
    bus.at_bits(bus.bits + after_bits, lambda: mux.unplug(0))
    buf = bytearray(2)
    if isinstance(expected, int):
        assert refusal(bus.readfrom_mem_into, SWITCHES, IODIR, buf) == expected
    else:
        assert cost(bus, bus.readfrom_mem_into, SWITCHES, IODIR, buf) == 48
        assert buf == expected
    assert bus.scan() == [MUX]


def test_a_bank_unplugged_in_the_middle_of_a_write_leaves_a_byte_unacknowledged():
    bus, mux = a_cart()
    bus.at_bits(bus.bits + 25, lambda: mux.unplug(0))
    assert refusal(bus.writeto, SWITCHES, bytes([IODIR, 0x7F, 0x7F])) == errno.EIO


def test_sda_held_in_the_middle_of_a_read_times_out():
    bus, _ = a_cart()
    bus.at_bits(bus.bits + 35, bus.hold_sda)
    assert refusal(bus.readfrom_mem_into, SWITCHES, IODIR, bytearray(2)) == errno.ETIMEDOUT


def test_a_bank_unplugged_in_the_middle_of_a_scan_is_half_seen():
    bus, mux = a_cart()
    bus.at_bits(bus.bits + 11 * (0x30 - 0x08), lambda: mux.unplug(0))
    assert bus.scan() == [SWITCHES, MUX]


def test_what_is_planned_in_bits_happens_once_and_in_order():
    bus, _ = a_cart()
    seen = []
    bus.at_bits(bus.bits + 20, lambda: seen.append("second"))
    bus.at_bits(bus.bits + 5, lambda: seen.append("first"))
    for _ in range(3):
        bus.writeto(SWITCHES, b"")
    assert seen == ["first", "second"]


def test_busio_wants_its_lock():
    busio = I2C(a_cart()[0])
    with pytest.raises(RuntimeError, match="lock"):
        busio.scan()
    assert busio.try_lock()
    assert not busio.try_lock()
    assert busio.scan() == [SWITCHES, CURRENTS, MUX]
    busio.unlock()
    assert busio.try_lock()


def test_byte_by_byte_a_transaction_costs_and_does_what_it_does_whole():
    """What an emulated controller does: write the register, repeat START, read two bytes."""
    bus, _ = a_cart()
    whole = bytearray(2)
    bits = cost(bus, bus.readfrom_mem_into, CURRENTS, 0xFE, whole)

    def by_bytes():
        chip = bus.start(CURRENTS)
        assert bus.byte(CURRENTS, chip)
        chip.write(b"\xfe")
        assert bus.start(CURRENTS) is chip
        read = bytearray(chip.word)
        chip.read_into(read)
        assert all(bus.byte(CURRENTS, chip) for _ in read)
        bus.stop()
        assert read == whole == b"TI"

    assert cost(bus, by_bytes) == bits


def test_byte_by_byte_a_chip_that_goes_away_is_noticed():
    bus, mux = a_cart()
    chip = bus.start(SWITCHES)
    mux.unplug(0)
    assert not bus.byte(SWITCHES, chip)
    assert refusal(bus.start, SWITCHES) == errno.EIO
