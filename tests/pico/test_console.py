"""The console of the emulated Pico W: all a cart needs is told there; nobody there holds it up."""

import json
import sys

from homeslot_sim.pico import flash_image

SOON_MS = 15000
FIRST_REPORT_MS = 10000
MISSED_MS = 2000  # no scan later than this
BLANK = dict.fromkeys(["cart", "secret", "host", "wifi_ssid", "wifi_key"], "")


class Console:
    """Someone at the console of `board`, who types a line and reads what comes."""

    def __init__(self, board, number=0):
        self._board = board
        self._number = number

    def said(self, topic):
        """The messages of that topic so far."""
        whole, _, _ = self._board.status.console.rpartition("\n")
        bodies = [json.loads(line) for line in whole.splitlines() if line[:1] + line[-1:] == "{}"]
        return [body for body in bodies if body["topic"] == topic]

    def tell(self, word, **arguments):
        """Give a command; its reply."""
        self._number += 1
        command = {"v": 1, "id": self._number, "cmd": word, **arguments}
        self._board.keys(json.dumps(command).encode() + b"\n")
        answered = lambda: [r for r in self.said("reply") if r["id"] == self._number]  # noqa: E731
        self._board.until(answered, SOON_MS, f"the answer to {word}")
        return answered()[0]

    def restart(self):
        """Have it start again; the number of that boot."""
        resets = self._board.status.resets
        assert self.tell("restart")["ok"]
        self._board.until(lambda: self._board.status.resets > resets, SOON_MS, "the restart")


def test_from_blank_settings_by_the_console_alone_to_the_first_report(board, ear, tmp_path):
    board.save(tmp_path / "flash.img")
    told = json.loads(flash_image.read((tmp_path / "flash.img").read_bytes(), "settings.json"))
    console = Console(board)
    assert console.tell("settings", settings=BLANK)["restart"]
    console.restart()
    board.hub(ear.port)
    unset = "not provisioned: not set is cart, secret, host, wifi_ssid, wifi_key"
    board.until(lambda: unset in board.status.console, SOON_MS, "what it lacks")
    assert console.tell("report")["ok"]
    assert console.said("hello")[0]["settings"]["cart"] == ""
    assert len(console.said("state")[0]["slots"]) == 30
    assert not ear.said("link")

    assert console.tell("settings", settings={name: told[name] for name in BLANK})["ok"]
    console.restart()
    board.until(lambda: ear.said("state"), FIRST_REPORT_MS, "first report")
    assert ear.said("hello")[0]["settings"]["cart"] == told["cart"]
    for secret in ("secret", "wifi_key"):
        assert told[secret] not in board.status.console
        assert secret not in ear.said("hello")[0]["settings"]


def test_a_computer_that_opens_the_port_and_takes_nothing_holds_up_no_scan(online, ear, capsys):
    online.ignore(True)
    shown = len(online.status.console)
    for number in range(1, 5):
        online.keys(b'{"v": 1, "id": %d, "cmd": "report"}\n' % number)
        online.run(2000)
    online.until(lambda: ear.said("diag"), 60000, "diag")
    assert len(online.status.console) - shown < 256, "it is deaf: each report is a kilobyte"
    lag_ms = ear.said("diag")[0]["lag_ms"]
    with capsys.disabled():
        sys.stdout.write(f"\nlatest scan with a deaf computer at the console: {lag_ms} ms\n")
    assert lag_ms <= MISSED_MS
    assert online.status.resets == 0
    online.ignore(False)
    assert Console(online, 100).tell("logs")["ok"]
