"""`homeslot-bench` and the emulated Pico W on a cable: the real console over USB.

What the commands say, and what a cable does to them that is pulled elsewhere than in the middle, is
in tests/hardware, on the same firmware without the wait.
"""

from __future__ import annotations

import io
import json
import threading
from contextlib import closing, redirect_stderr, redirect_stdout

import pytest

import homeslot
from homeslot_hardware.bench import cli
from homeslot_hardware.bench.ports import open_port
from homeslot_sim.pico.flash_image import Image

from ..hardware.plugged import Cable as Lead

STEP_MS = 50
SETTLED_MS = 1000
WAIT_S = "120"  # of wall time: a busy emulated board is slow, on a busy machine slower still


class Cable:
    """The board at a port, with time passing on it while a tool is at work."""

    def __init__(self, board, folder):
        self._board = board
        self._folder = folder
        self._at_work = threading.Event()

    def plug_in(self):
        self.port = self._board.plug_in(self._folder / "port")

    def pull(self):
        self._board.unplug()
        (self._folder / "port").unlink()

    def during(self, work):
        """What `work()` returns; time passes on the board until then."""
        done = threading.Event()

        def live():
            while not done.is_set():
                self._board.run(STEP_MS)

        thread = threading.Thread(target=live)
        thread.start()
        try:
            return work()
        finally:
            done.set()
            thread.join()

    def run(self, *command, status=0):
        """What a command of the bench printed."""
        ended, said = self.ended(*command, port=self.port)
        assert ended == status, said
        return said

    def ended(self, *command, port, wait_s=WAIT_S):
        """How a command at `port` ended, and what it printed."""
        at = [port] if command[0] == "find" else ["--port", port]
        said = io.StringIO()

        def work():
            with redirect_stdout(said), redirect_stderr(said), pytest.raises(SystemExit) as ended:
                cli.main([*map(str, command), *at, "--wait", wait_s])
            return ended.value.code or 0

        return self.during(work), said.getvalue()


def flashed(board, file):
    """What is on the board's flash."""
    board.save(file)
    return Image(file.read_bytes())


def test_the_commands_work_on_the_emulated_board_and_a_line_cut_short_changes_nothing(
    board, tmp_path
):
    cable = Cable(board, tmp_path)
    cable.plug_in()
    cart = f"\tcart-7\tpico-w-30\thomeslot {homeslot.__version__}\n"
    assert cart in cable.run("find")
    assert cable.run("identify", 12) == "slot 12: shown for 30 s\n"
    assert "every chip of the board file answers" in cable.run("scan", "--board", "pico-w-30")
    assert "ok flash: written and read back" in cable.run("selftest", status=3)  # it has no hub
    assert cable.run("logs")

    # A line that lacks nothing but its end is not carried out for whoever comes next.
    before = flashed(board, tmp_path / "before")
    line = b'{"v": 1, "id": 7, "cmd": "settings", "settings": {"report_s": 3600}}'
    with closing(open_port(cable.port)) as port:
        cable.during(lambda: port.write(line))
        board.run(STEP_MS)
    cable.pull()
    cable.plug_in()
    file, same = tmp_path / "cart-7.json", tmp_path / "same.json"
    assert "no secrets" in cable.run("backup", file)
    assert "slot 30\t" in cable.run("watch", "--seconds", "0")
    assert "has these settings already" in cable.run("restore", file, "--yes")
    same.write_text(json.dumps({"host": json.loads(before.read("settings.json"))["host"]}))
    assert cable.run("provision", "--from", same, "--yes") == "cart-7: provisioned\n"
    assert "report_s\t30\t" in cable.run("settings")
    after = flashed(board, tmp_path / "after")
    assert after.read("settings.json") == before.read("settings.json")


COMMANDS = (
    "find",
    "settings",
    "settings report_s=45 keep_alive_s=60",
    "logs",
    "scan",
    "identify 12",
    "selftest",
    "watch --seconds 0",
    "provision --from given.json --yes",
    "backup backup.json --yes",
    "restore given.json --yes",
    "restart",
    "flash --yes",
    "update new.bundle",
)
BEGUN = {"selftest": 3}  # it has no hub
PULLED_WAIT_S = "20"


def kept(board, folder):
    """What is on the flash that a command may change, and the whole of the side that runs."""
    image = flashed(board, folder / "flash")
    boot = json.loads(image.read("boot.json"))
    files = {name: image.read(name) for name in ("settings.json", "board.json", "ca.pem")}
    return {**files, "side": boot["side"], "trial": boot["stage"], **image.tree(boot["side"])}


def once(typed):
    """What was typed without what was said again to a board that was slow to answer."""
    lines = typed.splitlines(keepends=True)
    asked = [line for line in lines if b'"cmd": "report"' in line]
    return b"".join(line for line in lines if line not in asked[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_cable_pulled_in_the_middle_of_a_command_leaves_the_board_as_it_was(
    booted, release, tmp_path, monkeypatch, command
):
    """Or as the command was to leave it: never between."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given.json").write_text('{"host": "10.0.0.9", "report_s": 50}')
    (tmp_path / "new.bundle").write_bytes(release("0.9.1"))
    words = command.split()
    with booted.board() as board:
        cable = Cable(board, tmp_path)
        before = kept(board, tmp_path)
        cable.plug_in()
        with Lead(cable, 1 << 30) as lead:
            ended, said = cable.ended(*words, port=lead.port)
        assert ended == BEGUN.get(command, 0), said
        cable.pull()
        board.run(SETTLED_MS)
        after = kept(board, tmp_path)
    with booted.board() as board:
        cable = Cable(board, tmp_path)
        cable.plug_in()
        middle = len(once(lead.typed)) // 2
        with Lead(cable, middle) as half:
            ended, said = cable.ended(*words, port=half.port, wait_s=PULLED_WAIT_S)
        assert half.carried == middle, "it ended before the cable was pulled"
        assert ended == 1, said
        cable.pull()
        cable.plug_in()
        assert "cart-7" in cable.run("find")
        assert kept(board, tmp_path) in (before, after)
