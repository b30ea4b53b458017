"""The broker in memory: what the hub sees of it, and what a bad link does, in virtual time."""

import asyncio

import pytest

from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.session import Session
from homeslot_sim import virtual_time
from homeslot_sim.memory_broker import MemoryBroker
from homeslot_sim.memory_link import MemoryNetwork

WILL = ("homeslot/1/a/link", b"offline")


class School:
    """A broker with a hub that writes down what it is told, and carts with links of their own."""

    def __init__(self, loop):
        self.clock = virtual_time.VirtualClock(loop)
        self.broker = MemoryBroker(self.clock, lambda user, secret: secret == f"of {user}")
        self.told = []
        self.broker.attach(self.hear)
        self.got = []

    def hear(self, topic, payload, retained):
        self.told.append((self.clock.up_ms(), topic.split("/", 2)[2], payload, retained))

    def cart(self, user="a", network=None, **options):
        options = {"will": WILL, "keep_alive_s": 60, **options}
        session = Session(user, user, f"of {user}", **options)
        network = network or self.broker.network()
        return Client(
            network, self.clock, "hub", 1883, session, lambda *message: self.got.append(message)
        )


def play(act):
    """Run `act(school)` in virtual time; its result."""
    loop = virtual_time.VirtualLoop()

    async def main():
        school = School(loop)
        result = await act(school)
        await school.broker.close()
        return result

    return virtual_time.run(main(), loop)


def test_the_hub_hears_a_cart_and_commands_it():
    async def act(school):
        cart = school.cart()
        await cart.open()
        assert school.broker.users() == ["a"]
        await cart.subscribe("homeslot/1/a/cmd")
        await cart.publish("homeslot/1/a/state", b"s", retain=True)
        school.broker.publish("homeslot/1/a/cmd", b"report")
        await cart.close()
        assert school.got == [("homeslot/1/a/cmd", b"report", False)]
        assert school.broker.users() == []
        return school.told

    assert play(act) == [(0, "a/state", b"s", False)]


def test_a_hub_that_was_away_gets_what_is_retained_and_then_what_it_missed():
    async def act(school):
        cart = school.cart()
        await cart.open()
        await cart.publish("homeslot/1/a/state", b"1", retain=True)
        school.broker.detach()
        await cart.publish("homeslot/1/a/event", b"2")
        await cart.publish("homeslot/1/a/state", b"3", retain=True)
        school.broker.attach(school.hear)
        await cart.close()
        return [(payload, retained) for _, _, payload, retained in school.told]

    assert play(act) == [(b"1", False), (b"3", True), (b"2", False), (b"3", False)]


def test_an_empty_retained_message_clears_what_was_retained():
    async def act(school):
        school.broker.publish("homeslot/1/a/cmd", b"x", retain=True)
        school.broker.publish("homeslot/1/a/cmd", b"", retain=True)
        return school.broker.retained, school.told

    assert play(act) == ({}, [])


def test_a_cut_link_fails_the_cart_at_once_and_is_seen_by_the_broker_after_the_keep_alive():
    async def act(school):
        network = school.broker.network(bssid="aa:bb:cc:dd:ee:ff", rssi_dbm=-60)
        cart = school.cart(network=network)
        await cart.open()
        await school.clock.sleep_ms(1000)
        assert network.access_point() == ("aa:bb:cc:dd:ee:ff", -60)
        network.cut()
        assert network.access_point() == (None, None)
        assert await cart.closed() == "the link is gone"
        assert school.clock.up_ms() == 1000
        await cart.close()
        with pytest.raises(LinkLost, match="there is no link"):
            await school.cart(network=network).open()
        await school.clock.sleep_ms(100000)
        return school.told

    assert play(act) == [(90000, "a/link", b"offline", False)]


def test_a_mended_link_lets_a_new_connection_take_over_from_the_dead_one():
    async def act(school):
        network = school.broker.network()
        first, second = school.cart(network=network), school.cart(network=network)
        await first.open()
        network.cut()
        await first.close()
        network.mend()
        await second.open()
        await second.publish("homeslot/1/a/link", b"online")
        assert school.broker.users() == ["a"]
        await second.close()
        await school.clock.sleep_ms(200000)
        return [(payload, retained) for _, _, payload, retained in school.told]

    assert play(act) == [(b"offline", False), (b"online", False)]


def test_a_stalled_link_holds_everything_back_until_it_is_mended():
    async def act(school):
        network = school.broker.network(latency_ms=20)
        cart = school.cart(network=network)
        await cart.open()
        network.stall()
        await cart.post("homeslot/1/a/event", b"late")
        await school.clock.sleep_ms(5000)
        assert school.told == []
        network.mend()
        await school.clock.sleep_ms(100)
        assert cart.lost is None
        await cart.close()
        return [payload for _, _, payload, _ in school.told]

    assert play(act) == [b"late"]


def test_an_end_behind_a_stalled_link_is_learnt_of_when_it_is_mended():
    async def act(school):
        far = []
        network = MemoryNetwork(school.clock, far.append)
        near = await network.open("hub", 1883)
        network.stall()
        await near.close()
        reading = asyncio.ensure_future(far[0].read(1))
        await school.clock.sleep_ms(1000)
        assert not reading.done()
        network.mend()
        return await reading

    assert play(act) == b""


def test_each_way_takes_the_latency_of_the_link():
    async def act(school):
        cart = school.cart(network=school.broker.network(latency_ms=30))
        await cart.open()
        opened_ms = school.clock.up_ms()
        await cart.publish("homeslot/1/a/event", b"x")
        acked_ms = school.clock.up_ms()
        await cart.close()
        return opened_ms, school.told[0][0], acked_ms

    assert play(act) == (120, 150, 180)


def test_a_dropped_cart_speaks_its_will_at_once():
    async def act(school):
        cart = school.cart()
        await cart.open()
        school.broker.drop("a")
        assert await cart.closed() == "the broker closed the connection"
        await cart.close()
        return school.told, school.broker.retained

    assert play(act) == ([(0, "a/link", b"offline", False)], {WILL[0]: WILL[1]})


def test_what_is_outside_a_carts_own_topics_is_counted_and_goes_nowhere():
    async def act(school):
        cart = school.cart(will=("homeslot/1/b/link", b"a lie"))
        await cart.open()
        await cart.publish("homeslot/1/b/event", b"a lie")
        await cart.publish("homeslot/1/a/cmd", b"a command to itself")
        for asked in ("homeslot/1/b/cmd", "homeslot/1/+/cmd", "homeslot/1/a/#", "#"):
            assert not await cart.subscribe(asked)
        school.broker.drop("a")
        await cart.closed()
        await cart.close()
        return school.told, school.broker.retained, school.broker.refused

    assert play(act) == ([], {}, 7)


def test_a_connection_that_says_nothing_or_nonsense_is_ended():
    async def act(school):
        network = school.broker.network()
        silent = await network.open("hub", 1883)
        rude = await network.open("hub", 1883)
        await rude.write(b"\xc0\x00")  # a ping before CONNECT
        assert await rude.read(10) == b""
        assert school.clock.up_ms() == 0
        assert await silent.read(10) == b""
        return school.clock.up_ms()

    assert play(act) == 10000


def test_a_defect_in_the_hub_is_raised_when_the_broker_closes():
    def defect(topic, payload, retained):
        raise KeyError(topic)

    async def act(school):
        school.broker.attach(defect)
        cart = school.cart(will=None)
        await cart.open()
        with pytest.raises(LinkLost):
            await cart.publish("homeslot/1/a/event", b"x")
        await cart.close()
        with pytest.raises(KeyError):
            await school.broker.close()

    play(act)
