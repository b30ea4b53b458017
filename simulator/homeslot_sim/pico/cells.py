"""The flash of the emulated Pico, as far as power cuts go: each command it gets, and a torn one.

rp2040py carries a command out whole when the controller lets go of the chip. Here it may also be
the last one, and end at any byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, MutableSequence
from dataclasses import dataclass
from pathlib import Path

from rp2040py.peripherals.ssi import (
    CMD_BLOCK_ERASE,
    CMD_PAGE_PROGRAM,
    CMD_SECTOR_ERASE,
    FLASH_BLOCK_SIZE,
    FLASH_PAGE_SIZE,
    FLASH_SECTOR_SIZE,
)
from rp2040py.rp2040 import RP2040

ERASED = 0xFF
_ERASES = {CMD_SECTOR_ERASE: FLASH_SECTOR_SIZE, CMD_BLOCK_ERASE: FLASH_BLOCK_SIZE}


@dataclass(frozen=True, slots=True)
class Command:
    """One change of the flash: at `now_ms` of emulated time, `size` bytes from `start` on.

    They are programmed with `data`, or erased when that is empty.
    """

    now_ms: int
    start: int
    size: int
    data: bytes

    def apply(self, flash: MutableSequence[int], base: int = 0, size: int | None = None) -> None:
        """Do it to `flash`, which begins at byte `base`; only to the first `size` bytes."""
        count = self.size if size is None else min(size, self.size)
        at = self.start - base
        for i in range(max(0, -at), min(count, len(flash) - at)):
            flash[at + i] = flash[at + i] & self.data[i] if self.data else ERASED


class Cells:
    """Looks on at the flash of the RP2040 it is attached to; `now_ms` tells the emulated time."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._film: Path | None = None
        self._left: int | None = None  # bytes that may still change
        self.dead = False

    def attach(self, rp2040: RP2040) -> None:
        """Look on from now on."""
        self._mcu = rp2040
        self._whole = rp2040.ssi._apply_command
        rp2040.ssi._apply_command = self._on_command  # type: ignore[method-assign]

    def film(self, file: Path) -> None:
        """Add all that happens from now on to `file`; `developed` reads it."""
        self._film = file

    def die_after(self, count: int) -> None:
        """Let `count` more bytes be erased or programmed, and then no more until `revive`."""
        self._left = count

    def revive(self) -> None:
        """The power is back."""
        self._left = None
        self.dead = False

    def _on_command(self) -> None:
        command = self._command()
        if command is None:
            self._whole()
            return
        if self.dead:
            return
        if self._film is not None:
            with self._film.open("a") as film:
                row = [command.now_ms, command.start, command.size, command.data.hex()]
                film.write(json.dumps(row) + "\n")
        if self._left is None or self._left > command.size:
            self._whole()
            if self._left is not None:
                self._left -= command.size
        else:
            command.apply(self._mcu.flash, size=self._left)
            self.dead = True

    def _command(self) -> Command | None:
        """What the chip has just been told to change."""
        ssi = self._mcu.ssi
        told = bytes(ssi._tx_buffer)
        if len(told) < 4 or not ssi._write_enabled:
            return None
        start = int.from_bytes(told[1:4], "big")
        if told[0] == CMD_PAGE_PROGRAM:
            data = told[4 : 4 + FLASH_PAGE_SIZE]
            return Command(self._now_ms(), start, len(data), data)
        if told[0] in _ERASES:
            size = _ERASES[told[0]]
            return Command(self._now_ms(), start & -size, size, b"")
        return None


def developed(film: Path) -> list[Command]:
    """All that was done to a flash while it was filmed."""
    rows = [json.loads(line) for line in film.read_text().splitlines()]
    return [Command(ms, start, size, bytes.fromhex(data)) for ms, start, size, data in rows]
