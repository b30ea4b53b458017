"""What is said of a port that leads to no cart: a line, an exit status, and what to do about it."""

import os
import subprocess
import sys
from contextlib import closing

import pytest

from homeslot_hardware.bench import desk
from homeslot_hardware.bench.client import Client
from homeslot_hardware.bench.ports import open_port
from homeslot_hardware.bench.problems import NoCart, NoPort, Unplugged
from homeslot_sim.terminal import Terminal

COMMANDS = (
    ["scan"],
    ["watch"],
    ["identify", "3"],
    ["selftest"],
    ["logs"],
    ["flash", "--yes"],
)


@pytest.fixture
def terminal():
    with closing(Terminal()) as terminal:
        yield terminal


class Impatient:
    """A clock that is past every deadline at the second look."""

    def __init__(self):
        self.now_s = 0

    def __call__(self):
        self.now_s += 1000
        return self.now_s


@pytest.mark.parametrize("command", COMMANDS)
def test_a_port_that_is_not_there_is_said_to_be_none_and_how_to_find_one(run, tmp_path, command):
    ended = run(*command, "--port", tmp_path / "ttyACM9")
    assert ended.status == 1
    assert "there is no such port: homeslot-bench find" in ended.err


def test_a_port_that_another_program_has_is_said_to_be_taken(terminal):
    with closing(open_port(terminal.name)), pytest.raises(NoPort, match="another program has it"):
        open_port(terminal.name)


def test_a_silent_port_is_no_cart(terminal):
    with closing(open_port(terminal.name)) as port:
        client = Client(port, now_s=Impatient())
        with pytest.raises(NoCart, match="no answer within 10 s; homeslot-bench flash makes"):
            client.ask("report")


def test_micropython_without_homeslot_is_called_that_at_its_prompt(terminal):
    with closing(open_port(terminal.name)) as port:
        client = Client(port)
        terminal.give(b"MicroPython v1.27.0 on 2025-12-09\r\n>>> ")
        with pytest.raises(NoCart, match="MicroPython is there, and homeslot does not run on it"):
            client.ask("report")


def test_a_cable_that_is_pulled_is_said_to_be_that():
    terminal = Terminal()
    with closing(open_port(terminal.name)) as port:
        client = Client(port)
        terminal.close()
        with pytest.raises(Unplugged, match="was unplugged"):
            client.ask("report")


def test_lines_that_are_no_messages_are_text_for_people(terminal):
    heard = []
    with closing(open_port(terminal.name)) as port:
        client = Client(port, on_text=heard.append)
        for line in (b"3: Wi-Fi school: the key is wrong", b"{}", b'{"topic": "reply"}', b"{["):
            terminal.give(line + b"\r\n")
        while len(heard) < 4:
            assert client.messages() == []
    assert heard[0] == "3: Wi-Fi school: the key is wrong"


def test_find_lists_what_each_port_says_and_ends_with_1_where_none_is_a_cart(run, terminal):
    ended = run("find", terminal.name, "/dev/none", "--wait", "0.1")
    assert ended.status == 1
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert rows[0] == ["port", "serial number", "cart", "board", "what it says"]
    assert rows[1][0] == terminal.name
    assert rows[1][4].startswith("no answer within 0.1 s")
    assert rows[2][4].startswith("there is no such port")


@pytest.mark.parametrize("adapter", sorted(desk.ADAPTERS))
def test_an_adapter_that_is_not_there_is_said_in_one_line(adapter):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BLINKA_")}
    command = ["scan", "--adapter", adapter, "--board", "pico-w-30", "--bank", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "homeslot_hardware.bench.cli", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{adapter}: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_scan_on_a_desk_needs_to_know_the_board(run):
    ended = run("scan", "--adapter", "pi")
    assert ended.status == 2
    assert "--adapter needs --board: " in ended.err
