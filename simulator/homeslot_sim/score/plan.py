"""The district that is scored: its schools and carts out of one seed, and what a hub says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from homeslot_sim.scenario import GRACE_S, ScenarioCart, Someone
from homeslot_sim.score.year import HALF_DAY, Year, year

START = date(2026, 9, 1)
PER_SCHOOL = 10
# Each changes its clocks on other days, and one by half an hour.
ZONES = ("America/Chicago", "Europe/Berlin", "Pacific/Auckland", "Australia/Lord_Howe")
DEADLINES = (time(17, 0), time(16, 30), time(17, 0), time(18, 0))
REPORT_S = 300  # a snapshot each five minutes, as a school with many carts may set it
SCAN_MS = 1000
SNOW = 0.01  # of the school days nobody comes, and no calendar has known it
MORNING, OVERNIGHT = time(7, 15), time(21, 0)  # the hub's own times, as are these:
NUDGE_BEFORE_S, LATE_AFTER_S = 1800, 3600
CORRECTED_S = 16 * 3600


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """One school of the district."""

    name: str
    zone: ZoneInfo
    deadline: time
    coordinator: Someone
    principal: Someone
    carts: tuple[ScenarioCart, ...]
    year: Year

    def at_s(self, day: date, wall: time) -> int:
        """Epoch seconds of a time on the school's wall."""
        return int(datetime.combine(day, wall, self.zone).timestamp())

    def wall_deadline(self, day: date) -> time:
        """The deadline of a school day, as its wall shows it."""
        return min(self.deadline, HALF_DAY) if day in self.year.half else self.deadline

    def deadline_s(self, day: date) -> int:
        """The deadline of a school day, epoch s. No zone here changes its clock then."""
        return self.at_s(day, self.wall_deadline(day))

    def ends_week(self, day: date) -> bool:
        """Whether no school day of its week comes after `day`."""
        rest = (day + timedelta(days=n) for n in range(1, 7 - day.weekday()))
        return not any(map(self.year.is_school_day, rest))

    def steps_s(self, day: date) -> dict[str, tuple[int, int]]:
        """When each step of a school day is due, and until when it may be late. Epoch s."""
        deadline_s = self.deadline_s(day)
        steps = {
            "morning": (self.at_s(day, MORNING), deadline_s),
            "nudge": (deadline_s - NUDGE_BEFORE_S, deadline_s),
            "late": (deadline_s + LATE_AFTER_S, deadline_s + LATE_AFTER_S + 6 * 3600),
            "overnight": (self.at_s(day, OVERNIGHT), self.at_s(day, OVERNIGHT) + 8 * 3600),
        }
        if self.ends_week(day):
            steps["week"] = (deadline_s + GRACE_S, deadline_s + GRACE_S + 3 * 86400)
        begin_s, _ = steps["morning"]
        steps["morning"] = (begin_s, min(begin_s + 4 * 3600, deadline_s))
        return steps


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding of the hub about a cart: which slots it is about, and which it hides.

    `about` is the hub's word for the part of the cart, where slots are none.
    """

    finding: str
    slots: tuple[int, ...]
    hides: tuple[int, ...]
    about: str = ""


@dataclass(frozen=True, slots=True)
class DaySaid:
    """What the hub said of a school's day, by number of the cart. Times in epoch s.

    `stale`: it said that it could not read the school's calendar.
    """

    school: str
    day: date
    deadline_s: int
    judged_s: int
    carts: dict[int, list[Alert]]
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One alert in a letter. `since_s`: since when it is right, as measured, None where it is not.

    `day` is the school day whose digest said it; `added`: that of it was told too late.
    """

    cart: int
    alert: Alert
    day: date | None
    right_s: int | None = None
    added: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a step, to one person, as what it was composed from.

    `nudged` are the carts in it by number, `ready` a morning's slots by cart and word, `week` how
    many deadlines were judged and missed.
    """

    to: str
    wrong: tuple[Heard, ...] = ()
    corrected: tuple[Heard, ...] = ()
    right: tuple[Heard, ...] = ()
    flapping: tuple[Heard, ...] = ()
    nudged: dict[int, list[Alert]] | None = None
    ready: dict[int, dict[str, tuple[int, ...]]] | None = None
    week: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class StepSaid:
    """A step of a school's day that the hub took at `at_s` (epoch s), and its letters."""

    step: str
    school: str
    day: date
    at_s: int
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """A notice as it left the hub's outbox at `at_s`; `rule` is its step, or the deadline's."""

    school: str
    day: date
    rule: str
    to: str
    at_s: int


def district(carts: int, seed: int, days: int) -> list[SchoolPlan]:
    """The schools with `carts` carts between them, and their calendars for `days` from START."""
    random = Random(f"{seed} district")  # noqa: S311  # a simulation
    schools: list[SchoolPlan] = []
    for first in range(0, carts, PER_SCHOOL):
        s = len(schools)
        numbers = range(first + 1, min(first + PER_SCHOOL, carts) + 1)
        schools.append(
            SchoolPlan(
                f"School {s + 1}",
                ZoneInfo(ZONES[s % len(ZONES)]),
                DEADLINES[s % len(DEADLINES)],
                Someone(f"Coordinator {s + 1}", f"coordinator{s + 1}@school.example"),
                Someone(f"Principal {s + 1}", f"principal{s + 1}@school.example"),
                tuple(_cart(number, random) for number in numbers),
                year(Random(f"{seed} year {s + 1}"), START, days),  # noqa: S311  # a simulation
            )
        )
    return schools


def _cart(number: int, random: Random) -> ScenarioCart:
    return ScenarioCart(
        number,
        str(100 + number),
        Someone(f"Teacher {number}", f"teacher{number}@school.example"),
        frozenset({29, 30} if random.random() < 0.4 else {30} if random.random() < 0.3 else ()),
        random.random() < 0.15,
        random.random() < 0.12,
    )
