"""Nothing lost: the whole cart through outages and power cuts, in virtual time."""

import asyncio
import sys
from itertools import pairwise

import pytest

from homeslot.contract import SEQ_PER_BOOT
from homeslot_sim.cart.flash import Flash, PowerCut
from homeslot_sim.cart.rig import Controller

from .school import START_S, play

OFF_S = 1  # the hub tells whole seconds, and a moment later it is another
HOUR_S = 3600
SCAN_MS = 5000  # where a day is long; a door is believed at the second scan


class Since:
    """A controller's own clock: its boot was at `start_ms` of the school's."""

    def __init__(self, clock):
        self.clock = clock
        self.start_ms = clock.up_ms()

    def up_ms(self):
        return self.clock.up_ms() - self.start_ms

    async def sleep_ms(self, ms):
        await self.clock.sleep_ms(ms)


def doors(from_s, to_s, count):
    """`count` turns of the door, one event each, spread evenly: [(at s, verb)]."""
    step_s = (to_s - from_s) // count
    return [(from_s + n * step_s, ("open", "close")[n % 2]) for n in range(count)]


async def switch_off(school, task):
    school.carts.remove(task)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("outage", ["cut", "stall", "broker"])
def test_after_eight_hours_without_a_broker_400_events_come_once_in_order_while_live_ones_pass(
    outage, capsys
):
    """Acceptance 3: the access point gone, the wire behind it out, or the broker down."""

    async def act(school):
        flash = Flash()
        away_s, back_s = 120, 120 + 8 * HOUR_S
        deeds = doors(away_s + 60, back_s - 12, 400)
        rig, _ = school.cart(deeds, {"scan_ms": SCAN_MS}, files=flash)
        await school.until_s(away_s)
        if outage == "broker":
            school.serves = False
            school.broker.drop("c7")
        else:
            getattr(school.network, outage)()
        before = len(school.bodies("event"))
        await school.until_s(back_s)
        assert len(school.bodies("event")) == before
        assert len(rig.cart.outbox) >= 400
        written = flash.calls
        school.serves = True
        school.network.mend()
        while len(school.bodies("event")) < before + 60:
            await school.clock.sleep_ms(10)
        assert len(rig.cart.outbox) > 200  # in the middle of the replay
        live_ms = school.clock.up_ms()
        rig.body.apply("out", [5])
        await school.until_s(back_s + 180)
        assert len(rig.cart.outbox) == 0
        assert rig.cart.outbox.dropped == 0

        online_ms = [at_ms for at_ms, kind, _ in school.heard if kind == "hello"][-1]
        late = [(at_ms, e) for at_ms, kind, e in school.heard if kind == "event"][before:]
        assert len({e["seq"] for _, e in late}) == len(late)
        live = [(at_ms, e) for at_ms, e in late if e["up_ms"] >= live_ms]  # a device may get full
        ((heard_ms, out),) = [(at_ms, e) for at_ms, e in live if e.get("index") == 5]
        assert (out["kind"], out["value"]) == ("slot", "empty")
        assert heard_ms - live_ms <= 2000
        waited = [(at_ms, e) for at_ms, e in late if e["up_ms"] < live_ms]
        assert all(a["seq"] + 1 == b["seq"] for (_, a), (_, b) in pairwise(waited))
        turns = [e for _, e in waited if e["kind"] == "door"]
        for turn, (done_s, verb) in zip(turns, deeds, strict=True):
            assert turn["value"] == ("open" if verb == "open" else "closed")
            assert 0 <= turn["up_ms"] - done_s * 1000 <= 2 * SCAN_MS
            assert abs(turn["at_s"] - START_S - turn["up_ms"] // 1000) <= OFF_S
        last_ms = waited[-1][0]
        assert last_ms - online_ms <= 60000
        with capsys.disabled():
            sys.stdout.write(
                f"\n8 h without a broker ({outage}): {len(waited)} events in "
                f"{(last_ms - online_ms) / 1000:.1f} s, a live one in {heard_ms - live_ms} ms, "
                f"{written} writes of the flash, {flash.programmed} bytes\n"
            )

    play(act)


def test_a_replay_that_is_broken_off_goes_on_where_it_was():
    async def act(school):
        deeds = doors(30, 330, 100)
        rig, _ = school.cart([(20, "link-down"), *deeds, (340, "link-up")])
        for broken in (30, 55, 80):
            while len(school.bodies("event")) < broken:
                await school.clock.sleep_ms(10)
            rig.body.apply("link-down", [])
            await school.clock.sleep_ms(45000)
            rig.body.apply("link-up", [])
        await school.until_s(school.clock.up_ms() // 1000 + 120)
        doors_told = [e["seq"] for e in school.bodies("event") if e["kind"] == "door"]
        assert sorted(set(doors_told)) == [SEQ_PER_BOOT + n for n in range(1, 101)]
        assert len(doors_told) <= 100 + 3 * 8  # what was in flight, nobody knew its fate
        assert len(rig.cart.outbox) == 0

    play(act)


TURNS = doors(30.5, 180.5, 50)  # between two scans


@pytest.fixture(scope="module")
def measured_ms():
    """When a cart whose power stays measures each of TURNS; one seed, one day."""

    async def act(school):
        school.cart(TURNS)
        await school.until_s(200)
        return [event["up_ms"] for event in school.bodies("event") if event["kind"] == "door"]

    return play(act)


@pytest.mark.parametrize("bytes_left", [0, 1, 2, 3, 30, 64, 65, 100, 640, 1500, 2111, 2300, 3000])
def test_a_power_cut_in_the_middle_of_a_write_loses_five_seconds_at_most_and_numbers_rise(
    bytes_left, measured_ms
):
    async def act(school):
        flash = Flash()
        _, task = school.cart([(20, "link-down"), *TURNS], files=flash)
        await school.until_s(25)
        before = len(school.bodies("event"))
        flash.bytes_left = bytes_left
        with pytest.raises(PowerCut):
            await task
        cut_ms = school.clock.up_ms()
        flash.power_up()
        await switch_off(school, task)
        school.cart([(cut_ms // 1000 + 60, "unlock")], files=flash)
        await school.until_s(cut_ms // 1000 + 120)
        assert [hello["boot"] for hello in school.bodies("hello")] == [1, 2]
        events = school.bodies("event")
        numbers = [event["seq"] for event in events]
        assert numbers == sorted(set(numbers))
        old = [event for event in events[before:] if event["boot"] == 1]
        assert [event["seq"] % SEQ_PER_BOOT for event in old] == list(
            range(before + 1, before + 1 + len(old))
        )
        told_ms = [event["up_ms"] for event in old if event["kind"] == "door"]
        made_ms = [up_ms for up_ms in measured_ms if up_ms <= cut_ms]
        assert told_ms == made_ms[: len(told_ms)]
        assert all(cut_ms - up_ms <= 5000 for up_ms in made_ms[len(told_ms) :])
        assert (events[-1]["kind"], events[-1]["boot"]) == ("bolt", 2)

    play(act)


def test_what_an_earlier_boot_that_never_knew_the_time_kept_is_told_with_its_own_uptime():
    async def act(school):
        flash = Flash()
        school.tells_time = False
        _, task = school.cart(
            [(0, "link-down"), *doors(20, 80, 6)], files=flash, clock=Since(school.clock)
        )
        await school.until_s(100)
        await switch_off(school, task)
        school.tells_time = True
        deeds = [(0, "link-down"), (20, "open"), (30, "link-up")]
        school.cart(deeds, files=flash, clock=Since(school.clock))
        await school.until_s(200)
        events = school.bodies("event")
        assert [(event["boot"], event["kind"]) for event in events] == [(1, "door")] * 6 + [
            (2, "door")
        ]
        assert all(event["at_s"] is None for event in events[:6])
        for event, (at_s, _) in zip(events, doors(20, 80, 6), strict=False):
            assert 0 <= event["up_ms"] - at_s * 1000 <= 2000
        assert abs(events[6]["at_s"] - START_S - 120) <= OFF_S
        assert 20000 <= events[6]["up_ms"] <= 22000

    play(act)


def test_a_power_cut_while_the_number_of_the_boot_is_written_repeats_no_number():
    async def act(school):
        flash = Flash()
        boots = []
        # The count of the resets is written behind it: their bytes are cut too.
        for bytes_left in [*range(64), None, *range(64), None]:
            flash.bytes_left = bytes_left
            try:
                rig, task = school.cart([], files=flash)
            except PowerCut:
                flash.power_up()
                continue
            flash.power_up()
            boots.append(rig.cart.reporter.link("online")["boot"])
            await switch_off(school, task)
        assert boots == sorted(set(boots))
        assert len(boots) > 2

    play(act)


@pytest.mark.parametrize("left", [None, b""])
def test_a_lost_number_of_the_boot_is_found_again_in_the_journal(left):
    async def act(school):
        flash = Flash()
        flash.write("boot", b"41")
        _, task = school.cart([(0, "link-down"), (20, "open")], files=flash)
        await school.until_s(60)
        await switch_off(school, task)
        flash.remove("boot")
        if left is not None:
            flash.write("boot", left)
        school.cart([], files=flash)
        await school.until_s(90)
        assert school.bodies("hello")[-1]["boot"] == 43
        assert [event["boot"] for event in school.bodies("event")] == [42]

    play(act)


class Restarts(Controller):
    """A controller that counts how often it was to start again."""

    restarts = 0

    def restart(self):
        self.restarts += 1


def test_a_cart_that_lost_its_flash_learns_from_the_hub_where_its_numbers_stood():
    async def act(school):
        flash, system = Flash(), Restarts()
        school.tells_time = False
        _, task = school.cart([], files=flash, system=system)
        await school.until_s(10)
        assert school.bodies("hello")[-1]["boot"] == 1
        school.command(1, "time", at_s=school.now_s(), boot=41)
        await school.until_s(15)
        assert [(reply["id"], reply["ok"]) for reply in school.bodies("reply")] == [(1, True)]
        assert system.restarts == 1
        await switch_off(school, task)
        school.cart([], files=flash, system=system)
        await school.until_s(25)
        assert school.bodies("hello")[-1]["boot"] == 42
        school.command(2, "time", at_s=school.now_s(), boot=42)
        await school.until_s(35)
        assert system.restarts == 1

    play(act)


def test_what_is_still_in_ram_outlives_a_defect():
    async def act(school):
        flash = Flash()
        deeds = [(10, "link-down"), (20, "out", 3), (22, "out", 4)]
        rig, task = school.cart(deeds, files=flash)
        await school.until_s(21)
        assert "journal-1" not in flash.names()
        rig.cart.reporter._seq = 2 * SEQ_PER_BOOT - 1
        with pytest.raises(OverflowError):
            await task
        school.carts.remove(task)
        school.cart([], files=flash)
        await school.until_s(40)
        told = [(e["boot"], e["index"]) for e in school.bodies("event") if e["kind"] == "slot"]
        assert told == [(1, 3)]

    play(act)


def test_a_boot_that_has_used_up_its_numbers_makes_room_for_the_next():
    async def act(school):
        rig, task = school.cart([(20, "open"), (30, "close")])
        await school.until_s(10)
        rig.cart.reporter._seq = 2 * SEQ_PER_BOOT - 2
        with pytest.raises(OverflowError, match="used up"):
            await task
        await school.clock.sleep_ms(1000)
        assert [event["seq"] for event in school.bodies("event")] == [2 * SEQ_PER_BOOT - 1]

    play(act)
