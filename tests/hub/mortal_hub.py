"""A hub on real files that is killed between any two statements it gives its database."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Message, School
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.service.hub import Hub

from .reports import CART, Clock, Reporter


class Killed(BaseException):
    """The process of the hub is no more: nothing in it is to notice."""


class MortalStore(SqliteStore):
    """A store whose process is killed before its writing statement number `left` from now.

    What is on the disk then is kept in the folder `remains`.
    """

    left: int | None = None

    def __init__(self, path: Path, remains: Path) -> None:
        self.remains = remains
        super().__init__(path)

    def _live(self) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            shutil.copytree(self.path.parent, self.remains)
            raise Killed

    def _run(self, sql, values=()):
        self._live()
        return super()._run(sql, values)

    def _run_many(self, sql, rows):
        self._live()
        super()._run_many(sql, rows)

    run, run_many = _run, _run_many


class MortalHub:
    """The hub of `school` and its one cart, from `now_s` on; each of its `lives` in a folder below
    `top` that has what the last kill has left."""

    def __init__(self, top: Path, school: School, now_s: int) -> None:
        self.top, self.school = top, school
        self.lives = 1
        self.clock, self.cart = Clock(now_s), Reporter(now_s=now_s)
        self.reaches = True
        self.kept: list[Message] = []  # what the cart said while it was out of reach
        self.said: list[Message] = []  # all that it ever said, in order
        # By day, step, address and identity: the same mail sent again is the same mail.
        self.mails: Counter[tuple[str, str, str, str]] = Counter()
        self._folder = top / "1"
        self._folder.mkdir(parents=True)
        self.store: MortalStore | None = None
        self.start()
        for slot in range(1, CART.slots + 1):  # they have drawn since they were put in, and rest
            self.says(
                self.cart.event("slot", slot, "charging"), self.cart.event("slot", slot, "idle")
            )
        self.says(self.cart.state())
        self.look()

    def close(self) -> None:
        self.store.close()

    def start(self) -> None:
        """Start the hub again: what is not in its files is gone."""
        if self.store is not None:
            self.store.close()
        remains = self.top / str(self.lives + 1)
        self.store = MortalStore(self._folder / "homeslot.db", remains)
        self.store.run("PRAGMA synchronous = OFF")  # no power is cut here
        self.store.opened_s(self.school.name, self.clock())
        self.hub = Hub((self.school,), self.store, self.clock, alerts=SqliteAlerts(self.store))

    def go_to(self, now_s: int) -> None:
        """The clocks of hub and cart show `now_s`, and the cart reports."""
        self.clock.now_s = self.cart.now_s = now_s
        self.says(self.cart.state())

    def says(self, *messages: Message) -> None:
        """The cart says something: its broker gives it to the hub until it is acknowledged."""
        self.said += [message for message in messages if message not in self.said]
        if not self.reaches:
            self.kept += messages
            return
        while not self._lived(lambda: self.hub.take(list(messages))):
            pass

    def look(self) -> None:
        """What the hub does all the time, and its mail."""
        self._lived(self._look)

    def alerts(self) -> list[Alert]:
        """All there ever were."""
        opened = SqliteAlerts(self.store).opened(self.school.name, "2026-01-01", "2027-12-31")
        return sorted(opened, key=lambda alert: (alert.day, alert.key))

    def _look(self) -> None:
        self.hub.tick()
        self.hub.step()
        for notice in self.store.notices_to_mail(self.clock()):
            self.mails[notice.day, notice.rule, notice.email, notice.identity] += 1
            self.store.set_mailed(notice, self.clock())

    def _lived(self, work: Callable[[], object]) -> bool:
        """Do `work`. False: it was killed, and a new hub has found what the dead one left."""
        try:
            work()
        except Killed:
            self.lives += 1
            self._folder = self.store.remains
            self.start()
            return False
        finally:
            self.store.left = None
        return True
