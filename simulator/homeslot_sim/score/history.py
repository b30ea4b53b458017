"""What was really so, and when: every change of one thing in the simulated world, ever."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from homeslot_sim.cart.world import World

END_S = 1 << 60


class History:
    """The changes of one thing that is good or not; good from the beginning."""

    def __init__(self) -> None:
        self._at_s: list[int] = []  # every change turns it over

    def turn(self, at_s: int, good: bool) -> None:
        """From `at_s` (never earlier than before) it is `good` or not."""
        if good == (len(self._at_s) % 2 == 0):
            return
        if self._at_s and self._at_s[-1] == at_s:  # there and back within one second
            self._at_s.pop()
        else:
            self._at_s.append(at_s)

    def good(self, at_s: int) -> bool:
        """Whether it was good at `at_s`."""
        if not self._at_s:
            return True
        return bisect_right(self._at_s, at_s) % 2 == 0

    def since_s(self, at_s: int) -> int | None:
        """Since when it was as it was at `at_s`; None: from the beginning."""
        place = bisect_right(self._at_s, at_s)
        return self._at_s[place - 1] if place else None

    def turned(self, from_s: int, to_s: int) -> bool:
        """Whether it turned after `from_s`, and not after `to_s`."""
        if not self._at_s:  # as most things never do
            return False
        return bisect_right(self._at_s, from_s) != bisect_right(self._at_s, to_s)

    def spells(self, from_s: int, to_s: int) -> Iterator[tuple[int, int]]:
        """The times within `from_s`..`to_s` in which it was good, in order."""
        place = bisect_right(self._at_s, from_s)
        at_s, good = from_s, place % 2 == 0
        for turn_s in (*self._at_s[place : bisect_right(self._at_s, to_s)], to_s):
            if good and turn_s > at_s:
                yield at_s, turn_s
            at_s, good = turn_s, not good


def good_since_s(histories: Iterable[History], from_s: int, at_s: int) -> int | None:
    """Since when, from `from_s` on, all of `histories` have been good at `at_s`; None: not all."""
    for history in histories:
        if not history.good(at_s):
            return None
        since_s = history.since_s(at_s)
        if since_s is not None and since_s > from_s:
            from_s = since_s
    return from_s


def all_good(histories: list[History], from_s: int, to_s: int) -> list[tuple[int, int]]:
    """The times within `from_s`..`to_s` in which all of `histories` were good."""
    found = [(from_s, to_s)]
    for history in histories:
        found = [
            spell for low_s, high_s in found for spell in history.spells(low_s, high_s)
        ]  # fmt: skip
    return found


class Histories:
    """The histories of one cart's world, laid out as `World.good`."""

    def __init__(self, world: World) -> None:
        # Boots at which a time server told an earlier time than it was: (at, told). One a little
        # ahead is believed too: what is measured then is not yet so; `told` is `at`.
        self.misled: list[tuple[int, int]] = []
        self.of = {aspect: [History() for _ in good] for aspect, good in world.good.items()}

    def turn(self, at_s: int, aspect: str, numbers: list[int], good: bool) -> None:
        """From `at_s` on `aspect` is `good` or not at `numbers` (from 0)."""
        for i in numbers:
            self.of[aspect][i].turn(at_s, good)
