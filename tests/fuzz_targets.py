"""What the fuzzed strings are fed to; runs on CPython and on MicroPython. Any exception but the one
that a reader promises for bad input escapes, and fails the test."""

import asyncio
import json

from homeslot import contract
from homeslot.mqtt import codec
from homeslot.mqtt.decoder import ProtocolError
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork
from homeslot_sim.cart.rig import Rig
from homeslot_sim.cart.wire import Wire

CONNACK = b"\x20\x02\x00\x00"
PACKETS = (
    CONNACK,
    b"\x90\x03\x00\x01\x01",  # SUBACK
    b"\xd0\x00",  # PINGRESP
    codec.encode_puback(1),
    codec.encode_publish("homeslot/1/c7/cmd", b'{"v": 1, "id": 2, "cmd": "report"}', 1, False, 3),
    codec.encode_publish("a", bytes(range(256)), 0, True),
    codec.encode_publish("a/é/€", b"x" * 40, 1, True, 65535),
    codec.encode_connect("c7", 60, "c7", "secret", ("homeslot/1/c7/link", b"off")),
    codec.encode_subscribe(1, "homeslot/1/c7/cmd", 1),
    b"\x30\xff\xff\xff\x7f",
)
LINES = [
    json.dumps(dict({"v": 1, "id": 7}, **command)).encode() + b"\r\n"
    for command in (
        {"cmd": "report"},
        {"cmd": "time", "at_s": 1757000000},
        {"cmd": "settings", "settings": {"scan_ms": 1000, "wifi_key": "12345678", "host": "h"}},
        {"cmd": "settings", "settings": {"cart": "c7", "tls": 2, "colour": "red"}},
        {"cmd": "identify", "slot": 3, "for_s": 0},
        {"cmd": "logs"},
        {"cmd": "scan"},
        {"cmd": "update", "bundle": "b", "offset": 0, "data": "AAAA"},
    )
] + [
    b"~frame\n",
    b"help\r\n",
    b"{" * 200 + b"\n",
    b"[" * 390 + b"\n",
    b'{"v": 1, "id": 1e999, "cmd": NaN}\n',
    b'{"v": 1, "id": 3, "cmd": "\\ud800\\u0000"}\n',
]


def feed_session(data):
    """A session that has been accepted, and then hears `data`; what it holds is bounded."""
    session = Session("c7", "c7", "secret")
    session.connect(0)
    list(session.receive(0, CONNACK))
    session.publish(0, "homeslot/1/c7/event", b"{}")
    try:
        for i in range(0, len(data), 100):
            for _ in session.receive(i, data[i : i + 100]):
                pass
            session.tick(i)
    except ProtocolError:
        pass
    while session.take():
        pass


def decode(data):
    """The contract's own reader of a payload."""
    try:
        return contract.decode("console", "cmd", data)
    except contract.BadMessage:
        return None


class Hurry:
    """A clock that is always where it is wanted."""

    def __init__(self):
        self._now_ms = 0

    def up_ms(self):
        return self._now_ms

    async def sleep_ms(self, ms):
        self._now_ms += ms
        await asyncio.sleep(0)


def cart_at_a_wire(board):
    """(cart, wire): a cart on `board` whose console can be typed at; only its hands are to move."""
    wire, clock = Wire(4096), Hurry()
    plan = {"cart": "c7", "secret": "s", "host": "h", "port": 1, "settings": {}, "seed": 1}
    plan.update({"board": board, "deeds": []})
    return Rig(plan, clock, clock, TcpNetwork(), serial=wire).cart, wire


async def feed_console(cart, wire, strings):
    """Type `strings` at the console of `cart`; its tasks are to go on, and to answer at the end."""
    console, tasks = cart.console, []
    for work in (console.read(), console.send(nothing), cart.commands.run(nothing)):
        tasks.append(asyncio.create_task(work))
    for data in strings:
        wire.type(data)
        for _ in range(4):
            await asyncio.sleep(0)
        wire.written = bytearray()
    wire.type(b"\n" + LINES[0])
    for _ in range(40):
        await asyncio.sleep(0)
    answered = b'"reply"' in wire.written and not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    return answered


def nothing():
    pass
