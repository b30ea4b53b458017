"""What is dropped each night: what that takes, how long a writer waits, what stays on the disk.

Twenty carts live two months; each night what is older than three weeks is dropped. So the file has
to come to rest after three weeks, and all that grows from then on is what is kept for ever.
"""

import tempfile
import time
from contextlib import contextmanager
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


class Watched(SqliteStore):
    """A store that notes how long each transaction keeps others from writing."""

    def __init__(self, path):
        super().__init__(path)
        self.held_s = []

    @contextmanager
    def transaction(self):
        """See SqliteStore."""
        with super().transaction():
            began = time.thread_time()
            yield
        self.held_s.append(time.thread_time() - began)


def measure():
    """Rows (what, measured, goal)."""
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "homeslot.db")
        tidying = Watched(store.path)
        yield from _lived(store, tidying)
        tidying.close()
        store.close()


def _lived(store, tidying):
    school = samples.school(CARTS)
    now_s = samples.START_S
    hub = Hub((school,), store, lambda: now_s)
    store.opened_s(school.name, now_s)
    carts = [records.Cart(number) for number in range(1, CARTS + 1)]
    sizes, took_s = [], 0.0
    for day in range(DAYS):
        now_s = samples.START_S + (day + 1) * 86400
        for cart in carts:
            hub.take(list(cart.day(day, day % 7 < 5, heartbeat_s=300)))
        kept, keep = SqliteKeep(tidying), Keep(KEPT_DAYS, 0, 0)
        tidy = Tidy(tidying, kept, (school,), keep, lambda until_s=now_s: until_s)
        before = time.thread_time()
        for _ in tidy.run():
            pass
        took_s += time.thread_time() - before
        assert not tidy.stuck
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(store.path.stat().st_size)
    dropped = CARTS * (DAYS - KEPT_DAYS - 1)
    yield f"a cart's day dropped, of {dropped}", f"{took_s * 1000 / dropped:.1f} ms", "goal 20 ms"
    longest_ms = max(tidying.held_s) * 1000
    what = f"the longest of {len(tidying.held_s)} transactions"
    yield what, f"{longest_ms:.0f} ms", "goal 100 ms"
    grew = sizes[-1] / sizes[LEVEL_DAY]
    what = f"the file after {DAYS} days against that after {LEVEL_DAY}"
    yield what, f"{grew:.2f} times", "goal 1.1"
    [[rolled]] = store.rows("SELECT sum(length(known_s || out_s || taken) + 40) FROM cart_day")
    yield "what is left of a cart's day", f"{rolled / dropped:.0f} bytes", "goal 250"
