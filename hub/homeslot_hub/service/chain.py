"""The hash chain over the history: what was edited, deleted or put in behind the hub's back shows.

Theory of operation. Every record of the history (an event, a snapshot, a clock reading) has a
number, counted from 1 in the order in which it was kept. The digest after a record is

    SHA-256(digest before it + its JSON text)

where the text is an array of the table's name and the columns as stored, without blanks, and the
digest before record 1 is 32 zero bytes. A seal is such a digest, stored: one for every SEAL_RECORDS
records, and the newest one, which moves along with each commit. So the chain costs a hash for each
record and a few bytes for each seal; a fault is found between two seals; and a head (number of
records and digest) that was noted anywhere outside can be looked for at any record, not only at a
seal. Whoever can write the whole database can compute the whole chain anew: only a head noted
elsewhere finds that out, which is why each digest's mail carries one.

What is no longer kept (service.keep) is dropped from the front of the chain, whole stretches
between seals, after a last look at whether they fit. That it was dropped, and the digest there, is
itself a record at the end: the walk begins from that digest, and heads noted later vouch for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from homeslot_hub.service.ports import SHORT_DIGITS, Head, Record

GENESIS = Head(0, bytes(32))
SEAL_RECORDS = 64
_ENCODER = msgspec.json.Encoder()
_HEAD = re.compile(rf"(\d{{1,15}}):([0-9a-f]{{{SHORT_DIGITS},64}})")

Kind = Literal["changed", "missing", "added", "head"]


@dataclass(frozen=True, slots=True)
class Break:
    """One stretch between two seals, of the numbers `first` to `last`, that does not fit its seal.

    `kinds` are what is wrong. `missing` are runs of numbers (first, last) without a record, `added`
    the numbers of records that the hub did not keep. `carts` are those of the records that are
    there, `from_s` and `to_s` when the earliest and the latest of them was measured.
    """

    first: int
    last: int
    kinds: tuple[Kind, ...]
    missing: tuple[tuple[int, int], ...] = ()
    added: tuple[int, ...] = ()
    carts: tuple[str, ...] = ()
    from_s: int | None = None
    to_s: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along the chain has found. `head` is where the stored seals end.

    `anchor` is where it began. `noted_past`: the noted head is that of a record before it.
    """

    records: int
    seals: int
    head: Head
    breaks: tuple[Break, ...]
    anchor: Head = GENESIS
    noted_past: bool = False

    @property
    def whole(self) -> bool:
        """Nothing was changed, deleted or put in, as far as the chain can tell."""
        return not self.breaks


@dataclass(slots=True)
class _Stretch:
    """The records between two seals, while they are looked at."""

    first: int
    digest: bytes
    next: int  # the number that should come
    missing: list[tuple[int, int]] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    carts: set[str] = field(default_factory=set)
    from_s: int | None = None
    to_s: int | None = None

    def see(self, record: Record) -> None:
        if record.cart is not None:
            self.carts.add(record.cart)
        at_s = record.measured_s
        if isinstance(at_s, int):
            self.from_s = at_s if self.from_s is None else min(self.from_s, at_s)
            self.to_s = at_s if self.to_s is None else max(self.to_s, at_s)

    def skip(self, number: int) -> None:
        """What should come now is `number`: what lies before it is missing."""
        if self.next < number:
            self.missing.append((self.next, number - 1))
            self.next = number

    def broken(self, last: int, kinds: Sequence[Kind]) -> Break:
        return Break(
            self.first,
            last,
            tuple(kinds),
            tuple(self.missing),
            tuple(self.added),
            tuple(sorted(self.carts)),
            self.from_s,
            self.to_s,
        )


def link(before: bytes, table: str, row: Sequence[Any]) -> bytes:
    """The digest after the record `row` of `table`, which follows on the digest `before`."""
    return hashlib.sha256(before + _ENCODER.encode([table, *row])).digest()


def parse_head(text: str) -> tuple[int, str] | None:
    """The number and the hexadecimal digits of a noted head; None when `text` is none."""
    found = _HEAD.fullmatch(text.strip().lower())
    return None if found is None else (int(found[1]), found[2])


def verify(
    records: Iterable[Record],
    seals: Sequence[Head],
    noted: tuple[int, str] | None = None,
    seen: Callable[[int], None] = lambda count: None,
    anchor: Head = GENESIS,
) -> Verified:
    """Walk along the chain: `records` and `seals` by rising number, as they are stored.

    `noted` is a head that was noted elsewhere, see parse_head. `seen` is told now and then how many
    records were looked at. After a break the walk goes on from the next seal. It begins behind
    `anchor`: of a head that was noted before that nothing can be said.
    """
    noted_past = noted is not None and noted[0] < anchor.records
    walk = _Walk(anchor, seals, None if noted_past else noted)
    count = 0
    for count, record in enumerate(records, 1):
        walk.take(record)
        if count % 1000 == 0:
            seen(count)
    walk.end()
    seen(count)
    head = seals[-1] if seals else anchor
    return Verified(count, len(seals), head, tuple(walk.breaks), anchor, noted_past)


class _Walk:
    """The walk itself: `take` each record, then `end`."""

    def __init__(self, anchor: Head, seals: Sequence[Head], noted: tuple[int, str] | None) -> None:
        self._seals = iter(seals)
        self._seal = next(self._seals, None)
        self._stretch = _Stretch(anchor.records + 1, anchor.digest, anchor.records + 1)
        self._noted = noted
        self._noted_fits = False
        self.breaks: list[Break] = []
        self._look_at_head(anchor.records)

    def take(self, record: Record) -> None:
        while self._seal is not None and record.number > self._seal.records:
            self._close(self._seal)
        stretch = self._stretch
        stretch.see(record)
        if self._seal is None or record.number < stretch.next:  # unsealed, or there already
            stretch.added.append(record.number)
            return
        stretch.skip(record.number)
        stretch.next = record.number + 1
        stretch.digest = link(stretch.digest, record.table, record.row)
        self._look_at_head(record.number)

    def end(self) -> None:
        while self._seal is not None:
            self._close(self._seal)
        if self._stretch.added:
            self.breaks.append(self._stretch.broken(max(self._stretch.added), ("added",)))
        if self._noted is not None and not self._noted_fits:
            self.breaks.append(Break(self._noted[0], self._noted[0], ("head",)))

    def _close(self, seal: Head) -> None:
        """Compare what was walked with the seal it ends in, and go on from that seal."""
        stretch = self._stretch
        stretch.skip(seal.records + 1)
        kinds: list[Kind] = []
        if stretch.missing:
            kinds.append("missing")
        if stretch.added:
            kinds.append("added")
        if not kinds and stretch.digest != seal.digest:
            kinds.append("changed")
        if kinds:
            self.breaks.append(stretch.broken(seal.records, kinds))
        self._stretch = _Stretch(seal.records + 1, seal.digest, seal.records + 1)
        self._seal = next(self._seals, None)

    def _look_at_head(self, number: int) -> None:
        if self._noted is not None and self._noted[0] == number:
            self._noted_fits = self._stretch.digest.hex().startswith(self._noted[1])
