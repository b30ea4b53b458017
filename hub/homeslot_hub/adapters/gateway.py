"""The gateway: carries carts without a network over USB serial to the broker.

A pipe of bytes and nothing more. What passes is a cart's own MQTT with the cart's own credentials
(`homeslot.tunnel` says how); the gateway has none, reads none, and connects to the one broker it
was told of, whatever a cart asks for. Ports come and go, and so does the broker.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

import serial

from homeslot.tunnel import ASKED, HIGHEST, MARK, OPEN, Tunnel

BAUD = 115200  # USB ignores it; a real UART is set to it
RETRY_S = 1.0
CONNECT_S = 8.0  # less than the ten seconds a cart waits for its broker
PATIENCE_MS = 30000  # with a busy cart: one that is gone asks for a new connection anyway
LONGEST_LINE = 4096
_READ_S = 0.1
_WRITE_S = 2.0
_CHUNK = 4096
_PORT_PROBLEMS = {
    errno.ENOENT: "it is not there",
    errno.EACCES: "permission denied: is this user in the group dialout?",
    errno.EAGAIN: "another program holds it",
}

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is; with `tls` the connection to it is TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Lines:
    """Bytes of any fragmentation to lines; one over `LONGEST_LINE` bytes is passed over."""

    def __init__(self) -> None:
        self._held = b""
        self._passing = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end in `data`, without their ends."""
        *whole, self._held = (self._held + data).split(b"\n")
        lines = [line.rstrip(b"\r") for line in whole[self._passing :] if len(line) <= LONGEST_LINE]
        if whole:
            self._passing = False
        if len(self._held) > LONGEST_LINE:
            self._held, self._passing = b"", True
        return lines


class Gateway:
    """The cart on serial port `name`, if there is one, and `broker`.

    `say` gets a plain line for each thing that happens and each line of text the cart writes.
    """

    def __init__(self, name: str, broker: Broker, say: Say) -> None:
        self._name = name
        self._broker = broker
        self._tell = say

    async def run(self) -> None:
        """Serve the port for ever: through unplugging, and before it is there."""
        said = ""
        with ThreadPoolExecutor(2, thread_name_prefix=self._name) as threads:  # to read, to write
            while True:
                try:
                    port = await asyncio.get_running_loop().run_in_executor(threads, self._open)
                except OSError as error:
                    why = _PORT_PROBLEMS.get(error.errno or 0) or _why(error)
                    if why != said:
                        self._say(f": waiting for it: {why}")
                    said = why
                else:
                    said = ""
                    self._say(": open")
                    try:
                        await Carrier(port, threads, self._broker, self._say).run()
                    except OSError as error:
                        self._say(f": lost: {_why(error)}")
                    finally:
                        port.close()
                await asyncio.sleep(RETRY_S)

    def _open(self) -> serial.Serial:
        # Exclusive: of two readers of one port each would get a part of every line.
        return serial.Serial(
            self._name, BAUD, timeout=_READ_S, write_timeout=_WRITE_S, exclusive=True
        )

    def _say(self, text: str) -> None:
        self._tell(self._name + text)


class Carrier:
    """One opened port: the tunnel through it, and the connection to the broker at its end."""

    def __init__(
        self, port: serial.Serial, threads: ThreadPoolExecutor, broker: Broker, say: Say
    ) -> None:
        self._port = port
        self._threads = threads
        self._broker = broker
        self._say = say
        self._tunnel = Tunnel(answers=True, patience_ms=PATIENCE_MS)
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Carry until the port is lost: then OSError says why."""
        self._tunnel.clear()
        await _until_one_fails(self._listen(), self._talk(), self._connect())

    async def _listen(self) -> None:
        lines = Lines()
        while True:
            for line in lines.feed(await self._in_thread(self._read)):
                if line.startswith(MARK):
                    self._tunnel.receive(_now_ms(), line)
                elif line and not line.startswith(b"{"):  # messages are for programs
                    self._say(f" | {_shown(line)}")
            self._tunnel.tick(_now_ms())
            self._notify()

    def _read(self) -> bytes:
        data: bytes = self._port.read(max(1, min(self._port.in_waiting, _CHUNK)))
        return data

    async def _talk(self) -> None:
        while True:
            if line := self._tunnel.take():
                await self._in_thread(partial(self._port.write, line + b"\n"))
            else:
                await self._changed.wait()

    async def _connect(self) -> None:
        """One connection after another, as the cart asks for them."""
        broker = self._broker
        while True:
            await self._until(lambda: self._tunnel.state == ASKED)
            number = self._tunnel.number
            try:
                async with asyncio.timeout(CONNECT_S):
                    reader, writer = await asyncio.open_connection(
                        broker.host, broker.port, ssl=broker.tls
                    )
            except OSError as error:
                self._refuse(number, error)
                continue
            try:
                if self._is(number, ASKED):
                    self._tunnel.accept(_now_ms(), 1 + secrets.randbelow(HIGHEST))
                    self._notify()
                    self._say(f": connected to the broker at {broker}")
                    await self._carry(number, reader, writer)
            finally:
                # What the broker has not taken yet the cart has no acknowledgement of either.
                writer.transport.abort()

    async def _carry(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass bytes both ways until the connection is over on either side."""
        try:
            await _until_one_fails(self._up(writer), self._down(reader), self._over(number))
        except _Over as over:
            self._say(f": disconnected: {over}")
        except OSError as error:
            self._refuse(number, error)

    async def _up(self, writer: asyncio.StreamWriter) -> None:
        while not self._tunnel.ended:
            if data := self._tunnel.read(_CHUNK):
                writer.write(data)
                await writer.drain()
            else:
                await self._changed.wait()

    async def _down(self, reader: asyncio.StreamReader) -> None:
        while True:
            await self._until(lambda: self._tunnel.room)
            data = await reader.read(self._tunnel.room)
            if not data:
                break
            self._tunnel.send(_now_ms(), data)
            self._notify()
        self._say(f": the broker at {self._broker} closed the connection")
        if self._tunnel.room:
            self._tunnel.end(_now_ms())
            self._notify()

    async def _over(self, number: int) -> NoReturn:
        await self._until(lambda: not self._is(number, OPEN))
        raise _Over(self._tunnel.why if self._tunnel.number == number else "the cart began anew")

    def _refuse(self, number: int, error: BaseException) -> None:
        why = f"the broker at {self._broker}: {_why(error)}"
        self._say(f": {why}")
        if self._tunnel.number == number:
            self._tunnel.reset(why)
            self._notify()

    def _is(self, number: int, state: str) -> bool:
        return (self._tunnel.number, self._tunnel.state) == (number, state)

    async def _until(self, met: Callable[[], object]) -> None:
        while not met():
            await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed.clear()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Over(Exception):
    """The connection is no more, and why."""


async def _until_one_fails(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of `work` until one of them fails, and raise what it raised. None goes on after that.

    Unlike a task group, which forgets that it was cancelled when a task of it fails in the same
    moment (https://github.com/python/cpython/issues/116720).
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        failed, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*failed)


def _why(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    own_numbers = isinstance(error, ssl.SSLError | socket.gaierror)
    if number and not own_numbers:
        return os.strerror(number)
    return str(error) or type(error).__name__


def _shown(line: bytes) -> str:
    """A line of a cart's as a terminal can bear it."""
    return "".join(c if c.isprintable() else "?" for c in line.decode("utf-8", "replace"))


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
