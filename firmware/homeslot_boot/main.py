"""Starts the side of the flash whose turn it is.

`main.py` on the flash says `from homeslot_boot.main import main` and `main()`.
"""

import gc
import os
import sys

import machine

from homeslot_boot.boot import Boot

TRIAL_MS = 600000  # a firmware on trial that is not healthy by then is given up
WATCHDOG_MS = 8388  # all an RP2040 can do (ports/rp2/machine_wdt.c)
# Garbage collected this often leaves its room to what is loaded next, and firmware and free memory
# come to lie in one piece each. Without, the emulated board had 83 kB free, none of it in a piece
# over 2 kB, and TLS wants 17 kB in one.
COLLECT_BYTES = 16384
AFTER_DEFECT_MS = 3000  # for the console to say what it was


class Root:
    """The one file of the flash that is kept here; the sides have their own ways."""

    def read(self, name: str):
        """The content of file `name` (bytes); None when it cannot be read."""
        try:
            with open("/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replace file `name` whole or not at all: littlefs renames in one step."""
        with open("/" + name + ".new", "wb") as file:
            file.write(data)
        os.rename("/" + name + ".new", "/" + name)


def main() -> None:
    """Run the firmware until it ends. A defect in it starts the board again.

    A firmware on trial is not trusted with its own trial: the watchdog runs before the first line
    of it, and a timer of ours ends the trial.
    """
    gc.threshold(COLLECT_BYTES)
    boot = Boot(Root())
    boot.begin(machine.reset_cause() == machine.PWRON_RESET)
    if boot.trial:
        machine.WDT(timeout=WATCHDOG_MS)
        boot.limit = machine.Timer(  # held on to: the collector would end it
            mode=machine.Timer.ONE_SHOT,
            period=TRIAL_MS,
            callback=lambda timer: boot.trial and machine.reset(),
        )
    sys.path.insert(0, "/" + boot.side)
    try:
        from homeslot_pico.main import main as run

        run(boot)
    except KeyboardInterrupt:
        raise  # someone at the console; the watchdog sees to it, if it runs
    except BaseException:
        machine.WDT(timeout=AFTER_DEFECT_MS)
        raise
