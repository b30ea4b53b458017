"""How long 100,000 devices take: read and recorded, taken back, exported, and judged by."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import samples

from homeslot_hub.adapters import spreadsheets
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.sheets import Sheet, write_csv, write_xlsx
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.register_export import tables
from homeslot_hub.service.register_plan import Plan, complete, keep
from homeslot_hub.service.register_sheets import Carts, draft

CARTS_OF_SCHOOL = 100


def measure():
    """Rows (what, measured, goal)."""
    took = {}
    for devices in (10_000, 100_000):
        schools = _district(devices)
        with tempfile.TemporaryDirectory() as folder:
            store = SqliteStore(Path(folder) / "homeslot.db")
            yield from _measure(Path(folder), store, schools, devices, took)
            store.close()
    yield "10 times the devices take", f"{took[100_000] / took[10_000]:.1f} times as long", ""


def _measure(folder, store, schools, devices, took):
    register = SqliteRegister(store)
    csv, book = folder / "devices.csv", folder / "devices.xlsx"
    heads = ("school", "cart", "slot", "tag", "kind", "state")
    page = Sheet("devices", heads, list(_rows(schools)))
    assert len(page.rows) >= devices
    write_csv(csv, page)
    write_xlsx(book, page)
    took[devices], wrote = _import(register, schools, csv)
    yield f"{devices} devices imported from CSV", f"{took[devices]:.1f} s", "goal 30 s"
    yield f"{devices} devices, of that the database held", f"{wrote:.1f} s", "goal 10 s"
    began = time.perf_counter()
    with register.transaction():
        register.take_back(register.changes(1)[0], samples.START_S, "bench")
    yield f"{devices} devices, import taken back", f"{time.perf_counter() - began:.1f} s", ""
    all_s, _ = _import(register, schools, book)
    yield f"{devices} devices imported from XLSX", f"{all_s:.1f} s", "goal 30 s"
    began = time.perf_counter()
    for table in tables(register, schools):
        write_csv(folder / f"{table[0]}.csv", Sheet(*table))
    yield f"{devices} devices exported as CSV", f"{time.perf_counter() - began:.1f} s", ""
    hub = Hub(schools, store, lambda: samples.START_S, register=register)
    hub.judge(schools[0], samples.START_S - 1)  # what the carts said is read once
    began = time.perf_counter()
    hub.judge(schools[0], samples.START_S)
    first_s = time.perf_counter() - began
    began = time.perf_counter()
    hub.judge(schools[0], samples.START_S)
    again_s = time.perf_counter() - began
    what = f"a school of {CARTS_OF_SCHOOL} carts judged among {devices} devices"
    yield what, f"{first_s * 1000:.0f}, again {again_s * 1000:.0f} ms", ""


def _import(register, schools, path):
    """Seconds in all, and those during which nobody else could write."""
    began = time.perf_counter()
    plan = Plan()
    sheets, _ = spreadsheets.read(path, first_only=False)
    carts = Carts(schools)
    drafts = [one for sheet in sheets for one in draft(sheet, carts, None, plan, lambda: None)]
    locked = time.perf_counter()
    with register.transaction():
        complete(plan, drafts, register, schools)
        keep(plan, register, samples.START_S, "bench", "import", path.name)
    ended = time.perf_counter()
    return ended - began, ended - locked


def _district(devices):
    """Schools of 100 carts with 30 slots, as many as `devices` need."""
    carts = -(-devices // samples.SLOTS)
    count = -(-carts // CARTS_OF_SCHOOL)
    return tuple(
        replace(
            one,
            name=f"School {number}",
            carts=tuple(replace(c, controller=f"s{number}-{c.number}") for c in one.carts),
        )
        for number in range(1, count + 1)
        for one in [samples.school(CARTS_OF_SCHOOL)]
    )


def _rows(schools):
    number = 0
    for school in schools:
        for cart in school.carts:
            for slot in range(1, cart.slots + 1):
                number += 1
                state = "in repair" if number % 50 == 0 else "in service"
                yield school.name, str(cart.number), str(slot), f"T{number:06}", "tablet", state
