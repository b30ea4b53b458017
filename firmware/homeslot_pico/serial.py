"""ports.Serial on the USB console of the board."""

import asyncio
import select
import sys

PACKET = 64  # bytes at once: a full packet of USB


class Usb:
    """The console on stdin and stdout.

    A write waits at most half a second for a listener who keeps the port open and takes nothing
    (ports/rp2, MICROPY_HW_USB_CDC_TX_TIMEOUT), and not at all when nobody has opened it. So it asks
    first, and the half second is rare. Ctrl-C ends the program, as on any MicroPython.
    """

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._arrival = asyncio.StreamReader(self._in)
        self._readable = select.poll()
        self._readable.register(self._in, select.POLLIN)
        self._writable = select.poll()
        self._writable.register(self._out, select.POLLOUT)

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes as soon as there are any; b"" when stdin has ended, as USB never does."""
        byte = await self._arrival.read(1)
        data = bytearray(byte)
        while byte and len(data) < n and self._readable.poll(0):
            byte = self._in.read(1)  # asked for more than is there it would wait
            data += byte
        return bytes(data)

    def write(self, data: bytes) -> int:
        """Take a packet's worth of `data` when there is room; how many bytes that were."""
        if not self._writable.poll(0):
            return 0
        return self._out.write(data[:PACKET]) or 0
