"""The Network port through the serial console and a gateway: for a cart without a network.

The gateway connects to the broker it was told of, whatever host and port the cart has in its
settings; what passes is the cart's own MQTT, with the cart's own credentials.
"""

import asyncio

from homeslot import const, tunnel
from homeslot.mqtt.stream import no_access_point, no_trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.ports import Clock

_PER_BOOT = const(4096)  # numbers of connections; more of them meet the next boot's after days
TICK_MS = tunnel.RETRY_MS // 2


class SerialNetwork:
    """The way to the broker in lines, for whoever holds the serial port.

    He sets `send(line)`, which writes a line and its newline or loses it, and gives each line that
    begins with `tunnel.MARK` to `receive`. There is one connection at a time: a new one ends the
    one before. `boot` is the number of this boot: connections are numbered over all boots.
    """

    def __init__(self, clock: "Clock", boot: int) -> None:
        self._clock = clock
        self._last = boot * _PER_BOOT
        self.send: "Callable[[bytes], None]" = _nowhere
        self._end = tunnel.Tunnel(False)
        self._changed = asyncio.Event()
        self.access_point = no_access_point
        self.trouble = no_trouble

    def receive(self, line: "bytes | bytearray") -> None:
        """Take a line that came in."""
        self._end.receive(self._clock.up_ms(), line)
        self._flush()

    async def open(self, host: str, port: int) -> "SerialStream":
        """Ask the gateway for a connection, until it grants or refuses it: then OSError says why.

        Whoever loses patience cancels this.
        """
        self.lose("another connection was opened")
        self._last += 1
        number = 1 + self._last % tunnel.HIGHEST
        self._end.open(self._clock.up_ms(), number)
        ticking = asyncio.create_task(self._tick(number))
        granted = False
        try:
            while self._is(number, tunnel.ASKING):
                await self._changed.wait()
            granted = self._is(number, tunnel.OPEN)
            if not granted:
                raise OSError("gateway: " + self._end.why)
            return SerialStream(self, number, ticking)
        finally:
            if not granted:
                ticking.cancel()
                if self._end.number == number:
                    self.lose("nobody waits for it")

    async def read(self, number: int, n: int) -> bytes:
        """What came in on connection `number`, as ports.Stream.read."""
        while True:
            if self._end.number == number:
                data = self._end.read(n)
                if data or self._end.ended:
                    return data
            self._check(number)
            await self._changed.wait()

    async def write(self, number: int, data: bytes) -> None:
        """Send `data` on connection `number`, as ports.Stream.write."""
        at = 0
        while True:
            self._check(number)
            at += self._end.send(self._clock.up_ms(), data[at:])
            self._flush()
            if at == len(data):
                return
            await self._changed.wait()

    def close(self, number: int) -> None:
        """Give connection `number` up."""
        if self._end.number == number:
            self.lose("the cart closed it")

    def lose(self, why: str) -> None:
        """Give the connection up, if there is one, and say so."""
        self._end.reset(why)
        self._flush()

    def _is(self, number: int, state: str) -> bool:
        return self._end.number == number and self._end.state == state

    def _check(self, number: int) -> None:
        if not self._is(number, tunnel.OPEN):
            raise OSError("gateway: " + self._end.why)

    async def _tick(self, number: int) -> None:
        while self._end.number == number and self._end.state != tunnel.CLOSED:
            self._end.tick(self._clock.up_ms())
            self._flush()
            await self._clock.sleep_ms(TICK_MS)

    def _flush(self) -> None:
        line = self._end.take()
        while line:
            self.send(line)
            line = self._end.take()
        self._changed.set()
        self._changed.clear()


def _nowhere(line: bytes) -> None:
    """Where a cart has no console."""


class SerialStream:
    """ports.Stream of one connection through the gateway."""

    def __init__(self, network: SerialNetwork, number: int, ticking: "asyncio.Task[None]") -> None:
        self._network = network
        self._number = number
        self._ticking = ticking

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" when the broker has closed. Raises OSError when it was lost."""
        return await self._network.read(self._number, n)

    async def write(self, data: bytes) -> None:
        """Hand `data` to the tunnel. Raises OSError when the connection was lost."""
        await self._network.write(self._number, data)

    async def close(self) -> None:
        """Give the connection up at once; what waits is dropped."""
        self._network.close(self._number)
        self._ticking.cancel()
