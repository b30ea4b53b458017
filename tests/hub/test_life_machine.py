"""Any interleaving of restarts, kills, clock changes, and late, duplicate and reordered messages.

One cart and its hub over the days on which the school's clock goes back. The hub is stopped, killed
between any two statements that it gives its database, moved to a machine in another time zone, and
given a clock that is wrong for a while; what the cart says comes late, in any order, and twice.
Each person gets each notice once, and what was judged is what a hub judges to which all of it was
said in time and in order.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.rules import calendar
from homeslot_hub.rules.steps import STEPS, moment_s
from homeslot_hub.service.hub import Hub

from .evening import FOLLOWED
from .mortal_hub import MortalHub
from .reports import CART

EVERY_DAY = replace(FOLLOWED, days=frozenset(range(7)))
FIRST = date(2026, 10, 30)  # a Friday; on Sunday at 02:00 it is 01:00 again
BEGIN_S = int(datetime(2026, 10, 30, 12, tzinfo=EVERY_DAY.zone).timestamp())
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe")
SLOTS = st.integers(1, CART.slots)
STATEMENTS = st.one_of(st.integers(0, 5), st.integers(0, 60))


def stand_in(zone):
    """Move the machine that the hub runs on; None: where nobody has said."""
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.zone = os.environ.get("TZ")
        self.top = tempfile.TemporaryDirectory()
        self.site = MortalHub(Path(self.top.name), EVERY_DAY, BEGIN_S)

    def teardown(self):
        try:
            self.what_is_judged_does_not_depend_on_the_order()
        finally:
            self.site.close()
            self.top.cleanup()
            stand_in(self.zone)

    def due_s(self):
        return calendar.next_due_s(EVERY_DAY, self.site.clock.now_s)

    # What happens

    @rule(minutes=st.sampled_from([1, 11, 45, 130, 290, 1441]))
    def time_passes(self, minutes):
        self.site.go_to(self.site.clock.now_s + 60 * minutes)
        self.site.look()

    @rule(step=st.sampled_from(sorted(STEPS)))
    def a_step_comes_due(self, step):
        now_s = self.site.clock.now_s
        today = calendar.school_day_of(EVERY_DAY, now_s)
        moments_s = [moment_s(step, EVERY_DAY, today + timedelta(days=n)) for n in range(8)]
        self.site.go_to(min(at_s for at_s in moments_s if at_s is not None and at_s > now_s))
        self.site.look()

    @rule(slot=SLOTS, word=st.sampled_from(["empty", "charging", "idle", "unknown"]))
    def a_slot_changes(self, slot, word):
        self.site.says(self.site.cart.event("slot", slot, word))

    @rule(what=st.sampled_from([("mains", "off"), ("mains", "on"), ("bolt", "open")]))
    def the_cart_changes(self, what):
        self.site.says(self.site.cart.event(what[0], 0, what[1]))

    @rule()
    def it_gets_out_of_reach(self):
        self.site.reaches = False

    @rule(data=st.data(), again=st.integers(1, 8))
    def what_it_kept_comes_in_any_order_and_some_of_all_again(self, data, again):
        site = self.site
        site.reaches = True
        messages = data.draw(st.permutations([*site.kept, *site.said[-again:]]))
        site.kept = []
        for message in messages:
            site.says(message)
        site.look()

    @rule()
    def the_hub_starts_again(self):
        self.site.start()
        self.site.look()

    @rule(statements=STATEMENTS, zone=st.sampled_from(ZONES))
    def the_hub_is_killed_at_its_work_and_goes_on_elsewhere(self, statements, zone):
        self.site.store.left = statements
        self.time_passes(5)
        stand_in(zone)
        self.site.look()

    @rule(statements=STATEMENTS)
    def the_hub_is_killed_at_a_deadline(self, statements):
        self.site.go_to(self.due_s())
        self.site.store.left = statements
        self.site.look()
        self.site.look()

    @rule(quarters=st.integers(-400, 4))
    def its_clock_is_wrong_for_a_while(self, quarters):
        self.site.clock.now_s += 900 * quarters
        self.site.look()
        self.site.clock.now_s -= 900 * quarters
        self.site.look()

    # What holds

    @invariant()
    def each_person_gets_each_notice_once(self):
        each = Counter((day, step, to) for day, step, to, _ in self.site.mails)
        assert set(each.values()) <= {1}, each

    @invariant()
    def what_is_due_is_judged_and_told(self):
        day = calendar.last_due(EVERY_DAY, self.site.clock.now_s)
        if day is not None and calendar.deadline_s(EVERY_DAY, day) > BEGIN_S:
            assert (day.isoformat(), "C8") in {key[:2] for key in self.site.mails}

    @invariant()
    def a_thing_that_is_wrong_is_one_alert_and_its_end_is_told_to_who_was_told_of_it(self):
        alerts = self.site.alerts()
        keys = Counter(alert.key for alert in alerts if alert.state != "resolved")
        assert set(keys.values()) <= {1}
        assert all(alert.closed <= alert.told for alert in alerts)

    def what_is_judged_does_not_depend_on_the_order(self):
        """A hub to which all was said in order, and nothing happened, judges every day the same."""
        site = self.site
        site.reaches = True
        site.says(*site.kept)
        with closing(SqliteStore(site.top / "in order.db")) as store:
            store.run("PRAGMA synchronous = OFF")
            other = Hub((EVERY_DAY,), store, site.clock)
            for message in site.said:
                other.take([message])
            day = FIRST
            while calendar.deadline_s(EVERY_DAY, day) <= site.clock.now_s:
                ours, theirs = (
                    hub.judge_day(EVERY_DAY, day, site.clock.now_s).carts
                    for hub in (site.hub, other)
                )
                assert ours == theirs
                day += timedelta(days=1)


Life.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestLife = Life.TestCase

EVENING = (
    ("15:00", ("slot", 1, "empty"), ("slot", 2, "empty"), ("mains", 0, "off")),
    ("16:45",),
    ("17:02",),
    ("17:40", ("slot", 1, "charging"), ("mains", 0, "on")),
    ("18:01",),
    ("21:01",),
    ("31:16",),  # of the next day
)


def evening(top, at, killed_at=None):
    """A day at a hub that is killed before its statement `killed_at` of the look at `at`."""
    site = MortalHub(top, EVERY_DAY, BEGIN_S)
    try:
        for wall, *changes in EVENING:
            hour, minute = map(int, wall.split(":"))
            site.go_to(BEGIN_S + 3600 * (hour - 12) + 60 * minute)
            site.says(*(site.cart.event(*change) for change in changes), site.cart.state())
            site.store.left = killed_at if wall == at else None
            site.look()
            site.look()
        return sorted(key[:3] for key in site.mails), site.alerts(), site.lives
    finally:
        site.close()


@pytest.mark.parametrize("at", ["16:45", "17:02", "18:01", "21:01", "31:16"])
def test_a_hub_killed_before_any_statement_of_a_step_tells_what_one_that_lives_tells(tmp_path, at):
    mails, alerts, lives = evening(tmp_path / "alive", at)
    assert (len(mails), lives) == (len(set(mails)), 1)
    assert {step for _, step, _ in mails} == {"C8", "nudge", "late", "overnight", "morning"}
    for statement in range(200):
        found, now, lives = evening(tmp_path / str(statement), at, statement)
        if lives == 1:
            break
        assert found == mails, statement
        assert now == alerts, statement
    assert statement >= 3
