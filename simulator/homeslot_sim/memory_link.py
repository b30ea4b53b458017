"""A network in memory: the Network and Stream ports without sockets, on any Clock.

A link is up, `cut` (the cart is told: its streams fail; the other end hears nothing more, as when
the access point goes away) or `stalled` (nobody is told and nothing arrives until it is mended, as
when the wire behind the access point is out: TCP keeps trying).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeslot.ports import Clock

HELD_BYTES = 1 << 20  # one direction of a connection holds no more than this


class _Pipe:
    """One direction: bytes in order, each readable once its time has come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: deque[tuple[int, bytes]] = deque()
        self._size = 0
        self._stirred = asyncio.Event()
        self.stalled = False
        self.ended = False  # the writer closed: the reader gets what is held, then the end
        self.abandoned = False  # the reader closed
        self.failed = False  # the reader is told that the link is gone

    def put(self, data: bytes, latency_ms: int) -> None:
        if self.abandoned or self._size + len(data) > HELD_BYTES:
            raise OSError("the peer has closed, or reads no more")
        due_ms = self._clock.up_ms() + latency_ms
        if self._held:
            due_ms = max(due_ms, self._held[-1][0])
        self._held.append((due_ms, data))
        self._size += len(data)
        self.stir()

    async def get(self, n: int) -> bytes:
        while True:
            if self.failed:
                raise OSError("the link is gone")
            if self.abandoned or (self.ended and not self._held and not self.stalled):
                return b""
            if self.stalled or not self._held:
                await self._stirred.wait()
                continue
            due_ms, data = self._held[0]
            wait_ms = due_ms - self._clock.up_ms()
            if wait_ms > 0:
                await self._clock.sleep_ms(wait_ms)
                continue
            self._held.popleft()
            if len(data) > n:
                self._held.appendleft((due_ms, data[n:]))
            self._size -= len(data[:n])
            return data[:n]

    def stir(self) -> None:
        self._stirred.set()
        self._stirred.clear()


class MemoryStream:
    """One end of a connection: ports.Stream, with `put` and `shut` for callers that cannot wait."""

    def __init__(self, inward: _Pipe, outward: _Pipe, latency_ms: Callable[[], int]) -> None:
        self._inward = inward
        self._outward = outward
        self._latency_ms = latency_ms
        self._severed = False

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" when either end has closed. Raises OSError after a cut."""
        return await self._inward.get(n)

    async def write(self, data: bytes) -> None:
        """Send `data`. Raises OSError when the link is known to be gone or the peer closed."""
        self.put(data)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Give the connection up."""
        self.shut()

    def put(self, data: bytes) -> None:
        """`write` without waiting."""
        if self.over:
            raise OSError("the link is gone")
        if not self._severed:
            self._outward.put(data, self._latency_ms())

    def shut(self) -> None:
        """`close` without waiting."""
        self._inward.abandoned = True
        if not self._severed:
            self._outward.ended = True
            self._outward.stir()
        self._inward.stir()

    def sever(self, told: bool) -> None:
        """From now on nothing passes; when `told`, this end learns it by OSError."""
        self._severed = True
        self._inward.failed = told
        self._inward.stir()

    def stall(self, stalled: bool) -> None:
        """Hold back, or let pass again, what comes to this end."""
        self._inward.stalled = stalled
        self._inward.stir()

    @property
    def over(self) -> bool:
        """Whether this end has closed or was told of a cut."""
        return self._inward.abandoned or self._inward.failed


class MemoryNetwork:
    """ports.Network of one cart; `accept` is given the far end of each connection.

    `latency_ms` (each way) may be changed at any time, as may `bssid` and `rssi_dbm`.
    """

    def __init__(
        self,
        clock: Clock,
        accept: Callable[[MemoryStream], None],
        latency_ms: int = 0,
        bssid: str | None = None,
        rssi_dbm: int | None = None,
    ) -> None:
        self._clock = clock
        self._accept = accept
        self._pairs: list[tuple[MemoryStream, MemoryStream]] = []
        self._mended = asyncio.Event()
        self._mended.set()
        self.up = True
        self.latency_ms = latency_ms
        self.bssid = bssid
        self.rssi_dbm = rssi_dbm

    async def open(self, host: str, port: int) -> MemoryStream:
        """Connect; `host` and `port` are of no importance. OSError while the link is cut."""
        if self.latency_ms:
            await self._clock.sleep_ms(2 * self.latency_ms)
        await self._mended.wait()
        if not self.up:
            raise OSError("there is no link")
        there, back = _Pipe(self._clock), _Pipe(self._clock)
        near = MemoryStream(back, there, lambda: self.latency_ms)
        far = MemoryStream(there, back, lambda: self.latency_ms)
        self._pairs = [pair for pair in self._pairs if not pair[0].over]
        self._pairs.append((near, far))
        self._accept(far)
        return near

    def access_point(self) -> tuple[str | None, int | None]:
        """(BSSID, RSSI in dBm); None for both while the link is cut."""
        return (self.bssid, self.rssi_dbm) if self.up else (None, None)

    def trouble(self) -> str | None:
        """No Wi-Fi while the link is cut."""
        return None if self.up else "no_wifi"

    def cut(self) -> None:
        """Take the link away: the cart's streams fail, the broker hears only what is on its way."""
        self.up = False
        self._mended.set()
        for near, far in self._pairs:
            near.sever(told=True)
            far.sever(told=False)
        self._pairs.clear()

    def stall(self) -> None:
        """Let nothing pass and tell nobody; a new `open` waits too."""
        self._mended.clear()
        for pair in self._pairs:
            for end in pair:
                end.stall(True)

    def mend(self) -> None:
        """Bring the link back; what was stalled arrives, what was cut stays dead."""
        self.up = True
        self._mended.set()
        for pair in self._pairs:
            for end in pair:
                end.stall(False)
