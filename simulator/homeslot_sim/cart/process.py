"""A cart in a process of its own, on scaled time and real sockets.

    micropython -m homeslot_sim.cart.process PLAN.json

The plan is that of `rig.Rig`, with `pace` (steps of `pace.Pace`), `start_ms`: the wall clock, in
epoch ms, at which its day begins, and `files`: the folder that is its flash.
"""

import asyncio
import gc
import json
import sys

COLLECT_BYTES = 1024


async def main(file: str) -> None:
    """Live the day of the plan in `file`."""
    # Collected this often, what is loaded and built here fills the holes that garbage leaves, and
    # the heap stays in one piece.
    _collect_every(COLLECT_BYTES)
    from homeslot.folder import Folder
    from homeslot.mqtt.stream import TcpNetwork
    from homeslot_sim.cart.pace import Pace, ScaledClock, WallClock, wall_ms
    from homeslot_sim.cart.rig import Rig

    with open(file) as text:
        plan = json.load(text)
    await asyncio.sleep(max(0, plan["start_ms"] - wall_ms()) / 1000)
    clock = ScaledClock(Pace(plan["pace"]), plan["start_ms"])
    files = Folder(plan["files"])
    ca = (lambda: files.read("ca.pem")) if plan["settings"].get("tls") else None
    rig = Rig(plan, clock, WallClock(), TcpNetwork(ca=ca), files)
    del plan  # most of it is the board file, which the cart now has in its own words
    if hasattr(gc, "mem_free"):
        gc.collect()
        _collect_every(gc.mem_free() // 4)  # collecting takes time: from here on less often
    await rig.run()


def _collect_every(size: int) -> None:
    if hasattr(gc, "threshold"):  # not on CPython
        gc.threshold(size)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
