"""The district that is scored: its schools and carts out of one seed, and what a hub says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from random import Random
from zoneinfo import ZoneInfo

from homeslot_sim.scenario import ScenarioCart, Someone

START = date(2026, 9, 1)
PER_SCHOOL = 10
# Each changes its clocks on other days, and one by half an hour.
ZONES = ("America/Chicago", "Europe/Berlin", "Pacific/Auckland", "Australia/Lord_Howe")
DEADLINES = (time(17, 0), time(16, 30), time(17, 0), time(18, 0))
REPORT_S = 300  # a snapshot each five minutes, as a school with many carts may set it
SCAN_MS = 1000
CLOSED = 0.04  # of the school days of the week nobody comes


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """One school of the district."""

    name: str
    zone: ZoneInfo
    deadline: time
    coordinator: Someone
    carts: tuple[ScenarioCart, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One finding of the hub about a cart: which slots it is about, and which it hides."""

    finding: str
    slots: tuple[int, ...]
    hides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DaySaid:
    """What the hub said of a school's day, by number of the cart. Times in epoch s."""

    school: str
    day: date
    deadline_s: int
    judged_s: int
    carts: dict[int, list[Alert]]


def district(carts: int, seed: int) -> list[SchoolPlan]:
    """The schools with `carts` carts between them."""
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
                tuple(_cart(number, random) for number in numbers),
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
