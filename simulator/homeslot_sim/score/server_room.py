"""The district's server: the hub and its broker, what befalls them, and what passes between them.

The hub commits what came in as groups: at once where an answer is wanted, within COMMIT_MS else. A
crash loses what it had not acknowledged, and the broker gives it again; some of it was applied all
the same. A broker that restarts with its store keeps what the hub has not had and what is retained;
one that lost it keeps neither.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from homeslot_sim.long_hub import LongHub
from homeslot_sim.score import faults
from homeslot_sim.score.knowable import Server
from homeslot_sim.score.plan import DaySaid, Mail, StepSaid
from homeslot_sim.score.timeline import NEVER_MS, Timeline

COMMIT_MS, ANSWER_MS = 30000, 500
TICK_MS = 30000


class ServerRoom:
    """Hub and broker on `timeline`; it is the carts' broker.

    `gone()` is called when the broker has ended all connections, `command(cart, payload)` for what
    the hub tells a cart, `on_day(said)` for each day that the hub has judged, `on_step(said)` for
    each step that it took, and `on_mail(mail)` for each notice that has left its outbox.
    """

    def __init__(
        self,
        hub: LongHub,
        timeline: Timeline,
        gone: Callable[[], None],
        command: Callable[[str, bytes], None],
    ) -> None:
        self.truth = Server()
        self.log: list[tuple[int, str]] = []  # epoch s, one of scenario.SERVER
        self.up = True
        self.on_day: Callable[[DaySaid], None] = lambda said: None
        self.on_step: Callable[[StepSaid], None] = lambda said: None
        self.on_mail: Callable[[Mail], None] = lambda mail: None
        self._hub, self._time = hub, timeline
        self._gone, self._command = gone, command
        self._hub_on = False
        self._commit_ms = NEVER_MS
        self._retained: dict[str, bytes] = {}
        self._queue: list[tuple[str, bytes]] = []

    def start(self) -> None:
        """Start hub and broker for the first time."""
        self._hub_start()
        self.log.clear()
        self._tick()

    def expect(self, random: Random, begin_s: int) -> None:
        """Let befall it what `random` has for the day that begins at epoch `begin_s`."""
        for fault in faults.of_server(random):
            to_s = begin_s + (fault.to_s or 0)
            hub = fault.what.startswith("hub")
            stop = self._hub_stop if hub else self._broker_stop
            self._time.at(begin_s + fault.from_s, stop, fault.what.replace("-", " "))
            self._time.at(to_s, self._hub_start if hub else self._broker_start)

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Keep what is retained, and give it to the hub or keep it for the hub."""
        if retain:
            self._retained[topic] = payload
        if self._hub_on:
            self._take(topic, payload, False)
        else:
            self._queue.append((topic, payload))

    def _hub_start(self) -> None:
        if self._hub_on:
            return
        self._hub_on = True
        self.truth.hub.turn(self._time.now_s, True)
        self.log.append((self._time.now_s, "hub start"))
        self._hub.now_s = lambda: self._time.now_s
        self._hub.start()
        self._attach()

    def _hub_stop(self, what: str) -> None:
        if not self._hub_on:
            return
        if what == "hub stop":
            self._commit()
        self._hub_on = False
        self.truth.hub.turn(self._time.now_s, False)
        self.log.append((self._time.now_s, what))
        self._queue[:0] = self._hub.stop(applied=self._time.now_s % 2 == 0)
        self._commit_ms = NEVER_MS

    def _broker_stop(self, what: str) -> None:
        if not self.up:
            return
        now_s = self._time.now_s
        self.up = False
        self.truth.broker.turn(now_s, False)
        self.log.append((now_s, what))
        if what == "broker wipe":
            self._queue.clear()
            self._retained.clear()
            since_s = self.truth.hub.since_s(now_s)
            if not self._hub_on and since_s is not None:
                # With what the hub had not acknowledged when it went.
                self.truth.losses.append((since_s - COMMIT_MS // 1000 - 1, now_s))
        self._gone()

    def _broker_start(self) -> None:
        if self.up:
            return
        self.up = True
        self.truth.broker.turn(self._time.now_s, True)
        self.log.append((self._time.now_s, "broker start"))
        self._attach()

    def _attach(self) -> None:
        """Hub and broker have found each other."""
        if not (self._hub_on and self.up):
            return
        for topic, payload in list(self._retained.items()):
            self._take(topic, payload, True)
        queue, self._queue = self._queue, []
        for topic, payload in queue:
            self._take(topic, payload, False)

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        """The hub hears a message."""
        self._hub.receive(topic, payload, retained)
        at_ms = self._time.now_ms + (ANSWER_MS if topic.endswith("/hello") else COMMIT_MS)
        if at_ms < self._commit_ms:
            self._commit_ms = at_ms
            self._time.call(at_ms, self._commit_due, at_ms)

    def _commit_due(self, at_ms: int) -> None:
        if at_ms == self._commit_ms:
            self._commit()

    def _commit(self) -> None:
        self._commit_ms = NEVER_MS
        if not self._hub_on:
            return
        self._publish(self._hub.commit())

    def _publish(self, commands: list[tuple[str, bytes]]) -> None:
        for topic, payload in commands if self.up else ():
            self._command(topic.split("/")[2], payload)

    def _tick(self) -> None:
        self._time.call(self._time.now_ms + TICK_MS, self._tick)
        if not self._hub_on:
            return
        days, steps = self._hub.judge(), self._hub.step()
        for day in days:
            self.on_day(day)
        for step in steps:
            self.on_step(step)
        self._publish(self._hub.commands)
        for mail in self._hub.mail(now=bool(days or steps)):
            self.on_mail(mail)
