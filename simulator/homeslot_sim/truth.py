"""What was really so at the deadline: read off the simulated world, never off a report.

A truth also says what the cart could sense of it: behind a dead bank or on a silent cart nothing
can be known, and the right answer about it is that it is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from homeslot_sim.cart.world import VERBS, World
from homeslot_sim.scenario import DEFAULT_BANKS, DEFAULT_SLOTS, Scenario, ScenarioCart

SLOTS_PER_BANK = DEFAULT_SLOTS // DEFAULT_BANKS

Place = Literal["home", "out", "spare"]


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong in the world, since when (epoch s); `slots` are empty for a cart."""

    finding: str
    slots: tuple[int, ...]
    since_s: int


@dataclass(frozen=True, slots=True)
class CartTruth:
    """One cart at the deadline: each slot's place, which of them can be sensed, all that is wrong.

    `wrong` uses the hub's words for findings, so that the two can be laid side by side.
    """

    cart: int
    places: tuple[Place, ...]
    sensed: tuple[bool, ...]
    wrong: tuple[Wrong, ...]

    def as_json(self) -> dict[str, Any]:
        """The truth as plain JSON values."""
        return asdict(self)


class Chronicle(World):
    """A world that also knows since when each thing is as it is: `since_s` is laid out as `good`.

    At first, since `start_s`.
    """

    def __init__(self, slots: int, banks: int, start_s: int) -> None:
        super().__init__(slots, banks)
        self.since_s = {aspect: [start_s] * len(good) for aspect, good in self.good.items()}

    def apply_at(self, at_s: int, verb: str, numbers: Sequence[int]) -> None:
        """Do `verb` at `at_s`, see `World.apply`."""
        aspect, _ = VERBS[verb]
        before = list(self.good[aspect])
        self.apply(verb, numbers)
        for i, good in enumerate(self.good[aspect]):
            if good != before[i]:
                self.since_s[aspect][i] = at_s


def truths(scenario: Scenario, silent_after_s: int, idle_after_s: int) -> list[CartTruth]:
    """The truth of every cart of `scenario` at its deadline.

    The two limits are the school's: how long silence and an undrawing device are no fault yet.
    """
    found = []
    for cart in scenario.carts:
        world = Chronicle(DEFAULT_SLOTS, DEFAULT_BANKS, scenario.start_s)
        for deed in scenario.deeds:
            if deed.cart == cart.number and deed.at_s <= scenario.deadline_s:
                world.apply_at(deed.at_s, deed.verb, deed.numbers)
        found.append(_CartTruth(scenario, cart, world, silent_after_s, idle_after_s).read())
    return found


class _CartTruth:
    def __init__(
        self,
        scenario: Scenario,
        cart: ScenarioCart,
        world: Chronicle,
        silent_after_s: int,
        idle_after_s: int,
    ) -> None:
        self.at_s = scenario.deadline_s
        self.broker_off_s: int | None = None
        for at_s, what in scenario.server:
            if what.startswith("broker") and at_s <= self.at_s:
                self.broker_off_s = None if what == "broker start" else at_s
        self.cart, self.world = cart, world
        self.silent_after_s, self.idle_after_s = silent_after_s, idle_after_s

    def read(self) -> CartTruth:
        places = tuple(self._place(i) for i in range(DEFAULT_SLOTS))
        lost = [self._since("link"), self._since("power"), self.broker_off_s]
        silent = min((since_s for since_s in lost if since_s is not None), default=None)
        if silent is not None and self.at_s - silent > self.silent_after_s:
            nothing = (False,) * DEFAULT_SLOTS
            return CartTruth(self.cart.number, places, nothing, (Wrong("silent", (), silent),))
        sensed = tuple(self.world.good["bank"][i // SLOTS_PER_BANK] for i in range(DEFAULT_SLOTS))
        return CartTruth(self.cart.number, places, sensed, tuple(self._wrong(places, sensed)))

    def _place(self, i: int) -> Place:
        if i + 1 in self.cart.spare:
            return "spare"
        return "home" if self.world.good["device"][i] else "out"

    def _wrong(self, places: tuple[Place, ...], sensed: tuple[bool, ...]) -> list[Wrong]:
        wrong = []
        for b in range(DEFAULT_BANKS):
            dead = self._since("bank", b)
            if dead is not None:
                behind = range(b * SLOTS_PER_BANK, (b + 1) * SLOTS_PER_BANK)
                hidden = tuple(i + 1 for i in behind if places[i] != "spare")
                wrong.append(Wrong("sensor_fault", hidden, dead))
        unplugged = self._since("mains")
        if unplugged is not None:
            wrong.append(Wrong("unplugged", (), unplugged))
        open_s = [s for s in (self._since("bolt"), self._since("door")) if s is not None]
        if open_s and not self.cart.front_open:
            wrong.append(Wrong("unlocked", (), min(open_s)))
        away = self._since("place")
        if away is not None:
            wrong.append(Wrong("elsewhere", (), away))
        for i in range(DEFAULT_SLOTS):
            if sensed[i] and places[i] == "out":
                wrong.append(Wrong("out", (i + 1,), self.world.since_s["device"][i]))
                continue
            fault = self._power_fault(i) if sensed[i] else None
            if fault is not None:
                wrong.append(Wrong("power_fault", (i + 1,), fault))
            elif sensed[i] and places[i] == "home" and unplugged is None:
                # A cable pulled later looks to any sensor like a full device or a resting shelf.
                cable, back_s = self._since("cable", i), self.world.since_s["device"][i]
                if cable is not None and cable <= back_s <= self.at_s - self.idle_after_s:
                    wrong.append(Wrong("not_charging", (i + 1,), back_s))
        return wrong

    def _power_fault(self, i: int) -> int | None:
        """Since when too much flows to slot `i`, or current out of it; None while neither does."""
        b, good, since_s = i // SLOTS_PER_BANK, self.world.good, self.world.since_s
        through = [(of, good[of][i], since_s[of][i]) for of in ("device", "cable")]
        if good["flow"][i]:
            fault_s = since_s["load"][i]
            through += [("shelf", good["shelf"][b], since_s["shelf"][b])]
            through += [("mains", good["mains"][0], since_s["mains"][0])]
        else:
            fault_s = since_s["flow"][i]
        if (good["flow"][i] and good["load"][i]) or not all(well for _, well, _ in through):
            return None
        return max(fault_s, *(at_s for *_, at_s in through))

    def _since(self, aspect: str, i: int = 0) -> int | None:
        """Since when the aspect is not good; None while it is."""
        return None if self.world.good[aspect][i] else self.world.since_s[aspect][i]
