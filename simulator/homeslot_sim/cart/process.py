"""A cart in a process of its own, on scaled time and real sockets.

    micropython -m homeslot_sim.cart.process PLAN.json

The plan is that of `rig.Rig`, with `pace` (steps of `pace.Pace`), `start_ms`: the wall clock, in
epoch ms, at which its day begins, and `files`: the folder that is its flash.
"""

import asyncio
import json
import sys

from homeslot.folder import Folder
from homeslot.mqtt.stream import TcpNetwork
from homeslot_sim.cart.pace import Pace, ScaledClock, WallClock, wall_ms
from homeslot_sim.cart.rig import Rig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


async def main(plan: "dict[str, Any]") -> None:
    """Live the day of `plan`."""
    await asyncio.sleep(max(0, plan["start_ms"] - wall_ms()) / 1000)
    clock = ScaledClock(Pace(plan["pace"]), plan["start_ms"])
    await Rig(plan, clock, WallClock(), TcpNetwork(), Folder(plan["files"])).run()


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        text = file.read()
    asyncio.run(main(json.loads(text)))
