"""Every command of the bench on a cart at a serial port, and a cable that is pulled meanwhile."""

import json
import os
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from homeslot_hardware import boards
from homeslot_hardware.bench.client import Client
from homeslot_hardware.bench.ports import open_port
from homeslot_sim.terminal import Terminal

from .plugged import SECRET, WAIT_S, Cable, Plugged

KEY = "a key of some length"
TOOL = [sys.executable, "-m", "homeslot_hardware.bench.cli"]


@pytest.fixture
def cart():
    with Plugged() as cart:
        yield cart


@pytest.fixture
def bench(run, cart):
    """Runs a command on the cart; what it printed."""

    def bench(*command, status=0):
        ended = run(*command, "--port", cart.port, "--wait", WAIT_S)
        assert ended.status == status, ended.err
        return ended.out + ended.err

    return bench


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


def stored(cart):
    return json.loads(cart.files.read("settings.json"))


def typed(cart, *command, said, folder=None):
    """The tool with `said` on its stdin; its exit status and all it printed."""
    done = subprocess.run(
        [*TOOL, *command, "--port", cart.port, "--wait", str(WAIT_S)],
        cwd=folder,
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_find_says_which_cart_is_at_the_port(run, cart):
    ended = run("find", cart.port, "--wait", WAIT_S)
    assert ended.status == 0
    assert rows(ended.out)[1] == [cart.port, "", "cart-7", "pico-w-30", "homeslot 0.1.0"]


def test_a_cart_in_safe_mode_is_found_and_set_up_and_says_what_it_cannot(run):
    with Plugged(safe=True) as cart:
        at = ["--port", cart.port, "--wait", WAIT_S]
        found = rows(run("find", cart.port, "--wait", WAIT_S).out)[1]
        assert found[4] == "homeslot 0.1.0, in safe mode"
        assert "in safe mode and senses nothing" in run("watch", *at).err
        assert run("settings", "report_s=30", *at).status == 0
        assert stored(cart)["report_s"] == 30
        assert run("scan", "--board", "pico-w-30", *at).err.startswith("the cart refuses scan")


def test_scan_finds_nothing_wrong_with_a_sound_cart(bench):
    said = bench("scan")
    assert ["channel 1, bank 2", "0x20 0x40 0x41 0x42 0x43"] in rows(said)
    assert said.endswith("every chip of the board file answers\n")


def test_scan_names_the_wire_of_a_bank_that_is_silent(bench, cart):
    cart.do(lambda rig: rig.body.apply("bank-dies", [2]))
    said = bench("scan", status=3)
    assert "bank 2 (slots 11 to 20): none of its 5 chips answers" in said
    assert "  look at bus W3 blue, MUX SD1 to BANK2 SDA" in said


@pytest.mark.parametrize(
    ("channel", "what", "look"),
    [
        (None, "the bus: SDA or SCL is held low before the mux", "bus W1 blue, PICO pin 6 (GP4"),
        (1, "held low behind channel 1", "bus W3 blue, MUX SD1 to BANK2 SDA"),
    ],
)
def test_scan_says_which_wires_are_held_low(bench, cart, channel, what, look):
    cart.do(lambda rig: rig.body.bus.hold_sda(channel))
    said = bench("scan", status=3)
    assert what in said and look in said
    assert "bank 1 (" not in said and "bank 3 (" not in said


def test_scan_names_a_chip_that_is_dead_and_compares_with_the_board_it_is_told(
    bench, cart, tmp_path
):
    cart.do(lambda rig: rig.body.bus.kill(0x41, 0))
    assert "the INA3221 at 0x41 does not answer: slots 4 to 6 are unm" in bench("scan", status=3)
    mine = boards.load("pico-w-30")
    del mine["banks"][2]
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(mine))
    assert "bank 3" not in bench("scan", "--board", file, status=3)


def test_identify_shows_a_slot_and_no_other_than_there_is(bench):
    assert bench("identify", 12) == "slot 12: shown for 30 s\n"
    assert bench("identify", 12, "--seconds", 0) == "slot 12: no longer shown\n"
    assert "the cart refuses identify: " in bench("identify", 31, status=1)


def test_selftest_says_what_is_well_and_what_is_not(bench):
    said = bench("selftest", status=3)
    assert "of 10 checks failed" in said


