"""The supervisor: who starves, dies or hangs, and what the next boot says of it."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot import contract
from homeslot.app.resets import FILE, LONGEST, MOST, Resets
from homeslot.app.supervisor import Ended, Supervisor
from homeslot_sim import virtual_time
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import Controller


class Watch:
    """A supervisor in virtual time, and all it did."""

    def __init__(self, loop):
        self.clock = virtual_time.VirtualClock(loop)
        self.fed_ms = []
        self.told = []
        self.marks = []
        self.supervisor = Supervisor(self.clock, self.feed, self.told.append, self.marks.append)

    def feed(self):
        self.fed_ms.append(self.clock.up_ms())

    def beats(self, name, every_ms, times=1 << 30):
        """A task that shows life so often, and then no more."""

        async def run():
            for _ in range(times):
                self.supervisor.life(name)
                await self.clock.sleep_ms(every_ms)
            await asyncio.Event().wait()

        return run

    async def run_s(self, seconds):
        """Let the tasks run for so long."""
        running = asyncio.create_task(self.supervisor.run())
        await asyncio.wait([running], timeout=seconds)
        if running.done():
            await running
        running.cancel()


def watch(act):
    loop = virtual_time.VirtualLoop()

    async def main():
        return await act(Watch(loop))

    return virtual_time.run(main(), loop)


def test_while_all_tasks_show_life_the_watchdog_is_fed_every_second():
    async def act(watch):
        watch.supervisor.task("scan", 3000, watch.beats("scan", 2000))
        watch.supervisor.task("link", 60000, watch.beats("link", 50000))
        await watch.run_s(300)
        assert watch.fed_ms == list(range(0, 300000, 1000))
        assert watch.told == []

    watch(act)


@given(
    bounds_ms=st.lists(st.integers(1000, 50000), min_size=1, max_size=5),
    silent=st.data(),
)
def test_one_silent_task_of_many_starves_the_watchdog_within_its_own_bound(bounds_ms, silent):
    n = silent.draw(st.integers(0, len(bounds_ms) - 1))
    beats = silent.draw(st.integers(1, 5))

    async def act(watch):
        for i, bound_ms in enumerate(bounds_ms):
            times = beats if i == n else 1 << 30
            run = watch.beats(f"task {i}", bound_ms // 2, times)
            watch.supervisor.task(f"task {i}", bound_ms, run)
        await watch.run_s(600)
        last_ms = (beats - 1) * (bounds_ms[n] // 2)
        assert last_ms < watch.fed_ms[-1] <= last_ms + bounds_ms[n]
        assert last_ms + bounds_ms[n] - watch.fed_ms[-1] <= 1000
        (why,) = watch.told
        assert why.startswith(f"task {n} showed no life for ")
        assert "died" not in why

    watch(act)


def test_a_task_that_recovers_after_it_was_given_up_does_not_save_the_boot():
    async def act(watch):
        async def run():
            await watch.clock.sleep_ms(20000)
            await watch.beats("slow", 500)()

        watch.supervisor.task("slow", 10000, run)
        await watch.run_s(100)
        assert watch.fed_ms[-1] == 10000
        assert watch.told == ["slow showed no life for 11000 ms"]

    watch(act)


def test_a_task_that_waits_is_woken_to_show_life_when_half_its_bound_has_passed():
    async def act(watch):
        happened = asyncio.Event()
        woken_ms = []

        async def run():
            while True:
                await happened.wait()
                happened.clear()
                woken_ms.append(watch.clock.up_ms())
                watch.supervisor.life("waits")

        watch.supervisor.task("waits", 60000, run, happened.set)
        await watch.run_s(200)
        assert watch.told == []
        assert woken_ms == [31000, 62000, 93000, 124000, 155000, 186000]

    watch(act)


def test_a_task_that_dies_is_told_with_its_error_and_ends_the_boot():
    async def act(watch):
        async def run():
            await watch.clock.sleep_ms(5000)
            raise OSError(5, "no\nchip")

        watch.supervisor.task("scan", 10000, watch.beats("scan", 1000))
        watch.supervisor.task("dies", 10000, run)
        with pytest.raises(OSError, match="chip"):
            await watch.run_s(100)
        assert watch.clock.up_ms() == 5000
        assert watch.told == ["dies died: OSError [Errno 5] no\nchip"]

    watch(act)


def test_a_task_that_returns_has_died_too():
    async def act(watch):
        async def run():
            pass

        watch.supervisor.task("short", 10000, run)
        with pytest.raises(Ended, match="short"):
            await watch.run_s(100)
        assert watch.told == ["short died: Ended short"]

    watch(act)


def test_each_sign_of_life_is_marked_with_the_number_of_its_task():
    async def act(watch):
        watch.supervisor.task("one", 10000, watch.beats("one", 3000))
        watch.supervisor.task("two", 10000, watch.beats("two", 4000))
        await watch.run_s(7)
        assert watch.marks == [1, 2, 1, 2, 1]
        assert [watch.supervisor.name(n) for n in (0, 1, 2, 3)] == ["", "one", "two", ""]
        with pytest.raises(LookupError):
            watch.supervisor.life("three")

    watch(act)


class Bitten(Controller):
    """A controller that was reset for `cause`, with `number` in its scratch register."""

    def __init__(self, cause, number=0):
        self.cause = cause
        self.number = number

    def reset_cause(self):
        return self.cause

    def marked(self):
        return self.number


def task_name(number):
    return ("", "scan", "link")[number] if number < 3 else ""


def starts(files, cause, number=0):
    return Resets(files, Bitten(cause, number), task_name)


def test_the_last_words_of_a_boot_are_what_the_next_one_gives_as_the_cause_and_only_that():
    files = Drawer()
    starts(files, "power_on").last_words("scan showed no life for 12000 ms")
    boot = starts(files, "watchdog")
    assert (boot.cause, boot.why) == ("watchdog", "scan showed no life for 12000 ms")
    assert starts(files, "watchdog").why == ""
    starts(files, "power_on").last_words("an update was installed")
    assert starts(files, "soft").why == "an update was installed"


def test_a_watchdog_that_bites_without_last_words_says_who_showed_life_last():
    boot = starts(Drawer(), "watchdog", 2)
    assert boot.why == "hung: no task showed life after link"
    assert starts(Drawer(), "watchdog", 200).why == ""
    assert starts(Drawer(), "soft", 2).why == ""


def test_after_a_power_cut_nobody_knows_why():
    files = Drawer()
    starts(files, "power_on").last_words("scan died: OSError")
    assert starts(files, "power_on", 1).why == ""
    starts(files, "power_on").last_words("scan died: OSError")
    assert starts(files, "pin").why == ""


def test_starts_are_counted_by_cause_over_power_cuts_with_one_write_each():
    class Counting(Drawer):
        writes = 0

        def write(self, name, data):
            self.writes += 1
            super().write(name, data)

    files = Counting()
    for cause in ("power_on", "watchdog", "power_on", "pin", "watchdog", "watchdog"):
        boot = starts(files, cause)
    assert boot.counts == {"power_on": 2, "watchdog": 3, "pin": 1}
    assert files.writes == 6


@given(words=st.text(), count=st.integers(0, 1 << 30))
def test_whatever_the_last_words_are_they_fit_the_contract(words, count):
    files = Drawer()
    starts(files, "power_on").last_words(words)
    why = starts(files, "soft").why
    assert len(why) <= LONGEST
    assert all(" " <= c <= "~" for c in why)
    assert contract.fields("hello")[[f[0] for f in contract.fields("hello")].index("why")][2] == (
        0,
        LONGEST,
    )


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
NEARLY = st.tuples(
    SCALARS | st.dictionaries(st.sampled_from(contract.RESET) | st.text(), SCALARS), SCALARS
)


@given(rubbish=st.binary() | (NEARLY | SCALARS).map(lambda value: json.dumps(value).encode()))
def test_a_broken_file_of_resets_does_not_keep_the_cart_from_starting(rubbish):
    files = Drawer()
    files.write(FILE, rubbish)
    boot = starts(files, "watchdog")
    assert 1 <= boot.counts["watchdog"] <= MOST
    assert set(boot.counts) <= set(contract.RESET)
    assert all(type(count) is int and 0 <= count <= MOST for count in boot.counts.values())
    assert len(boot.why) <= LONGEST and all(" " <= c <= "~" for c in boot.why)
    assert starts(files, "pin").counts["pin"] >= 1


def test_a_flash_that_takes_no_more_does_not_keep_the_cart_from_starting():
    class Worn(Drawer):
        def write(self, name, data):
            raise OSError(28, "no space left")

    boot = starts(Worn(), "power_on")
    boot.last_words("in vain")
    assert boot.counts == {"power_on": 1}
