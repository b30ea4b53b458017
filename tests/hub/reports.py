"""A cart that says on the wire what a test does to it, and a hub on a real file to hear it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from homeslot.contract import SEQ_PER_BOOT, encode, topic
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Cart, Message, Person, School
from homeslot_hub.service.hub import Hub

TEACHER = Person("Ms Rivera", "rivera@lincoln.example")
CART = Cart("cart-7", 7, "Room 12", TEACHER, slots=4)
SCHOOL = School(
    "Lincoln Elementary",
    ZoneInfo("America/New_York"),
    Person("Dana Reyes", "reyes@lincoln.example"),
    (CART,),
)
START_S = 1794924000  # Tuesday 17 November 2026, 09:00 in New York


class Clock:
    """The hub's time, moved by the test."""

    def __init__(self, now_s: int = START_S) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        return self.now_s


class Reporter:
    """One controller: `now_s` and `ms` are true time; it stamps only while it `knows_time`."""

    def __init__(self, controller: str = CART.controller, slots: int = 4, now_s: int = START_S):
        self.controller = controller
        self.now_s = now_s
        self.ms = 0
        self.boot = 0
        self.knows_time = True
        self.words = {
            **{("slot", i): "idle" for i in range(1, slots + 1)},
            **{("bank", i): "ok" for i in range(1, 3)},
            ("bolt", 0): "thrown",
            ("door", 0): "closed",
            ("mains", 0): "on",
            ("tamper", 0): "ok",
            ("place", 0): "aa:bb:cc:dd:ee:ff",
        }
        self.reboot()

    def reboot(self) -> None:
        self.boot += 1
        self.booted_ms = self.now_s * 1000 + self.ms
        self.seq = self.boot * SEQ_PER_BOOT

    def clock(self) -> dict[str, int | None]:
        return {
            "v": 1,
            "boot": self.boot,
            "up_ms": self.now_s * 1000 + self.ms - self.booted_ms,
            "at_s": self.now_s if self.knows_time else None,
        }

    def message(self, kind: str, body: dict[str, object], retained: bool = False) -> Message:
        name = topic(self.controller, kind)
        return Message(name, encode(name, kind, body), retained, self.now_s)

    def event(self, kind: str, index: int, value: str) -> Message:
        """The event of one thing becoming `value` now."""
        was, self.words[kind, index] = self.words[kind, index], value
        self.seq += 1
        body = {**self.clock(), "seq": self.seq, "kind": kind, "value": value, "was": was}
        if index:
            body["index"] = index
        if kind == "slot":
            body["current_ma"] = None
        return self.message("event", body)

    def state(self, retained: bool = False) -> Message:
        """The snapshot of now."""
        slots = [word for (kind, _), word in self.words.items() if kind == "slot"]
        body = {
            **self.clock(),
            "seq": self.seq,
            "slots": slots,
            "current_ma": [0] * len(slots),
            "banks": [word for (kind, _), word in self.words.items() if kind == "bank"],
            **{kind: self.words[kind, 0] for kind in ("bolt", "door", "mains", "tamper")},
            "battery_mv": 5010,
            "temperature_c": 21,
            "bssid": self.words["place", 0],
            "rssi_dbm": -61,
        }
        return self.message("state", body, retained)

    def hello(self, retained: bool = False, **more: object) -> Message:
        body = {
            **self.clock(),
            "firmware": "0.1.0",
            "board": "pico-w-30",
            "slots": sum(kind == "slot" for kind, _ in self.words),
            "reset": "power_on",
            "abilities": ["report", "time"],
            "settings": {"report_s": 60},
            **more,
        }
        return self.message("hello", body, retained)

    def link(self, word: str, retained: bool = True) -> Message:
        return self.message("link", {"v": 1, "boot": self.boot, "link": word}, retained)

    def diag(self) -> Message:
        names = ("heap_free", "lag_ms", "bus_errors", "outbox_depth", "outbox_dropped")
        counts = dict.fromkeys((*names, "reconnects", "refused"), 3)
        return self.message("diag", {**self.clock(), **counts})


def open_hub(
    folder: Path, clock: Clock, *schools: School, checkpoint_every: int = 200
) -> tuple[Hub, SqliteStore]:
    """A hub on the file in `folder`, as a start of the program makes it."""
    store = SqliteStore(folder / "homeslot.db")
    return Hub(schools or (SCHOOL,), store, clock, checkpoint_every), store


def school_of(count: int, name: str = SCHOOL.name) -> School:
    """A school with `count` carts."""
    carts = (replace(CART, controller=f"cart-{i}", number=i) for i in range(1, count + 1))
    return replace(SCHOOL, name=name, carts=tuple(carts))


def body_of(payload: bytes) -> dict[str, object]:
    body: dict[str, object] = json.loads(payload)
    return body
