"""The hub's nouns: schools and carts as configured, facts as believed, verdicts as reached.

Plain frozen values. Times are integer epoch seconds (`_s`), durations too; the school's own wall
clock appears only where a person reads or writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
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
    `rotates`: its shelves take turns in charging, so a pause is not a fault (C1). `deadline` is
    its own where it has one, never later than the school's. `storage` are the BSSIDs of the access
    points heard in its storage place; none: nobody asks where it is (C9).
    """

    controller: str
    number: int
    room: str
    teacher: Person
    slots: int = 30
    spare: frozenset[int] = frozenset()
    lock: Literal["locked", "open"] = "locked"
    rotates: bool = False
    deadline: time | None = None
    storage: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a school's calendar is published, and which of its entries are about school days.

    `source` is the path of an ICS file or an http(s) address; `label` is what people are told of
    it, since an address may hold a secret. `closed`, `half_day` and `ignore` are words and phrases
    as rules.closures reads them.
    """

    source: str
    label: str
    closed: tuple[str, ...]
    half_day: tuple[str, ...]
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar, on one occasion: the dates or moments from `start` up to `end`.

    Dates for an entry of whole days, `end` being the first after it. Moments with a zone, or
    without one where the clock on whose wall they are is the school's.
    """

    start: date | datetime
    end: date | datetime
    summary: str
    categories: tuple[str, ...] = ()


