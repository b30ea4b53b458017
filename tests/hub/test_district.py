"""N6 and N14: many schools in one district, and who of each hears what; thousands of devices."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Cart, Person, School
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.deadman import DeadMan
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.register import Touched

from .evening import local
from .reports import Clock, Reporter


def school(name, zone, carts, slots=4):
    """A school with a person for each role, whose address says which."""
    domain = f"{name.lower()}.example"

    def person(role):
        return Person(f"{name} {role}", f"{role}@{domain}")

    return School(
        name,
        ZoneInfo(zone),
        person("coordinator"),
        tuple(
            Cart(f"{name.lower()}-{number}", number, "Room 1", person(f"teacher{number}"), slots)
            for number in carts
        ),
        principal=person("principal"),
        it=person("it"),
    )


EAST = school("East", "America/New_York", (1, 2))
WEST = school("West", "America/Los_Angeles", (1, 2))


class District:
    """One hub with some schools, and a cart that reports for each of theirs."""

    def __init__(self, folder, *schools, now_s):
        self.clock = Clock(now_s)
        self.store = SqliteStore(folder / "homeslot.db")
        self.store.run("PRAGMA synchronous = OFF")
        for one in schools:
            self.store.opened_s(one.name, now_s)
        self.alerts = SqliteAlerts(self.store)
        self.register = SqliteRegister(self.store)
        self.hub = Hub(schools, self.store, self.clock, register=self.register, alerts=self.alerts)
        self.carts = {
            cart.controller: Reporter(cart.controller, cart.slots, now_s)
            for one in schools
            for cart in one.carts
        }
        self.report()

    def report(self):
        for cart in self.carts.values():
            cart.now_s = self.clock.now_s
        self.hub.take([cart.state() for cart in self.carts.values()])

    def says(self, controller, *changes):
        cart = self.carts[controller]
        self.hub.take([cart.event(*change) for change in changes])

    def run_to(self, until_s, step_s=600):
        while self.clock.now_s < until_s:
            self.clock.now_s = min(self.clock.now_s + step_s, until_s)
            self.report()
            self.hub.tick()
            self.hub.step()

    def heard(self):
        """The steps that each address heard of."""
        steps = defaultdict(list)
        for notice in self.store.notices_to_file():
            steps[notice.email].append(notice.rule.partition(" ")[0])
        return dict(steps)


@pytest.fixture
def open_district(tmp_path):
    opened = []

    def make(*schools, now_s=None):
        now_s = local(15) if now_s is None else now_s
        opened.append(District(tmp_path, *schools, now_s=now_s))
        return opened[-1]

    yield make
    for district in opened:
        district.store.close()


def taken(*slots):
    return ("bolt", 0, "open"), *(("slot", slot, "empty") for slot in slots), ("bolt", 0, "thrown")


def test_n6_each_role_hears_what_it_can_act_on(open_district):
    district = open_district(EAST)
    district.says("east-1", *taken(3))
    district.run_to(local(22))
    district.says("east-2", ("bolt", 0, "open"), ("door", 0, "open"))
    district.run_to(local(22, 30))
    assert district.heard() == {
        "teacher1@east.example": ["nudge"],
        "coordinator@east.example": ["C8", "overnight", "alarm"],
        "principal@east.example": ["overnight"],
    }


def test_n6_it_hears_of_a_deadline_that_nobody_judged(open_district):
    district = open_district(EAST)
    dead_man = DeadMan(district.store, local(15))
    for minute in (20, 21):
        assert dead_man.look((EAST,), local(17, minute)) == []
    assert district.heard() == {"it@east.example": ["dead"]}


def test_n6_each_school_of_a_district_has_its_own_clock_and_people_and_hears_of_its_own(
    open_district,
):
    """The carts of both schools have the same numbers: what they share is the hub."""
    district = open_district(EAST, WEST)
    district.says("east-1", *taken(3))
    district.says("west-2", *taken(1, 2))
    district.run_to(local(17, 30))
    assert district.heard() == {
        "teacher1@east.example": ["nudge"],
        "coordinator@east.example": ["C8"],
    }
    district.run_to(local(21) + 3 * 3600)  # nine in the evening on the other coast
    both = {
        (name, role): steps
        for name in ("east", "west")
        for role, steps in (("coordinator", ["C8", "overnight"]), ("principal", ["overnight"]))
    }
    assert district.heard() == {
        "teacher1@east.example": ["nudge"],
        "teacher2@west.example": ["nudge"],
        **{f"{role}@{name}.example": steps for (name, role), steps in both.items()},
    }
    for notice in district.store.notices_to_file():
        here, there = ("East", "West") if notice.school == "East" else ("West", "East")
        assert notice.subject.startswith(here)
        assert there.lower() not in (notice.subject + notice.text + notice.email).lower()
        if notice.rule == "C8":
            out = "1 device out" if here == "East" else "2 devices out"
            assert out in notice.subject and ", 17:00: " in notice.subject


def test_n6_one_school_closed_judges_no_day_of_its_own_and_none_less_of_the_other(open_district):
    closed = replace(EAST, closed=frozenset({date(2026, 11, 17)}))
    district = open_district(closed, WEST)
    district.run_to(local(21))
    assert district.heard() == {"coordinator@west.example": ["C8"]}


CARTS, SLOTS = 40, 30


def test_n14_of_thousands_of_devices_each_that_is_missing_is_named_and_no_other(open_district):
    """Three schools with 3600 devices: any of them out, in repair, or behind a silent cart."""
    chance = random.Random(14)
    schools = [school(name, EAST.zone.key, range(1, CARTS + 1), SLOTS) for name in ("A", "B", "C")]
    district = open_district(*schools, now_s=local(16, 50))
    missing, excused, silent = defaultdict(set), defaultdict(set), defaultdict(set)
    touched = []
    for one in schools:
        for cart in one.carts:
            if chance.random() < 0.05:
                silent[one.name].add(cart.number)
                del district.carts[cart.controller]
            for slot in range(1, SLOTS + 1):
                state = "in repair" if chance.random() < 0.01 else "in service"
                row = (one.name, str(cart.number), str(slot), f"{one.name}{cart.number}/{slot}",
                       "tablet", state)  # fmt: skip
                touched.append(Touched(tables.DEVICES, tables.DEVICES.key(row), None, row))
                if chance.random() >= 0.02 or cart.number in silent[one.name]:
                    continue
                district.carts[cart.controller].words["slot", slot] = "empty"
                away = excused if state == "in repair" else missing
                away[one.name].add((cart.number, slot))
    assert len(touched) == 3 * CARTS * SLOTS
    with district.register.transaction():
        district.register.add_change(local(9), "rosa", "import", "", touched)
    for minute in (-1, 3):
        district.clock.now_s = local(17) + 60 * minute
        district.report()
    days = {day.school.name: day for day in district.hub.tick()}
    assert sorted(days) == ["A", "B", "C"]
    for name, day in days.items():
        out = {
            (cart.cart.number, slot)
            for cart in day.carts
            for verdict in cart.verdicts
            if verdict.finding == "out"
            for slot in verdict.slots
        }
        assert out == missing[name]
        assert {
            (cart.cart.number, one.slot) for cart in day.carts for one in cart.excuses
        } == excused[name]
        alerts = district.alerts.opened(name, day.day, day.day)
        assert {(a.cart, a.slots[0]) for a in alerts if a.finding == "out"} == missing[name]
        (notice,) = [n for n in district.store.notices_to_file() if n.school == name]
        assert f"{len(missing[name])} devices out" in notice.subject
