"""Runtime `pico`: each cart an emulated Pico W with the real MicroPython and the firmware as .mpy.

The hub is the real one with its embedded broker, in this process. Time is emulated: the carts go
forward in rounds, none ahead of the others, and the hub's clock goes with them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from homeslot_hardware import boards
from homeslot_sim.hub import ServedHub
from homeslot_sim.pico import HUB, uf2
from homeslot_sim.pico.bench import HUB_PORT, Bench
from homeslot_sim.plans import plan
from homeslot_sim.runtimes import NoRuntime
from homeslot_sim.scenario import Scenario

ROUND_MS = 500
CONTROLLER = "pico-w"
# An emulated CPU is a twentieth of a real one while it works and 300 times as fast while it waits.
# A scan or a snapshot of thirty slots is work: a day is bearable with fewer of them. Switches are
# followed as they move all the same.
SCAN_MS = 20000
SETTINGS = {"report_s": 300, "keep_alive_s": 120}


def live(scenario: Scenario, hub: ServedHub, tell: Callable[[int], None]) -> None:
    """Live the whole day of `scenario`, its carts reporting to `hub`; `tell` gets the time.

    Raises NoRuntime when the scenario's board has another controller, NoUf2 when there is no
    MicroPython, BoardDied when a cart's process ends early.
    """
    controller = boards.load(scenario.board)["controller"]
    if controller != CONTROLLER:
        raise NoRuntime(
            f"board {scenario.board}: its controller is {controller}, emulated is {CONTROLLER} only"
        )
    micropython = uf2.find()
    now_ms = 0
    hub.now_s = lambda: scenario.start_s + now_ms // 1000
    with TemporaryDirectory(prefix="homeslot-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), micropython)
        booting = []
        for cart in scenario.carts:
            told = plan(scenario, cart, HUB, HUB_PORT, hub.secret(cart.controller), hub.ca)
            told["settings"] |= {**SETTINGS, "scan_ms": max(SCAN_MS, scenario.scan_ms)}
            booting.append(stack.enter_context(bench.cart(told)))
        running = [stack.enter_context(cart.board()) for cart in booting]
        hub.start()
        for board in running:
            board.hub(hub.port)
        while hub.now_s() < scenario.end_s:
            for board in running:
                board.start(now_ms + ROUND_MS)
            for board in running:
                board.finish()
            now_ms += ROUND_MS
            hub.check()
            tell(hub.now_s())
