"""The fault table on runtime pico: the whole cart on the emulated board, heard at its broker."""

import pytest

from ..fault_table import FAULTS, changed, expected, states_of
from .conftest import plan
from .school import CART_THAT_LOOKS, broker

FIRST_REPORT_MS = 10000
REST_MS = 10000
SOON_MS = 10000


@pytest.fixture(scope="module")
def booted_to_look(bench, credentials):
    """A cart that scans as often as one in a school does, as it first dials its hub."""
    with bench.cart(plan(CART_THAT_LOOKS, credentials, {"report_s": 3600})) as cart:
        yield cart


@pytest.fixture
def ear(credentials, tmp_path):
    with broker(credentials, tmp_path, cart=CART_THAT_LOOKS) as ear:
        yield ear


@pytest.fixture
def board(booted_to_look, ear):
    with booted_to_look.board() as board:
        board.hub(ear.port)
        board.until(lambda: ear.said("state"), FIRST_REPORT_MS, "first report")
        board.run(REST_MS)
        yield board


def asked(board, ear):
    """The states by a snapshot that is asked for now."""
    before = len(ear.said("state"))
    ear.command("report")
    board.until(lambda: len(ear.said("state")) > before, SOON_MS, "a report")
    return states_of(ear.said("state")[-1])


def lived(board, ear, deeds, lasts_ms):
    """Let `deeds` happen; what was told of it, and the states in the end."""
    before = len(ear.said("event"))
    began_ms = board.now_ms
    for at_ms, name, *arguments in deeds:
        board.run(began_ms + at_ms - board.now_ms)
        board.befall(name, *arguments)
    board.run(began_ms + lasts_ms - board.now_ms)
    states = asked(board, ear)
    events = sorted(ear.said("event")[before:], key=lambda event: event["seq"])
    return [(e["kind"], e.get("index", 0), e["value"], e["was"]) for e in events], states


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0].replace(" ", "-"))
def test_a_fault_yields_exactly_its_events_and_states(board, ear, fault):
    _, deeds, lasts_ms, told, lifted, heals_ms, told_then = fault
    before = asked(board, ear)
    heard, during = lived(board, ear, deeds, lasts_ms)
    assert heard == expected(told, before)
    assert during == changed(before, heard)
    heard, after = lived(board, ear, lifted, heals_ms)
    assert heard == expected(told_then, before)
    assert after == changed(during, heard) == before
    assert board.status.resets == 0
