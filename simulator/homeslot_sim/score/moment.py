"""One step as it was taken: the carts of its school, and the truth of them at that very moment."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from homeslot_sim.score.district import District, Place
from homeslot_sim.score.knowable import EDGE_S, Claim, Key, Truth, is_misled, truth
from homeslot_sim.score.plan import Heard, SchoolPlan, StepSaid
from homeslot_sim.score.tally import Wrong

CHARGE_MA = 300  # from here on a slot is surely charging, see the board file
WORDS = frozenset({"charged", "charging", "idle", "away", "unknown"})


@dataclass(frozen=True, slots=True)
class Found:
    """What was wrong with what was said, of a cart at `at_s` (epoch s), or of no cart."""

    place: Place | None
    day: date
    at_s: int
    wrong: list[Wrong]


class Moment:
    """A step of `school` that the hub took, as it `said`; `found` is what was wrong, by cart."""

    def __init__(self, lived: District, school: SchoolPlan, said: StepSaid) -> None:
        self.school, self.said = school, said
        self.places = {cart.number: lived.places[cart.number] for cart in school.carts}
        self.found: defaultdict[int | None, list[Wrong]] = defaultdict(list)
        self._lived = lived
        self._truths: dict[tuple[int, int], Truth] = {}

    def now(self, number: int) -> Truth:
        """The truth of a cart at this moment, to be known at once."""
        return self.then(number, self.said.at_s)

    def then(self, number: int, at_s: int) -> Truth:
        """The truth of a cart at `at_s`, by what can be known by now."""
        known = self._truths.get((number, at_s))
        if known is None:
            place, server = self.places[number], self._lived.server.truth
            known = truth(place.histories, server, place.rules, at_s, self.said.at_s)
            self._truths[number, at_s] = known
        return known

    def claim(self, number: int, key: Key) -> Claim:
        """Whether it must, may or must not be said now."""
        return self.now(number).claim(key)

    def visible(self, number: int, key: Key) -> bool:
        """Whether a cart can surely tell that it is right now."""
        return visible(self.now(number), key, self._lived.each)

    def was_right(self, heard: Heard, key: Key) -> bool:
        """Whether it was right at the moment from which on the letter says so, where a switch
        shows it."""
        aspects = {"out": ("device",), "unplugged": ("mains",), "unlocked": ("bolt", "door")}
        known, right_s = self.places[heard.cart].histories, heard.right_s
        if self.now(heard.cart).misled:
            return True
        if right_s is None or right_s > self.said.at_s:
            return False
        if is_misled(known.misled, right_s, self.said.at_s):
            return True  # since when it is right was told by that clock
        histories = [known.of[aspect][max(0, key[1] - 1)] for aspect in aspects.get(key[0], ())]
        return all(
            history.good(right_s) or history.turned(right_s - EDGE_S, right_s + EDGE_S)
            for history in histories
        )

    def readiness(self, number: int, i: int) -> frozenset[str]:
        """The words that are right of slot `i` (from 0) in the morning."""
        place, true = self.places[number], self.now(number)
        bank, slot = ("sensor_fault", i // self._lived.each + 1), i + 1
        claims = [true.silent, true.claim(bank), true.claim(("out", slot))]
        claims += [true.claim(("switch_fault", slot)), true.claim(("power_fault", slot))]
        if "may" in claims:
            return WORDS
        if "must" in (claims[0], claims[1], claims[4]):
            return frozenset({"unknown"})
        if claims[2] == "must":
            return frozenset({"away"})
        if true.claim(("not_charging", slot)) == "must":
            return frozenset({"idle"})
        here = WORDS - {"away"}
        if true.claim(("unplugged", 0)) != "never" or slot not in true.fed:
            return here
        if place.cart.batteries.current_ma(i, self._lived.time.now_ms) >= CHARGE_MA:
            turned = place.histories.of["shelf"][i // self._lived.each]
            if not turned.turned(self.said.at_s - 120, self.said.at_s):
                return frozenset({"charging"})
        return frozenset({"charged", "charging"})

    def all_found(self) -> list[Found]:
        """What was wrong, cart by cart."""
        return [
            Found(self.places.get(number or 0), self.said.day, self.said.at_s, wrong)
            for number, wrong in self.found.items()
            if wrong
        ]


def visible(true: Truth, key: Key, each: int) -> bool:
    """Whether nothing keeps it from being known that `key` is right."""
    finding, number = key
    if true.misled:
        return False
    if finding == "silent":
        return True
    if ("silent", 0) in true.claims:
        return False
    if finding in ("out", "not_charging", "power_fault", "switch_fault"):
        bank = ("sensor_fault", (number - 1) // each + 1)
        if bank in true.claims or ("switch_fault", number) in true.claims:
            return False
    if finding == "not_charging":
        away = ("out", number) in true.claims or ("unplugged", 0) in true.claims
        return number in true.fed and not away
    return True
