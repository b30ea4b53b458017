"""Alerts counted: true, false, missed, late and duplicate ones, and what was rightly unknown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from homeslot_sim.score.knowable import Key, Truth
from homeslot_sim.score.plan import Alert

FINDINGS = (
    "out",
    "not_charging",
    "unplugged",
    "elsewhere",
    "unlocked",
    "silent",
    "sensor_fault",
    "power_fault",
)
LATE_S = 60  # after a deadline and its grace


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


@dataclass(frozen=True, slots=True)
class Wrong:
    """One alert that was false, missed or there twice, and where."""

    what: str
    finding: str
    number: int  # slot or bank, 0 for the cart


@dataclass(slots=True)
class Tally:
    """All counts, by finding."""

    rows: dict[str, Row] = field(default_factory=lambda: {name: Row() for name in FINDINGS})
    cart_days: int = 0
    judged: int = 0

    @property
    def right(self) -> bool:
        """No missed, no false and no duplicate alert."""
        return not any(row.false or row.missed or row.duplicate for row in self.rows.values())

    def as_json(self) -> dict[str, Any]:
        """The counts as plain JSON values."""
        names = ("true", "false", "missed", "late", "duplicate", "unknown", "either")
        return {
            finding: {name: getattr(row, name) for name in names}
            for finding, row in self.rows.items()
        }

    def add(self, said: list[Alert], truth: Truth, each: int, late: bool) -> list[Wrong]:
        """Count what was said of one cart on one day; what was wrong. `each` slots are a bank."""
        self.judged += 1
        wrong = []
        keys = [key for alert in said for key in _keys(alert, each)]
        for key, times in Counter(keys).items():
            row = self.rows[key[0]]
            if times > 1:
                row.duplicate += times - 1
                wrong.append(Wrong("duplicate", *key))
            if truth.claim(key) == "never":
                row.false += 1
                wrong.append(Wrong("false", *key))
            else:
                row.true += 1
                row.either += truth.claim(key) == "may"
                row.late += late
        known = set(keys)
        for key, claim in truth.claims.items():
            if claim == "must" and key not in known:
                self.rows[key[0]].missed += 1
                wrong.append(Wrong("missed", *key))
        silent = ("silent", 0) in known
        for key in truth.so - known:
            if truth.claim(key) != "must" and (silent or self._hidden(key, known, each)):
                self.rows[key[0]].unknown += 1
        return wrong

    def miss_day(self, truth: Truth) -> list[Wrong]:
        """A day that was not judged at all."""
        return self.add([], truth, 1, late=False)

    @staticmethod
    def _hidden(key: Key, known: set[Key], each: int) -> bool:
        return key[0] == "out" and ("sensor_fault", (key[1] - 1) // each + 1) in known


def _keys(alert: Alert, each: int) -> list[Key]:
    """What a finding of the hub is about: its slots, its bank, or the cart."""
    if alert.finding == "sensor_fault":
        slots = alert.slots or alert.hides
        banks = sorted({(slot - 1) // each + 1 for slot in slots})
        return [("sensor_fault", bank) for bank in banks] or [("sensor_fault", 0)]
    return [(alert.finding, slot) for slot in alert.slots or (0,)]
