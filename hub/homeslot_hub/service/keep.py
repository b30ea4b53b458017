"""Dropping what is no longer kept (rules.keep), in small steps beside whoever writes.

Theory of operation. The history goes day by day, the oldest first, and for each day in this order:

1. Each cart's school days that begin before the cut are rolled up, while they are whole.
2. From now on nothing before the cut is answered for (`kept_since_s`).
3. Each cart's base moves to the last place in its history before which all was measured before the
   cut. A base is a picture: whatever is asked about a time behind the cut is folded from there, and
   comes out as if nothing had been dropped.
4. The front of the hash chain is walked. A stretch between two seals is dropped when all its
   records lie at or before the bases of their carts, or were never placed in time, and it fits its
   seal: what was edited is not dropped, it is evidence. One record at the end of the chain says up
   to where it was dropped and what its digest was there, and from then on the chain begins there.
   A clock reading that is still of use is put into the chain anew.
5. The rows are deleted, some at a time.

Whatever ends this in between, the next time it goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol

from homeslot_hub.model import Cart, Keep, School
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.keep import DAY_S, cuts_s
from homeslot_hub.rules.usage import UsageDay
from homeslot_hub.service.chain import SEAL_RECORDS, link
from homeslot_hub.service.picture import Picture, decode_picture
from homeslot_hub.service.ports import Dropped, Head, Key, Observation, Record, Store
from homeslot_hub.service.usage import RolledUp, sensed

RECORDS_AT_ONCE = 50_000  # looked at together
ROWS_AT_ONCE = 1000  # deleted in one transaction
_OBSERVED_AT_ONCE = 500
_ROLLED_UP_S = 10 * 365 * DAY_S  # at most so much is rolled up at once


class NoLongerKept(Exception):
    """What was asked for is about a time of which the history was dropped, and since when it is."""


class Step(NamedTuple):
    """Something that was done, for a person who waits: `what`, and how many of it."""

    what: str
    done: int


class Tidied(NamedTuple):
    """When it was last tidied, epoch s, 0 never; and why the history was not dropped, if so."""

    at_s: int
    stuck: str


class KeepStore(RolledUp, Protocol):
    """What tidying asks of the store, within its transactions. Methods may raise StoreError."""

    def keep_from(self, since_s: int) -> None:
        """Answer for nothing measured before `since_s`."""

    def set_tidied(self, tidied: Tidied) -> None:
        """Everything that was to be dropped has been looked at."""

    def tidied(self) -> Tidied:
        """The last of these."""

    def older(self, cuts_s: Mapping[str, int]) -> dict[str, int]:
        """How many of each kind of thing are older than the cut of its key (rules.keep)."""

    def carts(self) -> list[str]:
        """All carts that have a history, by id."""

    def ahead(self, cart: str, after: Key, most: int) -> list[Observation]:
        """At most `most` observations behind a place in a cart's history, in order."""

    def move_base(self, cart: str, picture: Picture, cut_s: int) -> None:
        """Let `picture` stand for all up to its place. Spans that ended before `cut_s` go, but the
        last."""

    def put_days(self, cart: str, days: Sequence[UsageDay]) -> None:
        """Keep what is rolled up."""

    def droppable(self, through: int) -> list[Record]:
        """The records in the chain up to the number `through` that may go, by number."""

    def seals(self, through: int) -> list[Head]:
        """The stored digests along the chain, up to the record `through`."""

    def release(self, dropped: Dropped, records: Sequence[Record]) -> None:
        """Let the chain begin behind `records`, and put what is still of use into it anew."""

    def delete_released(self, cart: str, most: int) -> int:
        """Delete records of a cart that the chain has no more, at most `most`; how many."""

    def drop_letters(self, before_s: int, most: int) -> int:
        """Empty at most `most` notices that are done with and were made before; how many."""

    def drop_refused(self, before_s: int) -> int:
        """Drop refused messages and unknown controllers not heard since; how many."""

    def give_back(self) -> int:
        """Give room that nothing will need soon back to the disk, some; how many bytes."""


def require(store: Store, school: School, at_s: int) -> None:
    """Raise NoLongerKept when nothing is known any more of `at_s`, epoch s."""
    since_s = store.kept_since_s()
    if at_s < since_s:
        raise NoLongerKept(
            f"{words.clock(school.zone, at_s, 0)}: no longer kept. The history begins "
            f"{words.clock(school.zone, since_s, 0)}; see [keep] in the configuration."
        )


