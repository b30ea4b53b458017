"""The task that plays the signals of core.signals on the light, and on the buzzer if there is one.

What is to be shown is asked for at the beginning of each round of a pattern, at most every three
seconds: nobody waits longer for an answer.
"""

from homeslot import const
from homeslot.core.signals import SIGNALS, flashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.ports import Clock, Pins

_LOOK_MS = const(1000)


class Light:
    """Shows the most urgent of what was ordered by `show` and what `also()` returns (names)."""

    def __init__(
        self, pins: "Pins", clock: "Clock", buzzer: bool, also: "Callable[[], list[str]]"
    ) -> None:
        self._pins = pins
        self._clock = clock
        self._buzzer = buzzer
        self._also = also
        self._until_ms: "dict[str, int]" = {}
        self._slot = 1
        self._colour = -1

    def show(self, name: str, for_ms: int, slot: int = 1) -> None:
        """Show signal `name` for `for_ms`, 0 ends it. `slot` is the one that `identify` tells."""
        self._until_ms[name] = self._clock.up_ms() + for_ms
        if name == "identify":
            self._slot = slot

    async def run(self, beat: "Callable[[], None]") -> None:
        """Play, for ever. `beat()` is called at every sign of life."""
        while True:
            beat()
            now_ms = self._clock.up_ms()
            wanted = self._also() + [n for n, until in self._until_ms.items() if now_ms < until]
            for name, colour, steps, sounds in SIGNALS:
                if name in wanted:
                    played = flashes(self._slot) if name == "identify" else steps
                    await self._play(colour, played, sounds)
                    break
            else:
                self._set(0, False)
                await self._clock.sleep_ms(_LOOK_MS)

    async def _play(self, colour: int, steps: "tuple[int, ...]", sounds: bool) -> None:
        for i in range(len(steps)):
            self._set(0 if i % 2 else colour, sounds)
            await self._clock.sleep_ms(steps[i])

    def _set(self, colour: int, sounds: bool) -> None:
        if colour != self._colour:
            self._colour = colour
            self._pins.write("light", colour)
            if self._buzzer:
                self._pins.write("buzzer", 1 if colour and sounds else 0)
