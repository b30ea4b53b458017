"""Emulated boards in processes of their own, as tests and the runtime handle them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from homeslot_hardware import firmware
from homeslot_sim.pico import HUB, flash_image
from homeslot_sim.pico.cart import Status
from homeslot_sim.pico.emulator import Stalled
from homeslot_sim.runtimes import NoRuntime

WIFI = {"wifi_ssid": "school", "wifi_key": "any key joins"}  # rp2040py's access point takes any
HUB_PORT = 1883  # as the board sees it
ROUND_MS = 50
_HEAR_S = 0.3  # of wall time, from a packet on the air to a listener at the broker
_LOOK_S = 0.02
_END_S = 5.0


class BoardDied(NoRuntime):
    """A board's process ended, which only a defect brings about; says what it wrote."""


class Bench:
    """The firmware compiled once, and emulated carts that run it, each booted from cold.

    `folder` holds what the processes share; `uf2` is MicroPython. The carts take bundles signed
    with one of `keys`, a `keys.json`. Raises BoardDied when there is no firmware to compile.
    """

    def __init__(self, folder: Path, uf2: Path, keys: bytes | None = None) -> None:
        self._folder = folder
        self._uf2 = uf2
        try:
            self.flash = firmware.flash(firmware.source(), keys)  # content by path
        except firmware.NoFirmware as error:
            raise BoardDied(str(error)) from None

    def cart(self, plan: dict[str, Any]) -> Booted:
        """Switch the cart of `plan` (see `plans.plan`) on; it boots while others do."""
        settings = {**WIFI, "host": HUB, "port": HUB_PORT, **plan["settings"]}
        settings |= {"cart": plan["cart"], "secret": plan["secret"]}
        provisioned = {"ca.pem": plan["ca"].encode()} if plan.get("ca") else {}
        stem = self._folder / plan["cart"]
        files = {
            ".json": json.dumps({**plan, "secret": ""}).encode(),
            ".img": flash_image.image({**self.flash, **provisioned}, plan["board"], settings),
        }
        for suffix, content in files.items():
            file = stem.with_suffix(suffix)
            file.touch(mode=0o600)
            file.write_bytes(content)
        return Booted(stem, self._uf2)


class Booted:
    """The process of one cart; each `board()` is a copy of it as it first dials its hub."""

    def __init__(self, stem: Path, uf2: Path) -> None:
        self._name = stem.name
        self._socket = str(stem.with_suffix(".sock"))
        arguments = [stem.with_suffix(".json"), uf2, stem.with_suffix(".img"), self._socket]
        self._process = subprocess.Popen(  # noqa: S603  (our own program and files)
            [sys.executable, "-m", "homeslot_sim.pico.process", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ready = False

    def board(self) -> Board:
        """A copy of the booted cart. Waits for the boot; raises BoardDied when there was none."""
        if not self._ready:
            stdout = self._process.stdout
            wrote = stdout.readline() if stdout else ""
            if wrote != "booted\n":
                raise BoardDied(f"{self._name}: {wrote}{stdout.read() if stdout else ''}")
            self._ready = True
        return Board(self._name, Client(self._socket))

    def __enter__(self) -> Booted:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=_END_S)


class Board:
    """A running copy of a cart. Time passes on it only in `run` and `until`."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._name = name
        self._connection = connection
        self.status = Status(0, "", 0, 0)

    @property
    def now_ms(self) -> int:
        """Emulated time since power-on."""
        return self.status.now_ms

    def hub(self, port: int) -> None:
        """Its hub is on `port` of loopback; before that it dials in vain."""
        self._ask("hub", port)

    def refuse(self, on: bool) -> None:
        """Let the access point refuse its key, or no longer; who has joined stays."""
        self._ask("refuse", on)

    def swallow(self, on: bool) -> None:
        """Let the network lose every packet without a word, or no longer."""
        self._ask("swallow", on)

    def apply(self, verb: str, numbers: Sequence[int] = ()) -> None:
        """Let a verb of a scenario happen now."""
        self._ask("apply", verb, list(numbers))

    def keys(self, data: bytes) -> None:
        """Type at its console."""
        self._ask("keys", data)

    def ignore(self, on: bool) -> None:
        """Let the computer at its console keep the port open and take nothing, or no longer."""
        self._ask("ignore", on)

    def plug_in(self, link: Path) -> str:
        """Put its console on a serial port, by way of the new file `link`; the port's name."""
        self._ask("plug_in", str(link))
        return str(link.resolve())

    def unplug(self) -> None:
        """Pull that cable."""
        self._ask("unplug")

    def befall(self, name: str, *args: int | bool | None) -> None:
        """Let a mishap happen to its chips and wires, see `cart.mishaps`."""
        self._ask("befall", name, *args)

    def cut_power(self) -> None:
        """Cut its power for a moment: it begins anew with what is on its flash."""
        self._ask("cut_power")

    def cut_power_writing(self, count: int, within_ms: int) -> None:
        """Cut its power for a moment when `count` more bytes of its flash have changed.

        That may be in the middle of a command. The board dies when `within_ms` pass before.
        """
        self._ask("cut_power_writing", count, within_ms)

    def film(self, file: Path) -> None:
        """Add all that is done to its flash from now on to `file`, see `cells.developed`."""
        self._ask("film", str(file))

    def save(self, file: Path) -> None:
        """Write its file system, as it is on the flash, to `file`."""
        self._ask("save", str(file))

    def run(self, ms: int) -> None:
        """Let `ms` of emulated time pass."""
        self._ask("run", self.now_ms + ms)

    def until(self, done: Callable[[], object], within_ms: int, what: str = "it") -> int:
        """Let time pass until `done()`; how long that took, in emulated ms.

        Raises Stalled when it takes longer than `within_ms`. What the board sends may be heard
        later than it was sent: whoever listens is given wall time for it, and the board none.
        """
        began_ms = self.now_ms
        heard = done()
        while not heard:
            if self.now_ms - began_ms >= within_ms:
                tail = self.status.console[-2000:]
                raise Stalled(f"{self._name}: {what}: not within {within_ms} ms. Console: {tail}")
            sent = self.status.sent
            self.run(ROUND_MS)
            heard = _soon(done) if self.status.sent != sent else done()
        return self.now_ms - began_ms

    def start(self, until_ms: int) -> None:
        """Let time pass until `until_ms`, without waiting for it; `finish` waits."""
        self._connection.send(("run", until_ms))

    def finish(self) -> None:
        """Wait for what was started."""
        try:
            self.status = self._connection.recv()
        except EOFError:
            raise BoardDied(f"{self._name}: {self.status.console[-2000:]}") from None

    def close(self) -> None:
        """Throw it away."""
        self._connection.close()

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, *request: object) -> None:
        self._connection.send(request)
        self.finish()


def _soon(done: Callable[[], object]) -> object:
    ends_s = time.monotonic() + _HEAR_S
    while not (found := done()) and time.monotonic() < ends_s:
        time.sleep(_LOOK_S)
    return found
