"""Acceptance: a day on the MicroPython interpreter with hourly link losses, and nothing stuck.

24 hours of the whole firmware on simulated chips. Time that is computed with is real, and counts as
on a controller as fast as this machine; all other time is jumped over.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from homeslot_hardware import boards
from homeslot_sim.runtimes import micropython

HEAP = "288k"
HOUR_S = 3600
SCAN_MS = 2000  # twice the usual: half the work
WATCHDOG_MS = 8388
LATE_MS = 2000
WITHIN_S = 1800  # a minute on an idle machine


def hourly():
    """Each hour the link is lost for 30 s to 40 minutes, and two devices go and come meanwhile."""
    deeds = []
    for hour in range(24):
        lost_s, pair = hour * HOUR_S + 600, [hour % 15 + 1, hour % 15 + 16]
        deeds += [
            [lost_s * 1000, "link-down", []],
            [(lost_s + 10) * 1000, "out", pair],
            [(lost_s + 20) * 1000, "in", pair],
            [(lost_s + 30 + hour * 100) * 1000, "link-up", []],
        ]
    return deeds


def test_a_day_with_hourly_link_losses_leaves_memory_flat_and_every_task_alive(tmp_path, capsys):
    micropython.compile_cart(tmp_path)
    (tmp_path / "flash").mkdir()
    plan = {
        "cart": "a",
        "secret": "secret",
        "host": "127.0.0.1",
        "port": 1883,
        "board": boards.load("pico-w-30"),
        "settings": {"scan_ms": SCAN_MS},
        "seed": 1,
        "deeds": hourly(),
        "files": str(tmp_path / "flash"),
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    interpreter = micropython.interpreter()
    assert interpreter is not None, "no micropython: pip install 'homeslot[micropython]'"
    day = Path(__file__).with_name("day.py")
    done = subprocess.run(
        [interpreter, "-X", f"heapsize={HEAP}", day, "plan.json"],
        cwd=tmp_path,
        env={**os.environ, "MICROPYPATH": f"{tmp_path}:.frozen"},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout  # no task died
    *diags, end = [json.loads(line) for line in done.stdout.splitlines()]
    free = [diag["heap_free"] for diag in diags]
    late_ms = max(diag["lag_ms"] for diag in diags)
    with capsys.disabled():
        sys.stdout.write(
            f"\na day on MicroPython: free after the first hour {median(free[1:7])}, at the end "
            f"{median(free[-6:])} bytes; the latest scan {late_ms} ms late; the watchdog "
            f"waited {end['hungry_ms']} ms at most; {end['events']} events over "
            f"{end['connections']} links\n"
        )
    assert diags[-1]["up_ms"] > 23 * HOUR_S * 1000
    assert {diag["boot"] for diag in diags} == {1}
    # The collector takes a stale pointer for a live one now and then: the middle of an hour tells.
    assert median(free[-6:]) >= median(free[1:7])
    assert late_ms <= LATE_MS
    assert end["hungry_ms"] < WATCHDOG_MS
    assert end["connections"] >= 24
    assert end["events"] >= 24 * 6  # one for each device that goes, two for each that comes
    assert (end["missing"], end["dropped"], end["waiting"]) == (0, 0, 0)
    assert not [line for line in end["log"] if "died" in line or "no life" in line]
