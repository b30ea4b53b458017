"""One evening at a school as its mails and pages tell it: the sources of `docs/mails`.

The evening is that of the demo (five-oclock.scenario): what was believed of the carts at five
stands here as facts, and the hub's rules and services make of it what they make of any evening.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Cart, CartFacts, Fact, Person, School, SchoolDay, SlotFacts
from homeslot_hub.rules.alerts import Alert, acknowledge, look, tell
from homeslot_hub.rules.judge import judge_cart
from homeslot_hub.rules.lockdown import locks
from homeslot_hub.service import letters, sheets
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.answers import Answers
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.digest import compose
from homeslot_hub.service.letters import Decide, Heard
from homeslot_hub.service.links import ALL_CARTS, Links
from homeslot_hub.service.lockdowns import LockDowns, devices

DAY = date(2026, 11, 17)
ZONE = ZoneInfo("America/Chicago")
ROSA, PAT = (
    Person("Rosa Diaz", "rosa.diaz@lincoln.example"),
    Person("Pat Kim", "kim@lincoln.example"),
)
TEACHERS = ("Ann Lee", "Bo Chen", "Cem Kaya", "Dana Ruiz", "Eve Okoro", "Finn Berg", "Gia Rossi")
CARTS = tuple(
    Cart(
        f"cart-{number}",
        number,
        f"room {100 + number}",
        Person(name, f"{name.lower().replace(' ', '.')}@lincoln.example"),
        spare=frozenset({29, 30}) if number == 6 else frozenset(),
    )
    for number, name in enumerate(TEACHERS, 1)
)
SCHOOL = School("Lincoln Elementary", ZONE, ROSA, CARTS, principal=PAT)
LINKS = Links("https://homeslot.lincoln.example", "k" * 43, 7 * 86400)


def at(hour: int, minute: int = 0) -> int:
    """Epoch seconds of a time of that day on the school's wall."""
    return int(datetime.combine(DAY, time(hour, minute), ZONE).timestamp())


def _believed() -> dict[int, CartFacts]:
    home = SlotFacts(Fact("present", at(15, 20)), Fact("charging", at(15, 21)), drew=True)
    away = SlotFacts(Fact("absent", at(8, 20)), Fact("none", at(8, 20)))
    blind = SlotFacts(Fact("unknown", at(11, 20)), Fact("unknown", at(11, 20)))
    idle = SlotFacts(Fact("present", at(15, 20)), Fact("idle", at(15, 20)))
    ok, open_ = Fact("ok", at(8)), Fact("open", at(8, 10))
    well = CartFacts(
        heard_s=at(16, 59),
        mains=Fact("on", at(8)),
        bolt=Fact("thrown", at(15, 25)),
        door=Fact("closed", at(15, 25)),
        tamper=ok,
        banks=(ok, ok, ok),
        slots=tuple(replace(home, bank=1 + slot // 10) for slot in range(30)),
    )

    def but(numbers: range, slot: SlotFacts) -> tuple[SlotFacts, ...]:
        return tuple(
            replace(slot, bank=one.bank) if number in numbers else one
            for number, one in enumerate(well.slots, 1)
        )

    return {
        1: replace(well, slots=but(range(7, 8), idle)),
        2: replace(well, slots=but(range(12, 13), away)),
        3: replace(well, bolt=open_),
        4: replace(
            well, slots=but(range(11, 21), blind), banks=(ok, Fact("faulty", at(11, 20)), ok)
        ),
        5: replace(well, heard_s=at(14, 5), bolt=open_, slots=but(range(1, 11), away)),
        6: replace(well, mains=Fact("off", at(15, 2)), slots=but(range(29, 31), away)),
        7: well,
    }


def _judged(at_s: int, facts: dict[int, CartFacts]) -> SchoolDay:
    carts = tuple(judge_cart(SCHOOL, cart, facts[cart.number], at_s) for cart in CARTS)
    return SchoolDay(
        SCHOOL, DAY.isoformat(), at(17), at_s + 120, carts, head="827:5dad1ccc1c6162d9"
    )


def pages() -> dict[str, str]:
    """The HTML of each picture by its name."""
    facts = _believed()
    five = _judged(at(17), facts)
    alerts = [
        tell(alert, ROSA.email)
        for cart in five.carts
        for alert in look([], cart, facts[cart.cart.number], SCHOOL.name, five.day, opens=True)
    ]
    alerts = [
        acknowledge(alert, "Ann Lee", "a new cable is ordered") if alert.cart == 1 else alert
        for alert in alerts
    ]
    well = dict.fromkeys(facts, facts[7])
    found = {
        "digest": compose(five, alerts, lambda cart: _link("answer", cart)).html,
        "all-home": compose(_judged(at(17), well)).html,
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteStore(Path(folder) / "homeslot.db")) as store,
    ):
        return found | _evening(store, facts, alerts)


def _evening(
    store: SqliteStore, facts: dict[int, CartFacts], alerts: list[Alert]
) -> dict[str, str]:
    """What follows in the evening: its mail, and the pages behind its links."""
    kept, orders = SqliteAlerts(store), SqliteOrders(store)
    lock_downs = LockDowns(
        store, orders, kept, lambda: (SCHOOL,), lambda school, at_s: (), lambda school, at_s: {}
    )
    with store.transaction():
        alerts = [kept.put(alert, []) for alert in alerts]
        out = [alert for alert in alerts if alert.finding == "out"]
        for order in locks(out, {(2, 12): "LE-0212"}, [], DAY.isoformat(), at(21)):
            orders.put(order)
    # At nine, cart 3 has been locked.
    locked = replace(facts[3], heard_s=at(17, 44), bolt=Fact("thrown", at(17, 40)))
    third = next(cart for cart in CARTS if cart.number == 3)
    mine = [alert for alert in alerts if alert.cart == 3]
    right = look(mine, judge_cart(SCHOOL, third, locked, at(17, 45)), locked, "", "", opens=False)
    heard = Heard(
        wrong=tuple(a for a in alerts if a.cart != 3 and not a.in_hand),
        right=tuple(right),
        in_hand=tuple(a for a in alerts if a.in_hand),
    )
    decide = Decide(devices(lock_downs.waiting(SCHOOL.name)), link=_link("lock-down", ALL_CARTS))
    link = _link("answer", ALL_CARTS)
    mail = letters.overnight(SCHOOL, DAY, at(21), heard, (), link, decide)
    answers = Answers((SCHOOL,), AlertDesk(store, kept), at(17, 20))
    second = LINKS.read(_link("answer", 2).rpartition("/")[2], at(17, 20))
    asked = answers.sheet(second)
    done = answers.act(second, {"do": ["take"], "row": [str(out[0].id)], "why-take": ["On my way"]})
    decisions = Decisions((SCHOOL,), lock_downs, at(21, 10))
    to_lock = LINKS.read(_link("lock-down", ALL_CARTS).rpartition("/")[2], at(21, 10))
    return {
        "overnight": mail.html,
        "answer": sheets.page(asked),
        "answered": sheets.page(done),
        "lock-down": sheets.page(decisions.sheet(to_lock)),
    }


def _link(matter: str, cart: int) -> str:
    person = ROSA if matter == "answer" else PAT
    return LINKS.make(matter, SCHOOL.name, DAY.isoformat(), cart, person.email, at(17, 2))  # type: ignore[arg-type]
