"""A way to the hub that was told from afar: tried, kept when it leads there, given up when not."""

import json
from contextlib import suppress

import pytest

from homeslot.stored import BEFORE, FILE
from homeslot_sim.cart.flash import Flash, PowerCut
from homeslot_sim.cart.rig import Controller, Restarted

from .school import SECRET, play
from .test_nothing_lost import Since

TRY_S = 600


class StartedAgain(Controller):
    """A controller that a program has restarted."""

    def reset_cause(self):
        return "soft"


async def restarted(school, files, task=None):
    """Start the cart again, its time from zero; None: it was never on."""
    if task is not None:
        with pytest.raises(Restarted):
            await task
        school.carts.remove(task)
    return school.cart(files=files, clock=Since(school.clock), system=StartedAgain())


async def told(school, files, **settings):
    """A cart that was on the air, has taken `settings` from its hub and started again."""
    _, task = await restarted(school, files)
    await school.until_s(10)
    school.command(2, "settings", settings=settings)
    await school.until_s(12)
    assert school.bodies("reply")[-1]["ok"]
    school.command(3, "restart")
    return await restarted(school, files, task)


def stored(files):
    return json.loads(files.read(FILE))


def test_a_secret_that_leads_nowhere_is_given_up_and_the_cart_says_so():
    async def act(school):
        files = Flash()
        _, task = await told(school, files, secret="a wrong one", report_s=30)
        assert stored(files)["secret"] == "a wrong one"
        began_s = school.clock.up_ms() // 1000
        hellos = len(school.bodies("hello"))
        _, task = await restarted(school, files, task)
        assert TRY_S <= school.clock.up_ms() // 1000 - began_s <= TRY_S + 10
        assert len(school.bodies("hello")) == hellos
        await school.until_s(began_s + TRY_S + 30)
        assert school.bodies("hello")[-1]["why"] == "settings given up: they led to no hub"
        assert stored(files)["secret"] == SECRET
        assert files.read(BEFORE) is None

    play(act)


def test_a_way_that_leads_to_the_hub_is_kept():
    async def act(school):
        files = Flash()
        _, task = await told(school, files, host="hub.new.example")
        assert files.read(BEFORE) is not None
        await school.until_s(school.clock.up_ms() // 1000 + 30)
        assert files.read(BEFORE) is None
        await school.until_s(school.clock.up_ms() // 1000 + TRY_S + 30)
        assert stored(files)["host"] == "hub.new.example"
        assert not task.done()

    play(act)


def test_on_a_flash_that_takes_no_more_it_goes_on_trying_and_never_ends():
    async def act(school):
        files = Flash()
        _, task = await told(school, files, secret="a wrong one")
        began_s = school.clock.up_ms() // 1000
        await school.until_s(began_s + 10)
        files.full = True
        await school.until_s(began_s + 2 * TRY_S)
        assert not task.done()
        assert stored(files)["secret"] == "a wrong one"

    play(act)


def test_two_changes_in_a_row_go_back_to_the_last_that_led_to_the_hub():
    async def act(school):
        files = Flash()
        await restarted(school, files)
        await school.until_s(10)
        school.command(2, "settings", settings={"host": "one.example"})
        school.command(3, "settings", settings={"secret": "another"})
        await school.until_s(12)
        assert json.loads(files.read(BEFORE))["host"] == "hub"
        assert json.loads(files.read(BEFORE))["secret"] == SECRET
        assert (stored(files)["host"], stored(files)["secret"]) == ("one.example", "another")

    play(act)


def test_what_is_no_part_of_the_way_is_not_tried():
    async def act(school):
        files = Flash()
        await told(school, files, report_s=30)
        assert files.read(BEFORE) is None

    play(act)


def test_a_power_cut_while_a_way_is_told_leaves_the_old_one_or_a_trial_of_the_new():
    async def act(school):
        for bytes_left in range(0, 700, 7):
            files = Flash()
            rig, _ = school.cart(files=files)
            before = stored(files)
            files.bytes_left = bytes_left
            changes = {"host": "one.example"}
            with suppress(PowerCut):
                rig.cart.stored.change(changes, afar=True)
            files.power_up()
            assert stored(files) in (before, {**before, **changes})
            if stored(files) != before:
                assert json.loads(files.read(BEFORE)) == before
        school.carts.clear()

    play(act)
