"""What was so at a deadline, and which of it could be known: read off the simulated world alone.

Theory of operation. The deadline is D, and the hub judges at J, some minutes later. Everything here
comes from the log of what befell cart, building, broker and hub; nothing from a report.

*Told until.* A cart is *in touch* while its controller is on, its link is up and its broker is up,
and the hub has what it said once it is up itself. What a cart senses while it is not in touch waits
in its journal, and is told when it is in touch again: so what matters is not the last moment in
touch, but whether there was one after. K is the last moment not after D of which everything that a
cart could sense could be with the hub by J. Where that cannot be said to the second, K lies in a
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
fed, unseen (bank dead, controller off, or told to a broker that forgot), it `may`.

*Unplugged*, *unlocked* (must): no mains; bolt or door open where the policy says locked.

*Power fault*: nothing in these worlds draws too much or feeds back: never.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from homeslot_sim.score.history import END_S, Histories, History, all_good

EDGE_S = 6
RECONNECT_S = 90
RECOVERY_S = 75
FED_S = 8  # so long a current is surely noticed
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
    """One cart at a deadline: every finding that is not `never`, and what is so in the world.

    `so` are the findings that hold in the world at the deadline itself, knowable or not.
    """

    claims: dict[Key, Claim]
    so: set[Key]
    silent: Claim

    def claim(self, key: Key) -> Claim:
        """Whether the finding must, may or must not be said."""
        return self.claims.get(key, "never")


def truth(
    histories: Histories, server: Server, rules: Rules, deadline_s: int, judged_s: int
) -> Truth:
    """The truth of one cart at `deadline_s`, judged by the hub at `judged_s` (epoch s)."""
    return _Case(histories, server, rules, deadline_s, judged_s).truth()


class _Case:
    def __init__(
        self, histories: Histories, server: Server, rules: Rules, deadline_s: int, judged_s: int
    ) -> None:
        self.of, self.server, self.rules = histories.of, server, rules
        self.deadline_s, self.judged_s = deadline_s, judged_s
        self.each = len(self.of["device"]) // len(self.of["bank"])
        self._until()

    def truth(self) -> Truth:
        silent = self._silent()
        claims: dict[Key, Claim] = {} if silent == "never" else {("silent", 0): silent}
        if silent != "must":
            for key, claim in self._findings().items():
                claims[key] = claim if silent == "never" else "may"
        return Truth(claims, self._so(), silent)

    # Told until

    def _until(self) -> None:
        """Set the window of K, and when the cart was last heard, as (earliest, latest)."""
        back_s = self.deadline_s - 14 * 86400
        in_touch = all_good(
            [self.of["power"][0], self.of["link"][0], self.server.broker], back_s, self.judged_s
        )
        deadline_s = self.deadline_s
        sure = [  # those in which the cart has surely found its broker
            (from_s + (RECONNECT_S if from_s > back_s else 0), to_s)
            for from_s, to_s in in_touch
            if to_s - from_s > RECONNECT_S or from_s == back_s
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

    def _findings(self) -> dict[Key, Claim]:
        found: dict[Key, Claim] = {}
        banks = [self._bad(bank, RECOVERY_S) for bank in self.of["bank"]]
        for b, dead in enumerate(banks):
            found["sensor_fault", b + 1] = self._or_boot(dead)
        mains = self._bad(self.of["mains"][0])
        found["unplugged", 0] = mains
        if not self.rules.front_open:
            found["unlocked", 0] = _either(
                self._bad(self.of["bolt"][0]), self._bad(self.of["door"][0])
            )
        for i in range(len(self.of["device"])):
            if i + 1 in self.rules.spare:
                continue
            dead = banks[i // self.each]
            out = self._bad(self.of["device"][i])
            idle: Claim = "never"
            if out != "must" and mains != "must":
                idle = self._not_charging(i, out == "may" or mains == "may")
            for finding, claim in (("out", out), ("not_charging", idle)):
                if claim != "never" and dead != "never":
                    claim = "never" if dead == "must" else "may"
                found[finding, i + 1] = claim
        return {key: claim for key, claim in found.items() if claim != "never"}

    def _bad(self, history: History, after_s: int = 0) -> Claim:
        """Whether it is not good at K; `after_s`: so long it is not yet believed to be good."""
        if history.turned(self.low_s - after_s, self.high_s):
            return "may"
        return "never" if history.good(self.high_s) else "must"

    def _or_boot(self, dead: Claim) -> Claim:
        """After a boot every bank is new to the controller for some seconds."""
        booted = self.of["power"][0].turned(self.low_s - RECOVERY_S, self.high_s)
        return "may" if booted and dead == "never" else dead

    def _not_charging(self, i: int, unsure: bool) -> Claim:
        came_s = self.of["device"][i].since_s(self.k2_s)
        mains_s = self.of["mains"][0].since_s(self.k2_s)
        begin_s = -END_S if came_s is None else came_s
        b = i // self.each
        fed = all_good(
            [self.of["cable"][i], self.of["shelf"][b], self.of["mains"][0]],
            max(begin_s, self.deadline_s - 400 * 86400),
            self.k2_s,
        )
        seen = [self.of["bank"][b], self.of["power"][0]]
        noticed = any(
            high_s - low_s >= FED_S
            for from_s, to_s in fed
            for low_s, high_s in all_good(seen, from_s, to_s)
        )
        lost = any(found_s > begin_s for _, found_s in self.server.losses)
        if noticed and not lost:
            return "never"
        start_s = max(begin_s, -END_S if mains_s is None else mains_s)
        limit_s = max(self.rules.idle_after_s, ROTATION_S if self.rules.rotates else 0)
        waited_s = self.deadline_s - start_s
        if waited_s < limit_s - EDGE_S:
            return "never"
        unseen = came_s is not None and not self._seen(came_s, b)
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
        """What holds in the world at the deadline, whoever knows."""
        at_s, so = self.deadline_s, set[Key]()
        for i, device in enumerate(self.of["device"]):
            if i + 1 not in self.rules.spare and not device.good(at_s):
                so.add(("out", i + 1))
        for b, bank in enumerate(self.of["bank"]):
            if not bank.good(at_s):
                so.add(("sensor_fault", b + 1))
        if not self.of["mains"][0].good(at_s):
            so.add(("unplugged", 0))
        if not (self.rules.front_open or all(self.of[of][0].good(at_s) for of in ("bolt", "door"))):
            so.add(("unlocked", 0))
        return so


def _either(one: Claim, other: Claim) -> Claim:
    if "must" in (one, other):
        return "must"
    return "may" if "may" in (one, other) else "never"
