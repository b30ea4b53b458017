"""`homeslot-bench` and the emulated Pico W on a cable: the real console over USB.

What the commands say is in tests/hardware, on the same firmware without the wait. Here is one
session, as each start of the board is dear.
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

STEP_MS = 50
WAIT_S = "120"  # of wall time: a busy emulated board is slow, on a busy machine slower still


class Cable:
    """The board at a port, with time passing on it while a tool is at work."""

    def __init__(self, board, folder):
        self._board = board
        self._folder = folder
        self._plugs = 0
        self._at_work = threading.Event()

    def plug_in(self):
        self._plugs += 1
        self.port = self._board.plug_in(self._folder / f"port{self._plugs}")

    def pull(self):
        self._board.unplug()

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
        at = [self.port] if command[0] == "find" else ["--port", self.port]
        out, err = io.StringIO(), io.StringIO()

        def work():
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                cli.main([*map(str, command), *at, "--wait", WAIT_S])
            return ended.value.code

        assert self.during(work) == status, err.getvalue()
        return out.getvalue() + err.getvalue()


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
