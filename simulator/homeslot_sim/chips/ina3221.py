"""The INA3221, current and voltage of three channels (TI SBOS576B, whose sections are cited).

Conversions are computed when somebody looks: a register access first asks whether a cycle has
ended since the last one and, if so, converts what the source says of that moment. Of several
cycles that ended unseen only the last is converted, so an alert that came and went between two
accesses is missed.

Not modelled: the alert pins, and the timing-control alert, whose flag keeps its power-on 1.
"""

from array import array

from homeslot import const
from homeslot_sim.chips.bus import Chip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Source(Protocol):
        """What is wired to the three channels, each 0..2, at a time in ms of the same clock."""

        def current_ma(self, channel: int, now_ms: int) -> int:
            """Current through the shunt in mA, negative when it flows backwards."""

        def voltage_mv(self, channel: int, now_ms: int) -> int:
            """Voltage at the load side in mV."""


# Registers (8.6.1).
_CONFIG = const(0x00)
_SHUNT = const((0x01, 0x03, 0x05))
_BUS = const((0x02, 0x04, 0x06))
_CRITICAL = const((0x07, 0x09, 0x0B))
_WARNING = const((0x08, 0x0A, 0x0C))
_SUM = const(0x0D)
_SUM_LIMIT = const(0x0E)
_MASK_ENABLE = const(0x0F)
_PV_UPPER = const(0x10)
_PV_LOWER = const(0x11)
_MAKER_ID = const(0xFE)
_DIE_ID = const(0xFF)
# Table 3, from register 00h to 11h; the two ids stand apart.
_POWER_ON = (0x7127,) + 6 * (0,) + 6 * (0x7FF8,) + (0, 0x7FFE, 0x0002, 0x2710, 0x2328)
_IDS = {_MAKER_ID: 0x5449, _DIE_ID: 0x3220}

_CONVERSION_US = const((140, 204, 332, 588, 1100, 2116, 4156, 8244))  # 8.6.2.1, typical
_AVERAGES = const((1, 4, 16, 64, 128, 256, 512, 1024))
_NEVER_MS = const(1 << 60)
# Mask/Enable (8.6.2.16): critical 9..7 and warning 5..3 by channel, and these.
_SUM_FLAG = const(0x0040)
_POWER_VALID = const(0x0004)
_READY = const(0x0001)
_CLEARED_BY_READING = const(0x03F9)


def _writable(register: int) -> int:
    """Which bits of `register` can be written (8.6.2)."""
    if register == _CONFIG:
        return 0x7FFF
    if register == _MASK_ENABLE:
        return 0x7C00
    if register == _SUM_LIMIT:
        return 0xFFFE
    limits = _CRITICAL + _WARNING + (_PV_UPPER, _PV_LOWER)
    return 0xFFF8 if register in limits else 0


def _signed(value: int) -> int:
    return value - 0x10000 if value & 0x8000 else value


