"""Runtime `cpython`: carts, broker and hub in one process on virtual time, without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from homeslot_sim.cart.rig import Rig
from homeslot_sim.hub import InProcessHub
from homeslot_sim.memory_broker import MemoryBroker
from homeslot_sim.plans import plan
from homeslot_sim.scenario import Scenario
from homeslot_sim.virtual_time import VirtualClock, VirtualLoop, run

LATENCY_MS = 20
COMMIT_S = 0.5  # the hub commits what came in as a group, as it does on a real broker
TICK_S = 30


def live(scenario: Scenario, hub: InProcessHub, tell: Callable[[int], None]) -> None:
    """Live the whole day of `scenario`, its carts reporting to `hub`; `tell` gets the time.

    A defect in a cart or in the hub is raised.
    """
    loop = VirtualLoop()
    run(_day(scenario, hub, tell, VirtualClock(loop)), loop)


async def _day(
    scenario: Scenario, hub: InProcessHub, tell: Callable[[int], None], clock: VirtualClock
) -> None:
    def now_s() -> int:
        return scenario.start_s + clock.up_ms() // 1000

    hub.now_s = now_s
    secrets = {cart.controller: f"secret of {cart.controller}" for cart in scenario.carts}
    broker = MemoryBroker(clock, lambda user, password: secrets.get(user) == password)

    def commit() -> None:
        for command in hub.commit():
            broker.publish(command.topic, command.payload)

    def receive(topic: str, payload: bytes, retained: bool) -> None:
        if hub.receive(topic, payload, retained):
            asyncio.get_running_loop().call_later(COMMIT_S, commit)

    broker.attach(receive)
    carts = [
        asyncio.create_task(
            Rig(
                plan(scenario, cart, "broker", 1883, secrets[cart.controller]),
                clock,
                clock,
                broker.network(LATENCY_MS),
            ).run()
        )
        for cart in scenario.carts
    ]
    while now_s() < scenario.end_s:
        await asyncio.sleep(TICK_S)
        for cart in carts:
            if cart.done():
                await cart  # carts run for ever: this one ended by a defect, which is raised here
        commit()
        hub.tick()
        tell(now_s())
    for cart in carts:
        cart.cancel()
    await asyncio.gather(*carts, return_exceptions=True)
    await broker.close()
