"""How fast one 30-slot cart lives: simulated seconds per second, on each runtime."""

import asyncio
import contextlib
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from homeslot_hardware import boards
from homeslot_sim.cart.pace import wall_ms
from homeslot_sim.cart.rig import Rig
from homeslot_sim.memory_broker import MemoryBroker
from homeslot_sim.runtimes.micropython import check, compile_cart, processes
from homeslot_sim.virtual_time import VirtualClock, VirtualLoop, run

CPYTHON_S = 4 * 3600
MICROPYTHON_S = 3600
PACE = 300


def measure():
    """Rows (what, measured, goal)."""
    began = time.perf_counter()
    loop = VirtualLoop()
    run(_live(VirtualClock(loop)), loop)
    rate = CPYTHON_S / (time.perf_counter() - began)
    yield "cpython: simulated s per wall s", f"{rate:,.0f}", "goal 1,000"
    yield "micropython: simulated s per processor s", f"{_micropython():,.0f}", ""


def _plan():
    deeds = []
    for minute in range(0, CPYTHON_S // 60, 20):  # a device goes and comes back, all day
        deeds += [[minute * 60000, "out", [7]], [minute * 60000 + 300000, "in", [7]]]
    return {
        "cart": "cart-1",
        "secret": "secret",
        "host": "127.0.0.1",
        "port": 9,
        "board": boards.load("pico-w-30"),
        "settings": {},
        "seed": 1,
        "deeds": deeds,
    }


async def _live(clock):
    broker = MemoryBroker(clock, lambda user, password: True)
    cart = asyncio.ensure_future(Rig(_plan(), clock, clock, broker.network(20)).run())
    await clock.sleep_ms(CPYTHON_S * 1000)
    cart.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await cart
    await broker.close()


def _micropython():
    """Without a broker: its cart is the one that tries, and tries again, to connect."""
    with tempfile.TemporaryDirectory() as folder:
        compile_cart(Path(folder))
        plan = {**_plan(), "pace": [[0, PACE]], "start_ms": wall_ms()}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with processes({"cart-1": plan}, Path(folder)) as carts:
            with contextlib.suppress(subprocess.TimeoutExpired):
                carts["cart-1"].wait(MICROPYTHON_S / PACE)
            check(carts)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return MICROPYTHON_S / used_s
