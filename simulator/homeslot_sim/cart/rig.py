"""One cart on a bench: the firmware, its simulated body, and the day that happens to it."""

import asyncio
import gc
import json

from homeslot.app.cart import Cart
from homeslot.app.node import Ports
from homeslot.board import Board
from homeslot.stored import FILE as SETTINGS
from homeslot.stored import Stored
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.world import World

# Access points (BSSID, dBm): that of the storage room, and the one where a cart roams to.
HERE = ("02:00:00:00:00:01", -60)
THERE = ("02:00:00:00:00:02", -70)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from homeslot.ports import Clock, Files, Network, Serial, Stream, System
    from homeslot_sim.cart.battery import Batteries
    from homeslot_sim.chips.bus import Bus


class Rig:
    """A cart as `plan` says, on a clock and a network.

    `plan` is a dict: `cart` (id), `secret`, `host`, `port`, `settings` (more of them), `board` (the
    parsed board file), `seed`, and `deeds`: a list of [at ms, verb, numbers], in order. `files` and
    `system` are given where they shall outlive or watch this cart; settings in `files` come before
    those of the plan. `serial` is its console, `bus` one with faults; `world` and `cells`, its
    batteries, are given where they have a past.
    """

    def __init__(
        self,
        plan: "dict[str, Any]",
        clock: "Clock",
        wire_clock: "Clock",
        network: "Network",
        files: "Files | None" = None,
        system: "System | None" = None,
        serial: "Serial | None" = None,
        bus: "Bus | None" = None,
        world: "World | None" = None,
        cells: "Batteries | None" = None,
    ) -> None:
        board = Board(plan["board"])
        files = files or _drawer()
        if files.read(SETTINGS) is None:
            files.write(SETTINGS, json.dumps(settings(plan)).encode())
        stored = Stored(files)
        self._clock = clock
        self._deeds = plan["deeds"]
        self.world = world or World(board.slots, len(board.banks))
        noise_steps = plan.get("noise_steps", 1)
        self.body = Body(board, self.world, clock.up_ms, plan["seed"], bus, cells, noise_steps)
        ports = Ports(
            board,
            stored,
            clock,
            self.body,
            None if stored.values["gateway"] else Air(network, self.world, plan["board"]),
            files,
            system or Controller(),
            serial=serial,
            wire_clock=wire_clock,
        )
        self.cart = Cart(ports, self.body.bus)

    async def run(self) -> None:
        """Let the firmware run and the day happen. Ends only by a defect."""
        await asyncio.gather(self.cart.run(), self._happen())

    async def _happen(self) -> None:
        for at_ms, verb, numbers in self._deeds:
            wait_ms = at_ms - self._clock.up_ms()
            if wait_ms > 0:  # what happens in one moment happens before anyone looks again
                await self._clock.sleep_ms(wait_ms)
            self.body.apply(verb, numbers)


def _drawer() -> "Files":
    # Not loaded where files are given: on a controller's heap there is no room to spare.
    from homeslot_sim.cart.drawer import Drawer

    return Drawer()


def settings(plan: "dict[str, Any]") -> "dict[str, Any]":
    """The settings of the cart of `plan`: who it is and where its hub is among them."""
    told: "dict[str, Any]" = plan["settings"].copy()
    for name in ("cart", "secret", "host", "port"):
        told[name] = plan[name]
    return told


class Air:
    """The Network port as the board has it: nothing passes while the world's link is down."""

    def __init__(self, network: "Network", world: World, board: "dict[str, Any]") -> None:
        self._wired = board["controller"].startswith("w5500")
        self._network = network
        self._world = world

    async def open(self, host: str, port: int) -> "Stream":
        """Connect, if there is a link."""
        self.check()
        return _Carried(await self._network.open(host, port), self)

    def access_point(self) -> "tuple[str | None, int | None]":
        """That of the storage room, or one elsewhere; a board with a cable hears none."""
        good = self._world.good
        if self._wired or not good["link"][0]:
            return (None, None)
        return HERE if good["place"][0] else THERE

    def trouble(self) -> "str | None":
        """No Wi-Fi while the link is down."""
        return self._network.trouble() if self._world.good["link"][0] else "no_wifi"

    def check(self) -> None:
        """Raise OSError while the link is down."""
        if not self._world.good["link"][0]:
            raise OSError("no link")


class _Carried:
    def __init__(self, stream: "Stream", air: Air) -> None:
        self._stream = stream
        self._air = air

    async def read(self, n: int) -> bytes:
        data = await self._stream.read(n)
        self._air.check()
        return data

    async def write(self, data: bytes) -> None:
        self._air.check()
        await self._stream.write(data)

    async def close(self) -> None:
        await self._stream.close()


class Restarted(BaseException):
    """The cart starts again. No defect: nothing on the way up is to take it for one."""


class Controller:
    """The System port of a controller that was just switched on."""

    def reset_cause(self) -> str:
        """Power on."""
        return "power_on"

    def heap_free(self) -> int:
        """Bytes free after a collection; 0 where the interpreter does not tell."""
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else 0

    def battery_mv(self) -> "int | None":
        """A full power bank."""
        return 5000

    def temperature_c(self) -> "int | None":
        """A mild day."""
        return 24

    def set_clock(self, at_s: int) -> None:
        """The machine beneath has a clock of its own."""

    def feed_watchdog(self) -> None:
        """There is no watchdog to bite a simulated cart; a defect ends its process instead."""

    def mark(self, number: int) -> None:
        """It is never reset by a watchdog."""

    def marked(self) -> int:
        """It was just switched on."""
        return 0

    def restart(self) -> None:
        """End: who has started it may start it again."""
        raise Restarted
