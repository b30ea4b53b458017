"""What was so at a moment, and which of it could be known: read off the simulated world alone.

Theory of operation. The moment is D, and the hub judges at J: some minutes later where D is a
deadline, at once where a step of the day looks at the present, hours later where a deadline is
corrected. Everything here comes from the log of what befell cart, building, broker and hub; nothing
from a report.

*Told until.* A cart is *in touch* while its controller is on, its link is up and its broker is up,
and the hub has what it said once it is up itself. What a cart senses while it is not in touch waits
in its journal, and is told when it is in touch again: so what matters is not the last moment in
touch, but whether there was one after. K is the last moment not after D of which everything that a
cart could sense could be with the hub by J, which takes in what it is given within COMMIT_S. Where
that cannot be said to the second, K lies in a
window K1..K2: a cart that is in touch again needs up to RECONNECT_S for it (its back-off), and what
a broker had taken and forgot while the hub was away is lost.

*Knowable.* What the hub has to say is how the world was at K: a school that lets a cart be silent
for 15 minutes takes what is at most so old for the present. A finding is

- `must`: it was so all through the window, from EDGE_S before K1 until EDGE_S after K2;
- `never`: it was not so at any moment of the window;
- `may`: it began or ended within. EDGE_S is for what a cart takes to be sure (mains: 2 s and a
  scan) and for its clock, which is told in whole seconds.

*Silent* (must): the last report that was measured until D and could be with the hub by J is older
than the school allows. Reports come at `report_s`, so a cart lost from touch at T was last heard in
T - report_s..T, and between the two limits both is right. So it is for a cart that was lost before
D and found again before J: it measured nothing between, unless something happened. Behind silence
nothing else is knowable, and nothing else may be said.

*Sensed.* A bank that is dead in all of the window must be a `sensor_fault`; of its slots nothing
may be said. A bank that came back needs RECOVERY_S until it is believed (its probes back off).

*Out* (must): a device is not in its slot; one in a spare slot is not in its own.

*Not charging* (must): the device is in its slot, the mains are on, and nothing has fed it (cable,
shelf, mains) since it was put back, for as long as the school or the rotation allows, counted from
when it came or the mains came back. One that was fed even once may be full. Where it came, or was
fed first, unseen (bank dead, controller off, or told to a broker that forgot), it `may`; so it may
behind a bank that was dead for long: for the hub that is as if it had been charged.

*Unplugged*, *unlocked* (must): no mains; bolt or door open where the policy says locked.

*Elsewhere* (must): another access point is near, and has been for as long as a cart waits.

*Power fault* (must): the device is in its slot and draws too much, or feeds back.

*A switch that sticks* stays open: a device that draws is then a fault of its slot, one that is full
is out as far as any cart can sense. Either `may` be said, and nothing of that slot `must`.

*A clock that is behind*: what a cart measures after a boot at which somebody told it an earlier
time is stamped with that, and cannot be told from what was measured then. Of moments from that time
on, until the hub has told the right one, everything `may` be said.

Which finding gets its truth where stands in TRUTHS. A finding of the hub that is not there has no
truth yet: it is counted as not judged, and is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from homeslot_sim.score.history import END_S, Histories, History, all_good, good_since_s

EDGE_S = 6
RECONNECT_S = 90
RECOVERY_S = 75
COMMIT_S = 31  # see server_room.COMMIT_MS
PLACE_S = 90  # an access point counts after a minute, and is looked for each ten seconds
SPENT_S = 75  # a slot that draws nothing any more is believed to after a minute
MISLED_S = 6 * 3600  # after so long the hub has surely told it the time
FED_S = 8  # so long a current is surely noticed
BLIND_S = 900 - EDGE_S  # behind a bank that was dead for longer a device may be full for the hub
ROTATION_S = 3600  # a school's own guide: shelves that take turns are not suspected within an hour

Claim = Literal["must", "may", "never"]
Key = tuple[str, int]  # finding; slot or bank, 0 for the cart


@dataclass(slots=True)
class Rules:
    """What school and cart are set to, as far as a truth depends on it. Durations in s."""

    silent_after_s: int
    idle_after_s: int
    report_s: int
    spare: frozenset[int]
    front_open: bool
    rotates: bool


@dataclass(slots=True)
class Server:
    """What befell broker and hub; `losses`: from when until when the broker's word is lost."""

    broker: History = field(default_factory=History)
    hub: History = field(default_factory=History)
    losses: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Truth:
    """One cart at a moment: every finding that is not `never`, and what is so in the world.

    `so` are the findings that hold in the world at the moment itself, knowable or not. `fed` are
    the slots (from 1) whose device has surely been seen to draw since it came. `misled`: the cart's
    clock was behind, and what it measured later may count.
    """

    claims: dict[Key, Claim]
    so: set[Key]
    silent: Claim
    fed: frozenset[int] = frozenset()
    misled: bool = False

    def claim(self, key: Key) -> Claim:
        """Whether the finding must, may or must not be said."""
        return "may" if self.misled else self.claims.get(key, "never")


