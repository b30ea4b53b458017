"""The console of the emulated Pico W: all a cart needs is told there."""

import json

from homeslot_sim.pico import flash_image

SOON_MS = 15000
FIRST_REPORT_MS = 10000
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
