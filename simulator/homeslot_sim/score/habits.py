"""What people do with a cart on a day, and what they forget: deeds out of one seed.

A day is made from how the cart stands when it begins, so that what was left undone yesterday is
found in the morning, or is not. Verbs are those of `cart.world.VERBS`. People do one thing after
the other: whoever opens a door has thrown the bolt before, and a device comes home after its cable
was forgotten.

Every number is a chance: per device and lesson, per lesson, or per morning. They are a busy
school's, rather more than less: what never goes wrong proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from homeslot_sim.cart.world import World

LESSONS_S = ((8 * 3600 + 600, 5400), (10 * 3600 + 900, 5400), (13 * 3600 + 600, 5400))
LESSON = 0.45  # a lesson is with this cart
WHOLE_CLASS = 0.7  # and then with all devices

# Per device and lesson.
KEPT = 0.004  # not brought back at the lesson's end …
LATE = 0.6  # … but in the afternoon, before the deadline or after it
STRAYS = 0.003  # put into a spare slot
CABLE_LEFT = 0.003  # put back without its cable
TOUCHED = 0.01  # taken out and put back once more
CABLE_DIES = 0.0005

# Per lesson.
ROAMS = 0.5  # the cart is rolled to the class: unplugged, and near another access point
STAYS_UNPLUGGED = 0.02
STAYS_UNLOCKED = 0.015
STAYS_OPEN = 0.008

# Per morning.
FOUND = 0.7  # someone sees what was left undone, and puts it right
CABLE_MENDED = 0.35
DEVICE_FOUND = 0.5
PULLED = 0.004  # someone needs the outlet, at any time of the day


class Deed(NamedTuple):
    """At `at_s`, seconds of the day, `verb` happens to the slots or banks `numbers` (from 1)."""

    at_s: int
    verb: str
    numbers: tuple[int, ...] = ()


@dataclass
class Habits:
    """How one cart is used: `spare` slots have no device; `rotates`: its shelves take turns."""

    spare: frozenset[int]
    rotates: bool

    def day(self, world: World, until_s: int, random: Random) -> list[Deed]:
        """The deeds of a day that begins with the cart as `world` has it, in order.

        Lessons are over at `until_s`, seconds of the day; 0: nobody comes.
        """
        deeds = self._shelves() if self.rotates else []
        if until_s:
            deeds += _Day(world, self.spare, random).live(until_s)
        return sorted(deeds, key=lambda deed: deed.at_s)

    def _shelves(self) -> list[Deed]:
        """Three shelves take turns of 20 minutes each, day and night."""
        deeds = []
        for turn in range(72):
            b, at_s = turn % 3, turn * 1200
            deeds.append(Deed(at_s + 7, "shelf-off", ((b - 1) % 3 + 1,)))
            deeds.append(Deed(at_s + 8, "shelf-on", (b + 1,)))
        return deeds


class _Day:
    def __init__(self, world: World, spare: frozenset[int], random: Random) -> None:
        good = world.good
        self.random, self.deeds = random, list[Deed]()
        self.homes = [i + 1 for i in range(len(good["device"])) if i + 1 not in spare]
        self.spare = sorted(spare)
        self.here = [i + 1 for i, here in enumerate(good["device"]) if here]
        self.cable = {i + 1: in_ for i, in_ in enumerate(good["cable"])}
        self.plugged = good["mains"][0]
        self.locked, self.closed = good["bolt"][0], good["door"][0]
        self.strays: dict[int, int] = {}  # spare slot: whose device is in it
        away = [n for n in self.homes if n not in self.here]
        visitors = [n for n in self.spare if n in self.here]
        self.strays = dict(zip(visitors, away, strict=False))

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def do(self, at_s: float, verb: str, *numbers: int) -> None:
        self.deeds.append(Deed(int(at_s), verb, numbers))

    def live(self, until_s: int) -> list[Deed]:
        self._morning()
        for start_s, long_s in LESSONS_S:
            if start_s + long_s < until_s and self.chance(LESSON):
                self._lesson(start_s + self.random.randrange(600), long_s)
        if self.chance(PULLED) and self.plugged:
            pulled_s = self.random.randrange(16 * 3600, 22 * 3600)
            self.do(pulled_s, "unplug")
            if self.chance(0.5):
                self.do(pulled_s + self.random.randrange(30, 3600), "plug")
        return self.deeds

    def _morning(self) -> None:
        at_s = 7 * 3600 + self.random.randrange(1200)
        if not self.plugged and self.chance(FOUND):
            self.do(at_s, "plug")
            self.plugged = True
        for slot, owner in list(self.strays.items()):
            if self.chance(FOUND):
                self._move(at_s + 60, slot, owner)
        away = [n for n in self.homes if n not in self.here and n not in self.strays.values()]
        for number in away:
            if self.chance(DEVICE_FOUND):
                at_s += self.random.randrange(20, 200)
                self._bring(at_s, number)
        for number, good in self.cable.items():
            if not good and self.chance(CABLE_MENDED):
                at_s += self.random.randrange(10, 60)
                self.do(at_s, "connect", number)
                self.cable[number] = True
        if not (self.locked and self.closed) and self.chance(FOUND):
            self._lock(at_s + 30)

    def _move(self, at_s: int, slot: int, owner: int) -> None:
        self.do(at_s, "out", slot)
        self.do(at_s + 9, "in", owner)
        del self.strays[slot]
        self.here.append(owner)

    def _bring(self, at_s: int, number: int) -> None:
        if self.chance(CABLE_LEFT) and self.cable[number]:
            self.do(at_s - 1, "disconnect", number)
            self.cable[number] = False
        self.do(at_s, "in", number)
        self.here.append(number)

    def _lock(self, at_s: int) -> None:
        if not self.closed:
            self.do(at_s, "close")
        if not self.locked:
            self.do(at_s + 4, "lock")
        self.closed = self.locked = True

    def _lesson(self, start_s: int, long_s: int) -> None:
        random = self.random
        if self.locked:
            self.do(start_s, "unlock")
        if self.closed:
            self.do(start_s + 3, "open")
        self.locked = self.closed = False
        roams = self.chance(ROAMS)
        if roams:
            self.do(start_s + 10, "unplug")
            self.do(start_s + 60, "roam")
            self.plugged = False
        at_s = start_s + 70
        here = [n for n in self.homes if n in self.here]
        taken = here if self.chance(WHOLE_CLASS) else here[: random.randrange(5, 20)]
        for number in taken:
            self.do(at_s, "out", number)
            at_s += random.randrange(1, 9)
        self.here = [n for n in self.here if n not in taken]
        at_s = start_s + long_s + random.randrange(-300, 300)
        if roams:
            self.do(at_s - 30, "return")
        self._bring_back(at_s, taken)
        self._leave(at_s + 600)

    def _bring_back(self, at_s: int, taken: list[int]) -> None:
        random = self.random
        for number in random.sample(taken, len(taken)):
            at_s += random.randrange(1, 9)
            if self.chance(KEPT):
                if self.chance(LATE):
                    self._bring(random.randrange(at_s + 700, at_s + 6 * 3600), number)
                continue
            free = [n for n in self.spare if n not in self.strays]
            if free and self.chance(STRAYS):
                self.do(at_s, "in", free[0])
                self.strays[free[0]] = number
                continue
            if self.chance(CABLE_DIES) and self.cable[number]:
                self.do(at_s - 1, "disconnect", number)
                self.cable[number] = False
            self._bring(at_s, number)
            if self.chance(TOUCHED):
                self.do(at_s + 20, "out", number)
                self.do(at_s + 20 + random.randrange(1, 60), "in", number)

    def _leave(self, at_s: int) -> None:
        if not self.plugged and not self.chance(STAYS_UNPLUGGED):
            self.do(at_s, "plug")
            self.plugged = True
        if self.chance(STAYS_OPEN):
            return
        if self.chance(STAYS_UNLOCKED):
            self.do(at_s + 20, "close")
            self.closed = True
            return
        self._lock(at_s + 20)
