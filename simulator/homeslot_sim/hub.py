"""The hub a scenario reports to: the real one, started as it is, and what it said.

With `long_hub` the only module of the simulator that knows the hub.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from homeslot_hub import bootstrap
from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.deliver import Deliverer
from homeslot_hub.config import BrokerSettings, Settings
from homeslot_hub.model import (
    Cart,
    Command,
    Message,
    Person,
    School,
    SchoolDay,
)
from homeslot_hub.rules import words
from homeslot_hub.server import Server
from homeslot_hub.service.hub import Hub
from homeslot_sim.cart.rig import HERE
from homeslot_sim.compare import CartSaid, Said
from homeslot_sim.pico import HUB
from homeslot_sim.scenario import GRACE_S, Scenario, ScenarioCart

__all__ = ["InProcessHub", "ServedHub", "Settings", "cart_of", "settings"]
JUDGED_S = 10.0  # at most so long is waited for a day that is due


def settings(scenario: Scenario, data: Path, tls: bool = False) -> Settings:
    """The hub's settings for the school of `scenario`, everything of it in folder `data`."""
    school = School(
        name=scenario.school,
        zone=scenario.zone,
        coordinator=Person(*scenario.coordinator),
        deadline=scenario.deadline,
        days=frozenset({scenario.day.weekday()}),
        grace_s=GRACE_S,
        carts=tuple(cart_of(cart) for cart in scenario.carts),
    )
    return Settings(data, (school,), BrokerSettings(port=0, names=("127.0.0.1", HUB), tls=tls))


class _Hub:
    """What both hubs have: settings, a clock set by the runtime, the judged day."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.now_s: Callable[[], int] = lambda: 0
        self.day: SchoolDay | None = None

    def digest(self, suffix: str) -> bytes:
        """The delivered digest as `txt`, `html` or `eml`."""
        day = self.judged()
        name = f"{day.day}-{words.slug(day.school.name)}.{suffix}"
        return (self._settings.data / "digests" / name).read_bytes()

    def judged(self) -> SchoolDay:
        """The judged day. Raises RuntimeError when the deadline was not judged."""
        if self.day is None:
            raise RuntimeError("the hub has not judged the day")
        return self.day

    def verdict(self) -> dict[str, Any]:
        """The judged day as plain JSON values."""
        day = self.judged()
        carts = []
        for cart in day.carts:
            verdicts = [asdict(verdict) for verdict in cart.verdicts]
            carts.append({"cart": cart.cart.number, "places": cart.places, "verdicts": verdicts})
        return {"day": day.day, "at_s": day.deadline_s, "judged_s": day.judged_s, "carts": carts}

    def said(self) -> list[CartSaid]:
        """What the hub said of each cart, to lay beside the truth."""
        return [
            CartSaid(
                cart.cart.number,
                cart.places,
                tuple(
                    Said(
                        verdict.finding,
                        verdict.hides if verdict.finding == "sensor_fault" else verdict.slots,
                        verdict.since_s,
                    )
                    for verdict in cart.verdicts
                ),
            )
            for cart in self.judged().carts
        ]


class InProcessHub(_Hub):
    """The hub without threads and broker: messages are handed in, commands are handed out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._store = bootstrap.open_store(settings)
        self._hub = bootstrap.open_hub(settings, lambda: self.now_s())
        self._deliverer = Deliverer(self._store, settings.data, None, lambda: self.now_s())
        self._waiting: list[Message] = []
        self._judge_from_s = 0

    def stop(self, crash: bool) -> list[tuple[str, bytes]]:
        """End. Returns topic and payload of what it has not acknowledged, which is given again; a
        `crash` takes all that was not committed yet."""
        if not crash:
            self.commit()
        group, self._waiting = self._waiting, []
        self._store.close()
        return [(message.topic, message.payload) for message in group]

    def start(self) -> None:
        """Come back over the same database, and wait a grace for what is on its way."""
        self._store = bootstrap.open_store(self._settings)
        self._hub = Hub(self._settings.schools, self._store, lambda: self.now_s())
        self._deliverer = Deliverer(
            self._store, self._settings.data, None, lambda: self.now_s()
        )  # fmt: skip
        self._judge_from_s = self.now_s() + GRACE_S

    def receive(self, topic: str, payload: bytes, retained: bool) -> bool:
        """Take a message; True when it is the first since the last commit."""
        self._waiting.append(Message(topic, payload, retained, self.now_s()))
        return len(self._waiting) == 1

    def commit(self) -> list[Command]:
        """Apply what was received in one transaction; the commands that follow from it."""
        group, self._waiting = self._waiting, []
        return self._hub.take(group) if group else []

    def tick(self) -> list[Command]:
        """Judge and deliver what is due, and take the steps of the day; the commands of these."""
        if self.now_s() < self._judge_from_s:
            return []
        for day in self._hub.tick():
            self.day = day
            self._deliverer.deliver_due()
        return self._hub.step()

    def close(self) -> None:
        """Close the database."""
        self._store.close()


def cart_of(cart: ScenarioCart) -> Cart:
    """The cart as a school's configuration has it."""
    return Cart(
        controller=cart.controller,
        number=cart.number,
        room=f"room {cart.room}",
        teacher=Person(*cart.teacher),
        spare=cart.spare,
        lock="open" if cart.front_open else "locked",
        rotates=cart.rotates,
        storage=frozenset({HERE[0]}),
    )


class ServedHub(_Hub):
    """The whole server with its embedded broker on a free port."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        credentials = Credentials(settings.data)
        self._secrets = {
            cart.controller: credentials.add_cart(cart.controller)
            for school in settings.schools
            for cart in school.carts
        }
        tls = certificates.provide(settings.data, settings.broker, int(time.time()))
        #: What carts are given to know the broker by; None where it speaks plain.
        self.ca = None if tls is None else tls.ca.read_text()
        self._started = False
        self._judged = threading.Event()
        self._server = Server(settings, lambda: self.now_s(), self._on_day)

    def secret(self, controller: str) -> str:
        """The password of a cart."""
        return self._secrets[controller]

    def start(self) -> None:
        """Return when carts can connect."""
        self._server.start()
        self._started = True

    @property
    def port(self) -> int:
        """Where the broker listens on loopback."""
        return self._server.port

    def check(self) -> None:
        """Raise what stopped the server, if anything has."""
        self._server.wait(0)

    def close(self) -> None:
        """Stop the server, once the day is judged, and deliver what it had no time for."""
        if not self._started:
            return
        self._judged.wait(JUDGED_S)
        self._server.stop()
        with closing(bootstrap.open_store(self._settings)) as outbox:
            Deliverer(outbox, self._settings.data, None, self.now_s).deliver_due()

    def _on_day(self, day: SchoolDay, digest: object) -> None:
        self.day = day
        self._judged.set()
