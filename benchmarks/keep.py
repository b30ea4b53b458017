"""What is dropped each night: what that takes, how long a writer waits, what stays on the disk.

Twenty carts live two months; each night what is older than three weeks is dropped. So the file has
to come to rest after three weeks, and all that grows from then on is what is kept for ever.
"""

import tempfile
import time
from pathlib import Path

import records
import samples

from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Keep
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import Tidy

CARTS = 20
DAYS, LEVEL_DAY, KEPT_DAYS = 60, 30, 21
LONG_DAYS = 400  # the default of history_days


def measure():
    """Rows (what, measured, goal)."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "homeslot.db")
        tidying = SqliteStore(store.path)
        yield from _lived(store, tidying)
        tidying.close()
        store.close()


def _lived(store, tidying):
    school = samples.school(CARTS)
    now_s = samples.START_S
    hub = Hub((school,), store, lambda: now_s)
    store.opened_s(school.name, now_s)
    carts = [records.Cart(number) for number in range(1, CARTS + 1)]
    sizes, took_s, steps = [], 0.0, []
    for day in range(DAYS):
        now_s = samples.START_S + (day + 1) * 86400
        for cart in carts:
            hub.take(list(cart.day(day, day % 7 < 5, heartbeat_s=300)))
        tidy = Tidy(tidying, SqliteKeep(tidying), (school,), Keep(KEPT_DAYS, 0, 0), lambda: now_s)
        before = time.perf_counter()
        for _ in tidy.run():
            steps.append(time.perf_counter() - before)
            took_s += steps[-1]
            before = time.perf_counter()
        assert not tidy.stuck
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(store.path.stat().st_size)
    dropped = DAYS - KEPT_DAYS - 1
    yield (
        f"a cart's day dropped, of {CARTS * dropped}",
        f"{took_s * 1000 / CARTS / dropped:.1f} ms",
        "",
    )
    longest = sorted(steps)[-1] * 1000
    yield (
        f"the longest of {len(steps)} steps, most of it a read",
        f"{longest:.0f} ms",
        "goal 250 ms",
    )
    grew = sizes[-1] / sizes[LEVEL_DAY]
    what = f"the file after {DAYS} days against that after {LEVEL_DAY}"
    yield what, f"{grew:.2f} times", "goal 1.1"
    rows = store.rows(
        "SELECT sum(length(known_s) + length(out_s) + length(taken) + 40) FROM cart_day"
    )
    rolled = rows[0][0] / (CARTS * dropped)
    yield "what is left of a cart's day", f"{rolled:.0f} bytes", ""
    each = sizes[-1] / CARTS / KEPT_DAYS
    level = 1000 * (each * LONG_DAYS + rolled * 365)
    yield (
        f"1,000 carts, {LONG_DAYS} days kept and a year more",
        f"{level / 1e9:.1f} GB",
        "goal 10 GB",
    )
