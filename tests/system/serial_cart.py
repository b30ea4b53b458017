"""A cart whose only way to its broker is its console: stdin and stdout. CPython and MicroPython.

    python serial_cart.py PLAN.json

The plan is that of `homeslot_sim.cart.rig.Rig`, and `files`: the folder that is its flash.
"""

import asyncio
import json
import sys

from homeslot.folder import Folder
from homeslot_sim.cart.pace import WallClock
from homeslot_sim.cart.rig import Rig

if sys.implementation.name == "micropython":
    from homeslot_pico.serial import Usb as Console  # as on the board
else:
    import os

    class Console:
        """ports.Serial on stdin and stdout."""

        def __init__(self) -> None:
            os.set_blocking(0, False)
            os.set_blocking(1, False)
            self._arrived = asyncio.Event()
            asyncio.get_running_loop().add_reader(0, self._arrived.set)

        async def read(self, n: int) -> bytes:
            """Up to `n` bytes."""
            while True:
                try:
                    return os.read(0, n)
                except BlockingIOError:
                    self._arrived.clear()
                    await self._arrived.wait()

        def write(self, data: bytes) -> int:
            """What there is room for."""
            try:
                return os.write(1, data)
            except BlockingIOError:
                return 0


class NoNetwork:
    """A cart without Wi-Fi and without a socket for a cable."""

    async def open(self, host, port):
        """Nothing there."""
        raise OSError("there is no network")

    def access_point(self):
        """None."""
        return (None, None)


async def main(file):
    """Live the day of the plan in `file`."""
    with open(file) as text:  # noqa: PTH123  (MicroPython has no pathlib)
        plan = json.load(text)
    clock = WallClock()
    files = Folder(plan["files"])
    await Rig(plan, clock, clock, NoNetwork(), files, serial=Console()).run()


asyncio.run(main(sys.argv[1]))
