"""The simulated bus with the methods of CircuitPython's `busio.I2C`, for drivers written by others.

On Blinka the published CircuitPython drivers run on CPython; given this object they read the
simulated chips as they would read real ones (https://docs.circuitpython.org, `busio.I2C`).
"""

from homeslot_sim.chips.faults import FaultyBus


class I2C:
    """One bus that must be locked before it is used. Raises OSError as the bus does."""

    def __init__(self, bus: FaultyBus) -> None:
        self._bus = bus
        self._locked = False

    def try_lock(self) -> bool:
        """Take the lock; False when it is taken."""
        if self._locked:
            return False
        self._locked = True
        return True

    def unlock(self) -> None:
        """Give the lock back."""
        self._locked = False

    def scan(self) -> list[int]:
        """Every address from 08h to 77h that answers."""
        self._must_be_locked()
        return self._bus.scan()

    def writeto(
        self, address: int, buffer: bytes | bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Write `buffer[start:end]`."""
        self._must_be_locked()
        self._bus.writeto(address, bytes(buffer[start:end]))

    def readfrom_into(
        self, address: int, buffer: bytearray, *, start: int = 0, end: int | None = None
    ) -> None:
        """Fill `buffer[start:end]`."""
        self._must_be_locked()
        answer = bytearray(len(buffer[start:end]))
        self._bus.readfrom_into(address, answer)
        buffer[start:end] = answer

    def writeto_then_readfrom(
        self,
        address: int,
        out_buffer: bytes | bytearray,
        in_buffer: bytearray,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
    ) -> None:
        """Write from one buffer, repeat START without a STOP, read into the other."""
        self._must_be_locked()
        self._bus.writeto(address, bytes(out_buffer[out_start:out_end]), stop=False)
        answer = bytearray(len(in_buffer[in_start:in_end]))
        self._bus.readfrom_into(address, answer)
        in_buffer[in_start:in_end] = answer

    def _must_be_locked(self) -> None:
        if not self._locked:
            raise RuntimeError("the bus is used without its lock")
