"""Whatever happens to hub, clock and messages: each recipient each notice once, and one truth."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeslot_hub.rules.alerts import acknowledge, snooze, subjects
from homeslot_hub.service.alert_book import AlertDesk

from .evening import FOLLOWED, Evening, local
from .reports import CART

DAYS = ("2026-11-01", "2026-12-31")
SLOTS = st.integers(1, CART.slots)
CHANGES = [
    *(("mains", "off"), ("mains", "on"), ("bolt", "open"), ("bolt", "thrown")),
    *(("door", "open"), ("door", "closed")),
]


def all_alerts(evening):
    return evening.alerts.opened(FOLLOWED.name, *DAYS)


class Nights(RuleBasedStateMachine):
    """One cart and its hub over a day and a night, with all that may go wrong between them."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.evening = Evening(Path(self.folder.name))
        self.kept = []  # what the cart said while it was out of reach
        self.said = []  # and what has come through, to be said again
        self.nudged = Counter()

    def hears(self, message):
        if CART.controller in self.evening.silent:
            self.kept.append(message)
        else:
            self.said.append(message)
            self.evening.says([message])

    def look(self):
        self.evening.commands.clear()
        self.evening.look()
        day = self.evening.hub.judge(FOLLOWED, self.evening.clock.now_s).day
        self.nudged.update((day, json.loads(c.payload)["cmd"]) for c in self.evening.commands)

    @rule(minutes=st.sampled_from([1, 7, 31, 95, 200]))
    def time_passes(self, minutes):
        evening = self.evening
        evening.clock.now_s = evening.cart.now_s = evening.clock.now_s + 60 * minutes
        self.hears(evening.cart.state())
        self.look()

    @rule(slot=SLOTS, word=st.sampled_from(["empty", "charging", "idle", "unknown"]))
    def a_slot_changes(self, slot, word):
        self.hears(self.evening.cart.event("slot", slot, word))

    @rule(kind=st.sampled_from(CHANGES))
    def the_cart_changes(self, kind):
        self.hears(self.evening.cart.event(kind[0], 0, kind[1]))

    @rule()
    def it_gets_out_of_reach(self):
        self.evening.silent.add(CART.controller)

    @rule(random=st.randoms(use_true_random=False))
    def what_it_kept_comes_in_any_order_and_some_of_it_twice(self, random):
        self.evening.silent.clear()
        messages = self.kept + self.said[-3:]
        random.shuffle(messages)
        self.said += self.kept
        self.kept = []
        self.evening.says(messages)

    @rule()
    def the_hub_starts_again(self):
        self.evening.start()
        self.look()

    @rule(seconds=st.integers(-40, 2).map(lambda n: n * 900))
    def the_clock_is_wrong_for_a_moment(self, seconds):
        self.evening.clock.now_s += seconds
        self.look()
        self.evening.clock.now_s -= seconds
        self.look()

    @rule(slept_s=st.sampled_from([None, 600, 40000]))
    def someone_takes_it_on(self, slept_s):
        evening = self.evening
        now_s = evening.clock.now_s
        alerts = [alert for alert in all_alerts(evening) if alert.state != "resolved"]
        desk = AlertDesk(evening.store, evening.alerts)
        act = (
            (lambda alert: acknowledge(alert, "Ann", "seen"))
            if slept_s is None
            else (lambda alert: snooze(alert, "Ann", "later", now_s + slept_s))
        )
        desk.act([alert.id for alert in alerts], act, now_s, "Ann", "seen")

    @invariant()
    def nobody_gets_a_notice_twice(self):
        notices = Counter((n.day, n.rule, n.email) for n in self.evening.store.notices_to_file())
        assert set(notices.values()) <= {1}
        assert set(self.nudged.values()) <= {1}

    @invariant()
    def a_thing_that_is_wrong_is_one_alert(self):
        keys = Counter(a.key for a in all_alerts(self.evening) if a.state != "resolved")
        assert set(keys.values()) <= {1}

    @invariant()
    def the_end_of_an_alert_is_told_to_each_who_was_told_of_it_and_once(self):
        for alert in all_alerts(self.evening):
            assert alert.closed <= alert.told
            whats = [change.what for change in self.evening.alerts.history(alert.id)]
            assert whats[0].startswith("opened")
            ends = sum(what in ("resolved", "withdrawn by a correction") for what in whats)
            told = Counter(what.split()[1] for what in whats if what.startswith("told"))
            # Of each episode its beginning and its end, and at the very start the digest.
            assert all(count <= 2 * ends + 1 for count in told.values())

    def teardown(self):
        try:
            self.ends_in_truth()
        finally:
            self.evening.close()
            self.folder.cleanup()

    def ends_in_truth(self):
        evening = self.evening
        evening.silent.clear()
        evening.says(self.kept)
        day = 18 + (evening.clock.now_s - local(0)) // 86400
        day += {21: 2, 22: 1}.get(day, 0)  # no step is taken at the weekend
        evening.run_to(local(21, day=day), step_s=900)
        judged = evening.hub.judge(FOLLOWED, evening.clock.now_s).carts[0]
        found = {
            (7, verdict.finding, about)
            for verdict in judged.verdicts
            for about in subjects(verdict)
        }
        shown = {a.key for a in all_alerts(evening) if a.state != "resolved" and not a.hidden_by}
        assert found <= shown
        # A cable stays suspected until current has flowed, though its device was put back just now.
        assert {key for key in shown - found if key[1] != "not_charging"} == set()
        assert evening.store.is_settled(FOLLOWED.name, "2026-11-17", "C8")


TestNights = Nights.TestCase
TestNights.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 115), SLOTS), max_size=6, unique_by=lambda one: one[0]),
    st.sets(SLOTS),
    st.integers(60, 119),
    st.randoms(use_true_random=False),
)
def test_the_alerts_at_the_end_do_not_depend_on_the_order_in_which_reports_came(
    toggles, returns, away_from, random
):
    """A cart out of reach over the deadline, whose reports come later shuffled and some twice."""
    ends = []
    for reached in (True, False):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
            evening, kept = opened.enter_context(closing(Evening(Path(folder)))), []
            evening.says([evening.cart.state()])
            steps = {60 * minute: slot for minute, slot in sorted(toggles)}
            for minute in range(5, 160, 5):
                evening.clock.now_s = local(15) + 60 * minute
                messages = []
                for at_s, slot in steps.items():
                    if 60 * (minute - 5) < at_s <= 60 * minute:
                        evening.cart.now_s = local(15) + at_s
                        word = evening.cart.words["slot", slot]
                        other = "charging" if word == "empty" else "empty"
                        messages.append(evening.cart.event("slot", slot, other))
                evening.cart.now_s = evening.clock.now_s
                if minute == 130:
                    messages += [
                        evening.cart.event("slot", slot, "charging")
                        for slot in sorted(returns)
                        if evening.cart.words["slot", slot] == "empty"
                    ]
                messages.append(evening.cart.state())
                if reached or minute < away_from:
                    evening.says(messages)
                else:
                    kept += messages
                evening.look()
            random.shuffle(kept)
            evening.says(kept + kept[:3])
            evening.run_to(local(21), step_s=900)
            ends.append(
                {
                    (a.day, a.key, a.state, a.since_s, a.resolved_s)
                    for a in all_alerts(evening)
                    if a.correction != "withdrawn"
                }
            )
    assert ends[0] == ends[1]
