"""The fault table on runtime cpython: the whole cart on a faulty bus, heard at its broker."""

import pytest

from homeslot_sim.cart.mishaps import befall
from homeslot_sim.chips.faults import FaultyBus

from ..fault_table import FAULTS, changed, expected, states_of
from .school import play

REST_MS = 10000


async def lived(school, rig, deeds, lasts_ms):
    """Let `deeds` happen; what was told of it, and the states in the end."""
    before = len(school.bodies("event"))
    began_ms = school.clock.up_ms()
    for at_ms, name, *arguments in deeds:
        await school.clock.sleep_ms(began_ms + at_ms - school.clock.up_ms())
        befall(rig.body, name, *arguments)
    await school.clock.sleep_ms(began_ms + lasts_ms - school.clock.up_ms())
    school.command(2, "report")
    await school.clock.sleep_ms(1000)
    events = sorted(school.bodies("event")[before:], key=lambda event: event["seq"])
    told = [(e["kind"], e.get("index", 0), e["value"], e["was"]) for e in events]
    return told, states_of(school.bodies("state")[-1])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[0].replace(" ", "-"))
def test_a_fault_yields_exactly_its_events_and_states(fault):
    _, deeds, lasts_ms, told, lifted, heals_ms, told_then = fault

    async def act(school):
        rig, _ = school.cart(bus=FaultyBus())
        await school.until_s(REST_MS // 1000)
        before = states_of(school.bodies("state")[-1])
        heard, during = await lived(school, rig, deeds, lasts_ms)
        assert heard == expected(told, before)
        assert during == changed(before, heard)
        heard, after = await lived(school, rig, lifted, heals_ms)
        assert heard == expected(told_then, before)
        assert after == changed(during, heard) == before

    play(act)
