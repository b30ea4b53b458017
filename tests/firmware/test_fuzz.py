"""Acceptance: 100,000 fuzzed byte strings; no exception escapes, and memory is bounded."""

import asyncio
import gc

from homeslot_hardware import boards

from .. import fuzz, fuzz_targets

SESSIONS, CONSOLE, PAYLOADS = 65000, 25000, 10000
GROWTH = 500  # objects between two halves of what is typed; bytes are measured on MicroPython


def test_the_mqtt_session_survives_whatever_a_broker_may_send():
    for data in fuzz.strings(SESSIONS, 311, fuzz_targets.PACKETS):
        fuzz_targets.feed_session(data)


def test_the_contract_refuses_what_it_cannot_read_and_nothing_else():
    for data in fuzz.strings(PAYLOADS, 2026, [line.strip() for line in fuzz_targets.LINES]):
        fuzz_targets.decode(data)


def test_the_console_answers_after_whatever_was_typed_at_it_and_holds_no_more_than_before():
    cart, wire = fuzz_targets.cart_at_a_wire(boards.load("pico-w-30"))

    async def feed(count, seed):
        strings = fuzz.strings(count, seed, fuzz_targets.LINES)
        return await fuzz_targets.feed_console(cart, wire, strings)

    async def main():
        assert await feed(CONSOLE // 2, 7)
        gc.collect()
        before = len(gc.get_objects())
        assert await feed(CONSOLE // 2, 8)
        gc.collect()
        return len(gc.get_objects()) - before

    assert asyncio.run(main()) < GROWTH
    assert cart.console.refused > CONSOLE // 10
    assert len(cart.log.lines) <= 40
