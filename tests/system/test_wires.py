"""A cart without a network reports over a cable, and loses nothing whatever happens to the way:
hub, broker, gateway and pseudo-terminal are real, the cart runs on CPython and on MicroPython."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from homeslot.contract import SEQ_PER_BOOT
from homeslot_hardware import boards

from .cable import Cable
from .gateway_process import GatewayProcess
from .hub_process import HubProcess, end_broker, nats_pid, rows
from .test_serve import Place
from .waiting import wait_for

ROOT = Path(__file__).parents[2]
CART = Path(__file__).with_name("serial_cart.py")
SLOTS = 30
ROUNDS = 4  # out, in, out, in
FIRST_MS, EACH_MS = 5000, 150
LONG_S = 120


def busy_day() -> list[list[object]]:
    """Slot after slot is emptied, then filled, twice: something is always on its way."""
    return [
        [FIRST_MS + EACH_MS * k, "in" if k // SLOTS % 2 else "out", [k % SLOTS + 1]]
        for k in range(SLOTS * ROUNDS)
    ]


@contextmanager
def cart(runtime: str, place: Place, cable: Cable, secret: str) -> Iterator[None]:
    """The cart c1 at the end of `cable`."""
    flash = place.folder / "flash"
    flash.mkdir()
    plan = {
        "cart": "c1",
        "secret": secret,
        "host": "a.broker.it.need.not.know",
        "port": 1,
        "board": boards.load("pico-w-30"),
        "settings": {"gateway": 1, "report_s": 5},
        "seed": 1,
        "deeds": busy_day(),
        "files": str(flash),
    }
    file = place.folder / "plan.json"
    file.write_text(json.dumps(plan))
    nearby = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    path = f"{ROOT / 'firmware'}:{ROOT / 'simulator'}:.frozen"
    interpreter = sys.executable if runtime == "cpython" else shutil.which(runtime, path=nearby)
    assert interpreter is not None, "no micropython: pip install 'homeslot[micropython]'"
    errors = place.folder / "cart.err"
    with errors.open("wb") as err:
        child = subprocess.Popen(
            [interpreter, str(CART), str(file)],
            stdin=cable.cart,
            stdout=cable.cart,
            stderr=err,
            env={**os.environ, "MICROPYPATH": path},
        )
    try:
        yield
        assert child.poll() is None, errors.read_text()
    finally:
        child.kill()
        child.wait(10)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    end_broker(place.data)


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with Cable(tmp_path / "ttyCart") as cable:
        yield cable


def kept(place: Place) -> int:
    [(count,)] = rows(place.data, "SELECT count(*) FROM event") or [(0,)]
    return int(str(count))


def more(place: Place, count: int) -> None:
    """Wait until the hub has `count` more events than now."""
    wanted = kept(place) + count
    wait_for(f"{wanted} events are kept", lambda: kept(place) >= wanted, LONG_S)


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_no_event_is_lost_or_doubled_whatever_happens_between_cart_and_broker(
    place: Place, cable: Cable, runtime: str
) -> None:
    log, at = place.folder / "gateway.log", f"127.0.0.1:{place.port}"
    with HubProcess(place.folder), ExitStack() as opened:
        gateway = opened.enter_context(GatewayProcess(log, [cable.port], at))
        opened.enter_context(cart(runtime, place, cable, place.secret))
        wait_for("the cart reports", lambda: kept(place) >= 5, LONG_S)
        gateway.kill()
        gateway = opened.enter_context(GatewayProcess(log, [cable.port], at))
        more(place, 10)
        cable.pull_after(100)
        wait_for("the cable is pulled in the middle of a line", lambda: not cable.plugged)
        cable.plug()
        more(place, 10)
        os.kill(nats_pid(place.data), signal.SIGKILL)
        more(place, 10)
        emptied = "SELECT count(*) FROM event WHERE kind = 'slot' AND value = 'empty'"
        wait_for(
            "every slot was emptied twice",
            lambda: rows(place.data, emptied) == [(SLOTS * ROUNDS // 2,)],
            LONG_S,
        )
        filled = "SELECT count(*) FROM event WHERE kind = 'slot' AND was = 'empty'"
        wait_for(
            "and filled again",
            lambda: rows(place.data, filled) == [(SLOTS * ROUNDS // 2,)],
            LONG_S,
        )
        spans = "SELECT count(*), min(seq), max(seq), count(DISTINCT seq) FROM event"
        [(count, first, last, different)] = rows(place.data, spans)
    assert (first, count) == (SEQ_PER_BOOT + 1, different)
    assert count == int(str(last)) - SEQ_PER_BOOT, "no number is missing"
    said = gateway.said
    assert said.count(": open\n") >= 3, said
    assert "Traceback" not in said


def test_a_cart_with_a_wrong_secret_gets_no_further_than_the_broker(
    place: Place, cable: Cable
) -> None:
    log = place.folder / "gateway.log"
    with HubProcess(place.folder) as hub, ExitStack() as opened:
        at = f"127.0.0.1:{place.port}"
        gateway = opened.enter_context(GatewayProcess(log, [cable.port], at))
        opened.enter_context(cart("cpython", place, cable, "not its secret"))
        wait_for("it tries", lambda: gateway.said.count(": connected") >= 2)
        assert kept(place) == 0
        assert place.heard() == set()
        assert "Traceback" not in hub.said
