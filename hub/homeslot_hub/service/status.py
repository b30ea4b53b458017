"""How everything stands now, as values: for the status table and whoever else shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from homeslot import contract
from homeslot_hub.model import CalendarTrouble, CartFacts, CartVerdict, School
from homeslot_hub.rules import closures
from homeslot_hub.rules.judge import NOTHING_RECORDED, judge_cart
from homeslot_hub.rules.register import judge_allotments
from homeslot_hub.service.beliefs import Beliefs
from homeslot_hub.service.deadman import Unjudged
from homeslot_hub.service.ports import DeadLetter, Latest, Refused, Store, Stranger
from homeslot_hub.service.register import View
from homeslot_hub.service.wire import decode

WATCHED_EVENTS = 2000  # no cart keeps more for later


@dataclass(frozen=True, slots=True)
class CartStatus:
    """One cart now. `firmware` and all of `draw_ma` … `dropped` are None until reported."""

    school: School
    verdict: CartVerdict
    facts: CartFacts
    link: Literal["online", "offline", "unknown"]
    firmware: str | None
    draw_ma: int | None  # the sum of all measured slots
    battery_mv: int | None
    temperature_c: int | None
    rssi_dbm: int | None
    dropped: int | None  # events lost in the cart since the controller started
    missing: int | None  # events before the last snapshot that never came, or not yet


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at `at_s`. `counts` are the counters of the intake since the store was made.

    `unjudged` are the deadlines that should have been judged long since.
    """

    at_s: int
    carts: tuple[CartStatus, ...]
    strangers: tuple[Stranger, ...]
    refused: tuple[Refused, ...]
    counts: Mapping[str, int]
    pending: int
    dead: tuple[DeadLetter, ...]
    calendar_troubles: tuple[CalendarTrouble, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()


def read(
    schools: tuple[School, ...], store: Store, beliefs: Beliefs, at_s: int, register: View
) -> Status:
    """The status of all carts of `schools` at `at_s`."""
    carts = []
    for school in schools:
        recorded = register.carts(school, at_s)
        believed = [beliefs.facts(cart.controller, at_s) for cart in school.carts]
        verdicts = judge_allotments(
            school,
            [
                judge_cart(school, cart, facts, at_s, recorded.get(cart.number, NOTHING_RECORDED))
                for cart, facts in zip(school.carts, believed, strict=True)
            ],
            recorded,
        )
        for cart, facts, verdict in zip(school.carts, believed, verdicts, strict=True):
            latest = beliefs.of(cart.controller).latest
            link, hello = _body(latest.get("link")), _body(latest.get("hello"))
            state, diag = _body(latest.get("state")), _body(latest.get("diag"))
            carts.append(
                CartStatus(
                    school=school,
                    verdict=verdict,
                    facts=facts,
                    link="unknown" if link is None else link.link,
                    firmware=None if hello is None else _firmware(hello),
                    draw_ma=None if state is None else _sum_ma(state.current_ma),
                    battery_mv=None if state is None else state.battery_mv,
                    temperature_c=None if state is None else state.temperature_c,
                    rssi_dbm=None if state is None else state.rssi_dbm,
                    dropped=None if diag is None else diag.outbox_dropped,
                    missing=None if state is None else _missing(store, cart.controller, state),
                )
            )
    return Status(
        at_s=at_s,
        carts=tuple(carts),
        strangers=tuple(store.strangers()),
        refused=tuple(store.refused()),
        counts=store.counts(),
        pending=store.pending_notices(),
        dead=tuple(store.dead_letters()),
        # Schools of one district share their calendar, and then its trouble.
        calendar_troubles=tuple(
            dict.fromkeys(
                trouble for school in schools for trouble in closures.troubles(school, at_s)
            )
        ),
    )


def _body(latest: Latest | None) -> Any:
    if latest is None:
        return None
    return decode(contract.topic(latest.cart, latest.kind), latest.kind, latest.payload)


def _firmware(hello: Any) -> str:
    """The version, and what is not settled about it."""
    if hello.safe is True:
        return f"{hello.firmware}, safe mode"
    if hello.trial is True:
        return f"{hello.firmware}, on trial"
    if hello.gave_up:
        return f"{hello.firmware}, gave up {hello.gave_up}"
    return str(hello.firmware)


def _missing(store: Store, controller: str, state: Any) -> int:
    """Gaps in the numbers of the boot that made the snapshot `state`."""
    span = min(state.seq - state.boot * contract.SEQ_PER_BOOT, WATCHED_EVENTS)
    return store.missing(controller, state.boot, state.seq, span) if span > 0 else 0


def _sum_ma(current_ma: list[int | None]) -> int | None:
    measured = [ma for ma in current_ma if ma is not None]
    return sum(measured) if measured else None
