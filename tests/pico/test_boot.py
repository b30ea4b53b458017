"""What starts first, on the emulated Pico W, with firmwares of a few lines on the two sides."""

import json

import pytest

from homeslot_hardware import firmware
from homeslot_sim.pico import flash_image, uf2
from homeslot_sim.pico.emulator import Pico

IDLE = "import time\nwhile True:\n    time.sleep(1)\n"
HEALTHY = 'def main(boot):\n    print("old", boot.safe)\n'
TRIAL = 'def main(boot):\n    print("new", boot.side, boot.trial)\n'
CONFIRMS = TRIAL + "    boot.confirm()\n"
CRASHES = TRIAL + '    raise ValueError("no good")\n'
DOES_NOT_LOAD = "import nothing_of_that_name\n"
HANGS = TRIAL + "    import time\n    time.sleep(100)\n"
WAITS = (
    TRIAL
    + "    import machine, time\n    dog = machine.WDT(timeout=8000)\n"
    + ("    while True:\n        dog.feed()\n        time.sleep(1)\n")
)


@pytest.fixture(scope="module")
def starter():
    return firmware.compiled(firmware.source(), firmware.BOOT_PACKAGES)


@pytest.fixture
def pico(starter):
    """`pico(a, b, **record)`: a board with the `main` of both sides and, if any, a boot.json."""

    def pico(a, b, **record):
        files = {"main.py": firmware.MAIN, **starter}
        for side, text in (("a", a), ("b", b)):
            files[f"{side}/homeslot_pico/main.py"] = text.encode()
        if record:
            whole = {"side": "a", "stage": 0, "failed": 0, "tried": "", "gave_up": "", **record}
            files["boot.json"] = json.dumps(whole).encode()
        return Pico(uf2.find(), flash_image.image(files, {}, {}))

    return pico


def says(board, text, within_ms, times=1):
    board.run_until(lambda: board.console.text.count(text) >= times, within_ms)


def record(board):
    return json.loads(flash_image.read(board.files, "boot.json"))


ORDERED = {"side": "b", "stage": 1, "tried": "0.2.0"}


@pytest.mark.parametrize(
    ("new", "within_ms"),
    [(CRASHES, 6000), (DOES_NOT_LOAD, 6000), (HANGS, 12000), (WAITS, 620000)],
    ids=["crashes", "does not load", "hangs", "never proves itself"],
)
def test_a_firmware_on_trial_that_is_not_confirmed_is_given_up_by_itself(pico, new, within_ms):
    board = pico(HEALTHY, new, **ORDERED)
    says(board, "old False", within_ms)
    assert board.resets == 1
    assert "new b True" in board.console.text or new == DOES_NOT_LOAD
    assert (record(board)["side"], record(board)["gave_up"]) == ("a", "0.2.0")


def test_a_firmware_on_trial_that_is_confirmed_stays(pico):
    board = pico(HEALTHY, CONFIRMS, **ORDERED)
    says(board, ">>>", 3000)
    board.cut_power()
    says(board, "new b False", 3000)
    assert record(board)["side"] == "b"


def test_the_fourth_start_after_three_crashes_is_in_safe_mode(pico):
    board = pico(HEALTHY + '    if not boot.safe:\n        raise ValueError("x")\n', IDLE)
    says(board, "old True", 20000)
    assert board.console.text.count("old False") == 3
    assert board.resets == 3
