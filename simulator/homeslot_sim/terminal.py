"""A cart's serial console as a pseudo-terminal: a port for whatever wants a serial one."""

from __future__ import annotations

import asyncio
import os
import tty


class Terminal:
    """A pseudo-terminal. A tool opens `name`; the cart's console is at the other side.

    It stays when the tool goes, as a USB cable does, until `close`: then it is pulled.
    """

    def __init__(self) -> None:
        self._cart, self._tool = os.openpty()
        tty.setraw(self._tool)
        os.set_blocking(self._cart, False)
        self.name = os.ttyname(self._tool)

    def fileno(self) -> int:
        """The cart's side, to wait for."""
        return self._cart

    def take(self, n: int) -> bytes:
        """Up to `n` bytes the tool has written; b"" when there are none now."""
        try:
            return os.read(self._cart, n) if n else b""
        except BlockingIOError:
            return b""

    def give(self, data: bytes | bytearray) -> int:
        """Take what there is room for; how many bytes that were."""
        try:
            return os.write(self._cart, data) if data else 0
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Pull the cable: the tool's port is gone."""
        os.close(self._tool)
        os.close(self._cart)


class Serial:
    """ports.Serial of a cart on CPython: the console at `terminal`."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes as soon as there are any."""
        while not (data := self._terminal.take(n)):
            loop, arrived = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(self._terminal.fileno(), arrived.set)
            try:
                await arrived.wait()
            finally:
                loop.remove_reader(self._terminal.fileno())
        return data

    def write(self, data: bytes) -> int:
        """Take what there is room for; how many bytes that were."""
        return self._terminal.give(data)
