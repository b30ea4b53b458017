"""What the hub asks of a store, and the plain values that pass between them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

DIGEST = "C8"  # the rule of the deadline, as the due table and its notice have it

# The place of an observation in its cart's history: (boot, seq, 0 event or 1 snapshot, up_ms).
# A snapshot carries the number of the last event it includes, so it stands right behind it.
Key = tuple[int, int, int, int]
BEFORE_ALL: Key = (0, -1, 0, -1)
SHORT_DIGITS = 16  # of a digest where people note it: 64 bits


class StoreError(Exception):
    """The store cannot do its work: its file, its disk, its lock or its schema. Says which."""


class Observation(NamedTuple):
    """One thing seen at one time. `at_s` is measured-at, placed on the clock by the hub if need be.

    `kind` is a kind of contract.EVENTS with its word and the `number` of its slot or bank (0 when
    it has none); or `state`, a whole snapshot, `value` being as picture.snapshot_words writes it.
    """

    boot: int
    seq: int
    snap: int
    up_ms: int
    at_s: int
    kind: str
    number: int
    value: str


class Event(NamedTuple):
    """One event as it came from the wire; `at_s` is None when the cart did not know the time."""

    cart: str
    boot: int
    seq: int
    up_ms: int
    at_s: int | None
    kind: str
    number: int
    value: str
    was: str
    current_ma: int | None


class Snapshot(NamedTuple):
    """One snapshot's words as they came from the wire, by picture.snapshot_words."""

    cart: str
    boot: int
    seq: int
    up_ms: int
    at_s: int | None
    words: str


class Told(NamedTuple):
    """One message of the history as it was kept: an event, or (`snap` 1) a snapshot.

    `at_s` is measured-at, placed on the clock by the hub if need be, None while that is not
    possible. `kind` and `number` as in Observation; `was` and `current_ma` only of events. `record`
    is its number in the chain.
    """

    boot: int
    seq: int
    snap: int
    up_ms: int
    at_s: int | None
    kind: str
    number: int
    value: str
    was: str
    current_ma: int | None
    record: int


class Head(NamedTuple):
    """The hash chain after its first `records` records; see service.chain."""

    records: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.records}:{self.digest.hex()}"

    @property
    def short(self) -> str:
        """As people note it: `5214:9f86d081884c7d65`."""
        return f"{self.records}:{self.digest.hex()[:SHORT_DIGITS]}"


class Dropped(NamedTuple):
    """That the records up to number `through` were dropped at `at_s`, and what the chain was there.

    All of them were measured before `before_s`. `digest` is hexadecimal. Itself a record.
    """

    through: int
    digest: str
    before_s: int
    at_s: int


class Record(NamedTuple):
    """One record of the history with its number in the chain.

    `row` has the columns of its `table` (event, snapshot, clock, dropped) as stored.
    """

    number: int
    table: str
    row: tuple[Any, ...]

    @property
    def measured_s(self) -> int | None:
        """When it was measured, where the cart knew."""
        return self.row[4] if self.table in ("event", "snapshot") else None

    @property
    def cart(self) -> str | None:
        """Whose it is."""
        # Who rewrites a table may put anything into it.
        return None if self.table == "dropped" else str(self.row[0])


class Latest(NamedTuple):
    """The newest message of one kind from one cart, payload as it was checked."""

    cart: str
    kind: str
    boot: int
    up_ms: int
    at_s: int | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that broke the contract, kept for inspection. Texts are printable ASCII."""

    arrived_s: int
    topic: str
    reason: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Stranger:
    """A controller that no school's configuration names."""

    controller: str
    first_s: int
    last_s: int
    messages: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person, in the outbox. `id` is 0 until stored.

    `thread` is the identity of the notice whose thread its mail belongs to, empty where it begins
    one. It is not mailed before `after_s`, nor from `expires_s` on, where that is not 0.
    """

    school: str
    day: str
    rule: str
    name: str
    email: str
    subject: str
    text: str
    html: str
    created_s: int
    id: int = 0
    tries: int = 0
    thread: str = ""
    after_s: int = 0
    expires_s: int = 0

    @property
    def identity(self) -> str:
        """32 hexadecimal digits that no other notice has, the same whenever it is sent."""
        parts = (self.school, self.day, self.rule, self.email, str(self.created_s))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A notice whose mail was given up, and why."""

    notice: Notice
    error: str


