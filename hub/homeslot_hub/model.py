"""The hub's nouns: schools and carts as configured, facts as believed, verdicts as reached.

Plain frozen values. Times are integer epoch seconds (`_s`), durations too; the school's own wall
clock appears only where a person reads or writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import Literal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can act, as a mail knows them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Cart:
    """One cart as the school sees it: its number, where it lives, who answers for it.

    `controller` is the id on the wire (contract.is_cart_id). `slots` counts slots; `spare` names
    the slots that have no device assigned. `lock` is the school's policy for the front (C3).
    `rotates`: its shelves take turns in charging, so a pause is not a fault (C1).
    """

    controller: str
    number: int
    room: str
    teacher: Person
    slots: int = 30
    spare: frozenset[int] = frozenset()
    lock: Literal["locked", "open"] = "locked"
    rotates: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a school's day around its deadline; None or 0 where the school wants none.

    `nudge_before_s` and `late_after_s` are seconds from the deadline; `overnight`, `morning` and
    `quiet` (from, until) are times on the school's wall. In the quiet hours nothing is mailed but
    the digest of the deadline. `week`: the last school day of a week is followed by a summary.
    `dead_man_s`: how long a deadline that is due may stay unjudged before someone is told.
    """

    nudge_before_s: int = 1800
    late_after_s: int = 3600
    overnight: time | None = time(21, 0)
    morning: time | None = time(7, 15)
    week: bool = True
    quiet: tuple[time, time] | None = (time(22, 0), time(6, 0))
    dead_man_s: int = 900


@dataclass(frozen=True, slots=True)
class School:
    """One school: its clock, its days, its deadline, its coordinator and its carts.

    `days` are the school days of the week, 0 is Monday. `grace_s` is how long after the deadline
    the hub waits for reports measured before it. `silent_after_s` is how old the last word from a
    cart may be before it counts as silent. `idle_after_s` is how long a device may draw nothing
    after it was put back before its cable is suspected. `principal` and `it` are whom the school
    named for these roles (N6).
    """

    name: str
    zone: ZoneInfo
    coordinator: Person
    carts: tuple[Cart, ...]
    deadline: time = time(17, 0)
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    grace_s: int = 120
    silent_after_s: int = 900
    idle_after_s: int = 900
    principal: Person | None = None
    it: Person | None = None
    steps: Steps = Steps()


@dataclass(frozen=True, slots=True)
class Fact:
    """What is believed of one thing: its value, since when (measured), None when not known."""

    value: str
    since_s: int | None


UNKNOWN = Fact("unknown", None)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """One slot. `presence`: present, absent, unknown; `charge`: a charge word of core.slots.STATES.

    `presence.since_s` is when the device came or went. `drew`: it has drawn current at some time
    since then, so that a pause later is not a cable left out. `bank` is the bank of sensors that
    reads the slot, from 1; 0 when that is not known.
    """

    presence: Fact = UNKNOWN
    charge: Fact = UNKNOWN
    drew: bool = False
    bank: int = 0


@dataclass(frozen=True, slots=True)
class CartFacts:
    """Everything believed of one cart at one moment.

    `heard_s` is when the last report was measured, None when there never was one. `slots` and
    `banks` have one entry per slot and bank as reported; empty when nothing was ever reported.
    `place` is the BSSID of the access point the cart is at.
    """

    heard_s: int | None = None
    mains: Fact = UNKNOWN
    bolt: Fact = UNKNOWN
    door: Fact = UNKNOWN
    tamper: Fact = UNKNOWN
    banks: tuple[Fact, ...] = ()
    slots: tuple[SlotFacts, ...] = ()
    place: Fact = UNKNOWN


Finding = Literal[
    "out",  # C2: a device is not in its slot
    "not_charging",  # C7: in its slot, has drawn nothing since it was put back
    "unplugged",  # C6: no mains at the cart
    "unlocked",  # C3: door open or bolt not thrown, where the policy says locked
    "silent",  # nothing heard: unknown, never empty
    "sensor_fault",  # a bank or a switch that cannot be believed: unknown, never missing
    "power_fault",  # over-current or current flowing backwards
]
Confidence = Literal["known", "inferred", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that is wrong (or cannot be known), with its cause and what hides behind it.

    `rule` is the number in the domain rules (C2, C6, …). `slots` are the slots it is about, empty
    when it is about the cart. `hides` are the slots about which nothing can be said because of it.
    `reason` is one sentence for a person, `action` the next step, `evidence` what it rests on.
    `about` says which part of the cart it is about, where slots do not: `bank 2`, `mains`.
    """

    rule: str
    finding: Finding
    slots: tuple[int, ...]
    since_s: int | None
    confidence: Confidence
    reason: str
    evidence: str
    action: str
    hides: tuple[int, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class CartVerdict:
    """The judgement of one cart at `at_s`: each slot's place and all that is wrong, causes first.

    `places` has one word per configured slot: home, out, unknown or spare.
    """

    cart: Cart
    at_s: int
    places: tuple[Literal["home", "out", "unknown", "spare"], ...]
    verdicts: tuple[Verdict, ...]

    @property
    def all_home(self) -> bool:
        """Nothing is wrong and everything is known."""
        return not self.verdicts


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived from the broker. `arrived_s` is only for the record."""

    topic: str
    payload: bytes
    retained: bool
    arrived_s: int


@dataclass(frozen=True, slots=True)
class Command:
    """One message the hub wants published."""

    topic: str
    payload: bytes


LATE_AFTER_S = 600  # a mail ten minutes after the deadline is still the deadline's mail


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """One school's judged day: what the digest is composed from. `day` is YYYY-MM-DD.

    `late_s` > 0: it was judged so long after it was due, because the hub was not at work then.
    """

    school: School
    day: str
    deadline_s: int
    judged_s: int
    carts: tuple[CartVerdict, ...]
    unknown_controllers: tuple[str, ...] = field(default=())

    @property
    def late_s(self) -> int:
        """Seconds from when it was due until it was judged; 0 when nobody would notice."""
        late_s = self.judged_s - self.deadline_s - self.school.grace_s
        return late_s if late_s > LATE_AFTER_S else 0
