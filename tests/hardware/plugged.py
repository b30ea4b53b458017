"""A cart plugged into this computer: the firmware on CPython, its console on a pseudo-terminal."""

import asyncio
import json
import threading

from homeslot.app.node import Ports
from homeslot.app.safe import Safe
from homeslot.board import Board
from homeslot.mqtt.stream import TcpNetwork
from homeslot.stored import Stored
from homeslot_boot.boot import FAILED_BOOTS, Boot
from homeslot_hardware import boards
from homeslot_hardware.bench.ports import open_port
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.pace import Pace, ScaledClock, WallClock, wall_ms
from homeslot_sim.cart.rig import Air, Controller, Restarted, Rig, settings
from homeslot_sim.cart.world import World
from homeslot_sim.chips.faults import FaultyBus
from homeslot_sim.terminal import Serial, Terminal

PACE = 20  # of its time to ours: a start takes three seconds of it
WAIT_S = 20
SECRET = "a secret of sixteen"
PLAN = {
    "cart": "cart-7",
    "secret": SECRET,
    "host": "hub.school.example",
    "port": 1883,
    "board": boards.load("pico-w-30"),
    "settings": {"wifi_ssid": "school", "wifi_key": "a key of some length"},
    "seed": 7,
    "deeds": [[0, "link-down", []]],  # a desk without Wi-Fi
}


class Plugged:
    """The cart, from `with` to its end. A restart of it is one; its files and its port stay."""

    def __init__(self, safe=False):
        self._safe = safe
        self.files = Drawer()
        self.terminal = Terminal()
        self.starts = 0
        self.rig = None
        self._loop = None
        self._failed = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live)

    @property
    def port(self):
        """Name of its serial port."""
        return self.terminal.name

    def do(self, act):
        """What `act(rig)` returns, done between two steps of the firmware."""

        async def in_its_loop():
            return act(self.rig)

        return asyncio.run_coroutine_threadsafe(in_its_loop(), self._loop).result(WAIT_S)

    def kept(self):
        """Everything on its flash that a tool may change."""
        return {name: self.files.read(name) for name in ("settings.json", "ca.pem")}

    def _live(self):
        try:
            asyncio.run(self._boots())
        except BaseException as error:
            self._failed = error
            raise
        finally:
            self._ready.set()

    async def _boots(self):
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        while True:
            clock = ScaledClock(Pace([[0, PACE]]), wall_ms())
            serial = Serial(self.terminal)
            self.rig = (self._safe_cart if self._safe else self._cart)(clock, serial)
            self.starts += 1
            self._ready.set()
            try:
                await self.rig.run()
            except Restarted:
                await self._rest()
            except asyncio.CancelledError:
                await self._rest()
                return

    def _cart(self, clock, serial):
        wire, network, bus = WallClock(), TcpNetwork(), FaultyBus()
        return Rig(PLAN, clock, wire, network, self.files, serial=serial, bus=bus)

    def _safe_cart(self, clock, serial):
        """The cart when three boots have failed; where it has no network, the console is left."""
        if self.files.read("settings.json") is None:
            self.files.write("settings.json", json.dumps(settings(PLAN)).encode())
        sides = Boot(self.files)
        for _ in range(FAILED_BOOTS + 1):
            sides.begin(False)
        world = World(30, 3)
        world.apply("link-down", [])
        ports = Ports(
            Board(PLAN["board"]),
            Stored(self.files),
            clock,
            Body(Board(PLAN["board"]), world, clock.up_ms, 7),
            Air(TcpNetwork(), world, PLAN["board"]),
            self.files,
            Controller(),
            serial=serial,
            sides=sides,
            updater=lambda: None,
        )
        return Safe(ports, sides)

    async def _rest(self):
        """A controller that starts again takes its tasks with it."""
        left = [task for task in asyncio.all_tasks() if task is not self._task]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(WAIT_S)
        return self

    def __exit__(self, *ended):
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(WAIT_S)
        self.terminal.close()
        assert not self._thread.is_alive()
        assert self._failed is None


class Cable:
    """A cable from a tool to a cart's port, pulled when `bytes_to_cart` have gone through it."""

    def __init__(self, cart, bytes_to_cart):
        self._left = bytes_to_cart
        self._tool = Terminal()
        self.port = self._tool.name
        self.typed = b""
        self._thread = threading.Thread(target=self._carry)
        self._ends = threading.Event()
        self._end = open_port(cart.port)

    @property
    def carried(self):
        """How many bytes have gone to the cart."""
        return len(self.typed)

    def _carry(self):
        while not self._ends.is_set():
            typed = self._tool.take(self._left)
            if typed:
                self._end.write(typed)
                self._left -= len(typed)
                self.typed += typed
            said = self._end.read(1) + self._end.read(self._end.in_waiting)
            if self._left == 0:
                break
            self._tool.give(said)
        self._tool.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *ended):
        self._ends.set()
        self._thread.join(WAIT_S)
        self._end.close()
