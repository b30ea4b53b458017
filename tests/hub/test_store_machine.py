"""The store port as a state machine: the SQLite store answers as a model in memory does.

Transactions that are kept, taken back or cut off by a crash, and files that are opened again, may
stand anywhere between the operations.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service import chain
from homeslot_hub.service.ports import (
    DeadLetter,
    Event,
    Latest,
    Notice,
    Refused,
    Snapshot,
    StoreError,
)

from .memory_store import MemoryStore

CARTS = ("cart-1", "cart-2")
SCHOOLS = ("Lincoln", "Kennedy")
DAYS = ("2026-11-16", "2026-11-17")
PEOPLE = ("ann@x.example", "bo@x.example")
FIRST = (0, -1, 0, -1)

carts = st.sampled_from(CARTS)
boots = st.integers(1, 3)
seqs = st.integers(0, 6)
ups_ms = st.integers(0, 9000)
moments_s = st.integers(1000, 1060)
placed = st.none() | moments_s
keys = st.tuples(boots, seqs, st.integers(0, 1), ups_ms)
words = st.sampled_from(("idle empty|ok|thrown|closed|on|ok|x", "idle idle|ok|open|open|on|ok|x"))
slot_words = st.sampled_from(("idle", "empty", "charging"))


class TakenBack(Exception):
    """What ends a transaction that shall not be kept."""


def same(answer):
    """An answer without the ids of notices: those are each outbox's own business."""
    if isinstance(answer, list):
        return [same(one) for one in answer]
    if isinstance(answer, DeadLetter):
        return replace(answer, notice=same(answer.notice))
    return replace(answer, id=0) if isinstance(answer, Notice) else answer


