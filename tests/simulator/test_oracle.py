"""Drivers written by others read the simulated chips: an independent opinion of the registers.

The CircuitPython drivers of Adafruit run on Blinka over the simulated bus, barbudor's INA3221
driver gives a second opinion. Where driver and datasheet differ the datasheet wins; the two places
where adafruit-circuitpython-ina3221 1.2.3 does are shown below as what they are.
"""

import adafruit_ina3221
import digitalio
import pytest
from adafruit_mcp230xx.mcp23017 import MCP23017 as AdafruitMCP23017
from adafruit_tca9548a import TCA9548A as AdafruitTCA9548A
from barbudor_ina3221.full import INA3221 as BarbudorINA3221
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.busio import I2C
from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.chips.ina3221 import INA3221
from homeslot_sim.chips.mcp23017 import MCP23017
from homeslot_sim.chips.tca9548a import TCA9548A

from .registers import PV_UPPER, SUM_LIMIT

MUX, SWITCHES, CURRENTS = 0x70, 0x20, (0x40, 0x41, 0x42, 0x43)
SHUNT_OHM = 0.02
LONGEST_CYCLE_MS = 64 * 3 * 2 * 8.244  # what the Adafruit driver configures


class Slots:
    """The source of one INA3221: slots `first`.. of a list of currents in mA."""

    def __init__(self, currents_ma, first):
        self._currents_ma = currents_ma
        self._first = first

    def current_ma(self, channel, now_ms):
        slot = self._first + channel
        return self._currents_ma[slot] if slot < len(self._currents_ma) else 0

    def voltage_mv(self, channel, now_ms):
        return 5000 + 1000 * channel


class Cart:
    """Thirty slots in three banks, wired as on the reference board."""

    def __init__(self):
        self.now_ms = 0
        self.currents_ma = [0] * 30
        self.mux = TCA9548A()
        self.banks = []
        for b in range(3):
            chips = {SWITCHES: MCP23017()}
            for k in range(4):
                source = Slots(self.currents_ma, 10 * b + 3 * k)
                chips[CURRENTS[k]] = INA3221(lambda: self.now_ms, source, 20)
            self.banks.append(chips)
            self.mux.plug(b, chips)
        self.bus = FaultyBus()
        self.bus.attach(MUX, self.mux)
        self.i2c = I2C(self.bus)
        self.tca = AdafruitTCA9548A(self.i2c, MUX)

    def let_convert(self):
        self.now_ms += int(LONGEST_CYCLE_MS) + 1


@pytest.fixture
def cart():
    return Cart()


class OneChannel:
    """A single INA3221 straight on the bus, with a current to set in mA on each channel."""

    def __init__(self):
        self.now_ms = 0
        self.ma = [0, 0, 0]
        self.chip = INA3221(lambda: self.now_ms, self, 20)
        bus = FaultyBus()
        bus.attach(0x40, self.chip)
        self.i2c = I2C(bus)

    def current_ma(self, channel, now_ms):
        return self.ma[channel]

    def voltage_mv(self, channel, now_ms):
        return 5000

    def register(self, register):
        buf = bytearray(2)
        self.chip.read_register(register, buf)
        return buf[0] << 8 | buf[1]

    def measure(self, ma):
        self.ma[:] = ma
        self.now_ms += int(LONGEST_CYCLE_MS) + 1


def test_the_oracle_finds_each_bank_behind_its_channel(cart):
    for b in range(3):
        channel = cart.tca[b]
        assert channel.try_lock()
        assert channel.scan() == [SWITCHES, *CURRENTS, MUX]
        channel.unlock()
    assert cart.mux.control == 0
    with pytest.raises(ValueError, match="No I2C device"):
        adafruit_ina3221.INA3221(cart.tca[5])


def test_the_oracle_reads_thirty_currents(cart):
    cart.currents_ma[:] = [100 * slot for slot in range(30)]
    meters = [
        adafruit_ina3221.INA3221(cart.tca[b], address=address)
        for b in range(3)
        for address in CURRENTS
    ]
    cart.let_convert()
    read_ma = []
    for m in range(len(meters)):
        assert meters[m].manufacturer_id == 0x5449
        assert meters[m].die_id == 0x3220
        for channel in range(3):
            meters[m][channel].shunt_resistance = SHUNT_OHM
            assert meters[m][channel].bus_voltage == pytest.approx(5 + channel)
            if 3 * (m % 4) + channel < 10:
                read_ma.append(meters[m][channel].current)
    assert read_ma == pytest.approx(cart.currents_ma, abs=1)  # half a step of 2 mA