class Store(Protocol):
    """Where the hub keeps everything. One thread at a time. Every method may raise StoreError."""

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is kept whole and durably at the end, or not at all."""

    def frozen(self) -> AbstractContextManager[None]:
        """All that is read inside is as of one moment, whoever writes. Nothing is written in it."""

    # History, append-only: what carts said
    def add_event(self, event: Event) -> bool:
        """Keep an event; False when the (cart, boot, seq) is already known."""

    def add_snapshot(self, snapshot: Snapshot) -> bool:
        """Keep a snapshot; False when that very one is already known."""

    def missing(self, cart: str, boot: int, seq: int, span: int) -> int:
        """How many of the `span` numbers of this boot up to `seq` no event came with."""

    def has_unplaced(self, cart: str, boot: int) -> bool:
        """Whether anything of this boot came without the time."""

    def set_clock(self, cart: str, boot: int, up_ms: int, offset_s: int) -> None:
        """Of this boot, uptime zero was at `offset_s`, as learned from its message at `up_ms`.

        Of several readings the one of the earliest message counts; what was read first stays.
        """

    def clocks(self, cart: str) -> dict[int, tuple[int, int]]:
        """(up_ms, offset_s) by boot, see set_clock."""

    def observations(self, cart: str, after: Key, until_s: int | None) -> Iterator[Observation]:
        """What is placed on the clock, behind `after` in order of Key, measured up to `until_s`."""

    def told(self, cart: str, slot: int | None) -> Iterator[Told]:
        """All messages of a cart in order of Key; of events only those about `slot`, if given."""

    def told_at(self, cart: str, times: Collection[int]) -> Iterator[Told]:
        """The messages of a cart that were measured at one of `times`, in order of Key."""

    # The hash chain over events, snapshots and clock readings
    def head(self) -> Head:
        """Where the chain ends, by what is committed and, inside a transaction, by that."""

    def seals(self) -> list[Head]:
        """The stored digests along the chain, by rising number."""

    def records(self) -> Iterator[Record]:
        """What is kept of the history, by number; inside `frozen`, where others write."""

    # What is no longer kept, see service.keep
    def anchor(self) -> Head:
        """Where the chain begins: behind the last record that was dropped, else GENESIS."""

    def kept_since_s(self) -> int:
        """From when on everything measured is kept, epoch s; 0 where nothing was dropped."""

    def base(self, cart: str) -> Key:
        """Up to where in its history a cart is known by a picture alone; else BEFORE_ALL."""

    # Checkpoints: folded pictures, derived from history to make it quick to read
    def checkpoint(self, cart: str, before: Key | None, until_s: int | None) -> bytes | None:
        """The newest picture before a place in history, of nothing measured after `until_s`.

        Where there is none, the one that stands for what was dropped.
        """

    def add_checkpoint(self, cart: str, key: Key, through_s: int, picture: bytes) -> None:
        """Keep a picture of everything up to `key`, measured up to `through_s`."""

    def drop_checkpoints(self, cart: str, key: Key) -> None:
        """Forget the pictures at and behind `key`."""

    # Heard: spans of time without a long gap between reports. Boot 0: epoch s; else s of uptime.
    def spans(self, cart: str) -> dict[int, tuple[int, int]]:
        """The last span (from, to) of each boot."""

    def put_spans(self, spans: Mapping[tuple[str, int, int], int]) -> None:
        """Write spans: (cart, boot, from) -> to."""

    def merge_span(self, cart: str, boot: int, moment_s: int, gap_s: int) -> None:
        """Put one moment into the spans, joining those it is within `gap_s` of."""

    def heard(self, cart: str, until_s: int) -> int | None:
        """The last moment up to `until_s` at which the cart was heard, epoch s."""

    def heard_spans(self, cart: str, until_s: int) -> list[tuple[int, int]]:
        """The spans (from, to) of being heard that began by `until_s`, epoch s, in order."""

    # What is kept for people to look at
    def put_latest(self, rows: Iterable[Latest]) -> None:
        """Replace the newest message of each kind and cart."""

    def latest(self, cart: str) -> dict[str, Latest]:
        """The newest message by kind."""

    def add_refused(self, refused: Iterable[Refused]) -> None:
        """Keep refused messages, dropping the oldest beyond a bound."""

    def refused(self) -> list[Refused]:
        """The kept refused messages, newest first."""

    def add_strangers(self, messages: Mapping[str, int], now_s: int) -> int:
        """Count messages by unknown controller; returns how many found no room in the list."""

    def strangers(self) -> list[Stranger]:
        """All listed unknown controllers, by id."""

    def count(self, counts: Mapping[str, int]) -> None:
        """Add to the named counters."""

    def counts(self) -> dict[str, int]:
        """All counters."""

    # The due table and the outbox
    def opened_s(self, school: str, now_s: int) -> int:
        """When this school was first seen by this store: `now_s` the first time it is asked."""

    def known_since_s(self, school: str) -> int | None:
        """What opened_s has kept for this school; None when it was never asked."""

    def is_settled(self, school: str, day: str, rule: str) -> bool:
        """Whether this school day was judged, or recorded as missed."""

    def settle(
        self, school: str, day: str, rule: str, deadline_s: int, judged_s: int | None
    ) -> bool:
        """Record a school day as judged, or missed (None); False when it already was."""

    def add_notice(self, notice: Notice) -> None:
        """Put a notice into the outbox, unless this person has it already."""

    def pending_notices(self) -> int:
        """Notices that wait for a file or for their mail."""

    def dead_letters(self) -> list[DeadLetter]:
        """Notices whose mail was given up, newest first."""


class Outbox(Protocol):
    """The delivering side of the outbox, on a connection of its own."""

    def notices_to_file(self) -> list[Notice]:
        """Notices without files, oldest first."""

    def set_filed(self, notice: Notice, now_s: int) -> None:
        """The files of a notice are written."""

    def notices_to_mail(self, now_s: int) -> list[Notice]:
        """Notices whose mail, or whose next try, is due, oldest first."""

    def set_mailed(self, notice: Notice, now_s: int) -> None:
        """The mail server has taken the notice."""

    def set_unmailed(self, notice: Notice) -> None:
        """No mail is configured: the files are the whole delivery."""

    def put_off(self, notice: Notice, next_s: int, error: str) -> None:
        """A try failed; the next is due at `next_s`."""

    def bury(self, notice: Notice, error: str) -> None:
        """The mail is given up; the notice becomes a dead letter."""