def test_watch_prints_every_slot_and_then_what_changes(bench, cart):
    cart.do(lambda rig: rig.body.apply("out", [12]))
    said = rows(bench("watch", "--seconds", "0"))
    assert [row[0] for row in said[:30]] == [f"slot {n}" for n in range(1, 31)]
    assert ["door", "closed"] in said


def test_settings_are_listed_with_their_range_and_without_secrets(bench):
    said = bench("settings")
    assert ["report_s", "60", "60", "5..3600 s"] in rows(said)
    assert ["secret", "not shown", "", "1..128 characters"] in rows(said)
    assert SECRET not in said and KEY not in said


def test_a_setting_is_changed_and_kept(bench, cart):
    assert ["report_s", "60", "30"] in rows(bench("settings", "report_s=30"))
    assert stored(cart)["report_s"] == 30
    assert ["report_s", "30", "60", "5..3600 s"] in rows(bench("settings"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("report_s=3", "report_s is 3, allowed 5..3600 s"),
        ("report_s=often", "report_s is often, allowed is a number"),
        ("report_s", "allowed is NAME=VALUE"),
        ("reports=3", "reports: no such setting"),
        ("secret=0123456789abcdef", "secret is a secret: homeslot-bench provision asks for it"),
    ],
)
def test_a_setting_no_cart_takes_is_refused_before_it_is_sent(bench, cart, change, why):
    before = cart.kept()
    assert why in bench("settings", change, status=2)
    assert cart.kept() == before


def test_logs_say_who_changed_what(bench, cart):
    with closing(open_port(cart.port)) as port:
        Client(port, WAIT_S).ask("settings", settings={"report_s": 30})
    assert "settings changed by console: report_s" in bench("logs")


