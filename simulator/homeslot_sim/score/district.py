"""Carts in virtual time, their days, and the log of what befell them.

Nothing is polled: what will happen stands in a timeline, and one seed decides all of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from homeslot.board import Board
from homeslot_hardware import boards
from homeslot_sim.cart.battery import Batteries
from homeslot_sim.cart.body import batteries as new_batteries
from homeslot_sim.cart.world import ASPECTS, BANKS, VERBS, World
from homeslot_sim.long_hub import LongHub
from homeslot_sim.plans import cart_settings
from homeslot_sim.scenario import DEFAULT_BOARD, Deed, ScenarioCart
from homeslot_sim.score import faults
from homeslot_sim.score.habits import Habits
from homeslot_sim.score.history import Histories
from homeslot_sim.score.knowable import Rules
from homeslot_sim.score.plan import REPORT_S, SCAN_MS, SNOW, SchoolPlan
from homeslot_sim.score.quick_cart import QuickCart, Told
from homeslot_sim.score.quick_sensors import charge
from homeslot_sim.score.server_room import ServerRoom
from homeslot_sim.score.timeline import NEVER_MS, Timeline

OFF_BEAT_MS = 370  # boots are not on the stroke of a second, on which the deeds are
BOOT_MS = 4000  # from power to firmware
DAY_MS = 86400000
AHEAD_S = 300  # so far in the future a hub still believes what a cart says
PARTS = {  # what may break of a cart: the verbs for that, and for its mending
    aspect: {good: verb for verb, (of, good) in VERBS.items() if of == aspect}
    for aspect in ("bank", "load", "flow", "switch")
}
BATTERY_S = ((0.9, 20 * 3600, 40 * 3600), (1.0, 1800, 3 * 3600))  # old batteries are weak


@dataclass(slots=True)
class Morning:
    """A cart at the beginning of a day (the school's midnight, in ms), to live the day again."""

    at_ms: int
    good: dict[str, list[bool]]
    batteries: Batteries
    deeds: list[Deed] = field(default_factory=list)  # what befell it since; at_s is epoch s


@dataclass
class Place:
    """One cart with its habits and its log."""

    plan: ScenarioCart
    school: SchoolPlan
    cart: QuickCart
    habits: Habits
    histories: Histories
    rules: Rules
    random: Random
    battery_s: int
    morning: Morning
    off: dict[str, set[str]]  # why mains and link are off, and the controller
    boots: int = 0  # power-ons asked for; only the last one counts


@dataclass(frozen=True, slots=True)
class Finished:
    """A sampled day of one cart, from its boot at `boot_ms` to `end_ms`, and what it `told`."""

    place: Place
    day: date
    morning: Morning
    boot_ms: int
    told: list[Told]
    end_ms: int


class District:
    """`days` of the `schools`, every chance from `seed`; `hub` takes what the carts say.

    `sampled` are (cart number, day counted from 0) to be lived again: such a day begins with a
    restart of the controller, so that its tables have no past.
    """

    def __init__(
        self,
        schools: list[SchoolPlan],
        seed: int,
        hub: LongHub,
        start: date,
        days: int,
        sampled: Iterable[tuple[int, int]] = (),
    ) -> None:
        self.schools, self.seed, self.hub, self.days = schools, seed, hub, days
        self.start = start
        self.time = Timeline(min(self._midnight_s(school, 0) for school in schools))
        self.server = ServerRoom(hub, self.time, self._broker_gone, self._command)
        self._wakes: list[tuple[int, int]] = []
        self._planned: dict[int, int] = {}
        self._sampled = set(sampled)
        self.finished: list[Finished] = []  # the sampled days that were lived to their end
        board = Board(boards.load(DEFAULT_BOARD))
        self.each = board.slots // len(board.banks)
        silent_s, idle_s, _ = hub.limits
        self.places: dict[int, Place] = {}
        self._by_id: dict[str, Place] = {}
        for school in schools:
            for plan in school.carts:
                world = World(board.slots, len(board.banks))
                random = Random(f"{seed} cart {plan.number}")  # noqa: S311  # a simulation
                batteries = new_batteries(board.slots, plan.number)
                settings = cart_settings(plan.controller, scan_ms=SCAN_MS, report_s=REPORT_S)
                chance = random.random()
                low_s, high_s = next(part[1:] for part in BATTERY_S if chance <= part[0])
                place = Place(
                    plan,
                    school,
                    QuickCart(settings, board, batteries, self.server, world),
                    Habits(plan.spare, plan.rotates),
                    Histories(world),
                    Rules(silent_s, idle_s, REPORT_S, plan.spare, plan.front_open, plan.rotates),
                    random,
                    random.randrange(low_s, high_s),
                    Morning(0, {}, batteries),
                    {"mains": set(), "link": set(), "power": set()},
                )
                if plan.rotates:
                    world.good["shelf"][1:] = [False] * (len(board.banks) - 1)
                    place.histories.turn(self.time.start_s, "shelf", [1, 2], False)
                if plan.spare:
                    empty = sorted(number - 1 for number in plan.spare)
                    for i in empty:
                        world.good["device"][i] = False
                    place.histories.turn(self.time.start_s, "device", empty, False)
                charge(batteries, world, 0, range(board.slots), board.slots // len(board.banks))
                self.places[plan.number] = place
                self._by_id[plan.controller] = place

    def run(self) -> Iterator[int]:
        """Live all days; after each the number of those that are lived."""
        self.server.start()
        for place in self.places.values():
            self._boot(OFF_BEAT_MS + 700 * place.plan.number % 15000, place)
        for n in range(self.days):
            random = Random(f"{self.seed} server {n}")  # noqa: S311  # a simulation
            # The server stands at the first school, so its day is that school's.
            self.server.expect(random, self._midnight_s(self.schools[0], n))
            for school in self.schools:
                self.time.at(self._midnight_s(school, n), self._day, school, n)
        for school in self.schools:
            self.time.at(self._midnight_s(school, self.days) - 1, self._last, school)
        for n in range(self.days):
            self._until((n + 1) * DAY_MS)
            yield n + 1
        # The last deadlines lie behind the last midnight of the zone that is ahead.
        last_s = max(self._midnight_s(school, self.days) for school in self.schools)
        self._until((last_s - self.time.start_s) * 1000)

    def _until(self, end_ms: int) -> None:
        timeline, wakes, planned, places = self.time, self._wakes, self._planned, self.places
        while True:
            call_ms = timeline.next_ms
            wake_ms = wakes[0][0] if wakes else NEVER_MS
            if min(call_ms, wake_ms) >= end_ms:
                return
            if call_ms <= wake_ms:
                timeline.step()
                continue
            _, number = heapq.heappop(wakes)
            if planned.get(number) != wake_ms:
                continue
            timeline.now_ms = wake_ms
            del planned[number]
            places[number].cart.wake(wake_ms)
            self._replan(places[number])

    def _replan(self, place: Place) -> None:
        number, next_ms = place.plan.number, place.cart.next_ms
        if next_ms < NEVER_MS and self._planned.get(number) != next_ms:
            self._planned[number] = next_ms
            heapq.heappush(self._wakes, (next_ms, number))

    def _broker_gone(self) -> None:
        for place in self.places.values():
            place.cart.broker_gone(self.time.now_ms)
            self._replan(place)

    def _command(self, cart: str, payload: bytes) -> None:
        place = self._by_id[cart]
        place.cart.obey(self.time.now_ms, payload)
        self._replan(place)

    # Days

    def _midnight_s(self, school: SchoolPlan, n: int) -> int:
        day = self.start + timedelta(days=n)
        return int(datetime.combine(day, time(), school.zone).timestamp())

    def _day(self, school: SchoolPlan, n: int) -> None:
        """A day begins at a school: what will be done and what will break."""
        begin_s, end_s = self._midnight_s(school, n), self._midnight_s(school, n + 1)
        random = Random(f"{self.seed} {school.name} {n}")  # noqa: S311  # a simulation
        day = self.start + timedelta(days=n)
        self.hub.publish(school, day)
        snow, until_s = random.random() < SNOW, 0
        if school.year.is_school_day(day) and not snow:
            wall = school.wall_deadline(day)
            until_s = wall.hour * 3600 + wall.minute * 60
        broken = faults.of_school(random)
        for cart in school.carts:
            place = self.places[cart.number]
            if place.cart.told is not None:
                self._finish(place, self.start + timedelta(days=n - 1))
            if (cart.number, n) in self._sampled:
                place.cart.switch_off(self.time.now_ms)
            place.morning = Morning(
                self.time.now_ms, deepcopy(place.cart.world.good), place.cart.batteries.later(0)
            )
            if (cart.number, n) in self._sampled and not place.off["power"]:
                place.cart.told = []
                self._boot(self.time.now_ms + OFF_BEAT_MS, place)
            of_cart = Random(f"{self.seed} {cart.number} {n}")  # noqa: S311  # a simulation
            for deed in place.habits.day(place.cart.world, until_s, of_cart):
                at_s = begin_s + deed.at_s
                if at_s < end_s:
                    self.time.at(at_s, self._do, place, deed.verb, deed.numbers)
            good = place.cart.world.good
            dead = [b + 1 for b, well in enumerate(good["bank"]) if not well]
            found = faults.of_cart(of_cart, dead, len(good["bank"]), len(good["device"]))
            for fault in (*found, *broken):
                self._fault(place, fault, begin_s)

    def _last(self, school: SchoolPlan) -> None:
        for cart in school.carts:
            place = self.places[cart.number]
            if place.cart.told is not None:
                self._finish(place, self.start + timedelta(days=self.days - 1))

    def _finish(self, place: Place, day: date) -> None:
        """A sampled day has ended."""
        morning, told = place.morning, place.cart.told or []
        self.finished.append(
            Finished(place, day, morning, morning.at_ms + OFF_BEAT_MS, told, self.time.now_ms)
        )
        place.cart.told = None

    def _fault(self, place: Place, fault: faults.Fault, begin_s: int) -> None:
        from_s = begin_s + fault.from_s
        to_s = None if fault.to_s is None else begin_s + fault.to_s
        if fault.what == "mend":
            self.time.at(from_s, self._do, place, "bank-heals", (fault.number,))
            return
        if fault.what in PARTS:
            bad, good = (PARTS[fault.what][well] for well in (False, True))
            self.time.at(from_s, self._do, place, bad, (fault.number,))
            if to_s is not None:
                self.time.at(to_s, self._do, place, good, (fault.number,))
            return
        why = f"{fault.what} {from_s}"
        aspects = {"mains": ("mains", "link"), "wifi": ("link",)}.get(fault.what, (fault.what,))
        for aspect in aspects:
            self.time.at(from_s, self._reason, place, aspect, why, True)
            if to_s is not None:
                self.time.at(to_s, self._reason, place, aspect, why, False)

    # What befalls a cart

    def _do(self, place: Place, verb: str, numbers: tuple[int, ...]) -> None:
        """Somebody does `verb`, or a thing that breaks does."""
        aspect, good = VERBS[verb]
        if aspect == "mains":
            self._reason(place, aspect, "unplugged", not good)
            return
        self._befall(place, verb, numbers)

    def _reason(self, place: Place, aspect: str, why: str, off: bool) -> None:
        """There is one reason more, or less, for `aspect` to be off; it is while there is any."""
        reasons = place.off[aspect]
        was = bool(reasons)
        if off:
            reasons.add(why)
        else:
            reasons.discard(why)
        if bool(reasons) == was:
            return
        verbs = {good: verb for verb, (of, good) in VERBS.items() if of == aspect}
        if aspect == "power":
            self._power(place, not was)
            return
        self._befall(place, verbs[was], ())
        if aspect == "mains":
            if was:
                self._reason(place, "power", "empty", False)
            else:
                at_s = self.time.now_s + place.battery_s
                self.time.at(at_s, self._drained, place, at_s)

    def _drained(self, place: Place, at_s: int) -> None:
        since_s = place.histories.of["mains"][0].since_s(self.time.now_s)
        if place.off["mains"] and since_s == at_s - place.battery_s:
            self._reason(place, "power", "empty", True)

    def _power(self, place: Place, off: bool) -> None:
        place.boots += 1
        place.cart.world.good["power"][0] = not off
        if off:
            place.cart.switch_off(self.time.now_ms)
            self._planned.pop(place.plan.number, None)
            self._log(place, "power-off", ())
        else:
            self._log(place, "power-on", ())
            self._boot(self.time.now_ms + BOOT_MS + OFF_BEAT_MS, place)

    def _boot(self, at_ms: int, place: Place) -> None:
        place.boots += 1
        self.time.call(at_ms, self._booted, place, place.boots)

    def _booted(self, place: Place, boot: int) -> None:
        if boot == place.boots and not place.off["power"]:
            off_s = faults.clock_off_s(place.random)
            if off_s is not None and off_s <= AHEAD_S:
                now_s = self.time.now_s
                place.histories.misled.append((now_s, now_s + min(off_s, 0)))
            place.cart.switch_on(
                self.time.now_ms, None if off_s is None else self.time.now_s + off_s
            )
            self._replan(place)

    def _befall(self, place: Place, verb: str, numbers: tuple[int, ...]) -> None:
        aspect, good = VERBS[verb]
        now = place.cart.world.good[aspect]
        chosen = [n - 1 for n in numbers] or list(range(len(now)))
        chosen = [i for i in chosen if now[i] != good]
        if not chosen:
            return
        place.cart.befall(self.time.now_ms, aspect, chosen, good)
        self._replan(place)
        self._log(place, verb, tuple(i + 1 for i in chosen))

    def _log(self, place: Place, verb: str, numbers: tuple[int, ...]) -> None:
        aspect, good = VERBS[verb]
        place.histories.turn(self.time.now_s, aspect, [n - 1 for n in numbers] or [0], good)
        if ASPECTS[aspect] not in (BANKS, "slots"):
            numbers = ()
        place.morning.deeds.append(Deed(self.time.now_s, place.plan.number, verb, numbers))
