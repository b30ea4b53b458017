"""Says what happens while a scenario runs: a line per moment of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import groupby

from homeslot_sim.scenario import Deed, Scenario


class Narrator:
    """Calls `say(line)` for every deed whose time has come, when told the simulated time."""

    def __init__(self, scenario: Scenario, say: Callable[[str], None]) -> None:
        self._zone = scenario.zone
        self._deadline_s = scenario.deadline_s
        self._left = [
            (at_s, list(deeds)) for at_s, deeds in groupby(scenario.deeds, lambda deed: deed.at_s)
        ]
        self._say = say

    def tell(self, now_s: int) -> None:
        """It is epoch `now_s` in the scenario."""
        while self._left and self._left[0][0] <= now_s:
            at_s, deeds = self._left.pop(0)
            for _, of_verb in groupby(deeds, lambda deed: (deed.verb, deed.numbers)):
                self._say(f"{self._clock(at_s)}  {_line(list(of_verb))}")
        if self._deadline_s and self._deadline_s <= now_s:
            self._say(f"{self._clock(self._deadline_s)}  the bell: the deadline has come")
            self._deadline_s = 0

    def _clock(self, at_s: int) -> str:
        return f"{datetime.fromtimestamp(at_s, self._zone):%H:%M}"


def _line(deeds: list[Deed]) -> str:
    carts = ", ".join(str(deed.cart) for deed in deeds)
    numbers = deeds[0].numbers
    which = f" {numbers[0]}" if len(numbers) == 1 else f" {len(numbers)}" if numbers else ""
    return f"{'carts' if len(deeds) > 1 else 'cart'} {carts}: {deeds[0].verb}{which}"
