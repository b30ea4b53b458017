"""C10: which devices will be charged by the first bell, and of which that is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeslot_hub.model import Fact
from homeslot_hub.rules.readiness import readiness

from .facts import (
    AWAY,
    BLIND,
    CART,
    CHARGING,
    FAULTY,
    IDLE,
    OK,
    UNMEASURED,
    WELL,
    at,
    judged,
    with_slots,
)

FULL = replace(CHARGING, charge=Fact("full", at(16, 0)))
RESTING = replace(CHARGING, charge=Fact("idle", at(16, 0)))
OFF = {"mains": Fact("off", at(16, 30))}


@pytest.mark.parametrize(
    ("slot", "facts", "rotates", "how"),
    [
        (CHARGING, {}, False, "charging"),
        (FULL, {}, False, "charged"),
        (RESTING, {}, False, "charged"),
        (RESTING, {}, True, "charging"),  # its shelf may only wait for its turn
        (IDLE, {}, False, "idle"),
        (AWAY, {}, False, "away"),
        (UNMEASURED, {"banks": (FAULTY, OK, OK)}, False, "unknown"),
        (BLIND, {"banks": (FAULTY, OK, OK)}, False, "unknown"),
        (FULL, OFF, False, "charged"),
        (CHARGING, OFF, False, "unknown"),
        (RESTING, OFF, False, "unknown"),
        (IDLE, OFF, False, "idle"),
        (CHARGING, {"heard_s": None}, False, "unknown"),
    ],
)
def test_c10_how_a_device_stands_in_the_morning(slot, facts, rotates, how):
    cart = replace(CART, rotates=rotates)
    believed = with_slots(replace(WELL, **facts), 3, now=slot)
    found = readiness(judged(believed, cart), believed)
    assert 3 in getattr(found, how)
    assert found.ready == (how in ("charged", "charging") and not facts)


def test_c10_every_slot_but_the_spare_ones_is_counted_once():
    believed = with_slots(with_slots(WELL, 1, 2, now=AWAY), 3, now=IDLE)
    cart = replace(CART, spare=frozenset({2, 30}))
    found = readiness(judged(believed, cart), believed)
    counted = found.charged + found.charging + found.idle + found.away + found.unknown
    assert sorted(counted) == [1, *range(3, 30)]
