"""One cart on an emulated Pico W: flash, chips, switches and radio, and the day it lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeslot.board import Board
from homeslot.core.settings import settings
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.world import World
from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.pico.air import Radio
from homeslot_sim.pico.emulator import Pico
from homeslot_sim.pico.wiring import Wiring

BOOT_MS = 20000
# A broker gives a client up that is silent for one and a half times its keep-alive (MQTT 3.1.2.10).
PATIENCE = 1.5


@dataclass(frozen=True, slots=True)
class Status:
    """Where a cart is: emulated ms since power-on, all its console wrote, resets by the watchdog,
    and how often it has sent something to its hub.
    """

    now_ms: int
    console: str
    resets: int
    sent: int


class Cart:
    """The cart of `plan` (see `plans.plan`), MicroPython from `uf2` and `flash` as its files."""

    def __init__(self, plan: dict[str, Any], uf2: Path, flash: bytes) -> None:
        board = Board(plan["board"])
        self._patience_ms = int(settings(plan["settings"])["keep_alive_s"] * 1000 * PATIENCE)
        self.pico = Pico(uf2, flash)
        self.radio = Radio()
        self._world = World(board.slots, len(board.banks))
        self.bus = FaultyBus()
        self.body = Body(board, self._world, lambda: self.pico.now_ms, plan["seed"], self.bus)
        self.pico.solder(Wiring(plan["board"], self.body, self.bus))
        self.pico.solder(self.radio)
        for at_ms, verb, numbers in plan["deeds"]:
            self._when(at_ms, verb, numbers)

    def boot(self) -> None:
        """Run from power-on until the board dials its hub. Raises Stalled when it does not."""
        self.pico.run_until(lambda: self.pico.waiting, BOOT_MS)

    def apply(self, verb: str, numbers: Sequence[int]) -> None:
        """Let `verb` happen now to the slots or banks `numbers` (from 1, [] for the cart)."""
        self.body.apply(verb, numbers)
        self.radio.home = self._world.good["place"][0]
        link = self._world.good["link"][0]
        if self.radio.up and not link:
            self.radio.lose()
            # The broker waits in wall time; what it would do happens in the board's.
            self.pico.at_ms(self.pico.now_ms + self._patience_ms, self.radio.hang_up)
        elif link and not self.radio.up:
            self.radio.find()

    def status(self) -> Status:
        """Where it is now."""
        pico = self.pico
        return Status(pico.now_ms, pico.console.text, pico.resets, self.radio.sent)

    def _when(self, at_ms: int, verb: str, numbers: Sequence[int]) -> None:
        self.pico.at_ms(at_ms, lambda: self.apply(verb, numbers))
