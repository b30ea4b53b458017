"""What the hub believes of each cart: a cache of folded pictures over the store's history.

Everything here can be rebuilt from the store; `forget` drops it, and the next question reads it
anew. That is the whole story of crash and roll-back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from homeslot_hub.model import CartFacts
from homeslot_hub.service.picture import Picture, decode_picture, encode_picture
from homeslot_hub.service.ports import BEFORE_ALL, Key, Latest, Observation, Store

CHECKPOINT_EVERY = 200  # observations: bounds both what a restart folds and what checkpoints take
KEPT_BEFORE = 16
KEPT_PAST = 4
AHEAD_S = 300  # a measurement this far in the hub's future was stamped by a clock that is wrong


class Belief:
    """One cart as the hub has it in memory."""

    def __init__(self, controller: str, store: Store) -> None:
        self.controller = controller
        self.clocks = store.clocks(controller)  # boot -> (up_ms, offset_s)
        self.last_boot = max(self.clocks, default=0)
        self.spans = store.spans(controller)  # boot or 0 -> last span heard
        self.latest: dict[str, Latest] = store.latest(controller)
        self.picture = Picture()
        self.base = store.base(controller)  # nothing up to here is kept, or believed any more
        self.unfolded: Key | None = None  # from here on history holds more than the picture
        self.since_checkpoint = 0
        # The last snapshot kept without the time: (boot, seq, words, up_ms).
        self.unplaced: tuple[int, int, str, int] | None = None
        self.time_sent_s: int | None = None
        self._facts: CartFacts | None = None
        # Facts as of moments that are past, by moment: a deadline is judged again and again while
        # it may be corrected, and nothing has come in that was measured before it.
        self._past: dict[int, CartFacts] = {}
        # The picture before each of the last observations, with the time of that observation:
        # a deadline is judged a few minutes after it, when some carts have spoken again.
        self._before: deque[tuple[int, Picture]] = deque(maxlen=KEPT_BEFORE)
        self._fold(store, None)

    @property
    def newest_boot(self) -> int:
        """The highest number of a boot that was heard of; 0 when there was none."""
        return max(self.last_boot, *(latest.boot for latest in self.latest.values()), 0)

    def placed_s(self, boot: int, up_ms: int, at_s: int | None) -> int | None:
        """Measured-at in epoch s: as stamped, else by the boot's clock, None while not known."""
        if at_s is not None:
            return at_s
        clock = self.clocks.get(boot)
        return None if clock is None else clock[1] + up_ms // 1000

    def began_before(self, boot: int, at_s: int) -> int:
        """A boot after `boot` that had long begun at `at_s`; 0 when there is none.

        Then the controller has lost its numbers. Its reports would all go to a place in history
        before what is believed now, and a cart that is heard but frozen looks fine when it is not:
        refused, it becomes silent, and that is said.
        """
        began = (
            later
            for later, (_, offset_s) in self.clocks.items()
            if later > boot and offset_s + AHEAD_S < at_s
        )
        return next(began, 0)

    def observe(self, seen: Observation) -> None:
        """Something was added to history. What comes out of order waits for `settle`."""
        key = seen[:4]
        if self._past and seen.at_s <= max(self._past):
            self._past.clear()
        if self.unfolded is not None:
            self.unfolded = min(self.unfolded, key)
        elif key > self.picture.key:
            self._before.append((seen.at_s, self.picture.copy()))
            self.picture.apply(seen)
            self.since_checkpoint += 1
            self._facts = None
        else:
            self.unfolded = key

    def is_past(self, key: Key) -> bool:
        """Whether a place in history is one of which nothing is kept."""
        return key <= self.base

    def replace_from(self, boot: int) -> None:
        """What this boot said without the time has moved on the clock."""
        self._past.clear()
        *base, up_ms = self.base
        key = max((boot, -1, 0, -1), (base[0], base[1], base[2], up_ms + 1))
        self.unfolded = key if self.unfolded is None else min(self.unfolded, key)

    def settle(self, store: Store, checkpoint_every: int) -> None:
        """Fold what came out of order, and keep a checkpoint when it is time for one."""
        if self.unfolded is not None:
            store.drop_checkpoints(self.controller, self.unfolded)
            self._fold(store, self.unfolded)
            self.unfolded = None
        if self.since_checkpoint >= checkpoint_every:
            picture = self.picture
            store.add_checkpoint(
                self.controller, picture.key, picture.through_s, encode_picture(picture)
            )
            self.since_checkpoint = 0

    def facts(self, store: Store, at_s: int) -> CartFacts:
        """What was believed as of `at_s`: of nothing measured later."""
        heard_s = self._heard_s(store, at_s)
        if at_s < self.picture.through_s:
            past = self._past.get(at_s)
            if past is None or past.heard_s != heard_s:
                picture = self._recent(at_s) or self._folded(store, None, at_s)[0]
                past = picture.facts(heard_s)
                if len(self._past) >= KEPT_PAST:
                    self._past.clear()
                self._past[at_s] = past
            return past
        if self._facts is None or self._facts.heard_s != heard_s:
            self._facts = self.picture.facts(heard_s)
        return self._facts

    def _recent(self, at_s: int) -> Picture | None:
        """The picture as of `at_s`, if it is one of the last and all since was measured later."""
        for since_s, picture in reversed(self._before):
            if since_s <= at_s:
                return None
            if picture.through_s <= at_s:
                return picture
        return None

    def _heard_s(self, store: Store, at_s: int) -> int | None:
        heard_s = None
        for boot, (from_s, to_s) in self.spans.items():
            offset_s = 0
            if boot:
                clock = self.clocks.get(boot)
                if clock is None:
                    continue
                offset_s = clock[1]
            if from_s + offset_s > at_s:
                return store.heard(self.controller, at_s)
            moment_s = min(to_s + offset_s, at_s)
            heard_s = moment_s if heard_s is None else max(heard_s, moment_s)
        return heard_s

    def _fold(self, store: Store, before: Key | None) -> None:
        self.picture, self.since_checkpoint = self._folded(store, before, None)
        self._before.clear()
        self._facts = None

    def _folded(self, store: Store, before: Key | None, until_s: int | None) -> tuple[Picture, int]:
        """The picture as of `until_s` and how much was folded onto a checkpoint for it."""
        checkpoint = store.checkpoint(self.controller, before, until_s)
        picture = Picture() if checkpoint is None else decode_picture(checkpoint)
        after = BEFORE_ALL if checkpoint is None else picture.key
        folded = 0
        for seen in store.observations(self.controller, after, until_s):
            picture.apply(seen)
            folded += 1
        return picture, folded


