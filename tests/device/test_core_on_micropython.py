"""Slots, contract and board: the same vectors, the same answers on CPython and MicroPython."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from homeslot import contract
from homeslot_hardware import boards

REPLAY = Path(__file__).with_name("core_replay.py").read_text()
BOARD = boards.load("pico-w-30")
CLOCK = {"v": 1, "boot": 3, "up_ms": 61000, "at_s": None}
BODIES = {
    "link": {"v": 1, "boot": 3, "link": "online"},
    "hello": CLOCK | {
        "firmware": "0.1.0", "board": "pico-w-30", "slots": 30, "reset": "power_on",
        "abilities": ["report", "time"], "settings": {"scan_ms": 1000, "name": "x"},
    },
    "state": CLOCK | {
        "seq": 3000001, "slots": ["empty", "charging"], "current_ma": [0, None],
        "banks": ["ok"], "bolt": "thrown", "door": "closed", "mains": "on", "tamper": "ok",
        "battery_mv": None, "temperature_c": 21, "bssid": "aa:bb:cc:dd:ee:ff", "rssi_dbm": -60,
    },
    "event": CLOCK | {
        "seq": 3000001, "kind": "slot", "index": 2, "value": "charging", "was": "idle",
        "current_ma": 1500,
    },
    "diag": CLOCK | {
        "heap_free": 90000, "lag_ms": 4, "bus_errors": 0, "outbox_depth": 0,
        "outbox_dropped": 0, "reconnects": 1, "refused": 0,
    },
    "cmd": {"v": 1, "id": 7, "cmd": "time", "at_s": 1800000000},
    "reply": CLOCK | {"id": 7, "ok": True, "why": ""},
}  # fmt: skip
EDGES_MA = (-21, -20, 14, 15, 250, 251, 299, 300, 499, 500, 3000, 3001)
JUNK = [
    None, True, False, 0, 1, -1, 2, 1.0, 1.5, 1e300, 4294967295, 1 << 50, 1 << 62, -(1 << 62), "",
    "empty", "unknown", "x" * 200, "é", "\n", [], [None], ["empty"], ["ok", 1], [[]], {},
    {"a": 1}, {"a": [1]}, {"é": 1}, {"a": "é"}, {"": 1},
]  # fmt: skip


def slot_walks(dice, count):
    """Random walks over the table: readings that stay a while, then change."""
    for _ in range(count):
        now_ms, steps = 0, []
        while len(steps) < 60:
            present = dice.choice((True, True, True, False, None))
            current_ma = dice.choice((*EDGES_MA, None, -100, 0, 120, 270, 400, 1500, 3500))
            every_ms = dice.choice((1, 50, 149, 150, 2000, 60000, 600000))
            for _ in range(dice.randint(1, 6)):
                now_ms += every_ms
                steps.append([now_ms, present, current_ma])
        yield ["slot", BOARD["thresholds"], steps]


def contract_vectors(dice, count):
    """Every kind as it should be, and with a field replaced or left out."""
    for kind, body in BODIES.items():
        yield ["check", kind, body]
    for _ in range(count):
        kind = dice.choice(list(BODIES))
        body = dict(BODIES[kind])
        name = dice.choice([field for field, _, _ in contract.fields(kind)])
        if dice.random() < 0.2:
            body.pop(name, None)
        else:
            body[name] = dice.choice(JUNK)
        yield ["check", kind, body]


def payload_vectors():
    for payload in (
        b"", b"{", b"[]", b"nul", b"\xff\xfe", b'{"v":1} x', b'{"v":"\xc3\xa9"}', b'{"v":1e400}',
        b'{"v":' + b"9" * 30 + b"}", b" " * 9000, b'{"v":' + b"[" * 4000 + b"]" * 4000 + b"}",
        b"[" * 8000,
    ):  # fmt: skip
        yield ["decode", "link", list(payload)]


def topic_vectors():
    for name in (
        "homeslot/1/c1/state",
        "homeslot/1/c1/x",
        "homeslot/1/C/state",
        "a",
        "",
        "é/1/2",
    ):
        yield ["topic", name]


VECTORS = {
    "slots": list(slot_walks(random.Random(7), 150)),
    "contract": list(contract_vectors(random.Random(8), 600)),
    "payloads": list(payload_vectors()),
    "topics": list(topic_vectors()),
    "board": [["board", boards.load(name)] for name in boards.names()],
}


@pytest.mark.parametrize("about", VECTORS)
def test_micropython_gives_the_same_answers_as_cpython(micropython, about):
    lines = "".join(json.dumps(vector) + "\n" for vector in VECTORS[about])
    here = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    there = micropython(REPLAY, stdin=lines, heap="300k")
    expected = [json.loads(line) for line in here.stdout.splitlines()]
    answers = [json.loads(line) for line in there.splitlines()]
    assert len(expected) == len(VECTORS[about])
    for vector, one, other in zip(VECTORS[about], expected, answers, strict=True):
        assert one == other, vector[:2]


def test_the_vectors_take_every_way_a_slot_can_go():
    """A replay that stays in a few states would prove little."""
    here = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input="".join(json.dumps(vector) + "\n" for vector in VECTORS["slots"]),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen = {state for line in here.stdout.splitlines() for _, state, _ in json.loads(line)}
    assert seen == set(contract.STATES)
