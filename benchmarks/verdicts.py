"""How long a deadline takes: facts of 1,000 carts read and judged, and how that grows."""

import statistics
import tempfile
import time
from pathlib import Path

import samples

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.digest import compose
from homeslot_hub.service.hub import Hub

RUNS = 7


def measure():
    """Rows (what, measured, goal)."""
    took = {}
    for carts in (100, 1000):
        judged, composed = _judge(carts)
        took[carts] = judged
        goal = "goal 0.2 s" if carts == 1000 else ""
        yield f"{carts} carts judged, one in fifty with devices out", f"{judged:.3f} s", goal
        yield f"{carts} carts, digest composed", f"{composed:.3f} s", ""
    yield "10 times the carts take", f"{took[1000] / took[100]:.1f} times as long", ""


def _judge(carts):
    school = samples.school(carts)
    now_s = samples.START_S + 3600
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "homeslot.db")
        hub = Hub((school,), store, lambda: now_s)
        for tick in range(50, 60):
            hub.take(
                [
                    samples.message(number, tick, out=(3, 7) if number % 50 == 0 else ())
                    for number in range(1, carts + 1)
                ]
            )
        judged, composed = [], []
        for _ in range(RUNS):
            began = time.perf_counter()
            day = hub.judge(school, now_s)
            judged.append(time.perf_counter() - began)
            compose(day)
            composed.append(time.perf_counter() - began - judged[-1])
        store.close()
    return statistics.median(judged), statistics.median(composed)
