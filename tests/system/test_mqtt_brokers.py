"""Our MQTT client against Mosquitto, nats-server and the broker in memory: one suite for all."""

from __future__ import annotations

import asyncio

import pytest

from homeslot.mqtt.client import LinkLost

from .brokers import PLACES


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    with PLACES[request.param](tmp_path) as place:
        yield place


def test_a_wrong_password_is_refused_with_its_code(place):
    async def act(place):
        stranger = place.member("a", secret="not the secret of a")
        with pytest.raises(LinkLost) as error:
            await stranger.client.open()
        await stranger.client.close()
        return error.value.refused

    assert place.run(act) in (4, 5)


def test_a_message_with_qos_1_or_0_goes_from_cart_to_hub(place):
    """In whatever order: no broker owes one between the two levels."""

    async def act(place):
        async with place.member("hub") as hub, place.member("a") as cart:
            assert await hub.client.subscribe("homeslot/1/+/event")
            await cart.client.publish("homeslot/1/a/event", b"one")
            await cart.client.publish("homeslot/1/a/event", b"two", qos=0)
            await hub.until(lambda: len(hub.got) == 2)
            return sorted(hub.got)

    assert place.run(act) == [
        ("homeslot/1/a/event", b"one", False),
        ("homeslot/1/a/event", b"two", False),
    ]


def test_a_command_with_qos_1_goes_from_hub_to_cart(place):
    async def act(place):
        async with place.member("hub") as hub, place.member("a") as cart:
            assert await cart.client.subscribe("homeslot/1/a/cmd")
            for number in (b"1", b"2"):
                await hub.client.publish("homeslot/1/a/cmd", number)
            await cart.until(lambda: len(cart.got) == 2)
            return cart.got

    assert place.run(act) == [
        ("homeslot/1/a/cmd", b"1", False),
        ("homeslot/1/a/cmd", b"2", False),
    ]


def test_what_is_retained_is_given_to_who_comes_later_and_marked(place):
    async def act(place):
        async with place.member("a") as cart:
            for body in (b"old", b"new"):
                await cart.client.publish("homeslot/1/a/state", body, retain=True)
            async with place.member("hub") as hub:
                await hub.client.subscribe("homeslot/1/+/state")
                await hub.until(lambda: hub.got)
                await cart.client.publish("homeslot/1/a/state", b"live", retain=True)
                await hub.until(lambda: len(hub.got) == 2)
                return hub.got

    assert place.run(act) == [
        ("homeslot/1/a/state", b"new", True),
        ("homeslot/1/a/state", b"live", False),
    ]


def test_the_will_is_spoken_and_retained_when_a_cart_is_lost(place):
    will = ("homeslot/1/a/link", b"offline")

    async def act(place):
        async with place.member("hub") as hub:
            await hub.client.subscribe("homeslot/1/+/link")
            async with place.member("a", will=will) as cart:
                await cart.client.publish("homeslot/1/a/link", b"online", retain=True)
                await hub.until(lambda: hub.got)
                await cart.network.close()
                await cart.client.closed()
                await hub.until(lambda: len(hub.got) == 2)
        async with place.member("hub") as later:
            await later.client.subscribe("homeslot/1/+/link")
            await later.until(lambda: later.got)
            return hub.got[1], later.got[0]

    assert place.run(act) == ((*will, False), (*will, True))


def test_the_will_is_forgotten_at_a_clean_end(place):
    async def act(place):
        async with place.member("hub") as hub, place.member("b") as marker:
            await hub.client.subscribe("homeslot/1/+/link")
            async with place.member("a", will=("homeslot/1/a/link", b"offline")):
                pass
            await marker.client.publish("homeslot/1/b/link", b"marker")
            await hub.until(lambda: hub.got)
            return hub.got

    assert place.run(act) == [("homeslot/1/b/link", b"marker", False)]


def test_hundreds_of_events_in_a_window_arrive_in_order(place):
    events = [b"%d" % n for n in range(300)]

    async def act(place):
        async with place.member("hub") as hub, place.member("a") as cart:
            await hub.client.subscribe("homeslot/1/+/event")
            numbers = [await cart.client.post("homeslot/1/a/event", event) for event in events]
            await cart.client.acked(numbers[-1])
            await hub.until(lambda: len(hub.got) == len(events))
            return [payload for _, payload, _ in hub.got]

    assert place.run(act) == events


def test_the_largest_message_of_the_contract_passes(place):
    body = bytes(range(256)) * 32

    async def act(place):
        async with place.member("hub") as hub, place.member("a") as cart:
            await hub.client.subscribe("homeslot/1/+/event")
            await cart.client.publish("homeslot/1/a/event", body)
            await hub.until(lambda: hub.got)
            return hub.got[0][1]

    assert place.run(act) == body


def test_a_cart_writes_nothing_under_another_name_nor_leaves_a_will_there(place):
    async def act(place):
        async with place.member("hub") as hub, place.member("b") as marker:
            for kind in ("event", "link"):
                await hub.client.subscribe(f"homeslot/1/+/{kind}")
            async with place.member("a", will=("homeslot/1/b/link", b"a lie")) as cart:
                posted = await cart.client.post("homeslot/1/b/event", b"a lie", retain=True)
                await asyncio.gather(cart.client.acked(posted), return_exceptions=True)
                await cart.network.close()
                await cart.client.closed()
            await marker.client.publish("homeslot/1/b/event", b"marker")
            await hub.until(lambda: hub.got)
            return hub.got

    assert place.run(act) == [("homeslot/1/b/event", b"marker", False)]


def test_a_cart_reads_nothing_of_another(place):
    async def act(place):
        async with place.member("hub") as hub, place.member("a") as spy:
            for asked in ("homeslot/1/b/cmd", "homeslot/1/+/cmd", "#"):
                await spy.client.subscribe(asked)  # Mosquitto says yes and delivers nothing
            await hub.client.publish("homeslot/1/b/cmd", b"secret")
            await spy.client.subscribe("homeslot/1/a/cmd")
            await hub.client.publish("homeslot/1/a/cmd", b"last")
            await spy.until(lambda: spy.got)
            return {message[:2] for message in spy.got}

    assert place.run(act) == {("homeslot/1/a/cmd", b"last")}


def test_one_client_id_has_one_connection(place):
    async def act(place):
        async with place.member("a") as first, place.member("a") as second:
            await asyncio.wait_for(first.client.closed(), 10)
            await second.client.publish("homeslot/1/a/event", b"still here")
            return second.client.lost

    assert place.run(act) is None


def test_a_quiet_client_is_kept_by_its_pings(place):
    async def act(place):
        async with place.member("a", keep_alive_s=1, timeout_ms=1000) as cart:
            lost = asyncio.ensure_future(cart.client.closed())
            while cart.network.pings_answered < 4:  # two seconds: the broker's patience is 1.5
                await asyncio.wait({lost}, timeout=0.1)
                assert cart.client.lost is None
            lost.cancel()

    place.run(act)