class Tidy:
    """Drops what is older than `keep` says at `now_s`, for `schools` and carts that were theirs."""

    def __init__(
        self,
        store: Store,
        kept: KeepStore,
        schools: Sequence[School],
        keep: Keep,
        now_s: Callable[[], int],
    ) -> None:
        self._store = store
        self._kept = kept
        self._now_s = now_s
        self._cuts_s = cuts_s(keep, now_s())
        self._of = {cart.controller: (school, cart) for school in schools for cart in school.carts}
        self.stuck = ""  # why the front of the chain is not dropped, for a person

    def run(self) -> Iterator[Step]:
        """Do it, one small transaction for each step that comes out. Raises StoreError."""
        history_s = self._cuts_s["history_days"]
        if history_s:
            yield from self._deleted()  # what an earlier one has left
            while (cut_s := self._next_cut_s(history_s)) is not None:
                yield from self._day(cut_s)
        while count := self._in_one(
            lambda: self._kept.drop_letters(self._cuts_s["letters_days"], ROWS_AT_ONCE)
        ):
            yield Step("notices", count)
        count = self._in_one(lambda: self._kept.drop_refused(self._cuts_s["refused_days"]))
        if count:
            yield Step("refused messages and unknown controllers", count)
        while given := self._kept.give_back():
            yield Step("bytes given back to the disk", given)
        with self._store.transaction():
            self._kept.set_tidied(Tidied(self._now_s(), self.stuck))

    def _in_one(self, work: Callable[[], int]) -> int:
        with self._store.transaction():
            return work()

    # The history

    def _next_cut_s(self, last_s: int) -> int | None:
        """The cut that drops the oldest day there is, up to `last_s`; None when that is kept."""
        fronts = (self._front_s(cart) for cart in self._kept.carts())
        oldest_s = min((at_s for at_s in fronts if at_s is not None), default=last_s)
        if oldest_s >= last_s:
            return None
        return min(last_s, max(oldest_s // DAY_S * DAY_S + DAY_S, self._store.kept_since_s()))

    def _front_s(self, cart: str) -> int | None:
        ahead = self._kept.ahead(cart, self._store.base(cart), 1)
        return ahead[0].at_s if ahead else None

    def _day(self, cut_s: int) -> Iterator[Step]:
        since_s = self._store.kept_since_s()
        if since_s < cut_s:
            for school, cart in self._of.values():
                days = self._days(school, cart, since_s, cut_s)
                with self._store.transaction():
                    self._kept.put_days(cart.controller, days)
                yield Step("", 0)
            with self._store.transaction():
                self._kept.keep_from(cut_s)
        for controller in self._kept.carts():
            front_s = self._front_s(controller)
            if front_s is not None and front_s < cut_s:
                with self._store.transaction():  # so that nothing comes in between
                    self._kept.move_base(controller, self._picture(controller, cut_s), cut_s)
                yield Step("", 0)
        while (released := self._release(cut_s)) is not None:
            yield Step("records", released)
            yield from self._deleted()

    def _picture(self, cart: str, cut_s: int) -> Picture:
        """The fold of as much as has nothing in it that was measured at or after `cut_s`."""
        checkpoint = self._store.checkpoint(cart, None, cut_s - 1)
        picture = Picture() if checkpoint is None else decode_picture(checkpoint)
        while ahead := self._kept.ahead(cart, picture.key, _OBSERVED_AT_ONCE):
            for seen in ahead:
                if seen.at_s >= cut_s:
                    return picture
                picture.apply(seen)
        return picture

    def _days(self, school: School, cart: Cart, since_s: int, cut_s: int) -> list[UsageDay]:
        """The school days of which a part is about to be dropped, while they are still whole."""
        known_s = self._store.known_since_s(school.name) or cut_s
        day = calendar.school_day_of(school, max(since_s, known_s, cut_s - _ROLLED_UP_S))
        days = []
        while calendar.begins_s(school, day) < cut_s:
            if calendar.begins_s(school, day) >= since_s and calendar.is_school_day(school, day):
                days.append(day)
            day += timedelta(days=1)
        return sensed(self._store, school, cart, days, self._now_s())

    def _release(self, cut_s: int) -> int | None:
        """Walk the front of the chain and drop what fits; how many records, None when none may."""
        anchor = self._store.anchor()
        found = self._kept.droppable(anchor.records + RECORDS_AT_ONCE)
        end = self._walked(anchor, found)
        if end == anchor:
            return None
        dropped = Dropped(end.records, end.digest.hex(), cut_s, self._now_s())
        with self._store.transaction():
            if self._store.anchor() != anchor:
                return None  # somebody else is at it
            self._kept.release(dropped, found[: end.records - anchor.records])
        return end.records - anchor.records

    def _walked(self, anchor: Head, found: Sequence[Record]) -> Head:
        """How far the records `found`, in order, make whole stretches that fit their seals."""
        seals = dict(self._kept.seals(anchor.records + len(found)))
        end, digest = anchor, anchor.digest
        for number, record in enumerate(found, anchor.records + 1):
            if record.number != number:
                break
            digest = link(digest, record.table, record.row)
            if number % SEAL_RECORDS == 0:
                if seals.get(number) != digest:
                    self.stuck = (
                        f"records {end.records + 1} to {number} do not fit their seal: they are "
                        "evidence, and nothing is dropped from there on; see homeslot verify"
                    )
                    break
                end = Head(number, digest)
        return end

    def _deleted(self) -> Iterator[Step]:
        carts = self._kept.carts()
        while carts:
            with self._store.transaction():
                room = ROWS_AT_ONCE
                while carts and room:
                    deleted = self._kept.delete_released(carts[-1], room)
                    room -= deleted
                    if room:
                        carts.pop()
            yield Step("", 0)