def test_the_oracle_reads_thirty_switches(cart):
    pins = (0, 1, 2, 3, 4, 8, 9, 10, 11, 12)
    for b in range(3):
        expander = AdafruitMCP23017(cart.tca[b], address=SWITCHES)
        expander.iodir = expander.gppu = expander.ipol = 0x7F7F
        assert expander.gpio == 0
        closed = 0
        for pin in pins:
            cart.banks[b][SWITCHES].drive(pin, 0)
            closed |= 1 << pin
            assert expander.gpio == closed
        cart.banks[b][SWITCHES].drive(0, 1)
        assert expander.gpio == closed & ~1


def test_the_oracle_drives_single_pins(cart):
    expander = AdafruitMCP23017(cart.tca[0], address=SWITCHES)
    lamp, button = expander.get_pin(7), expander.get_pin(3)
    lamp.switch_to_output(value=True)
    assert lamp.value
    button.switch_to_input(pull=digitalio.Pull.UP)
    assert button.value
    cart.banks[0][SWITCHES].drive(3, 0)
    assert not button.value


def test_the_oracle_sees_the_first_interrupt_frozen(cart):
    expander = AdafruitMCP23017(cart.tca[0], address=SWITCHES)
    chip = cart.banks[0][SWITCHES]
    expander.iodir = expander.gppu = expander.interrupt_enable = 0x7F7F
    expander.interrupt_configuration = 0
    expander.io_control = 0x44
    expander.clear_ints()
    chip.drive(5, 0)
    chip.drive(6, 0)
    assert chip.interrupts() == (True, True)
    assert expander.int_flag == [5]
    captured = expander.int_cap
    assert (captured[5], captured[6]) == (0, 1)
    assert chip.interrupts() == (False, False)


def test_the_oracle_sets_and_sees_alerts():
    one = OneChannel()
    meter = adafruit_ina3221.INA3221(one.i2c)
    for channel in range(3):
        meter[channel].shunt_resistance = SHUNT_OHM
    meter[1].critical_alert_threshold = 3.0
    assert meter[1].critical_alert_threshold == pytest.approx(3.0, abs=0.002)
    one.measure([0, 3200, 0])
    critical = adafruit_ina3221.CRITICAL_CH1 | adafruit_ina3221.CRITICAL_CH2
    assert meter.flags & critical == adafruit_ina3221.CRITICAL_CH2
    one.measure([0, 0, 0])
    assert meter.flags & critical == 0


def test_the_oracle_adds_channels_up():
    one = OneChannel()
    meter = adafruit_ina3221.INA3221(one.i2c)
    meter[0].summation_channel = True
    meter[2].summation_channel = True
    one.measure([1000, 2000, 500])
    assert meter.shunt_voltage_sum == pytest.approx(1.5 * SHUNT_OHM)


def test_the_oracles_configuration_takes_three_seconds_a_cycle():
    one = OneChannel()
    adafruit_ina3221.INA3221(one.i2c)
    assert one.chip.cycle_us() == LONGEST_CYCLE_MS * 1000


@given(ma=st.lists(st.integers(-8000, 8000), min_size=3, max_size=3))
def test_the_second_opinion_agrees_on_any_current_in_either_direction(ma):
    one = OneChannel()
    meter = BarbudorINA3221(one.i2c, shunt_resistor=(SHUNT_OHM,) * 3)
    for channel in (1, 2, 3):
        meter.enable_channel(channel)
    one.measure(ma)
    for channel in (1, 2, 3):
        assert meter.current(channel) * 1000 == pytest.approx(ma[channel - 1], abs=1.001)
        assert meter.bus_voltage(channel) == pytest.approx(5.0)


def test_defect_of_the_oracle_negative_values_are_one_step_short():
    """Section 8.6.2.2: C180h is -80 mV, -2000 steps. Version 1.2.3 decodes -1999."""
    one = OneChannel()
    meter = adafruit_ina3221.INA3221(one.i2c)
    second = BarbudorINA3221(one.i2c)
    second.enable_channel(1)
    one.measure([-4000, 0, 0])
    assert one.register(0x01) == 0xC180
    assert meter[0].shunt_voltage == pytest.approx(-1999 * 0.040)
    assert second.shunt_voltage(1) == pytest.approx(-0.080)


def test_defect_of_the_oracle_the_sum_limit_lands_in_the_power_valid_limit():
    """Section 8.6.2.15: the sum limit is register 0Eh. Version 1.2.3 writes 10h."""
    one = OneChannel()
    meter = adafruit_ina3221.INA3221(one.i2c)
    meter.shunt_voltage_sum_limit = 0.1
    assert one.register(SUM_LIMIT) == 0x7FFE
    assert one.register(PV_UPPER) == 2500 << 1
