"""Acceptance: a 30-slot cart, with its chips and batteries, lives in 216 kB and stays in them.

What a board really has to spare is measured on the emulated Pico W (tests/pico): here words have 64
bits, and the simulated chips and batteries share the heap.
"""

import json
import sys
from statistics import median

from homeslot_hardware import boards
from homeslot_sim.cart.pace import wall_ms
from homeslot_sim.runtimes import micropython

from ..system.brokers import PLACES

HEAP = "216k"
PACE = 300
HOUR_MS = 3600000


def an_hour():
    """Devices go out and come back, two at a time."""
    deeds = []
    for k in range(5):
        pair = [k + 1, k + 16]
        deeds += [[(8 + 10 * k) * 60000, "out", pair], [(13 + 10 * k) * 60000, "in", pair]]
    return deeds


def diags(member):
    return [json.loads(payload) for topic, payload, _ in member.got if topic.endswith("/diag")]


def test_a_simulated_hour_in_216_kb_leaves_as_much_memory_free_as_its_first_minute(tmp_path):
    bytecode = tmp_path / "cart"
    bytecode.mkdir()
    micropython.compile_cart(bytecode)
    size = sum(file.stat().st_size for file in bytecode.rglob("*.mpy"))
    with PLACES["mosquitto"](tmp_path) as place:
        plan = {
            "cart": "a",
            "secret": place.secrets["a"],
            "host": "127.0.0.1",
            "port": place.port,
            "board": boards.load("pico-w-30"),
            "settings": {"diag_s": 60},
            "seed": 1,
            "deeds": an_hour(),
            "pace": [[0, PACE]],
            "start_ms": wall_ms() + 500,
        }

        async def listen(place):
            async with place.member("hub") as hub:
                assert await hub.client.subscribe("homeslot/1/a/#")
                with micropython.processes({"a": plan}, bytecode, HEAP) as carts:
                    try:
                        while not (said := diags(hub)) or said[-1]["up_ms"] < HOUR_MS:
                            count = len(hub.got)
                            await hub.until(lambda count=count: len(hub.got) > count)
                    finally:
                        micropython.check(carts)  # one that has died says why
                return hub.got, said

        got, said = place.run(listen)
    kinds = [topic.rsplit("/", 1)[1] for topic, _, _ in got]
    free = [diag["heap_free"] for diag in said]
    sys.stdout.write(f".mpy {size} bytes; free after a minute {free[0]}, at the end {free[-1]}\n")
    assert kinds.count("event") >= 30  # one for each device that goes, two for each that comes
    assert json.loads(got[kinds.index("link")][1])["link"] == "online"
    assert {diag["reconnects"] for diag in said} == {1}
    assert said[-1]["outbox_depth"] == said[-1]["outbox_dropped"] == said[-1]["bus_errors"] == 0
    assert said[0]["up_ms"] < 3 * 60000
    # The collector takes a stale pointer for a live one now and then: the middle of five tells.
    assert median(free[-5:]) >= median(free[:5])
