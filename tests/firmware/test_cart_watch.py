"""How the whole cart takes what goes wrong: no broker, a slow one, a task that stops, a defect."""

import asyncio
from itertools import pairwise

import pytest

from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import Controller
from homeslot_sim.chips.bus import Chip

from .school import BOARD, play


def test_with_a_wrong_password_it_tries_ever_less_often_and_at_least_once_a_minute():
    async def act(school):
        school.cart(secret="wrong", changes={"scan_ms": 10000})
        await school.until_s(1800)
        gaps_s = [(b - a) / 1000 for a, b in pairwise(school.tries_ms)]
        assert gaps_s[0] < 2
        assert all(29 <= gap_s <= 62 for gap_s in gaps_s[7:])
        assert len(gaps_s) < 70
        assert school.heard == []

    play(act)


class Watched(Controller):
    """A controller with a watchdog: when it was fed."""

    def __init__(self, clock):
        self.clock = clock
        self.fed_ms = []

    def feed_watchdog(self):
        self.fed_ms.append(self.clock.up_ms())

    def hungry_ms(self, until_ms):
        """The longest time without food from the start of its tasks until then."""
        times_ms = [*self.fed_ms, until_ms]
        return max(b - a for a, b in pairwise(times_ms))


def test_the_watchdog_is_fed_while_all_is_well_also_for_an_hour_without_a_broker():
    async def act(school):
        system = Watched(school.clock)
        school.cart(system=system, changes={"scan_ms": 5000})
        await school.until_s(300)
        school.network.stall()
        await school.until_s(2000)
        school.network.cut()
        await school.until_s(4200)
        assert system.fed_ms[0] <= 4000
        assert system.hungry_ms(4200000) <= 1000

    play(act)


def test_the_watchdog_is_fed_while_a_slow_link_takes_a_full_outbox():
    async def act(school):
        system = Watched(school.clock)
        rig, _ = school.cart([(0, "link-down")], {"scan_ms": 5000, "report_s": 5}, system=system)
        await school.until_s(10)
        while len(rig.cart.outbox) < 400:
            for verb in ("out", "in"):
                rig.body.apply(verb, [])
                await school.clock.sleep_ms(400)
        school.network.latency_ms = 2300  # just within the time a connection may take
        rig.body.apply("link-up", [])
        await school.until_s(900)
        assert len(rig.cart.outbox) == 0
        assert system.hungry_ms(900000) <= 1000

    play(act)


class Sticking:
    """A clock on which, from a moment on, whoever sleeps for `stuck_ms` never wakes."""

    def __init__(self, clock, stuck_ms, from_ms):
        self.clock = clock
        self.stuck_ms = stuck_ms
        self.from_ms = from_ms

    def up_ms(self):
        return self.clock.up_ms()

    async def sleep_ms(self, ms):
        if ms == self.stuck_ms and self.up_ms() >= self.from_ms:
            await asyncio.Event().wait()
        await self.clock.sleep_ms(ms)


def test_the_watchdog_goes_hungry_when_the_scans_stop():
    async def act(school):
        system = Watched(school.clock)
        clock = Sticking(school.clock, 7000, 60000)
        school.cart(system=system, clock=clock, changes={"scan_ms": 7000})
        await school.until_s(300)
        assert 60000 < system.fed_ms[-1] <= 60000 + 10000 + 2 * 7000
        assert max(b - a for a, b in pairwise(system.fed_ms)) <= 1000

    play(act)


class Defect(Exception):
    """What no one expects."""


class DefectiveMux(Chip):
    def write(self, data):
        raise Defect("in a scan")


class Defective(Controller):
    def temperature_c(self):
        raise Defect("in a report")


def test_a_defect_in_a_scan_ends_the_cart_rather_than_hide():
    async def act(school):
        rig, task = school.cart()
        await school.until_s(20)
        rig.body.bus.attach(int(BOARD["mux"]["address"], 16), DefectiveMux())
        with pytest.raises(Defect, match="in a scan"):
            await task
        assert school.clock.up_ms() < 22000

    play(act)


def test_a_defect_in_a_report_ends_the_cart_rather_than_hide():
    async def act(school):
        _, task = school.cart(system=Defective())
        with pytest.raises(Defect, match="in a report"):
            await task
        assert school.clock.up_ms() < 20000

    play(act)


def test_a_memory_of_boots_that_is_no_number_is_a_defect_and_not_a_second_first_boot():
    async def act(school):
        files = Drawer()
        files.write("boot", b"seven")
        with pytest.raises(ValueError, match="seven"):
            school.cart(files=files)

    play(act)
