"""Fuzzed strings on the real interpreter: no exception escapes, the heap stays flat."""

import json
from pathlib import Path

from homeslot_hardware import boards

from .. import fuzz, fuzz_targets

COUNT = 4000
GROWTH_BYTES = 2000  # the collector takes a stale pointer for a live one now and then

PROGRAM = """
import asyncio, gc, json, sys
board = json.loads(sys.stdin.read())

def held():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()

def sessions(seed):
    for data in strings(COUNT, seed, PACKETS):
        feed_session(data)
    for data in strings(COUNT, seed, LINES):
        decode(data)

sessions(1)
before = held()
sessions(2)
print("session", held() - before)

async def main():
    cart, wire = cart_at_a_wire(board)
    await feed_console(cart, wire, strings(COUNT, 3, LINES))
    before = held()
    answered = await feed_console(cart, wire, strings(COUNT, 4, LINES))
    print("console", held() - before, answered)

asyncio.run(main())
"""


def test_the_heap_of_the_interpreter_is_as_it_was_after_thousands_of_strings(micropython):
    code = "".join(Path(module.__file__).read_text() for module in (fuzz, fuzz_targets))
    said = micropython(
        code + f"\nCOUNT = {COUNT}\n" + PROGRAM,
        stdin=json.dumps(boards.load("pico-w-30")),
        heap="600k",
    )
    sessions, console = [line.split() for line in said.splitlines()]
    assert int(sessions[1]) < GROWTH_BYTES
    assert int(console[1]) < GROWTH_BYTES
    assert console[2] == "True"
