"""C11: what may become of an order to the device management, as functions of values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.rules.alerts import Alert
from homeslot_hub.rules.lockdown import (
    EVENTS,
    STATES,
    IllegalOrder,
    Order,
    confirm,
    locks,
    looked_at,
    step,
    unlock,
)

NOW_S = 1794967200
LOCK = Order("Lincoln", "2026-11-17", 7, 3, "LE-0703", "lock", 12, NOW_S, id=5)
OUT = Alert(
    *("Lincoln", "2026-11-17", 7, "out", "slot 3", "C2", (3,), (), NOW_S - 3600, "known"),
    *("7-3 has been out of its slot since 15:00.", "Find it.", NOW_S),
    id=12,
)
TAGS = {(7, 3): "LE-0703"}


@given(st.sampled_from(sorted(STATES)), st.lists(st.sampled_from(EVENTS), max_size=8))
def test_c11_nothing_is_sent_that_nobody_confirmed(action, events):
    order, confirmed = replace(LOCK, action=action), False
    for event in events:
        if event not in STATES[action][order.state]:
            with pytest.raises(IllegalOrder, match=f"{event} cannot happen to it"):
                step(order, event)
            continue
        before, order = order, step(order, event)
        confirmed |= event == "confirm"
        if order.state == "confirmed":
            assert confirmed
        if order.state == "sent":
            # What nobody confirmed is never on its way.
            assert before.state in ("confirmed", "withdrawn")


@pytest.mark.parametrize("state", ["prepared", "confirmed", "given up"])
def test_c11_what_comes_home_before_it_is_locked_is_not_locked(state):
    waiting = replace(LOCK, state=state)
    assert looked_at([waiting], {(7, 3): "home"}, NOW_S) == [replace(LOCK, state="withdrawn")]
    with pytest.raises(IllegalOrder):
        confirm(replace(LOCK, state="withdrawn"), "Ann", "lost", NOW_S)


@pytest.mark.parametrize("place", ["out", "unknown", "excused"])
def test_c11_nothing_else_than_being_home_changes_an_order(place):
    for state in ("prepared", "confirmed", "sent", "given up"):
        assert looked_at([replace(LOCK, state=state)], {(7, 3): place}, NOW_S) == []
    assert looked_at([LOCK], {(7, 4): "home"}, NOW_S) == []


def test_c11_a_locked_device_that_comes_home_has_one_unlock_prepared():
    sent = replace(LOCK, state="sent")
    (back,) = looked_at([sent], {(7, 3): "home"}, NOW_S)
    assert (back.action, back.state, back.tag, back.id) == ("unlock", "prepared", "LE-0703", 0)
    for state in STATES["unlock"]:
        kept = replace(back, id=6, state=state)
        assert looked_at([sent, kept], {(7, 3): "home"}, NOW_S) == []


def test_c11_a_lock_is_prepared_once_an_evening_for_what_has_a_tag():
    (lock,) = locks([OUT], TAGS, [], "2026-11-17", NOW_S)
    assert lock == replace(LOCK, id=0)
    assert locks([OUT], {}, [], "2026-11-17", NOW_S) == []
    assert locks([OUT], {(7, 3): ""}, [], "2026-11-17", NOW_S) == []
    for state in STATES["lock"]:
        assert locks([OUT], TAGS, [replace(LOCK, state=state)], "2026-11-17", NOW_S) == []


@pytest.mark.parametrize(
    ("state", "after", "again"),
    [
        ("prepared", None, False),  # it is still asked
        ("confirmed", None, False),
        ("sent", None, False),  # it is locked
        ("given up", None, False),
        ("withdrawn", None, True),  # a new evening is a new question
        ("sent", "prepared", False),  # it is still locked
        ("sent", "withdrawn", False),
        ("sent", "sent", True),
    ],
)
def test_c11_on_the_next_evening_only_what_is_not_locked_is_asked_again(state, after, again):
    lock = replace(LOCK, state=state)
    orders = [lock] if after is None else [lock, replace(unlock(lock, NOW_S), id=6, state=after)]
    assert bool(locks([OUT], TAGS, orders, "2026-11-18", NOW_S)) == again
