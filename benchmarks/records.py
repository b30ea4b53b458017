"""The records of a year: what a cart-day takes on disk, a device's year read, the chain verified.

A cart's day is a real one of carts that report each minute: devices leave in the morning and come
back in the afternoon, some of them twice, and each charge state is an event; the hub keeps of it
what it keeps. One cart gets a whole school year of such days.
"""

import random
import tempfile
import time
from datetime import date
from pathlib import Path

import samples

from homeslot import contract
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Message
from homeslot_hub.rules import calendar
from homeslot_hub.service import chain
from homeslot_hub.service.census import census
from homeslot_hub.service.history import lines
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.usage import usage
from homeslot_hub.service.week import week

SCHOOL_DAYS = 180
DAYS = 365
CARTS = 20
FEW_DAYS = 10
MINUTE = 60
SCHOOL_AT_S, HOME_AT_S = 30 * MINUTE, 7 * 3600


class Cart:
    """One cart: `day` is everything it says on one day."""

    def __init__(self, number):
        self.number = number
        self.seq = contract.SEQ_PER_BOOT
        self.words = ["full"] * samples.SLOTS
        self.random = random.Random(number)

    def day(self, day, school_day=True, heartbeat_s=60):
        """The messages of a day in the order they are measured."""
        due = [(second, None) for second in range(0, 86400, heartbeat_s)]
        if school_day:
            for slot in range(samples.SLOTS):
                out_s = SCHOOL_AT_S + self.random.randrange(5400)
                back_s = HOME_AT_S + self.random.randrange(3600)
                full_s = back_s + self.random.randrange(3600, 3 * 3600)
                due += [(out_s, (slot, "empty")), (back_s, (slot, "charging"))]
                due += [(full_s, (slot, "full"))]
        for second, change in sorted(due, key=lambda one: (one[0], str(one[1]))):
            at_s = samples.START_S + day * 86400 + second
            yield self._state(at_s) if change is None else self._event(at_s, *change)

    def _clock(self, at_s):
        up_ms = (at_s - samples.START_S + 60) * 1000
        return {"v": contract.VERSION, "boot": 1, "up_ms": up_ms, "at_s": at_s}

    def _state(self, at_s):
        topic, payload = samples.snapshot(self.number, 0)
        body = contract.decode(topic, "state", payload)
        body |= self._clock(at_s) | {"seq": self.seq, "slots": self.words}
        return Message(topic, contract.encode(topic, "state", body), False, at_s)

    def _event(self, at_s, slot, word):
        self.seq += 1
        was, self.words[slot] = self.words[slot], word
        topic = contract.topic(samples.controller(self.number), "event")
        body = self._clock(at_s) | {
            "seq": self.seq,
            "kind": "slot",
            "index": slot + 1,
            "value": word,
            "was": was,
            "current_ma": 0 if word == "empty" else 1200,
        }
        return Message(topic, contract.encode(topic, "event", body), False, at_s)


def measure():
    """Rows (what, measured, goal)."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _year(Path(folder) / "year.db")
    with tempfile.TemporaryDirectory() as folder:
        yield from _bytes(Path(folder) / "days.db")


def _year(path):
    """One cart's year, with its weekends and holidays, in one database."""
    store = SqliteStore(path)
    now_s = samples.START_S
    hub = Hub((samples.school(1),), store, lambda: now_s)
    cart = Cart(1)
    for day in range(DAYS):
        school_day = day % 7 < 5 and day < SCHOOL_DAYS * 7 // 5
        now_s = samples.START_S + (day + 1) * 86400
        messages = list(cart.day(day, school_day, heartbeat_s=3600))
        hub.take(messages)
    head = store.head().records
    took, found = _timed(lambda: list(lines(store, "cart-1", 12)))
    yield (
        f"a device's year, {len(found)} lines of {head} records",
        f"{took * 1000:.0f} ms",
        "goal 50 ms",
    )
    took, found = _timed(lambda: list(lines(store, "cart-1")))
    yield f"its cart's year, {len(found)} lines", f"{took * 1000:.0f} ms", ""
    school, day = samples.school(1), date(2027, 5, 12)  # a Wednesday, half a year in
    at_s = calendar.deadline_s(school, day)
    took, found = _timed(lambda: list(_census(school, store, hub, at_s)))
    yield f"its census half a year ago, {len(found)} slots", f"{took * 1000:.0f} ms", ""
    took, found = _timed(lambda: list(week(school, day, store, hub, now_s)))
    yield f"its week half a year ago, {len(found)} days", f"{took * 1000:.0f} ms", ""
    first, last = date(2026, 11, 18), date(2027, 11, 17)
    kept = SqliteKeep(store)
    took, found = _timed(lambda: list(usage(school, store, kept, first, last, now_s)))
    days = len(found[0].days)
    yield f"its usage, {days} school days", f"{took * 1000 / days:.1f} ms a day", ""
    took, found = _timed(lambda: chain.verify(store.records(), store.seals()))
    assert found.whole
    yield "records verified", f"{head / took:,.0f}/s", ""
    store.close()


def _census(school, store, hub, at_s):
    [verdict] = hub.judge(school, at_s).carts
    return census(school, verdict, hub.facts("cart-1", at_s), store)


def _timed(work):
    took = []
    for _ in range(5):
        began = time.perf_counter()
        found = work()
        took.append(time.perf_counter() - began)
    return sorted(took)[2], found


def _bytes(path):
    """Some days of some carts, in the small commits of everyday life."""
    store = SqliteStore(path)
    now_s = samples.START_S
    hub = Hub((samples.school(CARTS),), store, lambda: now_s)
    carts = [Cart(number) for number in range(1, CARTS + 1)]
    store._connection.execute("PRAGMA synchronous = OFF")  # bytes are measured here, not time
    before = None
    for day in range(FEW_DAYS + 1):
        messages = sorted((m for cart in carts for m in cart.day(day)), key=lambda m: m.arrived_s)
        for first in range(0, len(messages), CARTS):
            now_s = messages[first].arrived_s
            hub.take(messages[first : first + CARTS])
        if before is None:  # what there is once is not counted with what comes each day
            before = _size(store)
    each = (_size(store) - before) / (CARTS * FEW_DAYS)
    events = store.head().records / (CARTS * (FEW_DAYS + 1))
    store.close()
    year = each * SCHOOL_DAYS * 1000
    yield f"a cart's school day, {events:.0f} records kept of it", f"{each:,.0f} bytes", ""
    yield f"1,000 carts, {SCHOOL_DAYS} school days", f"{year / 1e9:.1f} GB", "goal 10 GB"


def _size(store):
    store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return store.path.stat().st_size
