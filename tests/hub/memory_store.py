"""The Store and Outbox ports over lists and dictionaries: what the SQLite store must answer."""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace

from homeslot_hub.adapters.store_sqlite import KEPT_REFUSED, KEPT_STRANGERS
from homeslot_hub.service.chain import GENESIS, SEAL_RECORDS, link
from homeslot_hub.service.ports import (
    BEFORE_ALL,
    DeadLetter,
    Head,
    Observation,
    Record,
    Stranger,
    Told,
)


@dataclass
class Posted:
    """A notice in the outbox and what became of it."""

    notice: object
    next_s: int
    filed_s: int | None = None
    mail: str = "pending"
    error: str = ""


@dataclass
class Kept:
    """Everything a transaction takes back."""

    events: dict = field(default_factory=dict)
    snapshots: dict = field(default_factory=dict)
    clocks: dict = field(default_factory=dict)
    records: list = field(default_factory=list)
    seals: list = field(default_factory=list)
    checkpoints: dict = field(default_factory=dict)
    spans: dict = field(default_factory=dict)
    latest: dict = field(default_factory=dict)
    refused: list = field(default_factory=list)
    strangers: dict = field(default_factory=dict)
    counts: dict = field(default_factory=dict)
    opened: dict = field(default_factory=dict)
    due: dict = field(default_factory=dict)
    posted: list = field(default_factory=list)