class INA3221(Chip):
    """One chip of a board with `shunt_mohm` shunts, measuring `source`.

    `up_ms()` is the time in ms. `offset_uv` is the error of each channel's shunt input in uV (the
    datasheet allows 80). `noise()`, when given, returns how many steps of 40 uV to add to a
    conversion, see `Noise`. `frozen = True` is the fault of a converter that stands still: the
    chip answers, its values never change.
    """

    word = 2
    offset_uv = (0, 0, 0)
    _frozen = False

    def __init__(
        self,
        up_ms: "Callable[[], int]",
        source: "Source",
        shunt_mohm: int,
        noise: "Callable[[], int] | None" = None,
    ) -> None:
        self._up_ms = up_ms
        self._source = source
        self._shunt_mohm = shunt_mohm
        self._noise = noise
        self.power_cycle()

    def power_cycle(self) -> None:
        """Registers as in section 8.6.1; the first cycle begins."""
        self._registers = array("H", _POWER_ON)
        self._pointer = 0
        self._unread_bus = 0  # channels whose bus voltage of the last cycle is not yet computed
        self._restart()

    @property
    def frozen(self) -> bool:
        """Whether the converter stands still."""
        return self._frozen

    @frozen.setter
    def frozen(self, frozen: bool) -> None:
        self._settle()
        self._frozen = frozen

    def cycle_us(self) -> int:
        """Time of one cycle over all enabled channels in us; 0 when nothing is converted."""
        config = self._registers[_CONFIG]
        one_us = 0
        if config & 1:
            one_us += _CONVERSION_US[config >> 3 & 7]
        if config & 2:
            one_us += _CONVERSION_US[config >> 6 & 7]
        channels = (config >> 14 & 1) + (config >> 13 & 1) + (config >> 12 & 1)
        return one_us * channels * _AVERAGES[config >> 9 & 7]

    def write(self, data: "bytes | bytearray") -> None:
        """Set the register pointer and, with two bytes more, that register (8.5.2)."""
        if data:
            self._pointer = data[0]
        if len(data) >= 3:
            self._store(data[0], data[1] << 8 | data[2])

    def read_into(self, buf: bytearray) -> None:
        """Fill `buf` with the register pointed to, high byte first, over and over."""
        self.read_register(self._pointer, buf)

    def read_register(self, register: int, buf: bytearray) -> None:
        """Point to `register` and fill `buf` from it."""
        self._pointer = register
        if self._up_ms() >= self._ready_ms:
            self._convert()
        value = self._registers[register] if register in _SHUNT else self._load(register)
        for i in range(len(buf)):
            buf[i] = value & 0xFF if i & 1 else value >> 8

    def _load(self, register: int) -> int:
        if self._unread_bus and (register in _BUS or register == _MASK_ENABLE):
            self._measure_bus()
        if register >= len(_POWER_ON):
            return _IDS.get(register, 0)
        value = self._registers[register]
        if register == _MASK_ENABLE:
            self._registers[_MASK_ENABLE] = value & ~_CLEARED_BY_READING
        return value

    def _store(self, register: int, value: int) -> None:
        writable = _writable(register)
        if not writable:
            return
        self._settle()
        if register == _CONFIG and value & 0x8000:
            self.power_cycle()  # the reset bit does what power-on does (8.6.2.1)
            return
        registers = self._registers
        kept = registers[register] & ~writable if register == _MASK_ENABLE else 0
        registers[register] = kept | value & writable
        if register == _CONFIG:
            if value & 3:
                registers[_MASK_ENABLE] &= ~_READY
            self._restart()

    def _restart(self) -> None:
        self._cycle_us = self.cycle_us()
        self._start_us = self._up_ms() * 1000
        self._set_ready()

    def _set_ready(self) -> None:
        end_us = self._start_us + self._cycle_us
        self._ready_ms = (end_us + 999) // 1000 if self._cycle_us else _NEVER_MS

    def _settle(self) -> None:
        """Bring every register up to now, before something changes what comes next."""
        if self._up_ms() >= self._ready_ms:
            self._convert()
        if self._unread_bus:
            self._measure_bus()

    def _convert(self) -> None:
        """Convert at the end of the last cycle that has ended; a single shot
        stops there (8.6.2.1)."""
        if self._frozen:
            return
        config = self._registers[_CONFIG]
        if config & 4:
            elapsed_us = self._up_ms() * 1000 - self._start_us
            self._start_us += elapsed_us - elapsed_us % self._cycle_us
            self._set_ready()
        else:
            self._start_us += self._cycle_us
            self._ready_ms = _NEVER_MS
        end_ms = self._start_us // 1000
        if config & 1:
            self._measure_shunts(config, end_ms)
        if config & 2:
            self._unread_bus = config & 0x7000
        self._registers[_MASK_ENABLE] |= _READY

    def _measure_shunts(self, config: int, now_ms: int) -> None:
        """Shunt voltages in steps of 40 uV, 13 bits left-justified (8.6.2.2), and their alerts."""
        registers = self._registers
        flags = registers[_MASK_ENABLE]
        for channel in range(3):
            if not config & 0x4000 >> channel:
                continue
            shunt_uv = self._source.current_ma(channel, now_ms) * self._shunt_mohm
            steps = (shunt_uv + self.offset_uv[channel] + 20) // 40
            if self._noise is not None:
                steps += self._noise()
            raw = (-4096 if steps < -4096 else 4095 if steps > 4095 else steps) << 3
            registers[_SHUNT[channel]] = raw & 0xFFFF
            if raw > _signed(registers[_CRITICAL[channel]]):
                flags |= 0x0200 >> channel
            if raw > _signed(registers[_WARNING[channel]]):
                flags |= 0x0020 >> channel
        if flags & 0x7000:  # summation channels (8.6.2.14): 14 bits and a sign, steps of 40 uV
            total = 0
            for channel in range(3):
                if flags & 0x4000 >> channel:
                    total += _signed(registers[_SHUNT[channel]]) >> 3
            registers[_SUM] = total << 1 & 0xFFFF
            if total << 1 > _signed(registers[_SUM_LIMIT]):
                flags |= _SUM_FLAG
        registers[_MASK_ENABLE] = flags

    def _measure_bus(self) -> None:
        """Bus voltages in steps of 8 mV, 12 bits left-justified (8.6.2.3), and power-valid.

        Only when read, for few do. Power is valid once all are above the upper limit, until one
        is below the lower (8.6.2.17, 8.6.2.18).
        """
        registers = self._registers
        end_ms = self._start_us // 1000  # of the last cycle: that is when the next one began
        for channel in range(3):
            if self._unread_bus & 0x4000 >> channel:
                steps = (self._source.voltage_mv(channel, end_ms) + 4) // 8
                steps = 0 if steps < 0 else 4095 if steps > 4095 else steps
                registers[_BUS[channel]] = steps << 3
        self._unread_bus = 0
        lowest = min([registers[register] for register in _BUS])
        if lowest > registers[_PV_UPPER]:
            registers[_MASK_ENABLE] |= _POWER_VALID
        elif lowest < registers[_PV_LOWER]:
            registers[_MASK_ENABLE] &= ~_POWER_VALID


class Noise:
    """Noise that is the same each time.

    A linear congruential generator (Numerical Recipes, 32 bits), seeded with `seed`.
    """

    def __init__(self, seed: int, most: int = 1) -> None:
        self._state = seed & 0xFFFFFFFF
        self._most = most

    def __call__(self) -> int:
        """The next number of steps, in -most..most."""
        self._state = (self._state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self._state >> 16) % (2 * self._most + 1) - self._most
