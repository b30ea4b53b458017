"""The charging cables of a school (N10), by what was sensed and recorded up to a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from homeslot_hub.model import Cart, CartRegister, School
from homeslot_hub.rules import calendar
from homeslot_hub.rules.cables import Cable, judge_cables
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.ports import Store
from homeslot_hub.service.week import steps_of


def cables(
    school: School, store: Store, hub: Hub, begin_s: int, until_s: int
) -> Iterator[tuple[Cart, tuple[Cable, ...]]]:
    """Each cart of `school` with the cable of each of its slots, from `begin_s` to `until_s`."""
    recorded = list(_recorded(school, hub, begin_s, until_s))
    for cart in school.carts:
        tags = [
            (at_s, _tags(carts[cart.number])) for at_s, carts in recorded if cart.number in carts
        ]
        steps = steps_of(store, cart.controller, begin_s, until_s)
        heard = store.heard_spans(cart.controller, until_s)
        yield cart, judge_cables(school, cart, steps, heard, until_s, tags)


def _recorded(
    school: School, hub: Hub, begin_s: int, until_s: int
) -> Iterator[tuple[int, Mapping[int, CartRegister]]]:
    """What the register said of the carts at the deadline of each day, school day or not."""
    day = calendar.school_day_of(school, begin_s)
    while (at_s := calendar.deadline_s(school, day)) <= until_s:
        yield at_s, hub.recorded(school, day)
        day += timedelta(days=1)


def _tags(register: CartRegister) -> dict[int, str]:
    slots = register.slots.items()
    return {slot: record.device.tag for slot, record in slots if record.device is not None}
