"""What a cart does with its hands: signals on the light, and looking into itself."""

import pytest

from homeslot.core.signals import SIGNALS, flashes
from homeslot_hardware import boards
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.wire import Wire

from .console import Hand, at_the_console
from .school import play

COLOURS = {name: colour for name, colour, _, _ in SIGNALS}
BOARD = boards.load("pico-w-30")


async def seen(hand, school, ms=4000):
    """What the light shows from now on, as [colour, for how many ms], and the buzzer's levels."""
    light, sound = [], []
    for _ in range(ms // 10):
        colour = hand.rig.body.driven.get("light", 0)
        if not light or light[-1][0] != colour:
            light.append([colour, 0])
        light[-1][1] += 10
        sound.append(hand.rig.body.driven.get("buzzer", 0))
        await school.clock.sleep_ms(10)
    return light, sound


async def colours(hand, school, ms=4000):
    light, _ = await seen(hand, school, ms)
    return {colour for colour, _ in light} - {0}


def test_with_all_home_the_light_is_green_and_with_one_out_it_is_dark():
    async def act(hand, school):
        assert await colours(hand, school) == {COLOURS["home"]}
        await school.until_s(25)
        assert await colours(hand, school) == set()
        await hand.command("settings", settings={"spare_slots": 1})

    at_the_console(act, [(15, "out", 7)])


@pytest.mark.parametrize(
    ("deed", "signal"),
    [(("bank-dies", 2), "fault"), (("link-down",), "no_link"), (("unlock",), None)],
)
def test_what_is_wrong_shows(deed, signal):
    async def act(hand, school):
        await school.until_s(90)
        assert await colours(hand, school) == ({COLOURS[signal]} if signal else set())

    at_the_console(act, [(12, *deed)])


def test_a_wrong_key_shows_as_that_and_is_on_the_console():
    class Locked:
        def __init__(self, network):
            self.access_point = network.access_point

        async def open(self, host, port):
            raise OSError("Wi-Fi school: the key is wrong")

        def trouble(self):
            return "wrong_key"

    async def main(school):
        school.network = Locked(school.network)
        wire = Wire()
        rig, _ = school.cart(serial=wire)
        hand = Hand(school, wire, rig)
        await school.until_s(20)
        assert await colours(hand, school) == {COLOURS["wrong_key"]}
        assert "wrong_key: Wi-Fi school: the key is wrong" in hand.text

    play(main)


def test_a_cart_that_is_not_provisioned_shows_it():
    files = Drawer()
    files.write("settings.json", b"{}")

    async def act(hand, school):
        assert await colours(hand, school) == {COLOURS["blank"]}

    at_the_console(act, files=files)


def test_identify_tells_the_slot_by_long_and_short_flashes_and_ends_by_itself():
    async def act(hand, school):
        assert (await hand.command("identify", slot=23))["ok"]
        await school.until_s(15)
        light, sound = await seen(hand, school, 20000)
        starts = [i for i, (colour, ms) in enumerate(light) if colour == 0 and ms >= 1400]
        round_of = light[starts[0] + 1 : starts[1]]
        assert [ms for _, ms in round_of] == list(flashes(23))[:-1]
        assert {colour for colour, _ in round_of} == {COLOURS["identify"], 0}
        assert not any(sound)
        await school.until_s(48)
        assert await colours(hand, school) == {COLOURS["home"]}

    at_the_console(act)


def test_identify_is_ended_by_0_seconds_and_knows_the_board():
    async def act(hand, school):
        await hand.command("identify", slot=1, for_s=3600)
        assert (await hand.command("identify", slot=1, for_s=0))["ok"]
        await school.until_s(15)
        assert await colours(hand, school) == {COLOURS["home"]}
        reply = await hand.command("identify", slot=31)
        assert (reply["ok"], reply["why"]) == (False, "slot is 31: this board has 1..30")

    at_the_console(act)


def test_the_more_urgent_of_two_signals_is_shown_and_then_the_other():
    async def act(hand, school):
        hand.rig.cart.light.show("update", 10000)
        await hand.command("nudge", for_s=20)
        await school.until_s(14)
        assert await colours(hand, school) == {COLOURS["update"]}
        await school.until_s(24)
        assert await colours(hand, school) == {COLOURS["nudge"]}

    at_the_console(act)


def test_a_nudge_of_the_hub_is_seen_and_heard_until_it_ends():
    async def act(hand, school):
        school.command(7, "nudge", for_s=20)
        await school.until_s(14)
        light, sound = await seen(hand, school)
        assert {colour for colour, _ in light} == {COLOURS["nudge"], 0}
        assert any(sound) and not all(sound)
        await school.until_s(35)
        light, sound = await seen(hand, school)
        assert {colour for colour, _ in light} == {COLOURS["home"], 0}
        assert not any(sound)

    at_the_console(act)


def test_a_scan_finds_every_chip_where_the_board_file_has_it_and_all_inputs():
    async def act(hand, school):
        reply = await hand.command("scan")
        assert reply["ok"]
        chips = {"bus": "70", **{str(c): "" for c in range(8)}}
        for bank in BOARD["banks"]:
            chips[str(bank["channel"])] = "20 40 41 42 43"
        assert reply["chips"] == chips
        assert reply["pins"] == {
            **{"door": 0, "bolt": 0, "mains": 0, "tamper": 0, "bank_interrupt": 1, "button": 1}
        }
        assert reply["lines"] == ["all as the board file says"]
        await school.until_s(60)
        assert school.bodies("event") == [], "nothing was disturbed"
        assert hand.rig.cart.sensors.bus_errors == 0

    at_the_console(act)


def test_a_scan_says_what_is_silent():
    async def act(hand, school):
        await school.until_s(15)
        reply = await hand.command("scan")
        assert reply["chips"]["1"] == ""
        assert reply["lines"] == [
            f"channel 1: 0x{address} does not answer" for address in (20, 40, 41, 42, 43)
        ]

    at_the_console(act, [(12, "bank-dies", 2)])


def test_a_selftest_passes_on_a_cart_that_is_well_and_leaves_nothing_behind():
    files = Drawer()

    async def act(hand, school):
        reply = await hand.command("selftest")
        assert reply["ok"], reply
        assert all(line.startswith("ok ") for line in reply["lines"])
        assert "scratch" not in files.names()

    at_the_console(act, files=files)


def test_a_selftest_says_what_failed():
    async def act(hand, school):
        await school.until_s(90)
        reply = await hand.command("selftest")
        failed = [line for line in reply["lines"] if line.startswith("fail ")]
        assert (reply["ok"], len(failed)) == (False, 3)
        assert reply["why"].startswith("3 of ")
        assert failed[0].startswith("fail bus errors: ")
        assert failed[1].startswith("fail link: no_")
        assert failed[2] == "fail bank 3: faulty"

    at_the_console(act, [(12, "bank-dies", 3), (12, "link-down")])
