"""The Serial port in RAM: what a person or a tool at the other end of the USB cable holds."""

import asyncio


class Wire:
    """A console's wire: `type` into it, and read what was `written`.

    `room` is how many bytes the listener takes at once; 0 is one who does not read.
    """

    def __init__(self, room: int = 64) -> None:
        self.written = bytearray()
        self.room = room
        self._typed = bytearray()
        self._arrival = asyncio.Event()

    def type(self, data: bytes) -> None:
        """Send `data` to the cart."""
        self._typed += data
        self._arrival.set()

    async def read(self, n: int) -> bytes:
        """Serial port: what was typed."""
        while not self._typed:
            self._arrival.clear()
            await self._arrival.wait()
        data = bytes(self._typed[:n])
        self._typed = self._typed[n:]
        return data

    def write(self, data: bytes) -> int:
        """Serial port: take as much as there is room for."""
        taken = data[: self.room]
        self.written += taken
        return len(taken)
