"""The serial console: commands in, replies out, and what is neither."""

import json
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.app.console import LONGEST, Lines
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import Controller, Restarted
from homeslot_sim.cart.wire import Wire

from ..system.tls import good
from .console import Hand, at_the_console
from .school import START_S, play


@given(lines=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b""))), data=st.data())
def test_lines_come_out_as_they_went_in_however_they_are_cut(lines, data):
    stream = b"".join(line + b"\n" for line in lines)
    reader, got = Lines(longest=20), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += reader.feed(stream[:size])
        stream = stream[size:]
    assert got == [None if len(line) > 20 else line.rstrip(b"\r") for line in lines]


def test_the_console_and_the_hub_give_the_same_commands():
    async def act(hand, school):
        reply = await hand.command("time", at_s=START_S + 1000)
        assert (reply["ok"], reply["why"]) == (True, "")
        assert reply["at_s"] == START_S + 1000
        school.command(7, "report")
        await school.until_s(12)
        assert school.bodies("state")[-1]["at_s"] >= START_S + 1000
        assert [reply["id"] for reply in hand.said("reply")] == [101]
        assert 101 not in [reply["id"] for reply in school.bodies("reply")]

    at_the_console(act)


def test_a_report_at_the_console_says_all_there_is_to_say():
    async def act(hand, school):
        states = len(school.bodies("state"))
        assert (await hand.command("report"))["ok"]
        hello, state, diag = (hand.said(kind)[-1] for kind in ("hello", "state", "diag"))
        assert hello["settings"]["cart"] == "c7"
        assert "report" in hello["abilities"]
        assert len(state["slots"]) == 30
        assert diag["bus_errors"] == 0
        assert len(school.bodies("state")) == states, "the hub has not asked"

    at_the_console(act)


@pytest.mark.parametrize(
    ("line", "number", "why"),
    [
        (b"{}", 0, "console: v is missing"),
        (b'{"v": 1, "id": 5, "cmd": "explode"}', 5, "console: cmd is 'explode'"),
        (b'{"v": 1, "id": 6, "cmd": "time"}', 6, "console: at_s is missing for time"),
        (b'{"v": 1, "id": -1, "cmd": "report"}', 0, "console: id is -1"),
        (b'{"v": 1,', 0, "console: payload is not JSON"),
        (b"{\xff\xfe}", 0, "console: payload is not JSON"),
        (b"{" * (LONGEST - 1), 0, "console: payload is not JSON"),
        (b"{" * LONGEST, 0, "line: is over 4096 bytes"),
        (b"x" * 100000, 0, "line: is over 4096 bytes"),
    ],
)
def test_a_broken_command_is_answered_by_one_reply_that_says_why(line, number, why):
    async def act(hand, school):
        hand.wire.type(line + b"\r\n")
        await school.until_s(12)
        (reply,) = hand.said("reply")
        assert (reply["id"], reply["ok"]) == (number, False)
        assert reply["why"].startswith(why)
        assert (await hand.command("logs"))["ok"], "the next line is heard as ever"

    at_the_console(act)


def test_what_is_no_command_is_left_alone():
    async def act(hand, school):
        hand.wire.type(b"help\r\n\r\n~frame\r\n\xff\xfe\r\n")
        await school.until_s(12)
        assert hand.said("reply") == []
        assert (await hand.command("logs"))["ok"]

    at_the_console(act)


def test_settings_are_changed_kept_and_shown_but_for_the_secrets():
    files = Drawer()

    async def act(hand, school):
        reply = await hand.command("settings", settings={"report_s": 5})
        assert (reply["ok"], reply["restart"]) == (True, True)
        reply = await hand.command("settings", settings={"report_s": 60})
        assert (reply["ok"], reply["restart"]) == (True, False)
        change = {"wifi_key": "hunter22", "secret": "s3cret", "host": "10.1.1.1"}
        assert (await hand.command("settings", settings=change))["restart"]
        assert json.loads(files.read("settings.json")).items() >= change.items()
        await hand.command("report")
        await hand.command("logs")
        shown = hand.said("hello")[-1]["settings"]
        assert shown["host"] == "hub", "in force is what it started with"
        assert not {"wifi_key", "secret"} & set(shown)
        assert "hunter22" not in hand.text and "s3cret" not in hand.text

    at_the_console(act, files=files)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"report_s": 1}, "report_s is 1, allowed 5..3600 s"),
        ({"report_s": 60, "colour": "red"}, "colour: no such setting; there are cart, secret"),
        ({"wifi_key": "short"}, "wifi_key is wrong, allowed 8..63 characters"),
        ({"cart": "Cart 7"}, "cart is 'Cart 7', allowed 1..32 of a-z, 0-9 and -"),
    ],
)
def test_a_setting_that_is_wrong_is_refused_and_none_is_changed(change, why):
    files = Drawer()

    async def act(hand, school):
        before = files.read("settings.json")
        reply = await hand.command("settings", settings=change)
        assert (reply["ok"], reply["why"][: len(why)]) == (False, why)
        assert files.read("settings.json") == before

    at_the_console(act, files=files)


