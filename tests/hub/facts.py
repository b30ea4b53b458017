"""A school, its carts and what is believed of them, to be bent by each test to its purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from homeslot_hub.model import Cart, CartFacts, CartVerdict, Fact, Person, School, SlotFacts
from homeslot_hub.rules.calendar import deadline_s
from homeslot_hub.rules.judge import judge_cart

DAY = date(2026, 11, 17)
CART = Cart("cart-7", 7, "Room 12", Person("Ms Rivera", "rivera@lincoln.example"))
SCHOOL = School(
    "Lincoln Elementary",
    ZoneInfo("America/New_York"),
    Person("Dana Reyes", "reyes@lincoln.example"),
    (CART,),
)
AT_S = deadline_s(SCHOOL, DAY)


def at(hour: int, minute: int) -> int:
    """Epoch seconds of a time of the test's day on the school's clock."""
    return AT_S - (17 - hour) * 3600 + minute * 60


MORNING_S = at(8, 0)
OK = Fact("ok", MORNING_S)
FAULTY = Fact("faulty", at(13, 20))
CHARGING = SlotFacts(Fact("present", at(15, 0)), Fact("charging", at(15, 1)), drew=True)
IDLE = SlotFacts(Fact("present", at(15, 32)), Fact("idle", at(15, 32)))
AWAY = SlotFacts(Fact("absent", at(13, 5)), Fact("none", at(13, 5)))
BLIND = SlotFacts(Fact("unknown", at(13, 20)), Fact("unknown", at(13, 20)))
UNMEASURED = SlotFacts(Fact("present", at(15, 0)), Fact("unknown", at(13, 20)), drew=True)
MISMATCH = SlotFacts(Fact("unknown", at(14, 0)), Fact("mismatch", at(14, 0)))
UNSTEADY = SlotFacts(Fact("unknown", at(14, 0)), Fact("unsteady", at(14, 0)))
OVER = SlotFacts(Fact("present", at(15, 0)), Fact("over_current", at(16, 56)), drew=True)
REVERSE = SlotFacts(Fact("present", at(15, 0)), Fact("reverse", at(16, 56)), drew=True)
WELL = CartFacts(
    heard_s=at(16, 59),
    mains=Fact("on", MORNING_S),
    bolt=Fact("thrown", at(15, 30)),
    door=Fact("closed", at(15, 30)),
    tamper=OK,
    banks=(OK, OK, OK),
    slots=tuple(replace(CHARGING, bank=1 + i // 10) for i in range(30)),
)


def with_slots(facts: CartFacts, *numbers: int, now: SlotFacts) -> CartFacts:
    """`facts` with the slots `numbers` as `now` says, each in the bank it was in."""
    slots = list(facts.slots)
    for number in numbers:
        slots[number - 1] = replace(now, bank=slots[number - 1].bank)
    return replace(facts, slots=tuple(slots))


def judged(facts: CartFacts, cart: Cart = CART, at_s: int = AT_S) -> CartVerdict:
    """The judgement at the deadline."""
    return judge_cart(SCHOOL, cart, facts, at_s)


def findings(verdict: CartVerdict) -> list[str]:
    """What is wrong, in the order it is said."""
    return [one.finding for one in verdict.verdicts]
