"""ports.Pins on machine.Pin. What each level means stands in board.schema.json."""

import asyncio

from machine import Pin
from neopixel import NeoPixel

PULLED_UP = ("door", "bolt", "mains", "tamper", "bank_interrupt", "button")


class Pins:
    """The lines of the board file's `pins`, a dict of GP numbers by name."""

    def __init__(self, gp):
        self._pins = {name: Pin(gp[name], Pin.IN, Pin.PULL_UP) for name in PULLED_UP if name in gp}
        self._pins["mux_reset"] = Pin(gp["mux_reset"], Pin.OUT, value=1)  # 0 would hold it in reset
        if "buzzer" in gp:
            self._pins["buzzer"] = Pin(gp["buzzer"], Pin.OUT, value=0)
        self._light = NeoPixel(Pin(gp["light"], Pin.OUT, value=0), 1)
        self._tasks = []

    def read(self, name: str) -> int:
        """The level of an input: 0 or 1."""
        return self._pins[name].value()

    def write(self, name: str, level: int) -> None:
        """Drive an output to 0 or 1, the light to a colour 0xRRGGBB."""
        if name == "light":
            self._light[0] = (level >> 16, level >> 8 & 255, level & 255)
            self._light.write()
        else:
            self._pins[name].value(level)

    def on_fall(self, name: str, call) -> None:
        """Call `call` soon after each falling edge of an input. To be asked of a running loop.

        The interrupt only raises a flag: nothing else of asyncio may be touched from there.
        """
        flag = asyncio.ThreadSafeFlag()
        self._pins[name].irq(handler=lambda pin: flag.set(), trigger=Pin.IRQ_FALLING)
        self._tasks.append(asyncio.create_task(_call_when(flag, call)))


async def _call_when(flag, call):
    while True:
        await flag.wait()
        call()