DayKind = Literal["closed", "half day"]
MORNING = time(7, 15)  # when a school day begins for its carts, where the school says nothing else


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A date on which school is not as usual: why, and the label of where that stands."""

    kind: DayKind
    reason: str
    label: str


@dataclass(frozen=True, slots=True)
class FeedState:
    """How one feed stands: `read_s` when it was last read whole, None never; `error` of the last
    try, empty when that went well; `last` the last date it closes or shortens, None without."""

    label: str
    read_s: int | None
    error: str = ""
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a school's feeds say of its dates, and how far that can be trusted."""

    days: Mapping[date, SpecialDay] = field(default_factory=dict, hash=False)
    feeds: tuple[FeedState, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarTrouble:
    """Why a calendar may not say what is true. `text` is a sentence or two for a person.

    `unread`: never read. `stale`: not read for a day, an old copy decides. `empty`: it says
    nothing of school days. `ending`: it says nothing of those to come.
    """

    label: str
    kind: Literal["unread", "stale", "empty", "ending"]
    text: str


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a school's day around its deadline; None or 0 where the school wants none.

    `nudge_before_s` and `late_after_s` are seconds from the deadline; `overnight`, `morning` and
    `quiet` (from, until) are times on the school's wall. In the quiet hours nothing is mailed but
    the digest of the deadline, and alarms. `week`: the last school day of a week is followed by a
    summary. `dead_man_s`: how long a deadline that is due may stay unjudged before someone is told.
    `alarm_after_s`: how long a cart may be open out of hours before someone is told (C12), 0:
    nobody is; `alarm_breaks_quiet`: in the quiet hours too.
    """

    nudge_before_s: int = 1800
    late_after_s: int = 3600
    overnight: time | None = time(21, 0)
    morning: time | None = MORNING
    week: bool = True
    quiet: tuple[time, time] | None = (time(22, 0), time(6, 0))
    dead_man_s: int = 900
    alarm_after_s: int = 600
    alarm_breaks_quiet: bool = True


@dataclass(frozen=True, slots=True)
class School:
    """One school: its clock, its days, its deadline, its coordinator and its carts.

    `days` are the school days of the week, 0 is Monday. `closed` and `half_days` are dates given
    by hand, `feeds` the calendars where more of them are published, and `calendar` what those say.
    On a half day `half_day_deadline` counts where it is the earlier one. `grace_s` is how long
    after the deadline the hub waits for reports measured before it. `silent_after_s` is how old the
    last word from a cart may be before it counts as silent. `idle_after_s` is how long a device may
    draw nothing after it was put back before its cable is suspected. `principal` and `it` are whom
    the school named for these roles (N6), `steps` what besides the digest is told when.
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
    half_day_deadline: time = time(14, 0)
    closed: frozenset[date] = frozenset()
    half_days: frozenset[date] = frozenset()
    feeds: tuple[Feed, ...] = ()
    calendar: Calendar = Calendar()
    principal: Person | None = None
    it: Person | None = None
    steps: Steps = Steps()


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days what is kept (rules.keep), 0 is for ever; and at what time of the first
    school's day what is older is dropped."""

    history_days: int = 400
    letters_days: int = 100
    refused_days: int = 30
    at: time = time(2, 30)


DeviceState = Literal["in service", "in repair", "loaner", "lost", "retired"]


@dataclass(frozen=True, slots=True)
class Device:
    """One device by its number: its slot in its cart (C4). No person belongs to it (C13).

    `tag` is the asset tag by which the asset system knows it (N11), empty when it has none; `kind`
    is what it is, such as tablet; `state` is what people say of it (N8, N17).
    """

    cart: int
    slot: int
    tag: str = ""
    kind: str = ""
    state: DeviceState = "in service"


@dataclass(frozen=True, slots=True)
class Teacher:
    """Someone devices are assigned to. At most `allotment` of them may be out, None: any (N3)."""

    person: Person
    allotment: int | None = None


@dataclass(frozen=True, slots=True)
class Exemption:
    """A device that may be away until the school's deadline of `until` (N3, N8).

    `why` and `authorised` (by whom) are for people to read.
    """

    until: date
    why: str
    authorised: str


@dataclass(frozen=True, slots=True)
class SubstituteDay:
    """A school day on which a substitute stands in for a teacher: no device may be out (N4)."""

    email: str
    day: date


@dataclass(frozen=True, slots=True)
class Reservation:
    """`devices` of a cart that a teacher has reserved, on the school's own clock (N5)."""

    cart: int
    begins: datetime
    email: str
    ends: datetime
    devices: int


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What the register says of one slot. `teacher` is None where it is the cart's own.

    `state_since_s` is when the device was recorded as being in its state.
    """

    device: Device | None = None
    state_since_s: int | None = None
    exemption: Exemption | None = None
    teacher: Teacher | None = None


@dataclass(frozen=True, slots=True)
class CartRegister:
    """What the register says of one cart at one moment; empty: nothing was ever recorded.

    `slots` has only those of which something is recorded. `teacher` is the cart's own with the
    allotment that is recorded. `substitutes` are those of the whole district.
    """

    slots: Mapping[int, SlotRecord] = field(default_factory=dict)
    teacher: Teacher | None = None
    substitutes: frozenset[SubstituteDay] = frozenset()
    reservations: tuple[Reservation, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """What is believed of one thing: its value, since when (measured), None when not known.

    `seen`: an event said that it became so, of a cart of which all was known until then. Else it
    was found so: at the first report, after a restart or a dead sensor, where events were lost.
    """

    value: str
    since_s: int | None
    seen: bool = False


UNKNOWN = Fact("unknown", None)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """One slot. `presence`: present, absent, unknown; `charge`: a charge word of core.slots.STATES.

    `presence.since_s` is when the device came or went. `drew`: whether it has drawn current at
    some time since then, so that a pause is not a cable left out; None: it may have, unseen.
    `bank` is the bank of sensors that reads the slot, from 1; 0 when that is not known. `shut`: the
    device was seen to leave while the door was closed and the bolt thrown.
    """

    presence: Fact = UNKNOWN
    charge: Fact = UNKNOWN
    drew: bool | None = False
    bank: int = 0
    shut: bool = False


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
    "elsewhere",  # C9: not at an access point of its storage place
    "unlocked",  # C3: door open or bolt not thrown, where the policy says locked
    "disturbed",  # C12: unlocked, opened or emptied out of hours
    "silent",  # nothing heard: unknown, never empty
    "sensor_fault",  # a bank or a switch that cannot be believed: unknown, never missing
    "power_fault",  # over-current or current flowing backwards
    "over_allotment",  # N3: more devices of a teacher out than they may have
    "substitute",  # N4: devices out on a day when a substitute stands in for their teacher
    "returned",  # N8, N9, N17: in its slot, and recorded as away
]
Confidence = Literal["known", "inferred", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that is wrong (or cannot be known), with its cause and what hides behind it.

    `rule` is the number in the domain rules (C2, C6, …). `slots` are the slots it is about, empty
    when it is about the cart. `hides` are the slots about which nothing can be said because of it.
    `reason` is one sentence for a person, `action` the next step, `evidence` what it rests on.
    `about` says which part of the cart, or whom, it is about where slots do not: bank 2, mains.
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


Place = Literal["home", "out", "unknown", "excused", "spare"]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a device that is out of its slot need not be home: `reason` is one sentence (N3, N8)."""

    rule: str
    slot: int
    reason: str


@dataclass(frozen=True, slots=True)
class CartVerdict:
    """The judgement of one cart at `at_s`: each slot's place and all that is wrong, causes first.

    `places` has one word per configured slot; `excuses` has one entry for each that is excused.
    """

    cart: Cart
    at_s: int
    places: tuple[Place, ...]
    verdicts: tuple[Verdict, ...]
    excuses: tuple[Excuse, ...] = ()

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

    `late_s` > 0: it was judged so long after it was due, because the hub was not at work then, or
    did not know yet that it was due. `calendar_troubles` are those of the time it was judged at.
    `head` is where the hash chain of the records ended when it was judged, in its short form.
    """

    school: School
    day: str
    deadline_s: int
    judged_s: int
    carts: tuple[CartVerdict, ...]
    unknown_controllers: tuple[str, ...] = field(default=())
    calendar_troubles: tuple[CalendarTrouble, ...] = field(default=())
    head: str = ""

    @property
    def late_s(self) -> int:
        """Seconds from when it was due until it was judged; 0 when nobody would notice."""
        late_s = self.judged_s - self.deadline_s - self.school.grace_s
        return late_s if late_s > LATE_AFTER_S else 0
