"""Faults at random, many at once: no device that is there is ever taken for gone, and in the end
the cart knows how everything is."""

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from homeslot.core.slots import STATES
from homeslot_sim import virtual_time
from homeslot_sim.cart.mishaps import befall
from homeslot_sim.chips.faults import FaultyBus

from .school import BOARD, School

SWITCHES = int(BOARD["banks"][0]["presence"]["address"], 16)
CURRENTS = [int(chip["address"], 16) for chip in BOARD["banks"][0]["current"]]
MUX = int(BOARD["mux"]["address"], 16)
BANKS = st.integers(1, 3)
SLOTS = st.integers(1, 30)
# (what happens, what lifts it)
FAULTS = st.one_of(
    BANKS.map(lambda b: (("kill", SWITCHES, b - 1), ("revive", SWITCHES, b - 1))),
    st.tuples(BANKS, st.sampled_from(CURRENTS)).map(
        lambda at: (("kill", at[1], at[0] - 1), ("revive", at[1], at[0] - 1))
    ),
    st.tuples(BANKS, st.sampled_from(CURRENTS)).map(lambda at: (("freeze", *at), ("thaw", *at))),
    BANKS.map(lambda b: (("hold_sda", b - 1), ("release_sda", b - 1))),
    st.just((("hold_sda", None), ("release_sda", None))),
    st.just((("kill", MUX, None), ("revive", MUX, None))),
    st.tuples(BANKS, st.integers(1, 2240)).map(
        lambda at: (("unplug-in-scan", *at), ("bank-heals", at[0]))
    ),
)
SETTLED_MS = 5000  # a chip that fails is dead by then, and what it saw unknown
PROBED_MS = 70000  # the longest pause between two probes of a dead chip, and a scan
SHELF_MS = 60000  # until a charge that was cut off is called idle


class CartWithFaults(RuleBasedStateMachine):
    """A whole cart on virtual time; `moved` is when a device last came or went."""

    def __init__(self):
        super().__init__()
        loop = virtual_time.VirtualLoop()
        self.runner = asyncio.Runner(loop_factory=lambda: loop)
        self.school = School(loop)
        self.planted = []
        self.present = [True] * 30
        self.moves = []  # (at ms, slot from 0, whether it is there now)
        self.checked = 0
        self.runner.run(self.start())

    async def start(self):
        self.rig, _ = self.school.cart(bus=FaultyBus())
        await self.school.until_s(5)

    def befall(self, deed):
        befall(self.rig.body, *deed)

    def wait(self, ms):
        async def pass_time():
            await self.school.clock.sleep_ms(ms)
            for task in self.school.carts:
                if task.done():
                    await task  # a cart ends only by a defect

        self.runner.run(pass_time())

    def was_present(self, slot, at_ms):
        there = True
        for moved_ms, moved, now_there in self.moves:
            if moved == slot and moved_ms <= at_ms:
                there = now_there
        return there

    @rule(fault=FAULTS)
    def something_fails(self, fault):
        self.planted.append(fault)
        self.befall(fault[0])

    @precondition(lambda self: self.planted)
    @rule(data=st.data())
    def something_is_mended(self, data):
        fault = data.draw(st.sampled_from(self.planted))
        self.planted = [other for other in self.planted if other[1] != fault[1]]
        self.befall(fault[1])

    @rule(slot=SLOTS)
    def a_device_comes_or_goes(self, slot):
        there = self.present[slot - 1] = not self.present[slot - 1]
        self.moves.append((self.school.clock.up_ms(), slot - 1, there))
        self.befall(("in" if there else "out", slot))
        self.wait(400)

    @rule(slot=SLOTS, times=st.integers(1, 40))
    def a_switch_bounces(self, slot, times):
        for _ in range(times if self.present[slot - 1] else 0):
            self.befall(("jam", slot, False))
            self.wait(100)
            self.befall(("jam", slot, None))
            self.wait(100)

    @rule(verb=st.sampled_from(["unplug", "plug", "open", "close"]))
    def someone_is_at_the_cart(self, verb):
        self.befall((verb,))

    @rule(ms=st.sampled_from([50, 300, 1000, 3000, 20000, 70000]))
    def time_passes(self, ms):
        self.wait(ms)

    @rule()
    def all_is_mended(self):
        for _ in range(2):  # a bank may yet come off, when the bus that it waits for goes on
            for lifted in (*[fault[1] for fault in self.planted], ("bank-heals", 1, 2, 3)):
                self.befall(lifted)
            self.wait(PROBED_MS)
        self.planted.clear()
        self.befall(("plug",))
        self.wait(SHELF_MS)
        sensors = self.rig.cart.sensors
        assert sensors.banks == ["ok"] * 3
        assert [STATES[slot.state][0] for slot in sensors.slots] == self.present

    @invariant()
    def no_device_that_is_there_is_said_to_be_gone(self):
        events = self.school.bodies("event")
        for event in events[self.checked :]:
            if event["kind"] == "slot" and event["value"] == "empty":
                assert not self.was_present(event["index"] - 1, event["up_ms"]), event
        self.checked = len(events)
        rests = set(range(30)) - {
            slot
            for moved_ms, slot, _ in self.moves
            if moved_ms > self.school.clock.up_ms() - SETTLED_MS
        }
        for slot in rests:
            state = self.rig.cart.sensors.slots[slot].state
            assert STATES[state][0] in (None, self.present[slot]), (slot + 1, state)

    def teardown(self):
        async def end():
            for task in self.school.carts:
                task.cancel()
            await asyncio.gather(*self.school.carts, return_exceptions=True)
            await self.school.broker.close()

        self.runner.run(end())
        self.runner.close()


TestCartWithFaults = CartWithFaults.TestCase
TestCartWithFaults.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
