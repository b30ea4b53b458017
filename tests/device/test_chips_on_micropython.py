"""The same drivers on the same simulated chips give the same answers on both interpreters."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("drivers_on_chips.py")
BOARD = ROOT / "hardware" / "homeslot_hardware" / "boards" / "pico-w-30.json"

SETUP = [["setup", 0], ["setup", 1], ["setup", 2]]
VECTORS = {
    "thirty slots read": [
        *SETUP,
        *[["switch", slot, 0] for slot in range(0, 30, 2)],
        *[["current", slot, 137 * slot - 1000] for slot in range(30)],
        ["wait", 105],
        ["scan"],
        ["wait", 1],
        ["scan"],
        ["wait", 1000],
        ["scan"],
    ],
    "converters at their ends": [
        *SETUP,
        *[["current", slot, 20000 * (-1) ** slot] for slot in range(30)],
        ["wait", 1000],
        ["scan"],
    ],
    "nothing set up": [["scan"], ["switch", 3, 0], ["scan"]],
    "a dead chip revived": [
        *SETUP,
        ["kill", 0x41, 1],
        ["kill", 0x20, 2],
        ["scan"],
        ["setup", 1],
        ["revive", 0x41, 1],
        ["revive", 0x20, 2],
        ["setup", 1],
        ["scan"],
    ],
    "a bank pulled out and put back": [
        *SETUP,
        ["switch", 10, 0],
        ["pull", 1, 650],
        ["scan"],
        ["scan"],
        ["replug", 1],
        ["scan"],
        ["setup", 1],
        ["scan"],
    ],
    "a bank that holds the bus": [*SETUP, ["hold", 2], ["scan"], ["scan"], ["reset"], ["scan"]],
}


def accidents(seed):
    """Steps drawn from `seed`."""
    draw = random.Random(seed)
    steps = list(SETUP)
    for _ in range(60):
        slot, b = draw.randrange(30), draw.randrange(3)
        address = draw.choice([0x20, 0x40, 0x41, 0x42, 0x43])
        steps += draw.choice(
            [
                [["switch", slot, draw.choice([0, None])]],
                [["current", slot, draw.randint(-200, 3500)]],
                [["kill", address, b], ["scan"], ["revive", address, b]],
                [["pull", b, draw.randrange(500)], ["scan"], ["scan"], ["replug", b], ["setup", b]],
            ]
        )
        steps += [["wait", draw.randint(1, 2000)], ["scan"]]
    return steps


def given(steps):
    return json.dumps({"board": json.loads(BOARD.read_text()), "steps": steps})


def on_cpython(text):
    done = subprocess.run(
        [sys.executable, PROGRAM],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'firmware'}{os.pathsep}{ROOT / 'simulator'}"},
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def on_micropython(text, run, heap=None):
    lines = run(PROGRAM.read_text(), stdin=text, heap=heap).splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_reads_the_same_on_both_interpreters(name, micropython):
    text = given(VECTORS[name])
    there = on_micropython(text, micropython)
    assert len(there) == len(VECTORS[name])
    assert there == on_cpython(text)


def test_accidents_of_every_kind_read_the_same_on_both_interpreters(micropython):
    text = given(accidents(seed=7))
    assert on_micropython(text, micropython) == on_cpython(text)


def test_scans_leave_nothing_on_the_heap(micropython):
    """A heap of 160 kB; less than a byte a scan: the collector may take a stale pointer for a live
    one, a leak would be at least a block of 32 bytes a scan."""
    text = given([*SETUP, ["scans", 10], ["free"], ["scans", 1000], ["free"]])
    answers = on_micropython(text, micropython, heap="160k")
    assert answers[-1][1] > answers[-3][1] - 1000
