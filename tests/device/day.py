"""A cart's day on MicroPython, with the broker in memory: argv[1] is its plan, a JSON file.

Time is real while anyone computes, and jumps to the next thing that happens when nobody does. Each
`diag` is printed as it comes, and at the end what the day came to, all as JSON lines.
"""

import asyncio
import gc
import json
import sys
import time
from asyncio import core

gc.threshold(1024)  # what is loaded fills the holes that garbage leaves

from homeslot import contract  # noqa: E402
from homeslot.folder import Folder  # noqa: E402
from homeslot_sim.cart.rig import Controller, Rig  # noqa: E402

DAY_MS = 24 * 3600000
START_S = 1757000000
CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14


class Clock:
    """ports.Clock of the day."""

    def __init__(self):
        self._skipped_ms = 0
        self._began_ms = time.ticks_ms()
        self._sleepers = []  # [due ms, event], the next first

    def up_ms(self):
        return self._skipped_ms + time.ticks_diff(time.ticks_ms(), self._began_ms)

    async def sleep_ms(self, ms):
        sleeper = [self.up_ms() + ms, asyncio.Event()]
        at = len(self._sleepers)
        while at and self._sleepers[at - 1][0] > sleeper[0]:
            at -= 1
        self._sleepers.insert(at, sleeper)
        try:
            await sleeper[1].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    async def pass_until(self, end_ms):
        """Let the day pass: whoever is due wakes, and when all the others wait, time jumps."""
        while self.up_ms() < end_ms:
            await asyncio.sleep(0)
            if core._task_queue.peek() is None:
                self._skipped_ms += max(0, self._sleepers[0][0] - self.up_ms())
            while self._sleepers and self._sleepers[0][0] <= self.up_ms():
                self._sleepers.pop(0)[1].set()


class Broker:
    """ports.Network to a broker that acknowledges all, and to a hub that tells the time."""

    def __init__(self, clock, cart):
        self._clock = clock
        self._cmd = contract.topic(cart, "cmd").encode()
        self.connections = 0
        self.seen = bytearray(8000)  # how often each event came, by its number in this boot

    async def open(self, host, port):
        self.connections += 1
        return Stream(self)

    def access_point(self):
        return (None, None)

    def trouble(self):
        return None

    def heard(self, topic, payload):
        """What the hub answers to a message: bytes of MQTT."""
        kind = topic.rsplit(b"/", 1)[1]
        if kind == b"diag":
            say(payload.decode())
        elif kind == b"event":
            self.seen[json.loads(payload)["seq"] % contract.SEQ_PER_BOOT] += 1
        elif kind == b"hello":
            at_s = START_S + self._clock.up_ms() // 1000
            told = json.dumps({"v": 1, "id": self.connections, "cmd": "time", "at_s": at_s})
            body = len(self._cmd).to_bytes(2, "big") + self._cmd + told.encode()
            return bytes([PUBLISH << 4, len(body)]) + body
        return b""


class Stream:
    """ports.Stream to the broker."""

    def __init__(self, broker):
        self._broker = broker
        self._came = b""
        self._there = b""
        self._stirred = asyncio.Event()
        self._open = True

    async def read(self, n):
        while self._open and not self._there:
            self._stirred.clear()
            await self._stirred.wait()
        data, self._there = self._there[:n], self._there[n:]
        return data

    async def write(self, data):
        self._came += data
        while True:
            size, at = 0, 1
            while at < len(self._came):
                size |= (self._came[at] & 127) << 7 * (at - 1)
                at += 1
                if self._came[at - 1] < 128:
                    break
            if len(self._came) < 2 or len(self._came) < at + size:
                break
            packet, self._came = self._came[: at + size], self._came[at + size :]
            self._there += self._answer(packet[0] >> 4, packet[0], packet[at:])
        self._stirred.set()

    def _answer(self, kind, head, body):
        if kind == CONNECT:
            return b"\x20\2\0\0"
        if kind == SUBSCRIBE:
            return b"\x90\3" + body[:2] + b"\1"
        if kind == PINGREQ:
            return b"\xd0\0"
        if kind == PUBLISH:
            size = body[0] << 8 | body[1]
            answer = self._broker.heard(body[2 : 2 + size], body[4 + size :])
            return b"\x40\2" + body[2 + size : 4 + size] + answer
        self._open = kind != DISCONNECT
        return b""

    async def close(self):
        self._open = False
        self._stirred.set()


class Watched(Controller):
    """A controller with a watchdog that counts instead of biting."""

    def __init__(self, clock):
        self._clock = clock
        self._fed_ms = 0
        self.hungry_ms = 0  # the longest

    def feed_watchdog(self):
        now_ms = self._clock.up_ms()
        self.hungry_ms = max(self.hungry_ms, now_ms - self._fed_ms)
        self._fed_ms = now_ms


async def main(file):
    with open(file) as text:  # noqa: PTH123  (there is no pathlib)
        plan = json.load(text)
    clock = Clock()
    broker = Broker(clock, plan["cart"])
    system = Watched(clock)
    rig = Rig(plan, clock, clock, broker, Folder(plan["files"]), system)
    del plan
    for n in range(40):
        rig.cart.log.say("a log that has filled up grows no more" + " " * n)
    gc.collect()
    gc.threshold(gc.mem_free() // 4)
    running = asyncio.create_task(rig.run())
    await clock.pass_until(DAY_MS)
    if running.done():
        await running  # raises what ended it
    seen = broker.seen[1:].rstrip(b"\0")
    end = {"connections": broker.connections, "events": sum([count > 0 for count in seen])}
    end["missing"] = len(seen) - end["events"]
    end["hungry_ms"] = system.hungry_ms
    end["waiting"] = len(rig.cart.outbox)
    end["dropped"] = rig.cart.outbox.dropped
    end["log"] = rig.cart.log.lines[-4:]
    say(json.dumps(end))


def say(text):
    sys.stdout.write(text + "\n")


asyncio.run(main(sys.argv[1]))