class StoreMachine(RuleBasedStateMachine):
    """Does everything to both stores, and compares every answer."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "homeslot.db"
        self.model = MemoryStore()
        self.under_way = None

    @initialize()
    def open(self):
        self.real = SqliteStore(self.path)
        self.real._connection.execute("PRAGMA synchronous = OFF")  # this is not about power cuts

    def teardown(self):
        if self.under_way is not None:
            self.take_back()
        self.real.close()
        self.folder.cleanup()

    def both(self, method, *arguments):
        """What the model and the store answer to the same question, which must be the same."""
        answers = [getattr(one, method)(*arguments) for one in (self.model, self.real)]
        if method in ("observations", "records", "told", "told_at"):
            answers = [list(answer) for answer in answers]
        assert same(answers[1]) == same(answers[0]), method
        return answers

    def to_one_notice(self, which, notices, deed, *arguments):
        """Do something to one and the same notice in both outboxes."""
        for outbox, found in zip((self.model, self.real), notices, strict=True):
            if found:
                getattr(outbox, deed)(found[which % len(found)], *arguments)

    # Transactions and restarts

    @precondition(lambda self: self.under_way is None)
    @rule()
    def begin(self):
        self.under_way = (self.model.transaction(), self.real.transaction())
        for one in self.under_way:
            one.__enter__()

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def keep(self):
        for one in self.under_way:
            one.__exit__(None, None, None)
        self.under_way = None

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def take_back(self):
        for one in self.under_way:
            self.end(one, TakenBack())
        self.under_way = None

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def crash(self):
        model, real = self.under_way
        self.end(model, TakenBack())
        self.real.close()
        with pytest.raises(StoreError):
            real.__exit__(TakenBack, TakenBack(), None)
        self.under_way = None
        self.open()

    @precondition(lambda self: self.under_way is None)
    @rule()
    def reopen(self):
        self.real.close()
        self.open()

    def end(self, transaction, error):
        with pytest.raises(type(error)):
            if not transaction.__exit__(type(error), error, None):
                raise error

    # History

    @rule(
        cart=carts, boot=boots, seq=seqs, up_ms=ups_ms, at_s=placed, value=slot_words,
        count=st.sampled_from((1, 1, 1, 70)),
    )  # fmt: skip
    def add_events(self, cart, boot, seq, up_ms, at_s, value, count):
        for n in range(seq, seq + count):
            event = Event(cart, boot, n, up_ms, at_s, "slot", 1 + n % 3, value, "idle", None)
            self.both("add_event", event)

    @rule(cart=carts, boot=boots, seq=seqs, up_ms=ups_ms, at_s=placed, said=words)
    def add_snapshot(self, cart, boot, seq, up_ms, at_s, said):
        self.both("add_snapshot", Snapshot(cart, boot, seq, up_ms, at_s, said))

    @rule(cart=carts, boot=boots, up_ms=ups_ms, offset_s=moments_s)
    def set_clock(self, cart, boot, up_ms, offset_s):
        self.both("set_clock", cart, boot, up_ms, offset_s)

    @rule(cart=carts, after=keys, until_s=placed)
    def observations(self, cart, after, until_s):
        self.both("observations", cart, after, until_s)

    @rule(cart=carts, slot=st.integers(1, 3), times=st.sets(moments_s, max_size=9))
    def told(self, cart, slot, times):
        self.both("told", cart, None)
        self.both("told", cart, slot)
        self.both("told_at", cart, times)

    @rule(cart=carts, boot=boots, seq=seqs, span=st.integers(0, 9))
    def missing(self, cart, boot, seq, span):
        self.both("missing", cart, boot, seq, span)

    # Checkpoints

    @rule(cart=carts, key=keys, through_s=moments_s, picture=st.binary(max_size=3))
    def add_checkpoint(self, cart, key, through_s, picture):
        self.both("add_checkpoint", cart, key, through_s, picture)

    @rule(cart=carts, key=keys)
    def drop_checkpoints(self, cart, key):
        self.both("drop_checkpoints", cart, key)

    @rule(cart=carts, before=st.none() | keys, until_s=placed)
    def checkpoint(self, cart, before, until_s):
        self.both("checkpoint", cart, before, until_s)

    # Heard

    @rule(cart=carts, boot=st.integers(0, 2), from_s=moments_s, lasts_s=st.integers(0, 9))
    def put_span(self, cart, boot, from_s, lasts_s):
        self.both("put_spans", {(cart, boot, from_s): from_s + lasts_s})

    @rule(cart=carts, boot=st.integers(0, 2), moment_s=moments_s, gap_s=st.integers(0, 20))
    def merge_span(self, cart, boot, moment_s, gap_s):
        self.both("merge_span", cart, boot, moment_s, gap_s)

    @rule(cart=carts, until_s=st.integers(990, 2200))
    def heard(self, cart, until_s):
        self.both("heard_spans", cart, until_s)
        self.both("heard", cart, until_s)

    # For people to look at

    @rule(cart=carts, kind=st.sampled_from(("state", "hello")), boot=boots, payload=st.binary())
    def put_latest(self, cart, kind, boot, payload):
        self.both("put_latest", [Latest(cart, kind, boot, 0, None, payload)])

    @rule(reason=st.sampled_from(("bad", "worse")), count=st.sampled_from((0, 1, 150)))
    def add_refused(self, reason, count):
        self.both("add_refused", [Refused(n, "topic", reason, b"x") for n in range(count)])

    @rule(first=st.integers(0, 400), count=st.sampled_from((1, 300)), now_s=moments_s)
    def add_strangers(self, first, count, now_s):
        messages = {f"stranger-{n}": 1 + n % 3 for n in range(first, first + count)}
        self.both("add_strangers", messages, now_s)

    @rule(counts=st.dictionaries(st.sampled_from(("taken", "older")), st.integers(0, 5)))
    def count(self, counts):
        self.both("count", counts)

    # The due table and the outbox

    @rule(school=st.sampled_from(SCHOOLS), now_s=moments_s)
    def opened_s(self, school, now_s):
        self.both("opened_s", school, now_s)

    @rule(school=st.sampled_from(SCHOOLS), day=st.sampled_from(DAYS), judged_s=placed)
    def settle(self, school, day, judged_s):
        self.both("settle", school, day, "C8", 1000, judged_s)

    @rule(
        school=st.sampled_from(SCHOOLS), day=st.sampled_from(DAYS), email=st.sampled_from(PEOPLE),
        created_s=moments_s, text=st.sampled_from(("home", "out")),
    )  # fmt: skip
    def judge(self, school, day, email, created_s, text):
        self.both("settle", school, day, "C8", 1000, created_s)
        notice = Notice(school, day, "C8", "A", email, "S", text, "<p>", created_s)
        self.both("add_notice", notice)

    @rule(now_s=moments_s, which=st.integers(0, 9))
    def file(self, now_s, which):
        self.to_one_notice(which, self.both("notices_to_file"), "set_filed", now_s)

    @rule(
        now_s=moments_s, which=st.integers(0, 9), next_s=moments_s,
        deed=st.sampled_from(("set_mailed", "set_unmailed", "put_off", "put_off", "bury")),
    )  # fmt: skip
    def mail(self, now_s, which, next_s, deed):
        more = {"set_mailed": (now_s,), "put_off": (next_s, "later"), "bury": ("never",)}
        notices = self.both("notices_to_mail", now_s)
        self.to_one_notice(which, notices, deed, *more.get(deed, ()))

    # What holds at any time

    @invariant()
    def the_same_is_known_of_each_cart(self):
        for cart in CARTS:
            self.both("observations", cart, FIRST, None)
            self.both("clocks", cart)
            self.both("spans", cart)
            self.both("latest", cart)
            self.both("checkpoint", cart, None, None)
            for boot in (1, 2, 3):
                self.both("has_unplaced", cart, boot)

    @invariant()
    def the_same_is_there_to_look_at(self):
        for question in ("refused", "strangers", "counts", "pending_notices", "dead_letters"):
            self.both(question)
        for school in SCHOOLS:
            self.both("known_since_s", school)
            for day in DAYS:
                self.both("is_settled", school, day, "C8")

    @invariant()
    def the_chain_is_the_same_and_whole(self):
        self.both("head")
        records = self.both("records")
        if self.under_way is None:
            assert chain.verify(records[1], self.both("seals")[1]).whole


StoreMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
TestStoreMachine = StoreMachine.TestCase
