"""Alerts counted: true, false, missed, late and duplicate ones, and what was rightly unknown."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from homeslot_sim.score.knowable import TRUTHS, Key, Truth
from homeslot_sim.score.plan import Alert

DEADLINE = "deadline"
FINDINGS = (
    "out",
    "not_charging",
    "unplugged",
    "elsewhere",
    "unlocked",
    "silent",
    "sensor_fault",
    "switch_fault",
    "power_fault",
)
JUDGED = frozenset({*TRUTHS, "silent"})  # of these it is known what is true
LATE_S = 60  # after a deadline and its grace, or after the moment of a step
COUNTS = ("true", "false", "missed", "late", "duplicate", "unknown", "either", "unjudged")


@dataclass(slots=True)
class Row:
    """The counts of one kind of alert."""

    true: int = 0
    false: int = 0
    missed: int = 0
    late: int = 0
    duplicate: int = 0
    either: int = 0  # of the true ones: said where not saying it would have been right too
    unknown: int = 0  # it was so, nobody could know, and the hub said that it does not know
    unjudged: int = 0  # said, and nothing here knows whether it was so

    @property
    def counted(self) -> bool:
        """Whether there was any."""
        return any(getattr(self, name) for name in COUNTS)

    @property
    def right(self) -> bool:
        """None was false, missed or said twice."""
        return not (self.false or self.missed or self.duplicate)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that was false, missed or there twice: in which part of the day, and where."""

    what: str
    finding: str
    number: int  # slot or bank, 0 for the cart
    part: str = DEADLINE

    @property
    def words(self) -> str:
        """As a line: `missed out 3`, `false right again: out 3`."""
        part = "" if self.part == DEADLINE else f"{self.part}: "
        return f"{self.what} {part}{self.finding} {self.number or ''}".strip()


def _rows() -> defaultdict[str, defaultdict[str, Row]]:
    rows: defaultdict[str, defaultdict[str, Row]] = defaultdict(lambda: defaultdict(Row))
    for finding in FINDINGS:
        rows[DEADLINE][finding] = Row()
    return rows


@dataclass(slots=True)
class Tally:
    """All counts, by part of the day and finding."""

    parts: defaultdict[str, defaultdict[str, Row]] = field(default_factory=_rows)
    cart_days: int = 0
    judged: int = 0

    @property
    def rows(self) -> defaultdict[str, Row]:
        """The counts of the deadline, by finding."""
        return self.parts[DEADLINE]

    @property
    def right(self) -> bool:
        """No missed, no false and no duplicate alert."""
        return all(row.right for rows in self.parts.values() for row in rows.values())

    def as_json(self, part: str = DEADLINE) -> dict[str, Any]:
        """The counts of a part of the day as plain JSON values."""
        return {
            finding: {name: getattr(row, name) for name in COUNTS}
            for finding, row in self.parts[part].items()
        }

    def count(self, what: str, part: str, finding: str, number: int) -> list[Wrong]:
        """Count one thing as `what`, one of Row's; it is returned where that is wrong."""
        row = self.parts[part][finding]
        setattr(row, what, getattr(row, what) + 1)
        wrong = what in ("false", "missed", "duplicate")
        return [Wrong(what, finding, number, part)] if wrong else []

    def add(
        self, said: list[Alert], truth: Truth, each: int, late: bool, part: str = DEADLINE
    ) -> list[Wrong]:
        """Count what was said of one cart; what was wrong. `each` slots are a bank."""
        self.judged += part == DEADLINE
        rows, wrong = self.parts[part], list[Wrong]()
        said_keys = Counter(key for alert in said for key in keys_of(alert))
        for key, times in said_keys.items():
            row = rows[key[0]]
            if times > 1:
                row.duplicate += times - 1
                wrong.append(Wrong("duplicate", *key, part))
            if key[0] not in JUDGED:
                row.unjudged += 1
            elif truth.claim(key) == "never":
                row.false += 1
                wrong.append(Wrong("false", *key, part))
            else:
                row.true += 1
                row.either += truth.claim(key) == "may"
                row.late += late
        known = set(said_keys)
        for key, claim in truth.claims.items():
            if claim == "must" and key not in known:
                rows[key[0]].missed += 1
                wrong.append(Wrong("missed", *key, part))
        silent = ("silent", 0) in known
        for key in truth.so - known:
            if truth.claim(key) != "must" and (silent or self._hidden(key, known, each)):
                rows[key[0]].unknown += 1
        return wrong

    @staticmethod
    def _hidden(key: Key, known: set[Key], each: int) -> bool:
        if key[0] not in ("out", "power_fault"):
            return False
        bank = ("sensor_fault", (key[1] - 1) // each + 1)
        return bank in known or ("switch_fault", key[1]) in known


def keys_of(alert: Alert) -> list[Key]:
    """What a finding of the hub is about: its slots, its bank, or the cart.

    A sensor fault of a bank is of that bank; one of slots alone is of their switches.
    """
    if alert.finding != "sensor_fault":
        return [(alert.finding, slot) for slot in alert.slots or (0,)]
    if alert.about.startswith("bank "):
        return [("sensor_fault", int(alert.about.removeprefix("bank ")))]
    if alert.about:
        return [("sensor_fault", 0)]
    return [("switch_fault", slot) for slot in alert.slots]