def test_a_cart_without_settings_senses_listens_and_says_what_it_lacks():
    async def act(hand, school):
        assert school.heard == []
        assert "not provisioned: not set is cart, secret, host" in hand.text
        await hand.command("report")
        assert len(hand.said("state")[-1]["slots"]) == 30

    files = Drawer()
    files.write("settings.json", b"{}")
    at_the_console(act, files=files)


def test_from_blank_settings_to_the_first_report_by_the_console_alone():
    files = Drawer()
    files.write("settings.json", b"broken")

    async def main(school):
        wire = Wire()
        rig, first = school.cart(serial=wire, files=files)
        hand = Hand(school, wire, rig)
        await school.until_s(5)
        told = {"cart": "c7", "secret": "right", "host": "hub", "wifi_key": "hunter22"}
        assert (await hand.command("settings", settings=told))["restart"]
        assert (await hand.command("restart"))["ok"]
        with pytest.raises(Restarted):
            await first
        school.carts.clear()
        school.cart(serial=wire, files=files)
        await school.until_s(school.clock.up_ms() // 1000 + 10)
        assert school.bodies("state")
        assert "hunter22" not in hand.text and "right" not in hand.text

    play(main)


def test_only_the_console_may_ask_for_the_repl():
    files = Drawer()

    async def act(hand, school):
        school.command(7, "restart", mode="repl")
        await school.until_s(12)
        assert school.bodies("reply")[-1]["why"] == "mode: repl is for the console only"
        assert (await hand.command("restart", mode="repl"))["ok"]
        assert files.read("repl") == b"1"

    at_the_console(act, files=files)


def test_the_log_fits_into_a_reply_to_the_hub_whatever_it_holds():
    async def act(hand, school):
        for i in range(60):
            hand.rig.cart.log.say(f"{i} " + 'quoted: "' * 20)
        school.command(7, "logs")
        await school.until_s(12)
        lines = school.bodies("reply")[-1]["lines"]
        assert lines == hand.rig.cart.log.lines[-len(lines) :]
        assert len(lines) > 25
        assert school.bodies("hello")[-1]["boot"] == 1

    at_the_console(act)


class Fed(Controller):
    """A controller with a watchdog: when it was last fed."""

    def __init__(self, clock):
        self._clock = clock
        self.fed_ms = 0

    def feed_watchdog(self):
        self.fed_ms = self._clock.up_ms()


def test_a_listener_who_takes_nothing_holds_nobody_up():
    async def main(school):
        wire = Wire(room=0)
        system = Fed(school.clock)
        rig, _ = school.cart(serial=wire, changes={"report_s": 5}, system=system)
        await school.until_s(10)
        for _ in range(50):
            wire.type(b'{"v": 1, "id": 3, "cmd": "report"}\n')
        wire.room = 1
        await school.clock.sleep_ms(1)
        wire.room = 0
        for _ in range(120):
            rig.cart.log.say("somebody may read this")
            await school.clock.sleep_ms(1000)
        assert school.clock.up_ms() - system.fed_ms < 3000
        assert rig.cart.console.dropped > 0
        assert len(school.bodies("state")) >= 9
        wire.room = 64
        assert (await Hand(school, wire, rig).command("logs"))["ok"]

    play(main)


def test_the_ca_is_given_at_the_console_and_what_is_none_is_refused(tmp_path):
    text = good(tmp_path).ca.read_text()
    der = "".join(text.splitlines()[1:-1])
    files = Drawer()

    async def act(hand, school):
        assert (await hand.command("ca", data=f"{der},{der}"))["ok"]
        assert ssl.PEM_cert_to_DER_cert(text) == ssl.PEM_cert_to_DER_cert(_first(files))
        assert files.read("ca.pem").count(b"BEGIN") == 2
        for wrong in ("AAAA", "no base64", ""):
            reply = await hand.command("ca", data=wrong)
            assert not reply["ok"]
            assert "ca.pem" in reply["why"]
        assert files.read("ca.pem").count(b"BEGIN") == 2

    at_the_console(act, files=files)


def _first(files):
    return files.read("ca.pem").decode().partition("-----END")[0] + "-----END CERTIFICATE-----\n"
