"""What the whole cart reports, on its simulated body, to a broker in memory, in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from homeslot import contract
from homeslot_sim.cart.drawer import Drawer

from .school import START_S, play

HOME, HALL = "02:00:00:00:00:01", "02:00:00:00:00:02"
OFF_S = 1  # the hub tells whole seconds, and a moment later it is another


def test_on_connect_it_says_link_hello_and_a_snapshot_in_that_order():
    async def act(school):
        school.cart(changes={"report_s": 30})
        await school.until_s(10)
        assert school.kinds()[:3] == ["link", "hello", "state"]
        (link,), (hello,), (state,) = map(school.bodies, ("link", "hello", "state"))
        assert (link["link"], link["boot"]) == ("online", 1)
        assert (hello["board"], hello["slots"], hello["reset"]) == ("pico-w-30", 30, "power_on")
        assert hello["settings"]["report_s"] == 30
        assert set(hello["abilities"]) <= set(contract.COMMANDS)
        assert "unknown" not in (*state["slots"], *state["banks"])
        assert (state["bolt"], state["door"], state["mains"]) == ("thrown", "closed", "on")
        assert state["bssid"] == "02:00:00:00:00:01"
        assert sorted(t.rsplit("/", 1)[1] for t in school.broker.retained) == [
            "hello",
            "link",
            "state",
        ]

    play(act)


def test_it_learns_the_time_from_the_hub_and_answers():
    async def act(school):
        school.cart()
        await school.until_s(70)
        assert school.bodies("hello")[0]["at_s"] is None
        (reply,) = school.bodies("reply")
        assert (reply["id"], reply["ok"], reply["why"]) == (1, True, "")
        state = school.bodies("state")[-1]
        assert abs(state["at_s"] - (START_S + state["up_ms"] // 1000)) <= 1

    play(act)


def test_c2_a_device_taken_out_is_told_within_a_second_with_number_and_time():
    async def act(school):
        school.cart([(20, "out", 12)])
        await school.until_s(30)
        (heard_ms, _, event) = next(entry for entry in school.heard if entry[1] == "event")
        assert heard_ms < 21000
        assert (event["kind"], event["index"], event["value"]) == ("slot", 12, "empty")
        assert event["was"] in ("charging", "trickle")
        assert event["seq"] == contract.SEQ_PER_BOOT + 1
        assert 20000 <= event["up_ms"] <= 20300
        assert abs(event["at_s"] - START_S - 20) <= OFF_S

    play(act)


def test_c3_c6_door_bolt_and_mains_are_told_as_they_change():
    async def act(school):
        school.cart([(20, "open"), (21, "unlock"), (30, "unplug"), (40, "plug")])
        await school.until_s(50)
        said = [
            (event["kind"], event["value"], event["was"], event["at_s"] - START_S)
            for event in school.bodies("event")
            if event["kind"] != "slot"
        ]
        assert [entry[:3] for entry in said] == [
            ("door", "open", "closed"),
            ("bolt", "open", "thrown"),
            ("mains", "off", "on"),
            ("mains", "on", "off"),
        ]
        for (*_, told_s), done_s in zip(said, (20, 21, 30, 40), strict=True):
            assert done_s - OFF_S <= told_s <= done_s + 2 + OFF_S

    play(act)


def test_a_cart_that_is_carried_elsewhere_and_back_tells_its_new_place_once_it_rests_there():
    async def act(school):
        passes_by = [(60, "roam"), (80, "return")]
        school.cart([*passes_by, (100, "roam"), (1000, "return")], {"report_s": 5})
        await school.until_s(99)
        assert school.bodies("event") == []
        assert school.bodies("state")[-1]["bssid"] == HOME
        await school.until_s(999)
        (event,) = [event for event in school.bodies("event") if event["kind"] == "place"]
        assert (event["value"], event["was"]) == (HALL, HOME)
        assert 160 <= event["at_s"] - START_S <= 181
        assert (school.bodies("state")[-1]["bssid"], school.bodies("state")[-1]["rssi_dbm"]) == (
            HALL,
            -70,
        )
        await school.until_s(1100)
        assert school.bodies("state")[-1]["bssid"] == HOME

    play(act)


def test_events_from_while_the_link_was_down_arrive_once_in_order_with_their_own_time():
    async def act(school):
        away = [(100, "link-down"), (130, "out", 3), (170, "in", 3), (190, "out", 4)]
        school.cart([(20, "out", 9), *away, (240, "link-up")])
        await school.until_s(99)
        before = len(school.bodies("event"))
        await school.until_s(239)
        assert len(school.bodies("event")) == before
        await school.until_s(320)
        events = school.bodies("event")
        assert [event["seq"] for event in events] == [
            contract.SEQ_PER_BOOT + n for n in range(1, len(events) + 1)
        ]
        late = [
            (event["index"], event["value"], event["at_s"] - START_S)
            for event in events[before:]
            if event["value"] in ("empty", "idle")
        ]
        assert [entry[:2] for entry in late] == [(3, "empty"), (3, "idle"), (4, "empty")]
        for (*_, told_s), done_s in zip(late, (130, 170, 190), strict=True):
            assert abs(told_s - done_s) <= OFF_S
        # What was said first on the new connection already counts all of them.
        state = next(b for at_ms, k, b in school.heard if k == "state" and at_ms > 240000)
        assert state["seq"] == events[-1]["seq"]
        assert state["slots"][3] == "empty"

    play(act)


@pytest.mark.parametrize("tells_time", [True, False])
def test_an_event_from_before_the_time_was_known_is_sent_with_its_time_or_its_uptime(tells_time):
    async def act(school):
        school.tells_time = tells_time
        school.cart([(0, "link-down"), (10, "out", 3), (60, "link-up")])
        await school.until_s(155)
        event = next(event for event in school.bodies("event") if event["index"] == 3)
        assert 10000 <= event["up_ms"] <= 10300
        if tells_time:
            assert abs(event["at_s"] - START_S - 10) <= OFF_S
        else:
            assert event["at_s"] is None

    play(act)


def test_the_outbox_is_bounded_and_the_cart_says_what_it_dropped():
    async def act(school):
        toggles = [(100 + 2 * n, ("out", "in")[n % 2], 5) for n in range(30)]
        changes = {"outbox_events": 10, "report_s": 5, "diag_s": 10}
        rig, _ = school.cart([(90, "link-down"), *toggles, (200, "link-up")], changes)
        await school.until_s(190)
        assert len(rig.cart.outbox) == 10
        dropped = rig.cart.outbox.dropped
        assert dropped >= 20
        before = len(school.bodies("event"))
        await school.until_s(290)
        late = [event["seq"] for event in school.bodies("event")][before:]
        assert len(late) == 10
        assert late[0] == contract.SEQ_PER_BOOT + before + dropped + 1
        diag = school.bodies("diag")[-1]
        assert (diag["outbox_dropped"], diag["outbox_depth"]) == (dropped, 0)
        assert diag["reconnects"] == 2

    play(act)


def test_a_lost_cart_leaves_its_last_will_and_comes_back_online():
    async def act(school):
        school.cart()
        await school.until_s(20)
        school.network.cut()
        await school.until_s(120)
        assert [link["link"] for link in school.bodies("link")] == ["online", "offline"]
        assert b"offline" in school.broker.retained[contract.topic("c7", "link")]
        school.network.mend()
        await school.until_s(240)
        assert [link["link"] for link in school.bodies("link")] == ["online", "offline", "online"]
        assert len(school.bodies("hello")) == 2

    play(act)


def test_numbers_rise_over_a_reboot_and_the_boot_is_told():
    async def act(school):
        files = Drawer()
        for _ in range(3):
            now_s = school.clock.up_ms() // 1000
            _, task = school.cart([(now_s + 20, "out", 3), (now_s + 30, "in", 3)], files=files)
            await school.until_s(now_s + 40)
            school.carts.remove(task)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert [hello["boot"] for hello in school.bodies("hello")] == [1, 2, 3]
        numbers = [event["seq"] for event in school.bodies("event")]
        assert len(numbers) >= 6
        assert numbers == sorted(set(numbers))
        assert {n // contract.SEQ_PER_BOOT for n in numbers} == {1, 2, 3}

    play(act)


@pytest.mark.parametrize("report_s", [5, 60])
def test_a_snapshot_comes_every_report_s(report_s):
    async def act(school):
        school.cart(changes={"report_s": report_s})
        await school.until_s(10 * report_s + 4)
        times_ms = [at_ms for at_ms, kind, _ in school.heard if kind == "state"]
        assert len(times_ms) == 11
        gaps_ms = [b - a for a, b in pairwise(times_ms[1:])]
        assert all(abs(gap_ms - report_s * 1000) <= 500 for gap_ms in gaps_ms)

    play(act)
