"""A school's day at the hub, hour by hour: carts that report, a hub that follows up."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Command, Message, Person, School, SchoolDay
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.links import Links
from homeslot_hub.service.ports import Notice
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_tables import DEVICES

from .reports import CART, SCHOOL, Clock, Reporter

PRINCIPAL = Person("Pat Kim", "kim@lincoln.example")
COORDINATOR = SCHOOL.coordinator.email
TEACHER = CART.teacher.email
FOLLOWED = replace(SCHOOL, principal=PRINCIPAL)


def local(hour: int, minute: int = 0, day: int = 17, school: School = FOLLOWED) -> int:
    """Epoch seconds of a time in November 2026 on the school's clock; the 17th is a Tuesday."""
    return int(datetime(2026, 11, day, hour, minute, tzinfo=school.zone).timestamp())


AFTERNOON_S = local(15)


class Evening:
    """One hub on the file in `folder`, restarted at will, and its school's carts.

    A cart reports, unless its controller is in `silent`. One that is `managed` has a register and a
    device management.
    """

    def __init__(
        self,
        folder: Path,
        school: School = FOLLOWED,
        now_s: int = AFTERNOON_S,
        links: Links | None = None,
        managed: bool = False,
    ) -> None:
        self.folder = folder
        self.school = school
        self.links = links
        self.managed = managed
        self.clock = Clock(now_s)
        self.carts = {
            cart.controller: Reporter(cart.controller, cart.slots, now_s) for cart in school.carts
        }
        self.cart = self.carts[school.carts[0].controller]
        self.silent: set[str] = set()
        self.commands: list[Command] = []
        self.days: list[SchoolDay] = []
        self._opened = ExitStack()
        self.start()
        # The devices have drawn current since they were put in, and rest.
        for cart in self.carts.values():
            for slot in range(1, sum(kind == "slot" for kind, _ in cart.words) + 1):
                self.hub.take(
                    [cart.event("slot", slot, "charging"), cart.event("slot", slot, "idle")]
                )

    @classmethod
    def beside(cls, other: Evening) -> Evening:
        """A second hub on the same file, without carts of its own, as a page or command has it."""
        evening = cls.__new__(cls)
        evening.__dict__.update(other.__dict__, _opened=ExitStack())
        evening.start()
        return evening

    def start(self, school: School | None = None) -> None:
        """Start the hub again: what is not in its file is gone."""
        self._opened.close()
        self.school = school or self.school
        self.store = SqliteStore(self.folder / "homeslot.db")
        self._opened.callback(self.store.close)
        self.store.run("PRAGMA synchronous = OFF")  # no power is cut here, and nights are long
        self.store.opened_s(self.school.name, self.clock())  # as the server does
        self.alerts = SqliteAlerts(self.store)
        self.register = SqliteRegister(self.store)
        self.hub = Hub(
            (self.school,),
            self.store,
            self.clock,
            register=self.register,
            alerts=self.alerts,
            links=self.links,
            orders=SqliteOrders(self.store) if self.managed else None,
        )

    def close(self) -> None:
        self._opened.close()

    def says(self, messages: Iterable[Message]) -> None:
        self.hub.take(list(messages))

    def slot(self, slot: int, word: str, controller: str = CART.controller) -> None:
        """A slot of a cart becomes `word` now, and the hub hears it."""
        self.says([self.carts[controller].event("slot", slot, word)])

    def tags(self, **tag_of: str) -> None:
        """Record asset tags, of `slot_3` and so on, in the first cart."""
        number = str(self.school.carts[0].number)
        touched = []
        for slot, tag in tag_of.items():
            where = (self.school.name, number, slot.removeprefix("slot_"))
            row = (*where, tag, "tablet", "in service")
            touched.append(Touched(DEVICES, DEVICES.key(row), None, row))
        with self.store.transaction():
            self.register.add_change(self.clock(), "Ivo Tran", "set", "by hand", touched)

    def home(self, slot: int) -> None:
        """A device is put back, and draws."""
        self.slot(slot, "charging")

    def look(self) -> None:
        """What the hub does four times a second."""
        self.days += self.hub.tick()
        self.commands += self.hub.step()

    def run_to(self, until_s: int, step_s: int = 300) -> None:
        """Go on to `until_s`, the carts reporting and the hub looking every `step_s`."""
        while self.clock.now_s < until_s:
            self.clock.now_s = min(self.clock.now_s + step_s, until_s)
            for cart in self.carts.values():
                cart.now_s = self.clock.now_s
            self.says(cart.state() for name, cart in self.carts.items() if name not in self.silent)
            self.look()

    def notices(self, rule: str, email: str | None = None) -> list[Notice]:
        """What was put into the outbox."""
        return [
            notice
            for notice in self.store.notices_to_file()
            if notice.rule == rule and email in (None, notice.email)
        ]

    def text(self, rule: str, email: str = COORDINATOR) -> str:
        """The one notice of a step to one person, on one line."""
        (notice,) = self.notices(rule, email)
        return " ".join(notice.text.split())

    def alert(self, finding: str = "out", day: int = 17) -> Alert:
        """The one alert with this finding."""
        days = f"2026-11-{day:02}", f"2026-11-{day:02}"
        (found,) = [a for a in self.alerts.opened(self.school.name, *days) if a.finding == finding]
        return found
