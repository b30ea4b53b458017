"""The simulated TCA9548A against its datasheet (SCPS207)."""

import errno

import pytest

from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.chips.mcp23017 import MCP23017
from homeslot_sim.chips.tca9548a import TCA9548A

from .registers import GPPU

MUX, CHIP = 0x70, 0x20


class Master(FaultyBus):
    """With one more method of `machine.I2C`."""

    def readfrom_mem(self, addr, memaddr, nbytes):
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)


@pytest.fixture
def mux():
    mux = TCA9548A()
    mux.plug(0, {CHIP: MCP23017()})
    mux.plug(5, {CHIP: MCP23017()})
    return mux


@pytest.fixture
def i2c(mux):
    bus = Master()
    bus.attach(MUX, mux)
    return bus


def answers(i2c, address):
    return address in i2c.scan()


def test_every_channel_is_closed_at_power_on(i2c):
    assert i2c.readfrom_mem(MUX, 0x00, 1) == b"\x00"
    assert i2c.scan() == [MUX]


def test_a_written_channel_opens_and_the_register_reads_back(i2c):
    i2c.writeto(MUX, b"\x20")
    assert i2c.scan() == [CHIP, MUX]
    buf = bytearray(2)
    i2c.readfrom_into(MUX, buf)
    assert buf == b"\x20\x20"


def test_the_last_byte_of_a_write_wins(i2c, mux):
    i2c.writeto(MUX, b"\x01\x20\x02")
    assert mux.control == 0x02
    assert not answers(i2c, CHIP)


def test_a_channel_opens_at_stop_and_not_before(i2c, mux):
    i2c.writeto(MUX, b"\x01", False)
    assert mux.control == 0
    with pytest.raises(OSError) as caught:  # a repeated START is no STOP; the one after it is
        i2c.writeto(CHIP, b"")
    assert caught.value.errno == errno.EIO
    assert mux.control == 0x01
    assert i2c.writeto(CHIP, b"") == 0


def test_a_register_read_after_a_repeated_start_brings_the_stop(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    i2c.writeto(MUX, b"\x20", False)
    assert i2c.readfrom_mem(CHIP, GPPU, 1) == b"\x00"
    assert mux.control == 0x20


def test_a_probe_changes_nothing(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    i2c.writeto(MUX, b"")
    assert mux.control == 0x01


def test_two_open_channels_are_wired_and(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    i2c.writeto_mem(CHIP, GPPU, b"\x0f")
    i2c.writeto(MUX, b"\x20")
    i2c.writeto_mem(CHIP, GPPU, b"\x3c")
    i2c.writeto(MUX, b"\x21")
    assert i2c.readfrom_mem(CHIP, GPPU, 1) == b"\x0c"
    i2c.writeto_mem(CHIP, GPPU, b"\x55")  # and both hear a write
    for channel in (b"\x01", b"\x20"):
        i2c.writeto(MUX, channel)
        assert i2c.readfrom_mem(CHIP, GPPU, 1) == b"\x55"


def test_the_reset_pin_closes_every_channel_and_silences_the_chip(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    mux.reset_pin(0)
    assert i2c.scan() == []
    mux.reset_pin(1)
    assert i2c.scan() == [MUX]
    assert mux.control == 0


def test_power_on_closes_every_channel(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    mux.power_cycle()
    assert i2c.scan() == [MUX]


def test_an_unplugged_bank_is_gone_and_a_replugged_one_has_forgotten(i2c, mux):
    i2c.writeto(MUX, b"\x01")
    i2c.writeto_mem(CHIP, GPPU, b"\x7f")
    chips = mux.unplug(0)
    assert i2c.scan() == [MUX]
    mux.plug(0, chips)
    assert i2c.scan() == [CHIP, MUX]
    assert i2c.readfrom_mem(CHIP, GPPU, 1) == b"\x00"


def test_a_bank_can_move_to_another_channel(i2c, mux):
    mux.plug(1, mux.unplug(0))
    i2c.writeto(MUX, b"\x02")
    assert answers(i2c, CHIP)


def test_an_occupied_channel_takes_no_second_bank(mux):
    with pytest.raises(ValueError, match="channel 5 is occupied"):
        mux.plug(5, {})
