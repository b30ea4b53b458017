"""The process of an emulated cart: boots it once, and forks it for each connection.

    python -m homeslot_sim.pico.process PLAN.json UF2 FLASH SOCKET

Writes a line when the board has booted and dials its hub, and ends when stdin does. Whoever
connects to SOCKET then (`multiprocessing.connection`) has a copy of that board of his own, until he
hangs up. He sends tuples, a method of `_Served` and its arguments, and gets a `cart.Status` each.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from homeslot_sim.cart.mishaps import befall
from homeslot_sim.pico.cart import Cart
from homeslot_sim.pico.emulator import Stalled
from homeslot_sim.terminal import Terminal


class _Served:
    """What can be asked of a booted cart."""

    def __init__(self, cart: Cart) -> None:
        self._cart = cart
        self._runner = asyncio.Runner()
        self._terminal: Terminal | None = None

    def hub(self, port: int) -> None:
        """The board's hub is on `port` of loopback."""
        self._cart.radio.hub_port = port

    def refuse(self, on: bool) -> None:
        """Let the access point refuse its key, or no longer."""
        self._cart.radio.refuses = on

    def swallow(self, on: bool) -> None:
        """Let the network lose every packet, or no longer."""
        self._cart.radio.swallows = on

    def run(self, until_ms: int) -> None:
        """Let time pass until it is `until_ms`."""
        pico, terminal = self._cart.pico, self._terminal

        def done() -> bool:
            if terminal is not None:
                pico.console.pass_on(terminal)
            return pico.now_ms >= until_ms

        self._runner.run(pico.run(done))

    def ignore(self, on: bool) -> None:
        """Let its console's host take nothing, or no longer."""
        self._cart.pico.console.ignore(on)

    def plug_in(self, link: str) -> None:
        """Put its console on a pseudo-terminal, to which the file `link` leads."""
        self._terminal = Terminal()
        self._cart.pico.console.forget()
        self._cart.pico.attended = True
        Path(link).symlink_to(self._terminal.name)

    def unplug(self) -> None:
        """Take it away again, whoever is there."""
        if self._terminal is not None:
            self._terminal.close()
            self._terminal = None
            self._cart.pico.attended = False

    def apply(self, verb: str, numbers: Sequence[int]) -> None:
        """Let `verb` of a scenario happen."""
        self._cart.apply(verb, numbers)

    def keys(self, data: bytes) -> None:
        """Type `data` at the console."""
        self._cart.pico.console.keys(data)

    def befall(self, name: str, *args: int | bool | None) -> None:
        """Let a mishap happen, see `cart.mishaps`."""
        befall(self._cart.body, name, *args)

    def cut_power(self) -> None:
        """Cut the power for a moment."""
        self._cart.pico.cut_power()

    def cut_power_writing(self, count: int, within_ms: int) -> None:
        """Cut the power for a moment when so many more bytes of the flash have changed."""
        pico = self._cart.pico
        pico.cells.die_after(count)
        ends_ms = pico.now_ms + within_ms
        self._runner.run(pico.run(lambda: pico.cells.dead or pico.now_ms >= ends_ms))
        if not pico.cells.dead:
            raise Stalled(f"not so much was written within {within_ms} ms")
        pico.cut_power()

    def film(self, file: str) -> None:
        """Keep all that is done to the flash in `file` from now on."""
        self._cart.pico.cells.film(Path(file))

    def save(self, file: str) -> None:
        """Write the flash's file system to `file`."""
        Path(file).write_bytes(self._cart.pico.files)


def _serve(cart: Cart, connection: Connection) -> None:
    served = _Served(cart)
    while True:
        try:
            name, *arguments = connection.recv()
        except EOFError:
            return
        getattr(served, name)(*arguments)
        connection.send(cart.status())


def main(plan: str, uf2: str, flash: str, path: str) -> None:
    """Boot, and serve copies on the socket `path` until stdin ends."""
    cart = Cart(json.loads(Path(plan).read_text()), Path(uf2), Path(flash).read_bytes())
    cart.boot()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("booted\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            peer, _ = listener.accept()
            with Connection(peer.detach()) as connection:
                if os.fork() == 0:
                    listener.close()
                    _serve(cart, connection)
                    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