class MemoryStore:
    """A Store and an Outbox that are gone with the program."""

    def __init__(self):
        self._kept = Kept()
        self._before = None  # what a transaction under way began with

    @contextmanager
    def transaction(self):
        self._before = deepcopy(self._kept)
        try:
            yield
            self._seal()
        except BaseException:
            self._kept = self._before
            raise
        finally:
            self._before = None

    # History

    def add_event(self, event):
        return self._add("event", self._kept.events, event[:3], event)

    def add_snapshot(self, snapshot):
        return self._add("snapshot", self._kept.snapshots, snapshot[:4], snapshot)

    def set_clock(self, cart, boot, up_ms, offset_s):
        row = (cart, boot, up_ms, offset_s)
        self._add("clock", self._kept.clocks, row[:3], row)

    def _add(self, table, rows, key, row):
        if key in rows:
            return False
        rows[key] = row
        self._kept.records.append(Record(len(self._kept.records) + 1, table, tuple(row)))
        if self._before is None:
            self._seal()
        return True

    def _seal(self):
        """A seal for each full stretch, and one where the chain ends."""
        head, self._kept.seals = GENESIS, []
        for record in self._kept.records:
            head = Head(record.number, link(head.digest, record.table, record.row))
            if record.number % SEAL_RECORDS == 0:
                self._kept.seals.append(head)
        if head.records % SEAL_RECORDS:
            self._kept.seals.append(head)

    def head(self):
        head = GENESIS
        for record in self._kept.records:
            head = Head(record.number, link(head.digest, record.table, record.row))
        return head

    def seals(self):
        return self._kept.seals

    def records(self):
        return iter(self._kept.records)

    # Nothing is ever dropped here

    def anchor(self):
        return GENESIS

    def kept_since_s(self):
        return 0

    def base(self, cart):
        return BEFORE_ALL

    def missing(self, cart, boot, seq, span):
        numbers = range(seq - span + 1, seq + 1)
        return sum((cart, boot, number) not in self._kept.events for number in numbers)

    def has_unplaced(self, cart, boot):
        rows = [*self._kept.events.values(), *self._kept.snapshots.values()]
        return any(row.cart == cart and row.boot == boot and row.at_s is None for row in rows)

    def clocks(self, cart):
        found = {}
        for (whose, boot, up_ms), row in sorted(self._kept.clocks.items()):
            if whose == cart:
                found.setdefault(boot, (up_ms, row[3]))
        return found

    def observations(self, cart, after, until_s):
        clocks, seen = self.clocks(cart), []
        for snap, rows in enumerate((self._kept.events, self._kept.snapshots)):
            for row in rows.values():
                if row.cart != cart:
                    continue
                at_s = row.at_s
                if at_s is None and row.boot in clocks:
                    at_s = clocks[row.boot][1] + row.up_ms // 1000
                told = ("state", 0, row.words) if snap else (row.kind, row.number, row.value)
                if at_s is not None and (until_s is None or at_s <= until_s):
                    seen.append(Observation(row.boot, row.seq, snap, row.up_ms, at_s, *told))
        return iter(sorted(one for one in seen if one[:4] > after))

    def told(self, cart, slot):
        found, clocks = [], self.clocks(cart)
        numbers = {
            (r.table, r.row[: 3 + (r.table == "snapshot")]): r.number for r in self.records()
        }
        for snap, rows in enumerate((self._kept.events, self._kept.snapshots)):
            for key, row in rows.items():
                if row.cart != cart or not (snap or slot in (None, row.number)):
                    continue
                at_s = row.at_s
                if at_s is None and row.boot in clocks:
                    at_s = clocks[row.boot][1] + row.up_ms // 1000
                said = ("state", 0, row.words, "", None) if snap else row[5:]
                number = numbers["snapshot" if snap else "event", key]
                found.append(Told(row.boot, row.seq, snap, row.up_ms, at_s, *said, number))
        return iter(sorted(found, key=lambda one: one[:4]))

    def told_at(self, cart, times):
        return (one for one in self.told(cart, None) if one.at_s in times)

    # Checkpoints

    def checkpoint(self, cart, before, until_s):
        found = [
            (key, picture)
            for (whose, key), (through_s, picture) in self._kept.checkpoints.items()
            if whose == cart
            and (before is None or key < before)
            and (until_s is None or through_s <= until_s)
        ]
        return max(found)[1] if found else None

    def add_checkpoint(self, cart, key, through_s, picture):
        self._kept.checkpoints[cart, key] = (through_s, picture)

    def drop_checkpoints(self, cart, key):
        for whose, where in list(self._kept.checkpoints):
            if whose == cart and where >= key:
                del self._kept.checkpoints[whose, where]

    # Heard

    def spans(self, cart):
        last = {}
        for (whose, boot, from_s), to_s in sorted(self._kept.spans.items()):
            if whose == cart:
                last[boot] = (from_s, to_s)
        return last

    def put_spans(self, spans):
        self._kept.spans |= spans

    def merge_span(self, cart, boot, moment_s, gap_s):
        near = {
            key: to_s
            for key, to_s in self._kept.spans.items()
            if key[:2] == (cart, boot) and key[2] - gap_s <= moment_s <= to_s + gap_s
        }
        for key in near:
            del self._kept.spans[key]
        from_s = min([moment_s, *(key[2] for key in near)])
        self._kept.spans[cart, boot, from_s] = max([moment_s, *near.values()])

    def heard_spans(self, cart, until_s):
        clocks, heard = self.clocks(cart), []
        for (whose, boot, from_s), to_s in self._kept.spans.items():
            if whose == cart and (boot == 0 or boot in clocks):
                offset_s = clocks[boot][1] if boot else 0
                if from_s + offset_s <= until_s:
                    heard.append((from_s + offset_s, to_s + offset_s))
        return sorted(heard)

    def heard(self, cart, until_s):
        spans = self.heard_spans(cart, until_s)
        return max((min(to_s, until_s) for _, to_s in spans), default=None)

    # For people to look at

    def put_latest(self, rows):
        self._kept.latest |= {(row.cart, row.kind): row for row in rows}

    def latest(self, cart):
        return {kind: row for (whose, kind), row in self._kept.latest.items() if whose == cart}

    def add_refused(self, refused):
        self._kept.refused = [*self._kept.refused, *refused][-KEPT_REFUSED:]

    def refused(self):
        return self._kept.refused[::-1]

    def add_strangers(self, messages, now_s):
        unlisted = 0
        for controller, count in messages.items():
            known = self._kept.strangers.get(controller)
            if known is not None:
                added = replace(known, last_s=now_s, messages=known.messages + count)
                self._kept.strangers[controller] = added
            elif len(self._kept.strangers) < KEPT_STRANGERS:
                self._kept.strangers[controller] = Stranger(controller, now_s, now_s, count)
            else:
                unlisted += count
        return unlisted

    def strangers(self):
        return [self._kept.strangers[name] for name in sorted(self._kept.strangers)]

    def count(self, counts):
        for name, n in counts.items():
            self._kept.counts[name] = self._kept.counts.get(name, 0) + n

    def counts(self):
        return self._kept.counts

    # The due table and the outbox

    def opened_s(self, school, now_s):
        if self._kept.opened.get(school, now_s + 1) > now_s:
            self._kept.opened[school] = now_s
        return self._kept.opened[school]

    def known_since_s(self, school):
        return self._kept.opened.get(school)

    def is_settled(self, school, day, rule):
        return (school, day, rule) in self._kept.due

    def settle(self, school, day, rule, deadline_s, judged_s):
        if (school, day, rule) in self._kept.due:
            return False
        self._kept.due[school, day, rule] = (deadline_s, judged_s)
        return True

    def add_notice(self, notice):
        who = (notice.school, notice.day, notice.rule, notice.email)
        for posted in self._kept.posted:
            n = posted.notice
            if (n.school, n.day, n.rule, n.email) == who:
                return
        numbered = replace(notice, id=len(self._kept.posted) + 1, tries=0)
        self._kept.posted.append(Posted(numbered, notice.created_s))

    def pending_notices(self):
        return sum(p.filed_s is None or p.mail == "pending" for p in self._kept.posted)

    def dead_letters(self):
        dead = [p for p in self._kept.posted if p.mail == "dead"]
        return [DeadLetter(p.notice, p.error) for p in reversed(dead)]

    def notices_to_file(self):
        return [p.notice for p in self._kept.posted if p.filed_s is None]

    def notices_to_mail(self, now_s):
        due = [p for p in self._kept.posted if p.mail == "pending" and p.next_s <= now_s]
        return [p.notice for p in due]

    def set_filed(self, notice, now_s):
        self._posted(notice).filed_s = now_s

    def set_mailed(self, notice, now_s):
        self._tried(notice).mail = "sent"

    def set_unmailed(self, notice):
        self._posted(notice).mail = "none"

    def put_off(self, notice, next_s, error):
        posted = self._tried(notice)
        posted.next_s, posted.error = next_s, error

    def bury(self, notice, error):
        posted = self._tried(notice)
        posted.mail, posted.error = "dead", error

    def _posted(self, notice):
        return self._kept.posted[notice.id - 1]

    def _tried(self, notice):
        posted = self._posted(notice)
        posted.notice = replace(posted.notice, tries=posted.notice.tries + 1)
        return posted
