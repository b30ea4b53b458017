"""A school of one cart for the tests: its rig, a broker in memory and a hub, in virtual time."""

import asyncio
import json

from homeslot import contract
from homeslot_hardware import boards
from homeslot_sim import virtual_time
from homeslot_sim.cart.rig import Rig
from homeslot_sim.memory_broker import MemoryBroker

START_S = 1757000000  # the hub's epoch time when a cart is switched on
BOARD = boards.load("pico-w-30")
SECRET = "right"
CMD = contract.topic("c7", "cmd")


class School:
    """A broker, and a hub that keeps what it hears and tells each cart the time after its hello."""

    def __init__(self, loop):
        self.clock = virtual_time.VirtualClock(loop)
        self.tries_ms = []
        self.broker = MemoryBroker(self.clock, self.allow)
        self.network = self.broker.network(latency_ms=20)
        self.heard = []  # (heard at ms, kind, body)
        self.serves = True  # False: the broker turns everyone away
        self.tells_time = True
        self.wrong_s = None  # what it tells instead of the time
        self.carts = []
        self.broker.attach(self.hear)

    def allow(self, user, password):
        self.tries_ms.append(self.clock.up_ms())
        return self.serves and password == SECRET

    def hear(self, topic, payload, retained):
        cart, kind = contract.split_topic(topic)
        assert cart == "c7"
        body = contract.decode(topic, kind, payload)
        self.heard.append((self.clock.up_ms(), kind, body))
        if kind == "hello" and self.tells_time:
            self.command(1, "time", at_s=self.wrong_s or self.now_s())

    def now_s(self):
        return START_S + self.clock.up_ms() // 1000

    def command(self, number, word, **arguments):
        body = {"v": 1, "id": number, "cmd": word, **arguments}
        self.broker.publish(CMD, json.dumps(body).encode())

    def cart(self, deeds=(), changes=None, secret=SECRET, clock=None, **ports):
        """Switch a cart on; `deeds` are (at s, verb, numbers), `ports` those of the rig."""
        plan = {
            "cart": "c7",
            "secret": secret,
            "host": "hub",
            "port": 1883,
            "board": BOARD,
            "settings": changes or {},
            "seed": 7,
            "deeds": [[at_s * 1000, verb, list(numbers)] for at_s, verb, *numbers in deeds],
        }
        rig = Rig(plan, clock or self.clock, self.clock, self.network, **ports)
        task = asyncio.create_task(rig.run())
        self.carts.append(task)
        return rig, task

    async def until_s(self, at_s):
        """Let time pass until `at_s`; a cart that ends meanwhile has a defect, which is raised."""
        while self.clock.up_ms() < at_s * 1000:
            await self.clock.sleep_ms(min(1000, at_s * 1000 - self.clock.up_ms()))
            for task in self.carts:
                if task.done():
                    await task

    def bodies(self, kind):
        return [body for _, of, body in self.heard if of == kind]

    def kinds(self):
        return [kind for _, kind, _ in self.heard]


def play(act):
    """Run `act(school)` in virtual time; its result."""
    loop = virtual_time.VirtualLoop()

    async def main():
        school = School(loop)
        try:
            return await act(school)
        finally:
            for task in school.carts:
                task.cancel()
            await asyncio.gather(*school.carts, return_exceptions=True)
            await school.broker.close()

    return virtual_time.run(main(), loop)
