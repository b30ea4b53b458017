"""Runtime `cpython`: carts, broker and hub in one process on virtual time, without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import Rig
from homeslot_sim.hub import InProcessHub
from homeslot_sim.memory_broker import MemoryBroker, OnMessage
from homeslot_sim.memory_link import MemoryNetwork
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

    def publish(commands: Iterable[Any]) -> None:
        for command in commands:
            broker.publish(command.topic, command.payload)

    def commit() -> None:
        if server.hub_on:
            publish(hub.commit())

    def receive(topic: str, payload: bytes, retained: bool) -> None:
        if hub.receive(topic, payload, retained):
            asyncio.get_running_loop().call_later(COMMIT_S, commit)

    broker.attach(receive)
    carts = [
        asyncio.create_task(
            _cart(
                plan(scenario, cart, "broker", 1883, secrets[cart.controller]),
                clock,
                broker.network(LATENCY_MS),
            )
        )
        for cart in scenario.carts
    ]
    server = _Server(hub, broker, receive)
    carts.append(asyncio.create_task(server.live(scenario, clock)))
    while now_s() < scenario.end_s:
        await asyncio.sleep(TICK_S)
        for cart in carts:
            if cart.done():
                await cart  # carts run for ever: this one ended by a defect, which is raised here
        if server.hub_on:
            commit()
            publish(hub.tick())
        tell(now_s())
    for cart in carts:
        cart.cancel()
    await asyncio.gather(*carts, return_exceptions=True)
    await broker.close()


class _Server:
    """What befalls hub and broker."""

    def __init__(self, hub: InProcessHub, broker: MemoryBroker, receive: OnMessage) -> None:
        self._hub, self._broker, self._receive = hub, broker, receive
        self.hub_on = True

    async def live(self, scenario: Scenario, clock: VirtualClock) -> None:
        for at_s, what in scenario.server:
            await clock.sleep_ms(max(0, (at_s - scenario.start_s) * 1000 - clock.up_ms()))
            self._befall(what)
        await asyncio.Event().wait()

    def _befall(self, what: str) -> None:
        if what == "hub start" and not self.hub_on:
            self._hub.start()
            self.hub_on = True
            self._broker.attach(self._receive)
        elif what in ("hub stop", "hub crash") and self.hub_on:
            self.hub_on = False
            self._broker.detach(self._hub.stop(crash=what == "hub crash"))
        elif what == "broker start":
            self._broker.start()
        elif what.startswith("broker"):
            self._broker.stop(wipe=what == "broker wipe")


async def _cart(plan: dict[str, Any], clock: VirtualClock, network: MemoryNetwork) -> None:
    """Live the day of one cart, over as many boots as its controller has."""
    if not any(verb.startswith("power-") for _, verb, _ in plan["deeds"]):
        await Rig(plan, clock, clock, network).run()
    deeds, plan["deeds"] = plan["deeds"], []
    files, boot_ms = Drawer(), 0
    rig = Rig(plan, clock, clock, network, files)
    on: asyncio.Task[None] | None = asyncio.create_task(rig.run())
    try:
        for at_ms, verb, numbers in deeds:
            while at_ms > clock.up_ms():
                await clock.sleep_ms(min(1000, at_ms - clock.up_ms()))
                if on is not None and on.done():
                    await on
            rig.body.apply(verb, numbers)
            if verb == "power-off" and on is not None:
                on.cancel()
                await asyncio.gather(on, return_exceptions=True)
                on = None
            elif verb == "power-on" and on is None:
                since = _Since(clock)
                cells = rig.body.cells.later(clock.up_ms() - boot_ms)
                boot_ms = clock.up_ms()
                rig = Rig(plan, since, since, network, files, world=rig.world, cells=cells)
                on = asyncio.create_task(rig.run())
        await (on or asyncio.Event().wait())
    finally:
        if on is not None:
            on.cancel()


class _Since:
    """A controller's own clock: up since it was made."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self._start_ms = clock, clock.up_ms()

    def up_ms(self) -> int:
        return self._clock.up_ms() - self._start_ms

    async def sleep_ms(self, ms: int) -> None:
        await self._clock.sleep_ms(ms)
