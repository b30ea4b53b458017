"""C11, in whatever order things happen: nothing is locked that nobody confirmed, or is home."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import CartVerdict
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.rules.lockdown import IllegalOrder
from homeslot_hub.service.lockdowns import LockDowns

from .reports import CART, SCHOOL

SLOTS = (1, 2, 3, 4)
NUMBERS = st.lists(st.integers(1, 8), min_size=1, max_size=2)
EVENING_S = 1794967200


class Evenings(RuleBasedStateMachine):
    """Four devices that come and go, people who decide, a device management that may be away."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.store = SqliteStore(Path(self.folder.name) / "homeslot.db")
        self.store.run("PRAGMA synchronous = OFF")
        self.alerts = SqliteAlerts(self.store)
        self.places = ["out"] * len(SLOTS)
        self.now_s, self.evening = EVENING_S, 17
        self.sent = []  # what the device management was told: order and where its device was then
        self.on_its_way = None
        with self.store.transaction():
            self.out = [self.alerts.put(self.alert(slot), []) for slot in SLOTS]
        self.lock_downs = LockDowns(
            self.store,
            SqliteOrders(self.store),
            self.alerts,
            lambda: (SCHOOL,),
            lambda school, at_s: self.judged(),
            lambda school, at_s: {(CART.number, slot): f"T{slot}" for slot in SLOTS[:3]},
        )

    def alert(self, slot):
        name = f"{CART.number}-{slot}"
        return Alert(
            *(SCHOOL.name, "2026-11-17", CART.number, "out", f"slot {slot}", "C2", (slot,), ()),
            *(EVENING_S, "known", f"{name} is out.", "Find it.", EVENING_S),
        )

    def judged(self):
        return (CartVerdict(CART, self.now_s, tuple(self.places), ()),)

    def orders(self):
        return self.lock_downs.orders(SCHOOL.name)

    @rule()
    def the_evening_comes(self):
        self.evening += 1
        self.looks()
        out = [a for a in self.out if self.places[a.slots[0] - 1] == "out"]
        with self.store.transaction():
            untagged = self.lock_downs.prepare(SCHOOL, f"2026-11-{self.evening}", out, self.now_s)
        assert {alert.slots for alert in untagged} <= {(4,)}

    @rule(slot=st.sampled_from(SLOTS), place=st.sampled_from(["out", "home", "home", "unknown"]))
    def a_device_comes_or_goes(self, slot, place):
        self.places[slot - 1] = place

    @rule()
    def looks(self):
        with self.store.transaction():
            self.lock_downs.look(SCHOOL, self.judged(), self.now_s)

    @rule(numbers=NUMBERS)
    def someone_confirms(self, numbers):
        known = {order.id for order in self.orders()}
        with suppress(IllegalOrder):
            chosen = [number for number in numbers if number in known]
            self.lock_downs.confirm(chosen, "Ann", "lost", self.now_s)

    @rule(numbers=NUMBERS)
    def someone_withdraws(self, numbers):
        known = {order.id for order in self.orders()}
        with suppress(IllegalOrder):
            chosen = [number for number in numbers if number in known]
            self.lock_downs.withdraw(chosen, "Ann", "found", self.now_s)

    @rule(answer=st.sampled_from(["yes", "yes", "later", "never", "hangs"]))
    def the_device_management_is_told(self, answer):
        self.now_s += 60
        for order in self.lock_downs.due(self.now_s):
            if order.action == "lock":
                assert self.places[order.slot - 1] != "home"
            if answer == "hangs":
                self.on_its_way = order
                return
            if answer == "later":
                self.lock_downs.put_off(order, self.now_s + 60, "it answered 503")
            elif answer == "never":
                self.lock_downs.refused(order, "it answered 404", self.now_s)
            else:
                self.sent.append(order)
                self.lock_downs.taken(order, self.now_s)

    @rule()
    def what_hung_is_taken_after_all(self):
        order, self.on_its_way = self.on_its_way, None
        if order is not None and order.id not in {one.id for one in self.sent}:
            with suppress(IllegalOrder):  # given up meanwhile
                self.lock_downs.taken(order, self.now_s)
                self.sent.append(order)

    @invariant()
    def what_was_sent_was_confirmed_by_a_person_before(self):
        for order in self.sent:
            whats = [(c.what, c.who) for c in self.alerts.history(order.alert)]
            word = "lock-down" if order.action == "lock" else "unlock"
            assert whats.index((f"{word} confirmed", "Ann")) < whats.index(
                (f"{word} sent to the device management", "")
            )
            assert order.tag == f"T{order.slot}"

    @invariant()
    def each_is_sent_once_and_each_lock_has_one_unlock_at_most(self):
        assert len({order.id for order in self.sent}) == len(self.sent)
        locks = {(o.day, o.slot) for o in self.orders() if o.action == "lock" and o.state == "sent"}
        unlocks = [(o.day, o.slot) for o in self.orders() if o.action == "unlock"]
        assert len(set(unlocks)) == len(unlocks)
        assert set(unlocks) <= locks

    @invariant()
    def no_device_is_locked_twice_at_once(self):
        for slot in SLOTS:
            mine = [order.action for order in self.sent if order.slot == slot]
            assert mine == ["lock", "unlock"] * (len(mine) // 2) + ["lock"] * (len(mine) % 2)

    def teardown(self):
        """When all is home, nothing is left to be locked, and what is locked can be unlocked."""
        try:
            self.places = ["home"] * len(SLOTS)
            self.what_hung_is_taken_after_all()
            self.looks()
            self.lock_downs.due(self.now_s + 3600)
            for order in self.orders():
                assert not (order.action == "lock" and order.open)
            unlocks = {(o.day, o.slot) for o in self.orders() if o.action == "unlock"}
            locks = {
                (o.day, o.slot) for o in self.orders() if (o.action, o.state) == ("lock", "sent")
            }
            assert locks == unlocks
        finally:
            self.store.close()
            self.folder.cleanup()


TestEvenings = Evenings.TestCase
TestEvenings.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
