"""The same MQTT code on the real MicroPython interpreter: codec vectors, and a real broker."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
from contextlib import contextmanager

import pytest

from homeslot.mqtt import codec
from homeslot_sim import mqtt_server

from ..system.brokers import PLACES

ENCODED = [
    ("encode_connect", ["c1", 60], {}),
    ("encode_connect", ["c1", 1, "user", "päss", ["homeslot/1/c1/link", "off"]], {}),
    ("encode_publish", ["a/b", "payload", 1, True, 65535], {}),
    ("encode_publish", ["a/é/€/😀", "p" * 20000], {}),
    ("encode_puback", [258], {}),
    ("encode_subscribe", [1, "homeslot/1/c1/cmd", 1], {}),
    ("encode_pingreq", [], {}),
    ("encode_disconnect", [], {}),
    ("encode_publish", ["a/#", ""], {}),
    ("encode_publish", ["a", "", 1, False, 70000], {}),
    ("encode_connect", ["c" * 65536, 60], {}),
]
STREAMS = [
    mqtt_server.encode_connack(True, 0),
    mqtt_server.encode_connack(False, 5),
    mqtt_server.encode_suback(77, [128]),
    mqtt_server.encode_pingresp(),
    codec.encode_puback(65535),
    codec.encode_publish("a/é/€/😀", bytes(range(256)), 1, True, 9),
    codec.encode_publish("a", b""),
    b"\x30\x04\x00\x02\xc0\x80",  # an overlong NUL
    b"\x30\x04\x00\x02\xc1\x81",  # an overlong A
    b"\x30\x05\x00\x03\xed\xa0\x80",  # half of a surrogate pair
    b"\x30\x06\x00\x04\xf4\x90\x80\x80",  # beyond the last code point
    b"\x30\x04\x00\x02\xe2\x82",  # the beginning of a character
    b"\x30\x03\x00\x01\xff",
    b"\x30\xff\xff\xff\xff\x7f",
    b"\x32\x05\x00\x01a\x00\x00",
    b"\xc0\x00",
]

# Runs on both: reads the vectors, prints what the codec makes of each.
REPLAY = """
import binascii, json, sys
from homeslot.mqtt import codec
from homeslot.mqtt.decoder import Decoder, ProtocolError

def shown(value):
    return binascii.hexlify(value).decode() if isinstance(value, bytes) else value

def as_argument(name, at, value):
    if name == "encode_publish" and at == 1:
        return value.encode()
    return (value[0], value[1].encode()) if isinstance(value, list) else value

def replay(task):
    for name, arguments, options in task["encoded"]:
        try:
            arguments = [as_argument(name, i, a) for i, a in enumerate(arguments)]
            yield shown(getattr(codec, name)(*arguments, **options))
        except ValueError as error:
            yield "ValueError"
    for pieces in task["streams"]:
        decoder = Decoder(2000)
        try:
            for piece in pieces:
                decoder.feed(binascii.unhexlify(piece))
                packet = decoder.next()
                while packet is not None:
                    yield [shown(value) for value in packet]
                    packet = decoder.next()
        except ProtocolError as error:
            yield str(error)
        yield None
"""


def vectors():
    """The streams above, whole, dripped and spoiled in a fixed way."""
    streams = [[data.hex()] for data in STREAMS]
    streams += [[f"{byte:02x}" for byte in data] for data in STREAMS if len(data) < 300]
    chance = random.Random(311)
    for _ in range(400):
        data = bytearray(b"".join(chance.sample(STREAMS, 2)))
        for _ in range(chance.randrange(3)):
            data[chance.randrange(min(len(data), 12))] = chance.randrange(256)
        cut = chance.randrange(len(data) + 1)
        streams.append([data[:cut].hex(), data[cut:].hex()])
    return {"encoded": ENCODED, "streams": streams}


def test_the_codec_gives_the_same_on_micropython_for_every_vector(micropython):
    task = vectors()
    here = {"__name__": "here"}
    exec(REPLAY, here)
    expected = json.loads(json.dumps(list(here["replay"](task))))
    said = micropython(
        REPLAY + "for line in replay(json.loads(sys.stdin.read())): print(json.dumps(line))",
        stdin=json.dumps(task, ensure_ascii=False),  # its json does not join surrogates
    )
    assert [json.loads(line) for line in said.splitlines()] == expected
    assert sum(line is None for line in expected) == len(task["streams"])


CART = """
import asyncio, json, sys, time
from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork

