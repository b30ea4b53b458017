"""The simulated MCP23017 against its datasheet (DS20001952, revision D)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.chips.mcp23017 import MCP23017

from .registers import (
    DEFVAL,
    GPINTEN,
    GPIO,
    GPPU,
    INTCAP,
    INTCON,
    INTF,
    IOCON,
    IODIR,
    IPOL,
    OLAT,
)


class Interrupts(list):
    """What the chip said on its interrupt pin."""

    def __call__(self, asserted):
        self.append(asserted)


@pytest.fixture
def said():
    return Interrupts()


@pytest.fixture
def chip(said):
    return MCP23017(said)


def write(chip, register, *values):
    chip.write(bytes([register, *values]))


def read(chip, register, size=1):
    buf = bytearray(size)
    chip.read_register(register, buf)
    return bytes(buf) if size > 1 else buf[0]


def switches(chip):
    """Set the chip up for switches to ground with an interrupt on change."""
    write(chip, IODIR, 0x7F, 0x7F)
    write(chip, GPPU, 0x7F, 0x7F)
    write(chip, GPINTEN, 0x7F, 0x7F)


def test_power_on_values_are_the_datasheets(chip):
    write(chip, GPPU, 0x12)
    chip.power_cycle()
    assert read(chip, 0x00, 22) == b"\xff\xff" + bytes(20)


def test_an_open_switch_reads_one_with_its_pull_up_and_floats_without(chip):
    assert read(chip, GPIO) == 0x00
    write(chip, GPPU, 0x01)
    assert read(chip, GPIO) == 0x01
    chip.drive(0, 0)
    assert read(chip, GPIO) == 0x00
    chip.drive(0, None)
    assert read(chip, GPIO) == 0x01


def test_port_b_has_pins_eight_to_fourteen(chip):
    chip.drive(9, 1)
    assert read(chip, GPIO, 2) == b"\x00\x02"


def test_polarity_turns_inputs_over_and_outputs_not(chip):
    write(chip, IPOL, 0xFF)
    write(chip, IODIR, 0x0F)
    write(chip, OLAT, 0xA0)
    chip.drive(0, 1)
    assert read(chip, GPIO) == 0xA0 | 0x0E


def test_outputs_follow_the_latch_whichever_register_sets_it(chip):
    write(chip, IODIR, 0x00)
    write(chip, GPIO, 0x81)
    assert read(chip, OLAT) == read(chip, GPIO) == 0x81


def test_the_seventh_pin_of_each_port_is_no_input(chip):
    write(chip, GPPU, 0xFF, 0xFF)
    write(chip, GPINTEN, 0x80, 0x80)
    chip.drive(7, 1)
    chip.drive(15, 1)
    assert read(chip, GPIO, 2) == b"\x7f\x7f"
    write(chip, IPOL, 0x80)
    assert read(chip, GPIO) == 0x7F
    write(chip, DEFVAL, 0x80)
    write(chip, INTCON, 0x80)
    assert chip.interrupts() == (False, False)
    write(chip, IODIR, 0x7F)
    write(chip, OLAT, 0x80)
    assert read(chip, GPIO) == 0xFF


def test_the_first_change_is_frozen_until_intcap_is_read(chip, said):
    switches(chip)
    chip.drive(5, 0)
    chip.drive(6, 0)
    assert read(chip, INTF) == 1 << 5
    assert chip.interrupts() == (True, False)
    assert read(chip, INTCAP) == 0x5F  # pin 6 was still high then
    assert read(chip, INTF) == 0
    assert said == [True, False]
    assert read(chip, GPIO) == 0x1F


def test_reading_gpio_clears_too_and_keeps_the_capture(chip, said):
    switches(chip)
    chip.drive(5, 0)
    assert read(chip, GPIO) == 0x5F
    assert said == [True, False]
    chip.drive(5, None)
    chip.drive(5, 0)
    assert read(chip, INTCAP) == 0x7F  # the second interrupt, captured on its first change


def test_reading_one_port_leaves_the_interrupt_of_the_other(chip):
    switches(chip)
    chip.drive(0, 0)
    chip.drive(8, 0)
    read(chip, GPIO)
    assert chip.interrupts() == (False, True)
    assert read(chip, INTF + 1) == 0x01


def test_writing_the_read_only_registers_changes_nothing(chip):
    switches(chip)
    chip.drive(5, 0)
    write(chip, INTF, 0x00)
    write(chip, INTCAP, 0x00)
    assert read(chip, INTF) == 1 << 5
    assert read(chip, INTCAP) == 0x5F


def test_a_pin_without_its_enable_or_turned_output_raises_nothing(chip, said):
    switches(chip)
    write(chip, GPINTEN, 0x7E)
    chip.drive(0, 0)
    write(chip, IODIR, 0x7D)
    chip.drive(1, 0)
    assert said == []


def test_setting_the_pins_up_is_no_change_from_outside(chip, said):
    write(chip, GPINTEN, 0x7F, 0x7F)
    write(chip, GPPU, 0x7F, 0x7F)
    assert said == []


def test_a_level_other_than_defval_asserts_again_after_each_read(chip, said):
    switches(chip)
    write(chip, DEFVAL, 0x01)
    write(chip, INTCON, 0x01)
    assert said == []
    chip.drive(0, 0)
    assert said == [True]
    for register in (GPIO, INTCAP, GPIO):
        read(chip, register)
        assert read(chip, INTF) == 0x01
    assert said == [True]
    chip.drive(0, None)
    read(chip, GPIO)
    assert said == [True, False]


def test_mirror_puts_both_ports_on_both_pins(chip, said):
    switches(chip)
    chip.drive(8, 0)
    assert chip.interrupts() == (False, True)
    assert said == []  # INTA is the pin that is wired
    write(chip, IOCON, 0x40)
    assert chip.interrupts() == (True, True)
    assert said == [True]
    read(chip, GPIO + 1)
    assert said == [True, False]


@pytest.mark.parametrize(
    ("iocon", "released", "asserted"),
    [(0x00, 1, 0), (0x02, 0, 1), (0x04, None, 0), (0x06, None, 0)],
)
def test_the_interrupt_pins_level_follows_polarity_and_open_drain(chip, iocon, released, asserted):
    switches(chip)
    write(chip, IOCON, iocon)
    assert chip.level(0) == released
    chip.drive(0, 0)
    assert chip.level(0) == asserted


def test_power_loss_releases_the_interrupt(chip, said):
    switches(chip)
    chip.drive(0, 0)
    chip.power_cycle()
    assert said == [True, False]
    assert read(chip, IODIR, 2) == b"\xff\xff"


def test_sequential_reads_run_through_the_map_and_around(chip):
    write(chip, OLAT, 0x11, 0x22, 0x33)  # the third byte lands in IODIRA
    assert read(chip, OLAT, 3) == b"\x11\x22\x33"


def test_byte_mode_toggles_between_the_ports(chip):
    write(chip, IOCON, 0x20)
    write(chip, GPPU, 0x11, 0x22, 0x33)
    assert read(chip, GPPU, 3) == b"\x33\x22\x33"


def test_bank_one_keeps_each_port_together(chip):
    write(chip, IOCON, 0x80)
    write(chip, 0x06, 0x11)  # GPPUA
    write(chip, 0x16, 0x22)  # GPPUB
    assert read(chip, 0x05) == read(chip, 0x15) == 0x80  # IOCON
    write(chip, 0x00, 0x7D)  # IODIRA
    write(chip, 0x10, 0x7E)  # IODIRB
    assert read(chip, 0x0A, 2) == b"\x00\x7e"  # OLATA, then IODIRB
    assert read(chip, 0x1A, 2) == b"\x00\x7d"  # OLATB, then IODIRA
    assert read(chip, 0x0B) == read(chip, 0x20) == 0
    write(chip, 0x05, 0x00)
    assert read(chip, GPPU, 2) == b"\x11\x22"


def test_bank_one_in_byte_mode_stays_where_it_is(chip):
    write(chip, IOCON, 0xA0)
    write(chip, 0x16, 0x11, 0x22)
    assert read(chip, 0x16, 2) == b"\x22\x22"


def test_iocon_is_one_register_at_two_addresses_without_bit_zero(chip):
    write(chip, IOCON + 1, 0x45)
    assert read(chip, IOCON, 2) == b"\x44\x44"


def test_addresses_beyond_the_map_read_nothing_and_take_nothing(chip):
    write(chip, 0x16, 0x55)
    assert read(chip, 0x16) == 0
    assert read(chip, 0x00, 22) == b"\xff\xff" + bytes(20)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from([0, 1, None])), min_size=1, max_size=30)
)
def test_the_capture_holds_the_first_change_through_any_others(changes):
    chip = MCP23017()
    switches(chip)
    level = 0x7F
    first = None
    for pin, to in changes:
        chip.drive(pin, to)
        after = level & ~(1 << pin) | (0 if to == 0 else 1 << pin)
        if first is None and after != level:
            first = (level ^ after, after)
        level = after
    flags = read(chip, INTF)
    assert (flags, read(chip, INTCAP) if flags else None) == (first or (0, None))
    assert read(chip, GPIO) == level


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_gpio_is_what_the_pins_and_the_registers_make_of_it(iodir, ipol, gppu, olat):
    chip = MCP23017()
    chip.drive(2, 0)
    chip.drive(3, 1)
    write(chip, IODIR, iodir)
    write(chip, IPOL, ipol)
    write(chip, GPPU, gppu)
    write(chip, OLAT, olat)
    value = read(chip, GPIO)
    for bit in range(8):
        outside = {2: 0, 3: 1, 7: 0}.get(bit, gppu >> bit & 1)
        is_input, turned = iodir >> bit & 1, ipol >> bit & 1 and bit != 7
        expected = outside ^ turned if is_input else olat >> bit & 1
        assert value >> bit & 1 == expected
