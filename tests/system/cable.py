"""A USB cable between a cart and a pseudo-terminal that a computer opens: it can be pulled."""

from __future__ import annotations

import os
import pty
import selectors
import socket
import threading
import tty
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_CHUNK = 4096


class Cable:
    """`port` is the path of the serial port on the computer, `cart` the socket at the cart.

    Nothing that finds no room or no cable is kept: that is what USB does when nobody listens.
    """

    def __init__(self, port: Path) -> None:
        self.port = port
        self.cart, self._inside = socket.socketpair()
        self._inside.setblocking(False)
        self._guard = threading.Lock()
        self._master = self._slave = -1
        self._pull_after: int | None = None
        self._wake_in, self._wake_out = os.pipe()
        self._ended = False
        self.plug()
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    @property
    def plugged(self) -> bool:
        """Whether the port is there."""
        return self._master >= 0

    def plug(self) -> None:
        """Plug it in."""
        with self._guard:
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)  # and kept open: a master without a slave cannot be read
            os.set_blocking(self._master, False)
            self.port.symlink_to(os.ttyname(self._slave))
        os.write(self._wake_out, b"x")

    def pull(self) -> None:
        """Pull it out."""
        with self._guard:
            self._pull()

    def pull_after(self, count: int) -> None:
        """Pull it out when `count` more bytes have come from the cart."""
        with self._guard:
            self._pull_after = count

    def __enter__(self) -> Cable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = True
        os.write(self._wake_out, b"x")
        self._thread.join(10)
        self.pull()
        self.cart.close()
        self._inside.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _pull(self) -> None:
        if self.plugged:
            self.port.unlink()
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def _carry(self) -> None:
        while not self._ended:
            with selectors.DefaultSelector() as ready:
                ready.register(self._wake_in, selectors.EVENT_READ)
                ready.register(self._inside, selectors.EVENT_READ)
                with self._guard:  # or it may be pulled, and closed, before it is registered
                    master = self._master
                    if self.plugged:
                        ready.register(master, selectors.EVENT_READ)
                found = [key.fd for key, _ in ready.select(1)]
            with self._guard:
                if self._wake_in in found:
                    os.read(self._wake_in, _CHUNK)
                if self._inside.fileno() in found:
                    self._up()
                if master in found and master == self._master:
                    self._down()

    def _up(self) -> None:
        data = self._inside.recv(_CHUNK)
        if self._pull_after is not None:
            data = data[: self._pull_after]
            self._pull_after -= len(data)
        if self.plugged and data:
            with suppress(BlockingIOError):
                os.write(self._master, data)
        if self._pull_after == 0:
            self._pull_after = None
            self._pull()

    def _down(self) -> None:
        with suppress(BlockingIOError):
            self._inside.send(os.read(self._master, _CHUNK))
