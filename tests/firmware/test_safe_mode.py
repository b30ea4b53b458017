"""Safe mode: reachable by link and console, told its settings, updated; and nothing else."""

import asyncio
import json

import pytest

from homeslot.app.node import Ports
from homeslot.app.safe import Safe
from homeslot.app.update import Update
from homeslot.board import Board
from homeslot.core.signals import SIGNALS
from homeslot.sender import Sender
from homeslot.stored import Stored
from homeslot_sim.cart.rig import Controller, Restarted

from .releases import BOARD as BOARD_ID
from .releases import Side, bundle, flash, started
from .school import BOARD, SECRET, play

HOUR_S = 3600


class Light:
    """The status light, with what it has shown: (at ms, level)."""

    def __init__(self, clock):
        self._clock = clock
        self.shown = []

    def write(self, name, level):
        if name == "buzzer":
            assert level == 0, "in safe mode it makes no noise"
            return
        assert name == "light", "safe mode touches nothing else"
        self.shown.append((self._clock.up_ms(), level))


class Technician:
    """Someone at the serial console, who sends a bundle piece by piece as it is asked for."""

    def __init__(self, clock, data=None):
        self._clock = clock
        self.types = []  # other commands
        self._sender = Sender(data) if data else None
        self._number = 0
        self.refusals = []

    async def read(self, n):
        while not self.types and (self._sender is None or self._sender.done):
            await self._clock.sleep_ms(60000)
        await self._clock.sleep_ms(1000)
        self._number += 1
        body = {"v": 1, "id": self._number}
        if self.types:
            body.update(self.types.pop())
        else:
            body.update({"cmd": "update", **self._sender.arguments()})
        return json.dumps(body).encode() + b"\n"

    def write(self, data):
        if data.startswith(b"{"):
            said = json.loads(data)
            if said["topic"] == "reply" and not said["ok"]:
                self.refusals.append(said["why"])
            elif said["topic"] == "reply" and self._sender:
                self._sender.answered(said)
        return len(data)


def in_safe_mode():
    """The flash of a cart that failed three boots, and its fourth."""
    files = flash()
    settings = {"cart": "c7", "host": "broker", "port": 1883, "secret": SECRET}
    files.write("settings.json", json.dumps(settings).encode())
    for _ in range(4):
        boot = started(files, powered_on=False)
    assert boot.safe
    return files, boot


def safe_cart(school, files, boot, data=None):
    """Start it; its light, and the technician who has the bundle `data` for it."""
    light, technician = Light(school.clock), Technician(school.clock, data)
    ours, theirs = Side(files, boot.side), Side(files, boot.other)
    ports = Ports(
        Board(BOARD),
        Stored(files),
        school.clock,
        light,
        school.network,
        files,
        Controller(),
        serial=technician,
        sides=boot,
        updater=lambda: Update(ours, theirs, boot, BOARD_ID, "0.1.0"),
    )
    cart = Safe(ports, boot)
    school.carts.append(asyncio.create_task(cart.run()))
    return light, technician


def test_it_says_on_the_link_and_by_its_light_that_it_is_in_safe_mode():
    async def act(school):
        files, boot = in_safe_mode()
        light, _ = safe_cart(school, files, boot)
        await school.until_s(30)
        (hello,) = school.bodies("hello")
        assert hello["safe"]
        assert {"report", "settings", "restart", "update"} <= set(hello["abilities"])
        assert school.bodies("diag")
        assert not school.bodies("state"), "what is not sensed is not said"
        violet = next(colour for name, colour, _, _ in SIGNALS if name == "safe")
        assert [colour for _, colour in light.shown][:6] == [violet, 0] * 3

    play(act)


def test_after_an_hour_it_tries_again_by_itself():
    async def act(school):
        files, boot = in_safe_mode()
        safe_cart(school, files, boot)
        with pytest.raises(Restarted):
            await school.until_s(HOUR_S + 10)
        assert HOUR_S - 5 < school.clock.up_ms() / 1000 < HOUR_S + 5
        assert [started(files, False).safe for _ in range(2)] == [False, True]

    play(act)


def test_restart_lets_it_try_at_once():
    async def act(school):
        files, boot = in_safe_mode()
        _, technician = safe_cart(school, files, boot)
        technician.types = [{"cmd": "restart"}]
        with pytest.raises(Restarted):
            await school.until_s(HOUR_S)
        assert school.clock.up_ms() < 10000
        assert not started(files, False).safe

    play(act)


def test_it_is_updated_over_the_console():
    async def act(school):
        files, boot = in_safe_mode()
        _, technician = safe_cart(school, files, boot, bundle())
        with pytest.raises(Restarted):
            await school.until_s(HOUR_S)
        assert technician.refusals == []
        assert school.clock.up_ms() < 60000
        trial = started(files, False)
        assert (trial.side, trial.trial, trial.safe) == ("b", True, False)

    play(act)


def test_in_safe_mode_too_only_what_is_signed_is_taken():
    async def act(school):
        files, boot = in_safe_mode()
        _, technician = safe_cart(school, files, boot, bundle(by="stranger"))
        await school.until_s(30)
        assert set(technician.refusals) == {"the bundle is not signed by a key this cart trusts"}

    play(act)


def test_with_damaged_settings_and_a_full_flash_it_still_listens_on_the_console():
    async def act(school):
        files, boot = in_safe_mode()
        files.write("settings.json", b"{")
        files.write("boot", b"\xff")
        files.full = True
        _, technician = safe_cart(school, files, boot, bundle())
        await school.until_s(30)
        assert "no space" in technician.refusals[0]
        assert school.heard == []

    play(act)
