"""The cart's MQTT client through the tunnel, on virtual time: what it sees of gateway and cable."""

import asyncio

import pytest

from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.serial import SerialNetwork
from homeslot.mqtt.session import Session
from homeslot.tunnel import ASKED, OPEN, PATIENCE_MS, Tunnel
from homeslot_sim.memory_broker import MemoryBroker
from homeslot_sim.virtual_time import VirtualClock, VirtualLoop, run


class Gateway:
    """The other end in memory: the tunnel, and a connection to the broker in memory."""

    def __init__(self, clock, network, to_cart) -> None:
        self.tunnel = Tunnel(answers=True)
        self.plugged = True
        self._clock = clock
        self._network = network
        self._to_cart = to_cart
        self._key = 0
        self._tasks = []

    def hear(self, line: bytes) -> None:
        if self.plugged:
            self.tunnel.receive(self._clock.up_ms(), line)
            self._flush()

    async def run(self) -> None:
        """One connection after another."""
        while True:
            await self._until(lambda: self.tunnel.state == ASKED)
            try:
                stream = await self._network.open("broker", 1883)
            except OSError as error:
                self.tunnel.reset(str(error))
                self._flush()
                continue
            self._key += 1
            self.tunnel.accept(self._clock.up_ms(), self._key)
            self._flush()
            down = asyncio.create_task(self._down(stream))
            try:
                while self.tunnel.state == OPEN and self.tunnel._key == self._key:
                    await self._clock.sleep_ms(10)
                    self.tunnel.tick(self._clock.up_ms())
                    if data := self.tunnel.read(1000):
                        await stream.write(data)
                    self._flush()
            finally:
                down.cancel()
                await stream.close()

    async def _down(self, stream) -> None:
        while data := await stream.read(self.tunnel.room or 1):
            await self._until(lambda: self.tunnel.room)
            assert self.tunnel.send(self._clock.up_ms(), data) == len(data)
            self._flush()
        self.tunnel.end(self._clock.up_ms())
        self._flush()

    async def _until(self, met) -> None:
        while not met():
            await self._clock.sleep_ms(10)

    def _flush(self) -> None:
        while line := self.tunnel.take():
            if self.plugged:
                self._to_cart(line)


class Place:
    """A broker in memory, a gateway, and a cart's network through it."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.broker = MemoryBroker(clock, lambda user, secret: secret == "right")
        self.air = self.broker.network(latency_ms=5)
        loop = asyncio.get_running_loop()
        self.network = SerialNetwork(clock, 1)
        # A line takes its time: nobody is called back from within his own call.
        self.gateway = Gateway(
            clock,
            self.air,
            lambda line: loop.call_later(0.001, self.network.receive, line),
        )
        self.network.send = lambda line: loop.call_later(0.001, self.gateway.hear, line)

    def client(self, secret="right", **options) -> Client:
        session = Session("c1", "c1", secret, **options)
        return Client(self.network, self.clock, "ignored", 1, session, lambda *_: None)


def on_virtual_time(act):
    """Run `act(place)` with the gateway beside it."""
    loop = VirtualLoop()

    async def main():
        place = Place(VirtualClock(loop))
        gateway = asyncio.create_task(place.gateway.run())
        try:
            await act(place)
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)
            await place.broker.close()

    run(main(), loop)


def test_the_carts_own_credentials_are_what_the_broker_sees():
    async def act(place):
        client = place.client("wrong")
        with pytest.raises(LinkLost) as lost:
            try:
                await client.open()
            finally:
                await client.close()
        assert lost.value.refused == 5

    on_virtual_time(act)


def test_a_day_of_messages_arrives_and_the_next_connection_begins_anew():
    async def act(place):
        heard = []
        place.broker.attach(lambda topic, payload, retained: heard.append(payload))
        for day in range(3):
            client = place.client()
            await client.open()
            for n in range(50):
                await client.publish("homeslot/1/c1/event", b"%d %d " % (day, n) + bytes(900))
            await client.close()
            assert client.lost == "the broker closed the connection"
        expected = [b"%d %d " % (day, n) + bytes(900) for day in range(3) for n in range(50)]
        assert heard == expected

    on_virtual_time(act)


def test_a_pulled_cable_is_a_lost_link_within_the_tunnels_patience():
    async def act(place):
        client = place.client(timeout_ms=60000)
        await client.open()
        place.gateway.plugged = False
        began_ms = place.clock.up_ms()
        with pytest.raises(LinkLost, match="gateway: no answer within 5000 ms"):
            await client.publish("homeslot/1/c1/event", b"into the void")
        assert place.clock.up_ms() - began_ms <= PATIENCE_MS + 1000
        await client.close()

    on_virtual_time(act)


def test_without_a_gateway_the_wait_is_bounded_and_the_next_try_is_as_good():
    async def act(place):
        place.gateway.plugged = False
        client = place.client(timeout_ms=10000)
        with pytest.raises(LinkLost, match="no network within 30000 ms"):
            await client.open()
        await client.close()
        assert place.clock.up_ms() < 40000
        place.gateway.plugged = True
        client = place.client()
        await client.open()
        await client.close()

    on_virtual_time(act)


def test_a_refusal_of_the_gateways_is_an_oserror_that_says_why():
    async def act(place):
        place.air.cut()
        with pytest.raises(OSError, match="gateway: there is no link"):
            await place.network.open("ignored", 1)

    on_virtual_time(act)


def test_a_second_connection_ends_the_first():
    async def act(place):
        first = await place.network.open("ignored", 1)
        second = await place.network.open("ignored", 1)
        with pytest.raises(OSError, match="another connection was opened"):
            await first.write(b"x")
        await first.close()
        await second.write(b"y")
        await second.close()
        with pytest.raises(OSError, match="the cart closed it"):
            await second.read(1)

    on_virtual_time(act)


def test_a_wire_has_no_access_point():
    network = SerialNetwork(None, 1)
    assert network.access_point() == (None, None)