def test_restart_waits_until_the_cart_is_back(bench, cart):
    assert bench("restart") == "cart-7: back\n"
    assert cart.starts == 2


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 1883), ("192.0.2.7", 8883)])
def test_what_cart_add_shows_is_what_provision_takes(cart, tmp_path, host, port):
    """Beyond loopback the hub speaks TLS, and names the file with its CA."""
    homeslot = str(Path(sys.executable).parent / "homeslot")
    who = ["--number", "2", "--room", "Room 2", "--teacher", "Bo Ek <bo@x.org>"]
    for command in (["init", "--host", host], ["cart", "add", "cart-2", *who]):
        shown = subprocess.run(
            [homeslot, *command], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
    before = cart.kept()
    status, said = typed(cart, "provision", "--from", "-", said=shown, folder=tmp_path)
    assert (status, said) == (2, "this is cart-7: to make it cart-2 say --yes\n")
    assert cart.kept() == before
    status, said = typed(cart, "provision", "--from", "-", "--yes", said=shown, folder=tmp_path)
    assert (status, said) == (0, "cart-2: provisioned\n")
    now = stored(cart)
    assert (now["cart"], now["host"], now["port"]) == ("cart-2", host, port)
    assert now["secret"] != SECRET and now["secret"] in shown
    assert now["wifi_key"] == KEY
    assert cart.starts == 2
    is_loopback = host == "127.0.0.1"
    assert now["tls"] == (not is_loopback)
    assert (cart.files.read("ca.pem") is None) == is_loopback


def test_provision_asks_at_a_terminal_and_shows_no_secret(cart):
    answers = {
        "cart": "cart-9",
        "secret": "another secret, quite long",
        "host": "10.0.0.5",
        "port": "",
        "wifi_ssid": "annex",
        "wifi_key": "",
        "Make it cart-9?": "y",
    }
    with closing(Terminal()) as desk:
        tty = os.open(desk.name, os.O_RDWR | os.O_NOCTTY)
        command = [*TOOL, "provision", "--port", cart.port, "--wait", str(WAIT_S)]
        tool = subprocess.Popen(command, stdin=tty, stdout=tty, stderr=tty, start_new_session=True)
        os.close(tty)
        said = ""
        for prompt, answer in answers.items():
            # What is typed before the last space is there may be flushed: the echo goes off first.
            while prompt not in said or not said.endswith(("]: ", "): ")):
                assert select.select([desk], [], [], WAIT_S)[0], f"no {prompt} in {said!r}"
                said += desk.take(4096).decode()
            shown, said = said, ""
            desk.give(f"{answer}\n".encode())
            assert answers["secret"] not in shown
        assert tool.wait(WAIT_S) == 0
    now = stored(cart)
    assert (now["cart"], now["secret"]) == ("cart-9", answers["secret"])
    assert (now["host"], now["port"], now["wifi_ssid"]) == ("10.0.0.5", 1883, "annex")
    assert now["wifi_key"] == KEY


def test_a_backup_has_every_setting_but_the_secrets_and_restores_what_was_changed(
    bench, cart, tmp_path
):
    file = tmp_path / "cart-7.json"
    assert "no secrets" in bench("backup", file)
    assert SECRET not in file.read_text() and KEY not in file.read_text()
    before = stored(cart)
    bench("settings", "report_s=30", "host=elsewhere")
    said = bench("restore", file, "--yes")
    assert ["host", "elsewhere", "hub.school.example"] in rows(said)
    assert stored(cart) == {**before, "report_s": 60}
    assert bench("restore", file, "--yes") == "the cart has these settings already\n"


def test_a_backup_of_another_cart_wants_that_carts_secret(bench, cart, tmp_path):
    file, secrets = tmp_path / "cart-8.json", tmp_path / "secrets.json"
    file.write_text(json.dumps({"settings": {"cart": "cart-8", "report_s": 40}}))
    before = cart.kept()
    status, said = typed(cart, "restore", str(file), "--yes", said="")
    assert (status, cart.kept()) == (2, before)
    assert "another secret is needed with it: --from FILE" in said
    secrets.write_text(json.dumps({"secret": "the secret of cart 8"}))
    bench("restore", file, "--from", secrets, "--yes")
    assert stored(cart)["secret"] == "the secret of cart 8"
    assert stored(cart)["wifi_key"] == KEY


def test_restore_asks_before_it_changes_anything(cart, tmp_path):
    file = tmp_path / "cart-7.json"
    file.write_text(json.dumps({"settings": {"report_s": 40}}))
    before = cart.kept()
    status, said = typed(cart, "restore", str(file), said="n\n")
    assert (status, cart.kept()) == (1, before)
    assert "Change them?" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing of the kind", "neither JSON nor what homeslot cart add shows"),
        ("{", "is not JSON"),
        ('{"settings": 3}', "the settings are no JSON object"),
        ('{"port": 70000}', "port is 70000, allowed 1..65535"),
        ('{"wifi_key": "short"}', "wifi_key is wrong, allowed 8..63"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused_and_no_secret_of_it_shown(
    bench, cart, tmp_path, text, why
):
    file = tmp_path / "given"
    file.write_text(text)
    before = cart.kept()
    for command in (["provision", "--from", file], ["restore", file, "--yes"]):
        assert why in bench(*command, status=2)
    assert cart.kept() == before


def test_a_ca_that_is_none_is_refused_before_the_cart_is_touched(bench, cart, tmp_path):
    file = tmp_path / "ca.pem"
    before = cart.kept()
    for text in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        file.write_text(text)
        assert "is no certificate in PEM" in bench("provision", "--ca", file, status=2)
    assert cart.kept() == before


PULLED = (
    ["find"],
    ["settings"],
    ["settings", "report_s=30", "keep_alive_s=60"],
    ["logs"],
    ["scan"],
    ["identify", "12"],
    ["watch", "--seconds", "0"],
    ["provision", "--from", "given.json", "--yes"],
    ["backup", "backup.json", "--yes"],
    ["restore", "given.json", "--yes"],
    ["restart"],
)


@pytest.mark.parametrize("command", PULLED, ids=" ".join)
def test_a_cable_pulled_in_the_middle_leaves_the_cart_as_it_was(
    run, tmp_path, monkeypatch, command
):
    """Or as it was to be, where the command had gone through whole: never between."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given.json").write_text('{"host": "10.0.0.9", "secret": "another, as long"}')

    def through(cable, wait_s):
        with cable:
            at = [cable.port] if command[0] == "find" else ["--port", cable.port]
            return run(*command, *at, "--wait", wait_s)

    with Plugged() as cart:
        before = cart.kept()
        whole = Cable(cart, 1 << 20)
        assert through(whole, WAIT_S).status == 0
        after = cart.kept()
    with Plugged() as cart:
        assert cart.kept() == before
        for eighths in range(8):
            ended = through(Cable(cart, whole.carried * eighths // 8), 0.2)
            assert ended.status == 1
            with closing(open_port(cart.port)) as port:
                assert Client(port, WAIT_S).report()["hello"]["boot"] == cart.starts
            assert cart.kept() in (before, after)
