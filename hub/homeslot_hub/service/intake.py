"""Taking messages in: decode, believe or refuse, one durable transaction for each group.

Measured-at decides, arrival decides nothing: a retained replay, a duplicate or a late event goes
to its own place in history and changes nothing that was measured after it. Bad input is counted
and kept for inspection; it never raises and never reaches a belief.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from homeslot import contract
from homeslot_hub.model import Command, Message, School
from homeslot_hub.service.beliefs import AHEAD_S, Belief, Beliefs
from homeslot_hub.service.picture import snapshot_words
from homeslot_hub.service.ports import Event, Latest, Observation, Refused, Snapshot, Store
from homeslot_hub.service.wire import decode

HEARD_GAP_S = 300  # reports no further apart than this (or silence) are one span of being heard
OFF_S = 60  # a live snapshot this far from the hub's time: the cart is told the time
TIME_EVERY_S = 30  # but no more often than this
KEPT_REFUSED = 200


class Intake:
    """The way from the broker into the store and the beliefs."""

    def __init__(
        self,
        schools: tuple[School, ...],
        store: Store,
        beliefs: Beliefs,
        now_s: Callable[[], int],
    ) -> None:
        self._store = store
        self._beliefs = beliefs
        self._now_s = now_s
        self._topics = {
            contract.topic(cart.controller, kind): (cart.controller, kind)
            for school in schools
            for cart in school.carts
            for kind in contract.MESSAGES
        }
        # Within a span nobody is silent, so what a span leaves out changes no verdict.
        self._gap_s = min((school.silent_after_s for school in schools), default=HEARD_GAP_S)
        self._gap_s = min(self._gap_s, HEARD_GAP_S)
        self._handlers: dict[str, Callable[[Belief, Message, Any, int | None], None]] = {
            "state": self._state,
            "event": self._event,
            "hello": self._hello,
            "diag": self._report,
            "reply": self._report,
        }
        self._command_id = 0
        self._reset()

    def _reset(self) -> None:
        """What one group of messages gathers until it is written."""
        self._now = self._now_s()
        self._commands: list[Command] = []
        self._touched: set[str] = set()
        self._latest: dict[tuple[str, str], Latest] = {}
        self._spans: dict[tuple[str, int, int], int] = {}
        self._counts: Counter[str] = Counter()
        self._refused: deque[Refused] = deque(maxlen=KEPT_REFUSED)
        self._strangers: Counter[str] = Counter()

    def take(self, messages: Sequence[Message]) -> list[Command]:
        """Apply a group of messages in one durable transaction.

        Returns what to publish afterwards. Raises StoreError when the store cannot keep them:
        then nothing of the group was kept, and it may be given again.
        """
        self._reset()
        kept = False
        try:
            with self._store.transaction():
                self._beliefs.look_at_kept()
                for message in messages:
                    self._one(message)
                self._counts["taken"] += len(messages)
                self._write()
            kept = True
        finally:
            if not kept:
                self._beliefs.forget()
        return self._commands

    def _one(self, message: Message) -> None:
        known = self._topics.get(message.topic)
        if known is None:
            self._elsewhere(message)
            return
        controller, kind = known
        try:
            body = decode(message.topic, kind, message.payload)
        except contract.BadMessage as bad:
            self._refuse(message, bad)
            return
        if kind == "cmd":  # the hub's own words, come back from a broad subscription
            self._counts["echoed"] += 1
            return
        belief = self._beliefs.of(controller)
        if kind == "link":
            self._link(belief, message, body)
            return
        at_s = body.at_s
        if at_s is not None:
            if at_s > self._now + AHEAD_S:
                self._counts["ahead"] += 1
                at_s = None
            elif body.boot < belief.last_boot and (later := belief.began_before(body.boot, at_s)):
                problem = f"is {body.boot}, measured after boot {later} began: numbers went back"
                self._refuse(message, contract.BadMessage(message.topic, "boot", problem))
                self._correct(belief, message)
                return
            elif body.boot >= belief.base[0]:  # of boots before that nothing is left to place
                clock = belief.clocks.get(body.boot)
                if clock is None or body.up_ms < clock[0]:
                    self._learn(belief, body, at_s)
        self._hear(belief, body, at_s)
        self._handlers[kind](belief, message, body, at_s)

    # What is not believed

    def _elsewhere(self, message: Message) -> None:
        try:
            controller, _ = contract.split_topic(message.topic)
        except contract.BadMessage as bad:
            self._refuse(message, bad)
            return
        if not message.retained:  # a replay says nothing of now: its cart may be long gone
            self._strangers[controller] += 1

    def _refuse(self, message: Message, bad: contract.BadMessage) -> None:
        self._counts["refused"] += 1
        payload = bytes(message.payload[: contract.MAX_PAYLOAD_BYTES])
        topic, reason = _printable(message.topic, 200), _printable(str(bad), 400)
        self._refused.append(Refused(message.arrived_s, topic, reason, payload))

    # Time

    def _learn(self, belief: Belief, body: Any, at_s: int) -> None:
        """The first message of a boot that knows the time places those that did not."""
        offset_s = at_s - body.up_ms // 1000
        belief.clocks[body.boot] = (body.up_ms, offset_s)
        belief.last_boot = max(belief.last_boot, body.boot)
        self._store.set_clock(belief.controller, body.boot, body.up_ms, offset_s)
        if self._store.has_unplaced(belief.controller, body.boot):
            belief.replace_from(body.boot)
            self._touched.add(belief.controller)

    def _hear(self, belief: Belief, body: Any, at_s: int | None) -> None:
        boot, moment_s = (0, at_s) if at_s is not None else (body.boot, body.up_ms // 1000)
        span = belief.spans.get(boot)
        if span is not None and span[0] <= moment_s <= span[1]:
            return
        if span is None or moment_s > span[1]:
            joined = span is not None and moment_s <= span[1] + self._gap_s
            from_s = span[0] if span is not None and joined else moment_s
            belief.spans[boot] = (from_s, moment_s)
            self._spans[belief.controller, boot, from_s] = moment_s
            return
        self._store.put_spans(self._spans)
        self._spans.clear()
        self._store.merge_span(belief.controller, boot, moment_s, self._gap_s)
        belief.spans = self._store.spans(belief.controller)

    def _correct(self, belief: Belief, message: Message) -> None:
        """Tell a cart that has just shown that it does not know the time, or its own number."""
        sent_s = belief.time_sent_s
        lately = sent_s is not None and 0 <= self._now - sent_s < TIME_EVERY_S
        if not (message.retained or lately):
            self._tell_time(belief)

    def command_id(self) -> int:
        """The number of the next command: no two of this hub's have one."""
        self._command_id += 1
        return self._command_id

    def _tell_time(self, belief: Belief) -> None:
        number = self.command_id()
        topic = contract.topic(belief.controller, "cmd")
        body = {"v": contract.VERSION, "id": number, "cmd": "time", "at_s": self._now}
        if belief.newest_boot:
            body["boot"] = belief.newest_boot
        try:
            payload = contract.encode(topic, "cmd", body)
        except contract.BadMessage:  # the hub's own clock is not set: it has no time to give
            return
        self._commands.append(Command(topic, payload))
        belief.time_sent_s = self._now

    # What each kind means

    def _link(self, belief: Belief, message: Message, body: Any) -> None:
        known = belief.latest.get("link")
        if known is None or body.boot >= known.boot:
            self._keep(
                belief, Latest(belief.controller, "link", body.boot, 0, None, message.payload)
            )
        else:
            self._counts["older"] += 1

    def _hello(self, belief: Belief, message: Message, body: Any, at_s: int | None) -> None:
        self._report(belief, message, body, at_s)
        if not message.retained:
            self._tell_time(belief)

    def _report(self, belief: Belief, message: Message, body: Any, at_s: int | None) -> None:
        """Keep the newest message of a kind."""
        kind = message.topic.rpartition("/")[2]
        known = belief.latest.get(kind)
        if known is not None and (body.boot, body.up_ms) <= (known.boot, known.up_ms):
            same = (body.boot, body.up_ms) == (known.boot, known.up_ms)
            self._counts["duplicate" if same else "older"] += 1
            return
        self._keep(
            belief,
            Latest(belief.controller, kind, body.boot, body.up_ms, at_s, message.payload),
        )

    def _keep(self, belief: Belief, latest: Latest) -> None:
        belief.latest[latest.kind] = latest
        self._latest[latest.cart, latest.kind] = latest

    def _state(self, belief: Belief, message: Message, body: Any, at_s: int | None) -> None:
        self._report(belief, message, body, at_s)
        if at_s is None or abs(at_s - self._now) > OFF_S:
            self._correct(belief, message)
        placed_s = belief.placed_s(body.boot, body.up_ms, at_s)
        if placed_s is not None:
            if belief.unfolded is None and belief.picture.implies(body, placed_s):
                return
            words = snapshot_words(body)
        else:
            words = snapshot_words(body)
            same, kept = (body.boot, body.seq, words), belief.unplaced
            if kept is not None and kept[:3] == same and kept[3] <= body.up_ms:
                return
            belief.unplaced = (*same, body.up_ms)
        where = (body.boot, body.seq, body.up_ms)
        if belief.is_past((body.boot, body.seq, 1, body.up_ms)):
            self._counts["past"] += 1
            return
        if self._store.add_snapshot(Snapshot(belief.controller, *where, at_s, words)):
            self._observed(belief, body, 1, placed_s, "state", 0, words)

    def _event(self, belief: Belief, message: Message, body: Any, at_s: int | None) -> None:
        if belief.is_past((body.boot, body.seq, 0, body.up_ms)):
            self._counts["past"] += 1
            return
        number = 0 if body.index is msgspec.UNSET else body.index
        current_ma = None if body.current_ma is msgspec.UNSET else body.current_ma
        event = Event(
            belief.controller,
            body.boot,
            body.seq,
            body.up_ms,
            at_s,
            body.kind,
            number,
            body.value,
            body.was,
            current_ma,
        )
        if not self._store.add_event(event):
            self._counts["duplicate"] += 1
            return
        placed_s = belief.placed_s(body.boot, body.up_ms, at_s)
        self._observed(belief, body, 0, placed_s, body.kind, number, body.value)

    def _observed(
        self,
        belief: Belief,
        body: Any,
        snap: int,
        placed_s: int | None,
        kind: str,
        number: int,
        value: str,
    ) -> None:
        if placed_s is not None:
            place = (body.boot, body.seq, snap, body.up_ms)
            belief.observe(Observation(*place, placed_s, kind, number, value))
            self._touched.add(belief.controller)

    def _write(self) -> None:
        store = self._store
        self._beliefs.settle(self._touched)
        store.put_latest(self._latest.values())
        store.put_spans(self._spans)
        store.add_refused(self._refused)
        if self._strangers:
            self._counts["strangers"] += self._strangers.total()
            self._counts["unlisted"] += store.add_strangers(self._strangers, self._now)
        store.count(self._counts)


def _printable(text: str, most: int) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text[:most])
