"""The week of a school (N2), written from what was sensed: each cart on each of its school days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from homeslot_hub.model import CartFacts, CartVerdict, School
from homeslot_hub.rules import calendar
from homeslot_hub.rules.checkin import check_in
from homeslot_hub.rules.judge import NOTHING_RECORDED
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.picture import Picture, decode_picture
from homeslot_hub.service.ports import BEFORE_ALL, Store


@dataclass(frozen=True, slots=True)
class CartDay:
    """One cart at one deadline. `checked_in_s`: since when all of it held, None when it did not.

    `all_day`: nothing was otherwise since midnight on the school's wall.
    """

    school: School
    day: date
    deadline_s: int
    checked_in_s: int | None
    all_day: bool
    verdict: CartVerdict


def week(
    school: School,
    day: date,
    store: Store,
    hub: Hub,
    now_s: int,
) -> Iterator[CartDay]:
    """The carts of `school`, each on the school days of the week of `day` that are judged by now.

    `hub` judges them as it did, each cart as of its own deadline. Days of which the history is no
    longer kept whole are left out, see `lost`.
    """
    past = lost(school, day, store, now_s)
    due = [
        (one, hub.judge_day(school, one, now_s), hub.recorded(school, one))
        for one in _due(school, day, store, now_s)
        if one not in past
    ]
    for i, cart in enumerate(school.carts):
        for one, judged, recorded in due:
            verdict = judged.carts[i]
            checked_in_s = None
            begin_s = calendar.begins_s(school, one)
            if verdict.all_home:
                steps = steps_of(store, cart.controller, begin_s, verdict.at_s)
                heard = store.heard_spans(cart.controller, verdict.at_s)
                register = recorded.get(cart.number, NOTHING_RECORDED)
                checked_in_s = check_in(school, cart, steps, heard, verdict.at_s, register)
            all_day = checked_in_s == begin_s
            yield CartDay(school, one, verdict.at_s, checked_in_s, all_day, verdict)


def lost(school: School, day: date, store: Store, now_s: int) -> list[date]:
    """The judged school days of the week of `day` of which not everything is kept any more."""
    kept_s = store.kept_since_s()
    days = _due(school, day, store, now_s)
    return [one for one in days if calendar.begins_s(school, one) < kept_s]


def _due(school: School, day: date, store: Store, now_s: int) -> list[date]:
    monday = day - timedelta(days=day.weekday())
    days = [monday + timedelta(days=n) for n in range(7)]
    since_s = store.known_since_s(school.name) or 0  # before that nobody could have been heard
    return [
        one
        for one in days
        if calendar.is_school_day(school, one) and since_s < calendar.due_s(school, one) <= now_s
    ]


def steps_of(store: Store, cart: str, begin_s: int, until_s: int) -> list[tuple[int, CartFacts]]:
    """What was believed of `cart` at `begin_s`, and from each later moment on with news."""
    checkpoint = store.checkpoint(cart, None, begin_s)
    picture = Picture() if checkpoint is None else decode_picture(checkpoint)
    after = BEFORE_ALL if checkpoint is None else picture.key
    steps = {begin_s: picture.facts(None)}
    at_s = begin_s
    for seen in store.observations(cart, after, until_s):
        picture.apply(seen)
        at_s = max(at_s, seen.at_s)
        steps[at_s] = picture.facts(None)
    return list(steps.items())
