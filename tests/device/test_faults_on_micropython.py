"""The fault table on runtime micropython: the whole cart on the real interpreter."""

import json
from pathlib import Path

import pytest

from homeslot_hardware import boards

from ..fault_table import FAULTS, changed, expected

HERE = Path(__file__).parent
TABLE = f"import sys; sys.path.append({str(HERE.parent)!r})\n"
PLAN = {
    "cart": "c7",
    "secret": "right",
    "host": "hub",
    "port": 1883,
    "board": boards.load("pico-w-30"),
    "settings": {},
    "seed": 7,
    "deeds": [],
}


@pytest.fixture(scope="module")
def lives(micropython):
    """Of each fault: what was told, and the states, before it, while it lasted and behind it."""
    code = TABLE + (HERE / "faults_on_micropython.py").read_text()
    lines = micropython(code, stdin=json.dumps(PLAN) + "\n", heap="1m").splitlines()
    assert len(lines) == len(FAULTS)
    return {fault[0]: json.loads(line) for fault, line in zip(FAULTS, lines, strict=True)}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0].replace(" ", "-"))
def test_a_fault_yields_exactly_its_events_and_states(lives, fault):
    name, _, _, told, _, _, told_then = fault
    lived = [
        ([tuple(e) for e in heard], {(kind, index): word for kind, index, word in states})
        for heard, states in lives[name]
    ]
    (nothing, before), (heard, during), (heard_then, after) = lived
    assert nothing == []
    assert heard == expected(told, before)
    assert during == changed(before, heard)
    assert heard_then == expected(told_then, before)
    assert after == changed(during, heard_then) == before