def truth(
    histories: Histories, server: Server, rules: Rules, deadline_s: int, judged_s: int
) -> Truth:
    """The truth of one cart at `deadline_s`, judged by the hub at `judged_s` (epoch s)."""
    return _Case(histories, server, rules, deadline_s, judged_s).truth()


def is_misled(boots: Sequence[tuple[int, int]], at_s: int, judged_s: int) -> bool:
    """Whether what is said at `judged_s` of the moment `at_s` may be of a clock that was behind.

    `boots` are those of Histories.misled.
    """
    return any(
        told_s - EDGE_S <= at_s <= boot_s + MISLED_S and boot_s <= judged_s
        for boot_s, told_s in boots
    )


class _Case:
    def __init__(
        self, histories: Histories, server: Server, rules: Rules, deadline_s: int, judged_s: int
    ) -> None:
        self.of, self.server, self.rules = histories.of, server, rules
        self.misled = histories.misled
        self.deadline_s, self.judged_s = deadline_s, judged_s
        self.each = len(self.of["device"]) // len(self.of["bank"])
        self._until()
        self.fed: set[int] = set()
        self.faulty: list[int] = []  # slots that draw too much, or feed back
        self._has_drawn = False
        self.dead = [self.bad(bank, RECOVERY_S) for bank in self.of["bank"]]
        self.mains = self.bad(self.of["mains"][0])
        self.out = [self.bad(device) for device in self.of["device"]]
        self.stuck = [self.bad(switch) for switch in self.of["switch"]]

    def truth(self) -> Truth:
        silent = self._silent()
        claims: dict[Key, Claim] = {} if silent == "never" else {("silent", 0): silent}
        if silent != "must":
            for finding, claims_of in TRUTHS.items():
                for number, claim in claims_of(self):
                    if claim != "never":
                        claims[finding, number] = claim if silent == "never" else "may"
        misled = is_misled(self.misled, self.deadline_s, self.judged_s)
        if misled:
            claims, silent = dict.fromkeys(claims, "may"), "may"
        return Truth(claims, self._so(), silent, frozenset(self.fed), misled)

    def homes(self) -> Iterator[int]:
        """The slots that have a device, from 0."""
        for i in range(len(self.of["device"])):
            if i + 1 not in self.rules.spare:
                yield i

    def behind(self, i: int, claim: Claim) -> Claim:
        """`claim` of slot `i` (from 0), which its bank may keep from being known."""
        dead = self.dead[i // self.each]
        if claim == "never" or dead == "never":
            return claim
        return "never" if dead == "must" else "may"

    # Told until

    def _until(self) -> None:
        """Set the window of K, and when the cart was last heard, as (earliest, latest)."""
        back_s = self.deadline_s - 14 * 86400
        in_touch = all_good(
            [self.of["power"][0], self.of["link"][0], self.server.broker], back_s, self.judged_s
        )
        deadline_s, handed_s = self.deadline_s, self.judged_s - COMMIT_S
        sure = [  # those in which the cart has surely found its broker
            (from_s + (RECONNECT_S if from_s > back_s else 0), min(to_s, handed_s))
            for from_s, to_s in in_touch
            if min(to_s, handed_s) - from_s > RECONNECT_S or from_s == back_s
        ]
        self.k1_s = max((min(to_s, deadline_s) for _, to_s in sure), default=back_s)
        self.k2_s = max((min(to_s, deadline_s) for _, to_s in in_touch), default=back_s)
        if in_touch and in_touch[-1][1] >= self.judged_s - EDGE_S:
            self.k2_s = deadline_s
        before = [(from_s, min(to_s, deadline_s)) for from_s, to_s in sure if from_s <= deadline_s]
        ends_s = max((to_s for _, to_s in before), default=back_s)
        starts_s = max((from_s for from_s, _ in before), default=back_s)
        self.heard1_s = max(ends_s - self.rules.report_s, starts_s)
        self.heard2_s = self.k2_s
        # A moment in touch after the deadline tells all of before it; the journal has kept it.
        if any(to_s > deadline_s for _, to_s in sure):
            self.k1_s = deadline_s
        for lost_s, found_s in self.server.losses:
            if lost_s < deadline_s <= found_s + RECONNECT_S or found_s > self.k1_s > lost_s:
                self.k1_s = min(self.k1_s, lost_s)
                self.heard1_s = min(self.heard1_s, lost_s - self.rules.report_s)
        self.low_s, self.high_s = self.k1_s - EDGE_S, self.k2_s + EDGE_S

    def _silent(self) -> Claim:
        limit_s = self.rules.silent_after_s
        if self.deadline_s - self.heard2_s > limit_s + EDGE_S:
            return "must"
        return "never" if self.deadline_s - self.heard1_s <= limit_s - EDGE_S else "may"

    # What holds

    def bad(self, history: History, after_s: int = 0) -> Claim:
        """Whether it is not good at K; `after_s`: so long it is not yet believed to be good."""
        if history.turned(self.low_s - after_s, self.high_s):
            return "may"
        return "never" if history.good(self.high_s) else "must"

    def sensor_faults(self) -> Iterator[tuple[int, Claim]]:
        """Of each bank (from 1). After a boot every bank is new to the controller for a while."""
        booted = self.of["power"][0].turned(self.low_s - RECOVERY_S, self.high_s)
        for b, dead in enumerate(self.dead):
            yield b + 1, "may" if booted and dead == "never" else dead

    def switch_faults(self) -> Iterator[tuple[int, Claim]]:
        for i in self.homes():
            if self.stuck[i] != "never" and self.out[i] != "must":
                yield i + 1, self.behind(i, "may")

    def unplugged(self) -> Iterator[tuple[int, Claim]]:
        yield 0, self.mains

    def elsewhere(self) -> Iterator[tuple[int, Claim]]:
        away = self.bad(self.of["place"][0], PLACE_S)
        heard = all_good(
            [self.of["link"][0], self.of["power"][0]], self.low_s - PLACE_S, self.high_s
        )
        whole = heard == [(self.low_s - PLACE_S, self.high_s)]
        yield 0, away if away == "never" or whole else "may"

    def unlocked(self) -> Iterator[tuple[int, Claim]]:
        if not self.rules.front_open:
            yield 0, _either(self.bad(self.of["bolt"][0]), self.bad(self.of["door"][0]))

    def outs(self) -> Iterator[tuple[int, Claim]]:
        for i in self.homes():
            out = self.out[i]
            if out == "never" and self.stuck[i] != "never":
                out = "may"
            yield i + 1, self.behind(i, out)

    def power_faults(self) -> Iterator[tuple[int, Claim]]:
        for i, device in enumerate(self.of["device"]):
            shelf, cable = self.of["shelf"][i // self.each], self.of["cable"][i]
            fed = [device, cable, shelf, self.of["mains"][0], self.of["power"][0]]
            over = self._flows(self.of["load"][i], fed)
            back = self._flows(self.of["flow"][i], [device, cable, self.of["power"][0]])
            claim = _either(over, back)
            if claim != "never":
                if claim == "must":
                    self.faulty.append(i + 1)
                if self.stuck[i] != "never" or "may" in (self.out[i], over, back):
                    claim = "may"
                yield i + 1, self.behind(i, claim)

    def _flows(self, fault: History, through: list[History]) -> Claim:
        """Whether what is wrong while `fault` is not good, and all of `through` are, is so."""
        from_s, to_s = self.low_s - SPENT_S, self.high_s
        if fault.good(to_s) and not fault.turned(from_s, to_s):
            return "never"
        open_ = all_good(through, from_s, to_s)
        if not open_:
            return "never"
        whole = open_ == [(from_s, to_s)] and not fault.turned(from_s, to_s)
        return "must" if whole else "may"

    def not_charging(self) -> Iterator[tuple[int, Claim]]:
        for i in self.homes():
            if self.out[i] == "must" or self.mains == "must":
                continue
            claim = self._not_charging(i, self.k2_s)
            if "may" in (self.out[i], self.mains, self.stuck[i]):  # it came or went just now
                before = self._not_charging(i, self.low_s)
                claim = "never" if claim == before == "never" else "may"
            elif claim == "never" and self._has_drawn:
                self.fed.add(i + 1)
            yield i + 1, self.behind(i, claim)

    def _not_charging(self, i: int, at_s: int) -> Claim:
        """Whether the device of slot `i`, as it stood at `at_s`, has drawn nothing for too long."""
        b = i // self.each
        device, switch, flow = (self.of[of][i] for of in ("device", "switch", "flow"))
        came_s, freed_s = device.since_s(at_s), switch.since_s(at_s)
        mains_s = self.of["mains"][0].since_s(at_s)
        begin_s = -END_S if came_s is None else came_s
        unsure = freed_s is not None and freed_s > begin_s  # for the cart it came only then
        if freed_s is not None:
            begin_s = max(begin_s, freed_s)
        feeding = [self.of["cable"][i], self.of["shelf"][b], self.of["mains"][0], flow]
        seen = [self.of["bank"][b], self.of["power"][0]]
        sure_s = min(at_s, self.low_s)  # what was sensed by then is with the hub
        now_s = good_since_s([*feeding, *seen], begin_s, sure_s)
        noticed, fed = now_s is not None and sure_s - now_s >= FED_S, list[tuple[int, int]]()
        if not noticed or any(history.turned(begin_s, now_s or 0) for history in seen):
            fed = all_good(feeding, max(begin_s, self.deadline_s - 400 * 86400), at_s)
            noticed = _noticed(fed, seen, sure_s)
        lost = any(found_s > begin_s for _, found_s in self.server.losses)
        self._has_drawn = noticed and not lost
        if self._has_drawn:
            return "never"
        start_s = max(begin_s, -END_S if mains_s is None else mains_s)
        limit_s = max(self.rules.idle_after_s, ROTATION_S if self.rules.rotates else 0)
        waited_s = self.deadline_s - start_s
        if waited_s < limit_s - EDGE_S:
            return "never"
        unseen = came_s is not None and not self._seen(came_s, b)
        unseen = unseen or _blind(self.of["bank"][b], begin_s, at_s)
        unsure = unsure or flow.turned(begin_s, at_s) or not flow.good(at_s)
        if unsure or fed or lost or unseen or waited_s < limit_s + EDGE_S:
            return "may"
        return "must"

    def _seen(self, at_s: int, b: int) -> bool:
        """Whether bank `b` and the controller were surely at work around `at_s`."""
        return all(
            history.good(at_s) and not history.turned(at_s - RECOVERY_S, at_s + EDGE_S)
            for history in (self.of["bank"][b], self.of["power"][0])
        )

    def _so(self) -> set[Key]:
        """What holds in the world at the moment, whoever knows."""
        at_s, so = self.deadline_s, set[Key]()
        for i, device in enumerate(self.of["device"]):
            if i + 1 not in self.rules.spare and not device.good(at_s):
                so.add(("out", i + 1))
        for b, bank in enumerate(self.of["bank"]):
            if not bank.good(at_s):
                so.add(("sensor_fault", b + 1))
        so.update(("power_fault", number) for number in self.faulty)
        if not self.of["mains"][0].good(at_s):
            so.add(("unplugged", 0))
        if not (self.rules.front_open or all(self.of[of][0].good(at_s) for of in ("bolt", "door"))):
            so.add(("unlocked", 0))
        return so


def _blind(bank: History, from_s: int, to_s: int) -> bool:
    """Whether nothing was believed of `bank` for so long that a device may be full since."""
    seen_s = from_s
    for good_s, bad_s in bank.spells(from_s, to_s):
        believed_s = good_s if good_s == from_s else good_s + RECOVERY_S
        if believed_s < bad_s:
            if believed_s - seen_s >= BLIND_S:
                return True
            seen_s = bad_s
    return to_s - seen_s >= BLIND_S


def _noticed(fed: list[tuple[int, int]], seen: list[History], until_s: int) -> bool:
    """Whether a device that was `fed` (from, to) was surely seen to draw by `until_s`.

    It draws as long as it is not full: what counts is that the first of it was seen.
    """
    for from_s, to_s in fed:
        for low_s, high_s in all_good(seen, from_s, to_s):
            if low_s > from_s:
                return False
            if min(high_s, until_s) - low_s >= FED_S:
                return True
            from_s = high_s
        if from_s < to_s:
            return False
    return False


def _either(one: Claim, other: Claim) -> Claim:
    if "must" in (one, other):
        return "must"
    return "may" if "may" in (one, other) else "never"


#: Where each finding gets its truth: number (slot or bank from 1, 0 for the cart) and claim. In
#: their order causes come before symptoms. `silent` is not here: it hides them all.
TRUTHS: dict[str, Callable[[_Case], Iterator[tuple[int, Claim]]]] = {
    "sensor_fault": _Case.sensor_faults,
    "switch_fault": _Case.switch_faults,
    "unplugged": _Case.unplugged,
    "elsewhere": _Case.elsewhere,
    "unlocked": _Case.unlocked,
    "out": _Case.outs,
    "not_charging": _Case.not_charging,
    "power_fault": _Case.power_faults,
}
