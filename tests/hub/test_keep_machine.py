"""Tidying as a state machine: what is kept says the same as a hub that never dropped anything.

Two hubs take the same messages. One is tidied at any moment, by a process that may be cut off
between any two of its steps, restarted, and verified; the other keeps everything. Nothing that is
asked about the kept time may tell them apart.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Keep
from homeslot_hub.rules import calendar
from homeslot_hub.service import chain
from homeslot_hub.service.census import census
from homeslot_hub.service.history import between, lines
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import Tidy
from homeslot_hub.service.usage import usage
from homeslot_hub.service.week import week

from .reports import CART, SCHOOL, START_S, Clock, Reporter

DAY_S = 86400
KEPT_DAYS = 3
OTHER = replace(CART, controller="cart-8", number=8)
LINCOLN = replace(SCHOOL, carts=(CART, OTHER), silent_after_s=4000)
NAMES = (CART.controller, OTHER.controller)
carts = st.sampled_from(NAMES)
things = st.sampled_from((("slot", 1), ("slot", 2), ("bank", 1), ("mains", 0), ("bolt", 0)))
WORDS = {
    "slot": ("idle", "empty", "charging", "unknown"),
    "bank": ("ok", "faulty"),
    "mains": ("on", "off"),
    "bolt": ("thrown", "open"),
}


class Kept:
    """One hub on a file of its own."""

    def __init__(self, folder, clock):
        self.path = Path(folder) / "homeslot.db"
        self._clock = clock
        self._opened = ExitStack()
        self.start()

    def start(self):
        self._opened.close()
        self.store = SqliteStore(self.path)
        self._opened.callback(self.store.close)
        self.store.run("PRAGMA synchronous = OFF")  # this is not about power cuts
        self.store.opened_s(LINCOLN.name, START_S)
        self.hub = Hub((LINCOLN,), self.store, self._clock, checkpoint_every=7)

    def close(self):
        self._opened.close()


class KeepMachine(RuleBasedStateMachine):
    """Messages, days, restarts, tidying: each at any time."""

    def __init__(self):
        super().__init__()
        self.opened = ExitStack()
        self.clock = Clock(START_S)
        self.reporters = {name: Reporter(name, now_s=START_S) for name in NAMES}
        self.held = {name: [] for name in NAMES}  # what a cart has not handed over yet
        self.noted = []

    @initialize(days=st.integers(1, 5))
    def start(self, days):
        folders = [self.opened.enter_context(tempfile.TemporaryDirectory()) for _ in "12"]
        self.tidied, self.whole = (Kept(folder, self.clock) for folder in folders)
        self.both = (self.tidied, self.whole)
        for one in self.both:
            self.opened.callback(one.close)
        for _ in range(days):
            self.school_day()

    def teardown(self):
        self.opened.close()

    def take(self, *messages):
        for one in self.both:
            one.hub.take(messages)

    # What carts do

    @rule(name=carts, thing=things, which=st.integers(0, 3), holds=st.sampled_from((0, 0, 0, 1)))
    def change(self, name, thing, which, holds):
        kind, number = thing
        message = self.reporters[name].event(kind, number, WORDS[kind][which % len(WORDS[kind])])
        if holds:
            self.held[name].append((self.clock.now_s, message))
        else:
            self.take(message)

    @rule()
    def school_day(self):
        """A day as it is: devices go and come, each a record."""
        for hour in range(24):
            self.pass_by(3600)
            reporters = list(self.reporters.values())
            if 8 <= hour < 16:
                word = ("empty", "charging")[hour % 2]
                slots = (1, 2, 3, 4)
                self.take(*[one.event("slot", slot, word) for slot in slots for one in reporters])
            self.take(*[one.state() for one in reporters])

    @rule(name=carts, again=st.booleans())
    def report(self, name, again):
        message = self.reporters[name].state()
        self.take(*[message] * (1 + again))

    @rule(name=carts, knows=st.booleans())
    def reboot(self, name, knows):
        self.reporters[name].reboot()
        self.reporters[name].knows_time = knows

    @rule(name=carts)
    def learn_the_time(self, name):
        self.reporters[name].knows_time = True
        self.take(self.reporters[name].state())

    @rule(name=carts)
    def hand_over(self, name):
        """What was held back comes late, but not later than things are kept."""
        early_s = self.clock.now_s - (KEPT_DAYS - 1) * DAY_S
        self.take(*[message for at_s, message in self.held[name] if at_s > early_s])
        self.held[name].clear()

    @rule(seconds=st.sampled_from((60, 900, 7200, 30000, DAY_S, 2 * DAY_S)))
    def wait(self, seconds):
        self.pass_by(seconds)

    def pass_by(self, seconds):
        self.clock.now_s += seconds
        for reporter in self.reporters.values():
            reporter.now_s = self.clock.now_s
            if seconds >= 7200 and not reporter.knows_time:  # the hub has told it by now
                reporter.knows_time = True
                self.take(reporter.state())

    # What befalls the hub

    @rule()
    def tidy_all(self):
        self.tidy(None)

    @rule(steps=st.integers(0, 9))
    def tidy(self, steps):
        """All of it, or cut off after some steps."""
        with closing(SqliteStore(self.tidied.path)) as store:
            store.run("PRAGMA synchronous = OFF")
            keep = Keep(KEPT_DAYS, 0, 0)
            tidy = Tidy(store, SqliteKeep(store), (LINCOLN,), keep, self.clock)
            for done, _ in enumerate(tidy.run()):
                if done == steps:
                    break
            assert tidy.stuck == ""
        event(f"dropped {self.tidied.store.anchor().records // 64} stretches")

    @rule()
    def restart(self):
        self.tidied.start()

    @rule()
    def note_the_head(self):
        self.noted.append(self.tidied.store.head())

    # What holds at any time

    @invariant()
    def the_chain_is_whole_and_holds_the_noted_heads(self):
        store = self.tidied.store
        for head in [None, *self.noted[-2:]]:
            noted = None if head is None else (head.records, head.digest.hex())
            with store.frozen():
                found = chain.verify(store.records(), store.seals(), noted, anchor=store.anchor())
            assert found.whole
            past = head is not None and head.records < store.anchor().records
            assert found.noted_past == past

    @invariant()
    def the_kept_time_is_the_same(self):
        tidied, whole = self.both
        since_s, now_s = tidied.store.kept_since_s(), self.clock.now_s
        assert since_s <= now_s - KEPT_DAYS * DAY_S or since_s == 0
        moments = {max(since_s, now_s - back) for back in (0, 3600, DAY_S, 9 * DAY_S)}
        for name in NAMES:
            for at_s in sorted(moments):
                assert tidied.hub.facts(name, at_s) == whole.hub.facts(name, at_s), (name, at_s)
            told = [
                [
                    (one.kind, one.number, one.value, one.was, one.told.at_s, one.told.seq)
                    for one in between(lines(of.store, name), since_s, None)
                ]
                for of in self.both
            ]
            assert told[0] == told[1]

    @invariant()
    def records_of_people_are_the_same(self):
        since_s, now_s = self.tidied.store.kept_since_s(), self.clock.now_s
        today = calendar.school_day_of(LINCOLN, now_s)
        weeks = [
            [
                day
                for day in week(LINCOLN, today, of.store, of.hub, now_s)
                if calendar.begins_s(LINCOLN, day.day) >= since_s
            ]
            for of in self.both
        ]
        assert weeks[0] == weeks[1]
        for cart in LINCOLN.carts:
            counted = []
            for of in self.both:
                judged = of.hub.judge(LINCOLN, now_s)
                [verdict] = [one for one in judged.carts if one.cart == cart]
                known = of.hub.facts(cart.controller, now_s)
                slots = census(LINCOLN, verdict, known, of.store)
                counted.append([(s.place, s.since_s, s.charge, s.why, s.last) for s in slots])
            assert counted[0] == counted[1]

    @invariant()
    def usage_is_the_same_for_ever(self):
        now_s = self.clock.now_s
        first, last = (calendar.school_day_of(LINCOLN, at_s) for at_s in (START_S, now_s))
        used = [
            list(usage(LINCOLN, of.store, SqliteKeep(of.store), first, last, now_s))
            for of in self.both
        ]
        for tidied, whole in zip(*used, strict=True):
            assert tidied.lost == whole.lost == ()
            for day, same in zip(tidied.days, whole.days, strict=True):
                assert day == same


KeepMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25)
TestKeepMachine = KeepMachine.TestCase
