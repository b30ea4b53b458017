"""The simulated INA3221 against its datasheet (SBOS576B)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.chips.ina3221 import INA3221, Noise
from homeslot_sim.chips.tca9548a import TCA9548A

from .registers import (
    CONFIG,
    DIE_ID,
    MAKER_ID,
    MASK_ENABLE,
    PV_LOWER,
    PV_UPPER,
    SUM,
    SUM_LIMIT,
)

SHUNT_1, BUS_1, SHUNT_2, BUS_2, SHUNT_3 = 1, 2, 3, 4, 5
CRITICAL_1, WARNING_2 = 0x07, 0x0A


@pytest.fixture
def chip(clock, source):
    """With a shunt of 1 ohm, so that 1 mA is 1 mV."""
    return INA3221(clock.up_ms, source, 1000)


def write(chip, register, value):
    chip.write(bytes([register, value >> 8, value & 0xFF]))


def read(chip, register):
    buf = bytearray(2)
    chip.read_register(register, buf)
    return buf[0] << 8 | buf[1]


def test_power_on_values_are_the_datasheets(chip):
    assert read(chip, CONFIG) == 0x7127
    assert [read(chip, register) for register in range(0x07, 0x0D)] == [0x7FF8] * 6
    assert read(chip, SUM_LIMIT) == 0x7FFE
    assert read(chip, MASK_ENABLE) == 0x0002
    assert (read(chip, PV_UPPER), read(chip, PV_LOWER)) == (0x2710, 0x2328)
    assert (read(chip, MAKER_ID), read(chip, DIE_ID)) == (0x5449, 0x3220)
    assert read(chip, 0x12) == 0


def test_minus_eighty_millivolts_is_c180h_as_in_section_8_6_2_2(chip, clock, source):
    source.ma[0] = -80
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 0xC180


def test_the_converter_stops_at_its_ends(chip, clock, source):
    source.ma[:] = [200, -200, 0]
    source.mv[:] = [40000, -5000, 0]
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 0x7FF8
    assert read(chip, SHUNT_2) == 0x8000
    assert read(chip, BUS_1) == 0x7FF8
    assert read(chip, BUS_2) == 0


@pytest.mark.parametrize(
    ("config", "cycle_us"),
    [
        (0x7727, 422400),  # three channels, average 64, 1.1 ms twice
        (0x7527, 105600),
        (0x7127, 6600),
        (0x4005, 140),  # one channel, shunt only
        (0x6E3A, 0x400 * 2 * 140),  # bus voltage once, 1024 averages of two channels
        (0x0FFF, 0),  # no channel
        (0x7124, 0),  # power down
    ],
)
def test_a_cycle_takes_what_the_configuration_says(chip, config, cycle_us):
    write(chip, CONFIG, config)
    assert chip.cycle_us() == cycle_us


def test_a_value_is_stale_until_its_cycle_ends(chip, clock, source):
    write(chip, CONFIG, 0x7727)
    source.ma[0] = 10
    clock.now_ms = 422
    assert read(chip, SHUNT_1) == 0
    clock.now_ms = 423
    assert read(chip, SHUNT_1) == 250 << 3
    source.ma[0] = 20
    clock.now_ms = 844
    assert read(chip, SHUNT_1) == 250 << 3
    clock.now_ms = 845
    assert read(chip, SHUNT_1) == 500 << 3


def test_cycles_run_on_while_nobody_looks_and_do_not_drift(chip, clock, source):
    write(chip, CONFIG, 0x7527)
    clock.now_ms = 1000 * 3600
    read(chip, SHUNT_1)
    ended_ms = 3600 * 1000 * 1000 // 105600 * 105600 // 1000
    assert source.asked_ms == [ended_ms] * 3


def test_writing_the_configuration_restarts_the_cycle(chip, clock, source):
    write(chip, CONFIG, 0x7727)
    source.ma[0] = 10
    clock.now_ms = 400
    write(chip, CONFIG, 0x7727)
    clock.now_ms = 800
    assert read(chip, SHUNT_1) == 0
    clock.now_ms = 823
    assert read(chip, SHUNT_1) == 250 << 3


def test_the_first_cycle_begins_when_the_chip_is_plugged_in(chip, clock, source):
    source.ma[0] = 10
    clock.now_ms = 1000
    TCA9548A().plug(0, {0x40: chip})
    clock.now_ms = 1006
    assert read(chip, SHUNT_1) == 0
    clock.now_ms = 1007
    assert read(chip, SHUNT_1) == 250 << 3


def test_a_single_shot_converts_once(chip, clock, source):
    write(chip, CONFIG, 0x7123)
    source.ma[0] = 10
    clock.now_ms = 7
    assert read(chip, SHUNT_1) == 250 << 3
    source.ma[0] = 20
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 250 << 3
    write(chip, CONFIG, 0x7123)
    clock.now_ms = 1007
    assert read(chip, SHUNT_1) == 500 << 3


def test_power_down_keeps_the_last_values(chip, clock, source):
    source.ma[0], source.mv[0] = 10, 5000
    clock.now_ms = 10
    write(chip, CONFIG, 0x7120)
    source.ma[0], source.mv[0] = 20, 9000
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 250 << 3
    assert read(chip, BUS_1) == 625 << 3


def test_a_disabled_channel_keeps_its_last_values(chip, clock, source):
    source.ma[:] = [10, 10, 10]
    source.mv[:] = [5000, 5000, 5000]
    clock.now_ms = 10
    write(chip, CONFIG, 0x5127)  # without channel 2
    source.ma[:] = [20, 20, 20]
    source.mv[:] = [8000, 8000, 8000]
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 500 << 3
    assert read(chip, SHUNT_2) == 250 << 3
    assert read(chip, BUS_1) == 1000 << 3
    assert read(chip, BUS_2) == 625 << 3


def test_the_mode_chooses_what_is_measured(chip, clock, source):
    source.ma[0], source.mv[0] = 10, 5000
    write(chip, CONFIG, 0x7126)
    clock.now_ms = 1000
    assert (read(chip, SHUNT_1), read(chip, BUS_1)) == (0, 625 << 3)
    write(chip, CONFIG, 0x7125)
    source.ma[0], source.mv[0] = 20, 9000
    clock.now_ms = 2000
    assert (read(chip, SHUNT_1), read(chip, BUS_1)) == (500 << 3, 625 << 3)


def test_the_reset_bit_does_what_power_on_does(chip, clock, source):
    source.ma[0] = 10
    clock.now_ms = 1000
    assert read(chip, SHUNT_1) == 250 << 3
    write(chip, CRITICAL_1, 0x0008)
    write(chip, CONFIG, 0xFFFF)
    assert read(chip, CONFIG) == 0x7127
    assert read(chip, CRITICAL_1) == 0x7FF8
    assert read(chip, SHUNT_1) == 0


def test_conversion_ready_is_cleared_by_reading_it_and_by_a_new_configuration(chip, clock):
    assert read(chip, MASK_ENABLE) & 1 == 0
    clock.now_ms = 7
    assert read(chip, MASK_ENABLE) & 1 == 1
    assert read(chip, MASK_ENABLE) & 1 == 0
    clock.now_ms = 14
    write(chip, CONFIG, 0x7127)
    assert read(chip, MASK_ENABLE) & 1 == 0


def test_alert_flags_stay_until_mask_enable_is_read(chip, clock, source):
    write(chip, CRITICAL_1, 250 << 3)
    write(chip, WARNING_2, 250 << 3)
    source.ma[:] = [10, 10, 0]
    clock.now_ms = 10
    assert read(chip, MASK_ENABLE) & 0x3F8 == 0  # at the limit is not above it
    source.ma[:] = [11, 11, 0]
    clock.now_ms = 20
    read(chip, SHUNT_1)
    source.ma[:] = [0, 0, 0]
    clock.now_ms = 30
    assert read(chip, MASK_ENABLE) & 0x3F8 == 0x200 | 0x010
    assert read(chip, MASK_ENABLE) & 0x3F8 == 0


def test_a_limit_may_be_negative(chip, clock, source):
    write(chip, CRITICAL_1, 0xC180)
    source.ma[0] = -81
    clock.now_ms = 10
    assert read(chip, MASK_ENABLE) & 0x200 == 0
    source.ma[0] = -79
    clock.now_ms = 20
    assert read(chip, MASK_ENABLE) & 0x200


def test_the_sum_is_of_the_chosen_channels_with_its_own_alert(chip, clock, source):
    source.ma[:] = [150, 100, -150]
    write(chip, MASK_ENABLE, 0x6000)
    write(chip, SUM_LIMIT, 6249 << 1)
    clock.now_ms = 10
    assert read(chip, SUM) == 6250 << 1
    assert read(chip, MASK_ENABLE) & 0x6040 == 0x6040
    write(chip, MASK_ENABLE, 0x1000)
    clock.now_ms = 20
    assert read(chip, SUM) == -3750 * 2 & 0xFFFF
    assert read(chip, MASK_ENABLE) & 0x7040 == 0x1000


def test_power_is_valid_above_the_upper_limit_until_below_the_lower(chip, clock, source):
    def is_valid(mv):
        source.mv[:] = [12000, mv, 12000]
        clock.now_ms += 10
        return bool(read(chip, MASK_ENABLE) & 0x0004)

    assert [is_valid(mv) for mv in (9500, 10100, 9500, 8900, 9500)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_ids_results_and_flags_cannot_be_written(chip, clock):
    for register in (SHUNT_1, BUS_1, SUM, MAKER_ID, DIE_ID):
        before = read(chip, register)
        write(chip, register, 0x1238)
        assert read(chip, register) == before
    write(chip, MASK_ENABLE, 0xFFFF)
    assert read(chip, MASK_ENABLE) == 0x7C02


def test_unused_low_bits_of_limits_read_zero(chip):
    write(chip, CRITICAL_1, 0xFFFF)
    write(chip, SUM_LIMIT, 0xFFFF)
    write(chip, PV_UPPER, 0xFFFF)
    assert (read(chip, CRITICAL_1), read(chip, SUM_LIMIT)) == (0xFFF8, 0xFFFE)
    assert read(chip, PV_UPPER) == 0xFFF8


def test_a_long_read_repeats_the_register(chip):
    chip.write(bytes([MAKER_ID]))
    buf = bytearray(5)
    chip.read_into(buf)
    assert buf == b"\x54\x49\x54\x49\x54"


def test_half_a_register_is_not_written(chip):
    chip.write(bytes([CONFIG, 0x00]))
    assert read(chip, CONFIG) == 0x7127


def test_offset_and_noise_move_the_steps(clock, source):
    chip = INA3221(clock.up_ms, source, 20, noise=lambda: 1)
    chip.offset_uv = (80, -80, 0)
    source.ma[:] = [500, 500, 500]  # 10 mV: 250 steps
    clock.now_ms = 10
    assert [read(chip, r) >> 3 for r in (SHUNT_1, SHUNT_2, SHUNT_3)] == [253, 249, 251]


def test_noise_is_the_same_for_the_same_seed_and_stays_in_range():
    noise, again, other = Noise(7, 2), Noise(7, 2), Noise(8, 2)
    steps = [noise() for _ in range(200)]
    assert steps == [again() for _ in range(200)]
    assert steps != [other() for _ in range(200)]
    assert set(steps) == {-2, -1, 0, 1, 2}


def test_a_frozen_converter_answers_with_what_it_last_had(chip, clock, source):
    source.ma[0] = 10
    clock.now_ms = 10
    chip.frozen = True
    source.ma[0] = 20
    clock.now_ms = 100000
    assert read(chip, SHUNT_1) == 250 << 3
    chip.frozen = False
    assert read(chip, SHUNT_1) == 500 << 3


class Constant:
    def __init__(self, ma):
        self.ma = ma

    def current_ma(self, channel, now_ms):
        return self.ma

    def voltage_mv(self, channel, now_ms):
        return 0


@given(ma=st.integers(-20000, 20000), shunt_mohm=st.integers(1, 1000))
def test_any_current_is_encoded_as_the_datasheet_says(ma, shunt_mohm):
    now = [0]
    chip = INA3221(lambda: now[0], Constant(ma), shunt_mohm)
    now[0] = 10
    raw = read(chip, SHUNT_1)
    assert raw & 7 == 0
    steps = (raw - 0x10000 if raw & 0x8000 else raw) >> 3
    exact = ma * shunt_mohm / 40
    assert steps == pytest.approx(max(-4096, min(4095, exact)), abs=0.5)


@given(st.lists(st.integers(1, 1000), max_size=40))
def test_a_value_is_never_older_than_a_cycle_and_never_from_the_future(gaps_ms):
    class Now:
        ms = 0

    class Ramp:
        def current_ma(self, channel, now_ms):
            return now_ms

        def voltage_mv(self, channel, now_ms):
            return 0

    chip = INA3221(lambda: Now.ms, Ramp(), 1)
    write(chip, CONFIG, 0x7527)
    for gap_ms in gaps_ms:
        Now.ms += gap_ms
        converted_ms = (read(chip, SHUNT_1) >> 3) * 40  # to one step: 40 mA here
        assert Now.ms - 106 - 20 <= converted_ms <= Now.ms + 20
