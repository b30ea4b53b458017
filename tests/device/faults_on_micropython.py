"""Lives every fault of the table on the interpreter that runs this, and prints what came of it.

The whole cart on a faulty bus, without a link. Time is virtual here too: asyncio's clock jumps to
the next thing that is due. It is far ahead of the real one, which asyncio still asks for tasks that
are due at once: those come first, as they should.
"""

import asyncio
import asyncio.core as core
import json
import sys
import time

from fault_table import FAULTS, states_of

from homeslot_sim.cart.mishaps import befall
from homeslot_sim.cart.rig import Rig
from homeslot_sim.chips.faults import FaultyBus

REST_MS = 10000
AHEAD_MS = 1000000


class Time:
    """asyncio's clock, and the cart's."""

    def __init__(self):
        self.map = {}  # of what asyncio's poller waits for: nothing
        self.start = self.now = time.ticks_add(time.ticks_ms(), AHEAD_MS)
        core.ticks = lambda: self.now
        core._io_queue = self

    def wait_io_event(self, ms):
        assert ms >= 0, "nothing is left to happen"
        self.now = time.ticks_add(self.now, ms)

    def up_ms(self):
        return time.ticks_diff(self.now, self.start)

    async def sleep_ms(self, ms):
        await asyncio.sleep_ms(ms)


class Nowhere:
    """The Network port where there is none."""

    async def open(self, host, port):
        raise OSError("no network")

    def access_point(self):
        return (None, None)


async def lived(clock, rig, told, deeds, lasts_ms):
    """Let `deeds` happen; what was told of it, and the states in the end."""
    del told[:]
    began_ms = clock.up_ms()
    for at_ms, name, *arguments in deeds:
        await clock.sleep_ms(began_ms + at_ms - clock.up_ms())
        befall(rig.body, name, *arguments)
    await clock.sleep_ms(began_ms + lasts_ms - clock.up_ms())
    state = states_of(rig.cart.link.state())
    return [list(told), [(kind, index, state[kind, index]) for kind, index in sorted(state)]]


async def live(fault, plan, clock):
    _, deeds, lasts_ms, _, lifted, heals_ms, _ = fault
    rig = Rig(plan, clock, clock, Nowhere(), bus=FaultyBus())
    told = []
    rig.cart.sensors._changed = lambda *event: told.append(event[:4])
    running = asyncio.create_task(rig.run())
    await clock.sleep_ms(REST_MS)
    answers = [await lived(clock, rig, told, (), 0)]
    answers.append(await lived(clock, rig, told, deeds, lasts_ms))
    answers.append(await lived(clock, rig, told, lifted, heals_ms))
    running.cancel()
    sys.stdout.write(json.dumps(answers) + "\n")


plan = json.loads(sys.stdin.readline())
for fault in FAULTS:
    asyncio.new_event_loop()
    asyncio.run(live(fault, plan, Time()))