class Clock:
    def up_ms(self):
        return time.ticks_ms()
    async def sleep_ms(self, ms):
        await asyncio.sleep_ms(ms)

task = json.loads(sys.stdin.read())
got = []
came = asyncio.Event()

def take(topic, payload, retained):
    got.append([topic, payload.decode(), retained])
    came.set()

def client(**options):
    session = Session(task["user"], task["user"], task["secret"], **options)
    return Client(TcpNetwork(), Clock(), "127.0.0.1", task["port"], session, take)
"""

DAY = (
    CART
    + """
async def main():
    cart = client(will=("homeslot/1/a/link", b"offline"))
    await cart.open()
    print(await cart.subscribe("homeslot/1/a/cmd"))
    await cart.publish("homeslot/1/a/link", b"online", retain=True)
    numbers = []
    for n in range(200):
        numbers.append(await cart.post("homeslot/1/a/event", b"%d" % n))
    for number in numbers:
        await cart.acked(number)
    await cart.publish("homeslot/1/a/state", b"s" * 5000, retain=True)
    await asyncio.wait_for(came.wait(), 10)
    print(json.dumps(got))
    await cart.close()
    await cart.close()
    print(cart.lost)

asyncio.run(main())
"""
)


KINDS = ("link", "event", "state")


@pytest.mark.parametrize("name", ["nats-server", "mosquitto"])
def test_a_client_on_micropython_reports_to_a_real_broker_and_hears_its_command(
    micropython, name, tmp_path
):
    async def act(place):
        task = {"user": "a", "secret": place.secrets["a"], "port": place.port}
        async with place.member("hub") as hub:
            for kind in ("link", "event", "state"):
                await hub.client.subscribe(f"homeslot/1/+/{kind}")
            cart = asyncio.ensure_future(
                asyncio.to_thread(micropython, DAY, stdin=json.dumps(task), heap="160k")
            )
            await hub.until(lambda: hub.got)
            await hub.client.publish("homeslot/1/a/cmd", b"report")
            said = await cart
            await hub.until(lambda: len(hub.got) == 202)
            return said, hub.got

    with PLACES[name](tmp_path) as place:
        said, got = place.run(act)
    granted, heard, lost = said.splitlines()
    assert granted == "True"
    assert json.loads(heard) == [["homeslot/1/a/cmd", "report", False]]
    assert lost == "the broker closed the connection"
    # A broker owes order within a topic; across topics a busy nats-server does not keep it.
    by_kind = {kind: [p for topic, p, _ in got if topic.endswith(kind)] for kind in KINDS}
    assert by_kind["link"] == [b"online"]
    assert by_kind["event"] == [b"%d" % n for n in range(200)]
    assert by_kind["state"] == [b"s" * 5000]


WHY = (
    CART
    + """
async def main():
    cart = client(timeout_ms=200)
    try:
        await cart.open()
        await cart.publish("t", b"x")
        print("published")
    except LinkLost as lost:
        print(lost, lost.refused)
    finally:
        await cart.close()

asyncio.run(main())
"""
)


@contextmanager
def peer(*answers, then_close):
    """The port of a server that gives one answer for each piece it hears, then closes or not."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                for answer in answers:
                    connection.recv(1000)
                    connection.sendall(answer)
                while not then_close and connection.recv(1000):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


CONNACK = mqtt_server.encode_connack(False, 0)


@pytest.mark.parametrize(
    "answers, then_close, why",
    [
        ([], False, ["no answer to CONNECT within 200 ms 0"]),
        ([CONNACK], False, ["no PUBACK 1 within 200 ms 0"]),
        ([CONNACK[:3]], True, ["the broker closed the connection 0"]),
        ([CONNACK, b"\x50\x02\x00\x01"], True, ["PUBREC is not for this side 0"]),
        (
            [mqtt_server.encode_connack(False, 5)],
            True,
            ["refused: user name or password is wrong 5"],
        ),
        ([CONNACK, codec.encode_puback(1)], True, ["published"]),
    ],
)
def test_a_peer_that_does_not_behave_is_a_lost_link_on_micropython_too(
    micropython, answers, then_close, why
):
    with peer(*answers, then_close=then_close) as port:
        task = {"user": "a", "secret": "s", "port": port}
        assert micropython(WHY, stdin=json.dumps(task)).splitlines() == why


def test_a_port_nobody_listens_on_is_a_lost_link_on_micropython_too(micropython):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    task = {"user": "a", "secret": "s", "port": port}
    assert micropython(WHY, stdin=json.dumps(task)).endswith(" 0\n")
