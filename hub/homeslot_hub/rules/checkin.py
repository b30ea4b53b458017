"""The check-in of a cart on a school day (C8): since when everything held, up to the deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from homeslot_hub.model import Cart, CartFacts, CartRegister, School
from homeslot_hub.rules.judge import NOTHING_RECORDED, judge_cart


def check_in(
    school: School,
    cart: Cart,
    steps: Sequence[tuple[int, CartFacts]],
    heard: Sequence[tuple[int, int]],
    deadline_s: int,
    register: CartRegister = NOTHING_RECORDED,
) -> int | None:
    """The first moment from which on all of it held until `deadline_s`; None when it did not.

    `steps` are the facts from a moment on, the first at the moment from which on it is asked for:
    that one is the answer when everything held all the time. `heard` are the spans (from, to) of
    being heard, in order. Nothing is known of a silence, so nothing held during it.
    """
    begin_s = steps[0][0]
    facts = dict(steps)
    heard_again = (from_s for from_s, _ in heard if begin_s < from_s <= deadline_s)
    moments = sorted({*facts, *heard_again})
    held = None
    end_s = deadline_s
    for i in range(len(moments) - 1, -1, -1):
        known = max(moment for moment in moments[: i + 1] if moment in facts)
        # What holds at both ends of a time without news held throughout: time alone only makes
        # verdicts, of a cable or a silence, and never takes one away.
        for at_s in (end_s, moments[i]):
            now = replace(facts[known], heard_s=_last_heard(heard, at_s))
            if not judge_cart(school, cart, now, at_s, register).all_home:
                return held
        held = moments[i]
        end_s = moments[i] - 1
    return held


def _last_heard(heard: Sequence[tuple[int, int]], at_s: int) -> int | None:
    return max((min(to_s, at_s) for from_s, to_s in heard if from_s <= at_s), default=None)