class Beliefs:
    """The beliefs of all carts, read from the store as they are asked for."""

    def __init__(self, store: Store, checkpoint_every: int = CHECKPOINT_EVERY) -> None:
        self._store = store
        self._checkpoint_every = checkpoint_every
        self._carts: dict[str, Belief] = {}
        self._kept_since_s = 0

    def of(self, controller: str) -> Belief:
        """The belief of one cart."""
        belief = self._carts.get(controller)
        if belief is None:
            belief = self._carts[controller] = Belief(controller, self._store)
        return belief

    def facts(self, controller: str, at_s: int) -> CartFacts:
        """What was believed of one cart as of `at_s`."""
        return self.of(controller).facts(self._store, at_s)

    def settle(self, controllers: Iterable[str]) -> None:
        """After additions to the history of these carts, in the transaction of the additions."""
        for controller in controllers:
            self.of(controller).settle(self._store, self._checkpoint_every)

    def look_at_kept(self) -> None:
        """Take up that something is no longer kept; inside the transaction of additions."""
        since_s = self._store.kept_since_s()
        if since_s != self._kept_since_s:
            self._kept_since_s = since_s
            for belief in self._carts.values():
                belief.base = self._store.base(belief.controller)

    def forget(self) -> None:
        """Drop everything: the store may hold less than was believed."""
        self._carts.clear()
