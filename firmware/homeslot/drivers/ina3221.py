"""Driver of the INA3221, which measures the charge current of three slots (TI SBOS576B)."""

from homeslot import const
from homeslot.drivers import WrongChip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.ports import Bus

# Registers (section 8.6.1), and what the last two hold.
_CONFIG = const(0x00)
_SHUNT_1 = const(0x01)
_MASK_ENABLE = const(0x0F)
_READY = const(1)
_MAKER_ID = const(0xFE)
_DIE_ID = const(0xFF)
_MAKER = const(0x5449)
_DIE = const(0x3220)

_read = bytearray(2)  # of whichever chip is read: only one is at a time


class INA3221:
    """The chip at `address` with shunts of `shunt_mohm`, told `config` (its register 00h).

    Every method raises OSError, WrongChip when the chip answers nonsense.
    """

    def __init__(self, bus: "Bus", address: int, shunt_mohm: int, config: int) -> None:
        self._bus = bus
        self.address = address
        self._shunt_mohm = shunt_mohm
        self._config = config

    def setup(self) -> None:
        """Make sure of the chip's ids and configure it; the first values follow a cycle later."""
        self._expect(_MAKER_ID, _MAKER)
        self._expect(_DIE_ID, _DIE)
        self._bus.writeto_mem(
            self.address, _CONFIG, bytes([self._config >> 8, self._config & 0xFF])
        )
        self._expect(_CONFIG, self._config)

    def converted(self) -> bool:
        """Whether a round of conversions has ended since this was last asked (CVRF, 8.6.2.16).

        A converter that stands still answers like any other, with the same values for ever: this
        tells the two apart.
        """
        return self._read(_MASK_ENABLE) & _READY == _READY

    def current_ma(self, channel: int) -> int:
        """The current of `channel` (0..2) in mA, negative when it flows out of the device.

        The register holds steps of 40 uV times 8 (8.6.2.2): 5 uV each, and uV over mOhm are mA.
        """
        raw = self._read(_SHUNT_1 + 2 * channel)
        if raw & 7:  # always 0 in this register; a chip pulled out in mid-read leaves ones
            raise WrongChip(self.address, "shunt register", raw & 0xFFF8, raw)
        if raw & 0x8000:
            raw -= 0x10000
        return (raw * 5 + self._shunt_mohm // 2) // self._shunt_mohm

    def _read(self, register: int) -> int:
        self._bus.readfrom_mem_into(self.address, register, _read)
        return _read[0] << 8 | _read[1]

    def _expect(self, register: int, expected: int) -> None:
        found = self._read(register)
        if found != expected:
            raise WrongChip(self.address, "register %02xh" % register, expected, found)
