"""A cart whose controller is exchanged, or has lost its flash, and the hub that knew it before."""

import asyncio
from contextlib import closing
from zoneinfo import ZoneInfo

from homeslot_hardware import boards
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Cart, Message, Person, School
from homeslot_hub.service.hub import Hub
from homeslot_sim import virtual_time
from homeslot_sim.cart.flash import Flash
from homeslot_sim.cart.rig import Controller, Rig
from homeslot_sim.memory_broker import MemoryBroker

START_S = 1794924000
SOMEONE = Person("Dana Reyes", "reyes@lincoln.example")
SCHOOL = School(
    "Lincoln", ZoneInfo("America/New_York"), SOMEONE, (Cart("cart-7", 7, "Room 12", SOMEONE),)
)
PLAN = {
    "cart": "cart-7",
    "secret": "secret",
    "host": "hub",
    "port": 1883,
    "board": boards.load("pico-w-30"),
    "settings": {},
    "seed": 7,
    "deeds": [],
}


class Restarts(Controller):
    """A controller that says when it is to start again."""

    def __init__(self):
        self.asked = asyncio.Event()

    def restart(self):
        self.asked.set()


def test_a_cart_that_lost_its_flash_is_heard_again_and_counts_on(tmp_path):
    loop = virtual_time.VirtualLoop()
    clock = virtual_time.VirtualClock(loop)

    def now_s():
        return START_S + clock.up_ms() // 1000

    async def live(hub):
        broker = MemoryBroker(clock, lambda user, password: True)

        def hear(topic, payload, retained):
            for command in hub.take([Message(topic, payload, retained, now_s())]):
                loop.call_soon(broker.publish, command.topic, command.payload)

        async def boot(flash, for_s):
            system = Restarts()
            rig = Rig(PLAN, clock, clock, broker.network(20), files=flash, system=system)
            task = asyncio.create_task(rig.run())
            running = asyncio.create_task(clock.sleep_ms(for_s * 1000))
            asked = asyncio.create_task(system.asked.wait())
            await asyncio.wait([task, running, asked], return_when=asyncio.FIRST_COMPLETED)
            for each in (task, running, asked):
                each.cancel()
            await asyncio.gather(task, running, asked, return_exceptions=True)
            return rig.cart.boot, system.asked.is_set()

        broker.attach(hear)
        flash = Flash()
        assert [await boot(flash, 900) for _ in range(3)] == [(1, False), (2, False), (3, False)]
        flash = Flash()
        assert [await boot(flash, 900) for _ in range(2)] == [(1, True), (4, False)]
        await broker.close()

    with closing(SqliteStore(tmp_path / "homeslot.db")) as store:
        hub = Hub((SCHOOL,), store, now_s)
        virtual_time.run(live(hub), loop)
        assert now_s() - hub.facts("cart-7", now_s()).heard_s <= 60
        status = hub.status()
    assert all("numbers went back" in refused.reason for refused in status.refused)
    assert len(status.refused) <= 5  # in the second until it started again
    assert status.carts[0].missing == 0
