"""A district at its deadline: 100, 1,000 and 10,000 carts (300,000 slots) judged and told.

Schools of 100 carts, all with the same deadline. Every fiftieth cart has devices out, every
hundredth is silent, every two hundredth unplugged; each device is in the register, of which one
school's part has changed since the nudge. The hub is the real one over its real database,
with register and alerts: `tick` judges every school, composes its digest and puts it into the
outbox, and opens the alerts, each school in a transaction of its own.
"""

import io
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import samples
from rich.console import Console

from homeslot import contract
from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.cli import report
from homeslot_hub.model import Message
from homeslot_hub.rules import calendar
from homeslot_hub.service.digest import compose
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_tables import DEVICES

SIZES = (100, 1000, 10_000)
CARTS_OF_SCHOOL = 100
TICKS = (0, 280, 450, 565)  # minutes after 07:30; the deadline is 570 after it
BATCH = 500
ONE_RUNS = 200
NUDGE_S = 1800  # before the deadline each school is judged for its nudge


def measure():
    """Rows (what, measured, goal)."""
    for _ in _measured(SIZES[:1]):
        pass  # what is done once in a process is done now
    yield from _measured(SIZES)


def _measured(sizes):
    judged, cold, shown = {}, {}, {}
    for carts in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "homeslot.db"
            schools, store = _district(carts), SqliteStore(path)
            clock = _Clock(samples.START_S)
            hub = _hub(schools, store, clock)
            for school in schools:
                store.opened_s(school.name, clock())
            _record(SqliteRegister(store), schools)
            _live(hub, schools, clock)
            day = calendar.school_day_of(schools[0], clock())
            clock.now_s = calendar.due_s(schools[0], day)
            fresh = SqliteStore(path)
            began = time.perf_counter()
            starting = _hub(schools, fresh, clock)  # and knows nothing yet
            for school in schools:
                starting.judge_day(school, day, clock())
            cold[carts] = time.perf_counter() - began
            fresh.close()
            began = time.perf_counter()
            judged_at_nudge = [hub.judge(school, clock() - NUDGE_S) for school in schools]
            nudged_s = time.perf_counter() - began
            compose(judged_at_nudge[0])  # the templates are read once
            _record(SqliteRegister(store), schools[:1], clock() - 60)
            one_ms = _one(hub, schools[0], clock()) if carts == sizes[-1] else None
            began = time.perf_counter()
            days = hub.tick()
            judged[carts] = time.perf_counter() - began
            assert len(days) == len(schools)
            assert store.pending_notices() == len(schools)
            began = time.perf_counter()
            parts = list(report.status_parts(hub.status()))
            read_s = time.perf_counter() - began
            report.show(parts, Console(file=io.StringIO(), width=120))
            shown[carts] = time.perf_counter() - began
            store.close()
        last = carts == sizes[-1]
        what = f"{carts} carts: nudge judged, {30 * carts} devices' records read"
        yield what, f"{nudged_s:.2f} s", ""
        what = f"{carts} carts: deadline judged, digests in the outbox"
        yield what, f"{judged[carts]:.2f} s", "goal 5 s" if last else ""
        yield f"{carts} carts: judged right after a restart", f"{cold[carts]:.2f} s", ""
        what = f"{carts} carts: homeslot status, read and shown"
        yield what, f"{read_s:.2f} and {shown[carts] - read_s:.2f} s", ""
        if one_ms is not None:
            yield "a verdict for one cart among them", f"{one_ms:.2f} ms", "goal 5 ms"
    for name, took in (("judging", judged), ("restarted", cold), ("status", shown)):
        grows = took[sizes[-1]] / sizes[-1] / (took[sizes[0]] / sizes[0])
        goal = "goal 1.5" if took is judged else ""
        yield f"a cart among 10,000 against one among 100, {name}", f"{grows:.2f} times", goal


class _Clock:
    def __init__(self, now_s):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def _district(carts):
    """Schools of CARTS_OF_SCHOOL carts, the last with what is left."""
    every = samples.school(carts)
    return tuple(
        replace(every, name=f"School {first}", carts=every.carts[first : first + CARTS_OF_SCHOOL])
        for first in range(0, carts, CARTS_OF_SCHOOL)
    )


def _hub(schools, store, clock):
    return Hub(schools, store, clock, register=SqliteRegister(store), alerts=SqliteAlerts(store))


def _record(register, schools, at_s=samples.START_S):
    """Every slot has its device in the register, every fiftieth in repair."""
    with register.transaction():
        touched = (
            Touched(DEVICES, row[:3], None, row)
            for school in schools
            for cart in school.carts
            for slot in range(1, cart.slots + 1)
            for state in ["in repair" if slot == 9 and cart.number % 2 else "in service"]
            for row in [(school.name, str(cart.number), str(slot), "", "tablet", state)]
        )
        register.add_change(at_s, "bench", "import", "", touched)


def _live(hub, schools, clock):
    """What the carts say up to the deadline, in batches as they come from the broker."""
    numbers = [cart.number for school in schools for cart in school.carts]
    for tick in TICKS:
        clock.now_s = samples.START_S + (tick + 1) * 60
        messages = [
            _said(number, tick)
            for number in numbers
            if number % 100 or tick < TICKS[-1]  # those fall silent
        ]
        for first in range(0, len(messages), BATCH):
            hub.take(messages[first : first + BATCH])


def _said(number, tick):
    message = samples.message(number, tick, out=(3, 7) if number % 50 == 1 and tick else ())
    if number % 200 or not tick:
        return message
    body = contract.decode(message.topic, "state", message.payload) | {"mains": "off"}
    return Message(message.topic, contract.encode(message.topic, "state", body), False, 0)


def _one(hub, school, at_s):
    some = replace(school, carts=school.carts[:1])
    took = []
    for _ in range(ONE_RUNS):
        began = time.perf_counter()
        hub.judge(some, at_s)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000
