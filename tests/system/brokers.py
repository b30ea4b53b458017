"""Three brokers behind one face for our own client: the two real ones and the one in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from homeslot.mqtt.client import Client
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import read_secret
from homeslot_sim import virtual_time
from homeslot_sim.memory_broker import MemoryBroker, confined

from .product_brokers import mosquitto, nats

T = TypeVar("T")
WITHIN_S = 30


class WallClock:
    """The Clock port on the machine's own time."""

    def up_ms(self) -> int:
        """Milliseconds of the monotonic clock."""
        return time.monotonic_ns() // 1000000

    async def sleep_ms(self, ms: int) -> None:
        """Return after `ms` real milliseconds."""
        await asyncio.sleep(ms / 1000)


class Watched:
    """A network that counts the pings answered and can break what it opened."""

    def __init__(self, network) -> None:
        self._network = network
        self._stream = None
        self.pings_answered = 0

    async def open(self, host: str, port: int):
        """Connect through the network beneath."""
        self._stream = await self._network.open(host, port)
        return self

    async def read(self, n: int) -> bytes:
        data = await self._stream.read(n)
        self.pings_answered += data == b"\xd0\x00"
        return data

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def close(self) -> None:
        """Close without a word, also from outside the client."""
        await self._stream.close()


class Member:
    """A client of the broker, what it was sent, and a way to wait for it."""

    def __init__(self, network, clock, port: int, session: Session) -> None:
        self.network = Watched(network)
        self.got: list[tuple[str, bytes, bool]] = []
        self._came = asyncio.Event()
        self.client = Client(self.network, clock, "127.0.0.1", port, session, self._take)

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        self.got.append((topic, payload, retained))
        self._came.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when `condition` holds, looked at after each message that comes."""
        while not condition():
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), 10)

    async def __aenter__(self) -> Member:
        await self.client.open()
        return self

    async def __aexit__(self, *_) -> None:
        await self.client.close()


class RealPlace:
    """A real broker with the users hub, a and b, as the product sets it up."""

    def __init__(self, port: int, hub_id: str, secrets: dict[str, str]) -> None:
        self.port = port
        self._ids = {"hub": hub_id}
        self.secrets = secrets

    def member(self, user: str, **options) -> Member:
        """A client of `user`, not yet open."""
        client_id = options.pop("client_id", self._ids.get(user, user))
        secret = options.pop("secret", self.secrets[user])
        session = Session(client_id, user, secret, **options)
        return Member(self._network(), self._clock(), self.port, session)

    def run(self, act: Callable[[RealPlace], Awaitable[T]]) -> T:
        """Run `act(place)` to its end, within bounds."""

        async def bounded() -> T:
            return await asyncio.wait_for(act(self), WITHIN_S)

        return asyncio.run(bounded())

    def _network(self):
        return TcpNetwork()

    def _clock(self):
        return WallClock()


class MemoryPlace(RealPlace):
    """The broker in memory with the same users, in virtual time."""

    def __init__(self) -> None:
        super().__init__(1883, "hub-id", {"hub": "h", "a": "secret of a", "b": "secret of b"})

    def run(self, act: Callable[[RealPlace], Awaitable[T]]) -> T:
        """Run `act(place)` to its end, in no time."""
        loop = virtual_time.VirtualLoop()
        self.clock = virtual_time.VirtualClock(loop)

        async def main() -> T:
            self.broker = MemoryBroker(
                self.clock,
                lambda user, secret: self.secrets.get(user) == secret,
                lambda user, topic, writes: user == "hub" or confined(user, topic, writes),
            )
            try:
                return await act(self)
            finally:
                await self.broker.close()

        return virtual_time.run(main(), loop)

    def _network(self):
        return self.broker.network(latency_ms=5)

    def _clock(self):
        return self.clock


@contextmanager
def real(start, data: Path) -> Iterator[RealPlace]:
    """A real broker that `start` (of product_brokers) starts on a free port, keeping in `data`."""
    credentials = Credentials(data)
    secrets = {name: credentials.add_cart(name) for name in ("a", "b")}
    secrets["hub"] = read_secret(credentials.hub_secret_file)
    with start(data, credentials) as broker:
        yield RealPlace(broker.port, credentials.hub_client_id, secrets)


@contextmanager
def memory(data: Path) -> Iterator[RealPlace]:
    """The broker in memory."""
    yield MemoryPlace()


PLACES = {
    "memory": memory,
    "nats-server": lambda data: real(nats, data),
    "mosquitto": lambda data: real(mosquitto, data),
}
