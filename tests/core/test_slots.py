"""The slot table: a slot never is in a state that its readings and their times do not call for."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from homeslot.core import slots
from homeslot.core.slots import LEVELS, STATES, TABLE, Slot, level
from homeslot_hardware import boards

T = boards.load("pico-w-30")["thresholds"]
HOLDS = ("", "debounce_ms", "settle_ms", "none_ms", "full_ms")
# A current of each level, dark first.
CURRENTS = {
    "dark": None,
    "reversed": -100,
    "nothing": 0,
    "little": 120,
    "between": 270,
    "much": 400,
    "strong": 1500,
    "excess": 3500,
}
SWITCHES = {"present": True, "absent": False, "blind": None}
UNSTEADY_MS = 5000


class Bench:
    """A slot on a clock: `reads` holds a reading for a while, looking every `every_ms`."""

    def __init__(self):
        self.slot = Slot()
        self.now_ms = 0

    def reads(self, switch, amount, for_ms=0, every_ms=50):
        until_ms = self.now_ms + for_ms
        while True:
            self.slot.step(self.now_ms, SWITCHES[switch], CURRENTS[amount], T)
            if self.now_ms >= until_ms:
                return self.slot.state
            self.now_ms = min(self.now_ms + every_ms, until_ms)

    def chatters(self, amount, for_ms, rest="present"):
        """The switch moves every 100 ms, and is away from `rest` at first and at the end."""
        other = "absent" if rest == "present" else "present"
        until_ms = self.now_ms + for_ms
        while self.now_ms + 200 <= until_ms:
            for switch in (other, rest):
                self.reads(switch, amount)
                self.now_ms += 100
        self.now_ms = until_ms
        return self.reads(other, amount)

    def rests(self, switch, amount):
        """Hold a reading for longer than anything takes."""
        return self.reads(switch, amount, 2 * T["full_ms"], 20000)


@pytest.fixture
def bench():
    return Bench()


def test_a_slot_says_unknown_until_its_switch_has_been_read_for_long_enough(bench):
    assert bench.slot.state == "unknown"
    assert bench.reads("absent", "nothing", T["debounce_ms"] - 1) == "unknown"
    bench.now_ms += 1
    assert bench.reads("absent", "nothing") == "empty"


def test_c2_a_device_put_in_and_taken_out_is_seen_at_the_debounce_and_not_before(bench):
    bench.rests("absent", "nothing")
    bench.now_ms += 50
    assert bench.reads("present", "nothing", T["debounce_ms"] - 1) == "empty"
    bench.now_ms += 1
    assert bench.reads("present", "nothing") == "idle"
    bench.now_ms += 50
    assert bench.reads("absent", "nothing", T["debounce_ms"] - 1) == "idle"
    bench.now_ms += 1
    assert bench.reads("absent", "nothing") == "empty"


def test_step_returns_the_state_left_once(bench):
    bench.rests("absent", "nothing")
    seen = []
    for now_ms in range(bench.now_ms, bench.now_ms + 1000, 50):
        seen.append(bench.slot.step(now_ms, True, 0, T))
    assert [left for left in seen if left is not None] == ["empty"]


@pytest.mark.parametrize("home", ["idle", "trickle", "charging", "full", "empty"])
@given(
    bounces=st.lists(
        st.tuples(st.booleans(), st.integers(1, T["debounce_ms"] - 1)), min_size=1, max_size=30
    )
)
def test_a_switch_that_bounces_shorter_than_the_debounce_never_changes_the_state(home, bounces):
    bench = Bench()
    amount = bring_to(bench, home)
    rest = "absent" if home == "empty" else "present"
    other = "present" if home == "empty" else "absent"
    for moved, for_ms in bounces:
        # The switch is away for less than the debounce, then back for a moment.
        bench.now_ms += 1
        assert bench.reads(other if moved else rest, amount, for_ms - 1, 7) == home
        bench.now_ms += 1
        assert bench.reads(rest, amount) == home


def bring_to(bench, state):
    """Lead a slot into `state`; returns the level of current that keeps it there."""
    ways = {
        "unknown": [("blind", "dark")],
        "empty": [("absent", "nothing")],
        "mismatch": [("absent", "nothing"), ("absent", "strong")],
        "idle": [("present", "nothing")],
        "trickle": [("present", "little")],
        "charging": [("present", "strong")],
        "full": [("absent", "nothing"), ("present", "strong"), ("present", "little")],
        "over_current": [("present", "nothing"), ("present", "excess")],
        "reverse": [("present", "nothing"), ("present", "reversed")],
        "unmeasured": [("present", "dark")],
    }
    if state == "unsteady":
        bench.rests("present", "nothing")
        bench.now_ms += 1
        bench.chatters("nothing", UNSTEADY_MS)
        amount = "nothing"
    for switch, amount in ways.get(state, ()):
        bench.rests(switch, amount)
    assert bench.slot.state == state
    return amount


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_reached(bench, state):
    bring_to(bench, state)


@pytest.mark.parametrize(
    ("state", "row"),
    [(state, row) for state, rows in TABLE.items() for row in rows if row[0] != "restless"],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]}-{value[1][0]}-{value[3]}",
)
def test_every_row_of_the_table_is_taken_after_its_hold_and_not_before(bench, state, row):
    switch, amounts, hold, following, after_strong = row
    # A charge that never was strong leads to a trickle, a strong one to full.
    if state == "charging" and not after_strong:
        assert bench.rests("present", "much") == "charging"
    elif state == "trickle" and after_strong:
        for amount in ("strong", "nothing"):
            bench.rests("present", amount)
        assert bench.reads("present", "between", T["settle_ms"]) == "trickle"
    else:
        bring_to(bench, state)
    bench.now_ms += 1
    amount = next(a for a in amounts if not _earlier(state, row, switch, a))
    if hold:
        hold_ms = T[hold]
        if state == "unsteady":  # it has to come to rest first
            bench.reads("absent" if switch == "present" else "present", amount)
            bench.now_ms += 1
            hold_ms += T["debounce_ms"]
        assert bench.reads(switch, amount, hold_ms - 1, 50) == state
        bench.now_ms += 1
    assert bench.reads(switch, amount) == following


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("unsteady",)])
def test_a_switch_that_does_not_come_to_rest_for_five_seconds_makes_the_slot_unsteady(bench, state):
    amount = bring_to(bench, state)
    rest = "absent" if state in ("empty", "mismatch") else "present"
    if state == "unknown":
        amount = "nothing"
        bench.reads("present", amount)
    bench.now_ms += 1
    assert bench.chatters(amount, UNSTEADY_MS - 100, rest) == state
    bench.now_ms += 100
    assert bench.reads(rest, amount) == "unsteady"
    assert STATES["unsteady"] == (None, "unsteady")
    assert bench.rests("present", "nothing") == "idle"


def test_a_switch_looked_at_seldom_is_not_taken_for_one_that_does_not_come_to_rest(bench):
    bench.rests("present", "nothing")
    for switch, state in (("absent", "empty"), ("present", "idle")) * 3:
        for _ in range(2):
            bench.now_ms += 60000
            bench.reads(switch, "nothing")
        assert bench.slot.state == state


def test_a_switch_that_could_not_be_read_meanwhile_has_not_been_at_rest(bench):
    bench.rests("present", "nothing")
    for _ in range(20):
        bench.now_ms += 1000
        bench.reads("absent", "nothing")
        bench.now_ms += 500
        bench.slot.miss(bench.now_ms)
    assert bench.slot.state == "idle"


@pytest.mark.parametrize("state", ["charging", "trickle", "over_current", "reverse", "unknown"])
def test_a_device_that_draws_never_becomes_empty_whatever_its_switch_says(bench, state):
    amount = "strong" if state == "unknown" else bring_to(bench, state)
    assert bench.rests("absent", amount) == "mismatch"
    assert bench.rests("absent", "nothing") == "mismatch"  # full, or its shelf rests
    assert bench.rests("present", "nothing") == "idle"
    assert bench.rests("absent", "nothing") == "empty"


def test_an_old_current_changes_nothing_but_the_switch_does():
    bench = Bench()
    bring_to(bench, "empty")
    slot, now_ms = bench.slot, bench.now_ms
    for after_ms in (50, 5000):
        assert slot.step(now_ms + after_ms, False, 1500, T, False) is None
    slot.step(now_ms + 6000, True, 1500, T, False)
    assert slot.step(now_ms + 6150, True, 1500, T, False) == "empty"
    for after_ms in range(7000, 100000, 1000):
        assert slot.step(now_ms + after_ms, True, 1500, T, False) is None
    assert slot.step(now_ms + 100000, True, 1500, T) == "idle"


def _earlier(state, row, switch, amount):
    """True when an unconditional row before `row` takes this reading already."""
    rows = TABLE[state]
    before = rows[: rows.index(row)]
    return any(r[0] == switch and amount in r[1] and not r[4] for r in before)


def test_no_row_is_hidden_behind_another_and_none_leads_back_to_its_own_state():
    for state, rows in TABLE.items():
        for row in rows:
            switch, amounts, hold, following, _ = row
            assert following != state and following in STATES
            assert hold in HOLDS
            assert set(amounts) <= set(LEVELS)
            assert any(not _earlier(state, row, switch, amount) for amount in amounts)


def test_a_blind_switch_leads_to_unknown_and_nowhere_else():
    for state, rows in TABLE.items():
        to = {following for switch, _, _, following, _ in rows if switch == "blind"}
        assert to == (set() if state == "unknown" else {"unknown"})


def test_c2_every_state_knows_what_to_do_when_the_device_goes():
    for state, rows in TABLE.items():
        absent = {following for switch, _, _, following, _ in rows if switch == "absent"}
        assert "empty" in absent or state in ("empty", "mismatch")


def test_c2_no_row_leads_to_empty_but_an_open_switch_and_no_current():
    for rows in TABLE.values():
        for switch, amounts, _, following, _ in rows:
            if following == "empty":
                assert (switch, set(amounts)) == ("absent", {"nothing", "dark"})


@pytest.mark.parametrize("amount", ["much", "little"])
def test_full_needs_a_strong_charge_since_the_device_was_put_in(bench, amount):
    bench.rests("absent", "nothing")
    bench.rests("present", amount)
    bench.rests("present", "little")
    assert bench.slot.state == "trickle"


def test_full_is_forgotten_when_the_device_is_taken_out(bench):
    bring_to(bench, "full")
    assert bench.rests("absent", "nothing") == "empty"
    bench.rests("present", "much")
    assert bench.rests("present", "little") == "trickle"


def test_full_is_forgotten_while_nobody_sees_whether_it_is_still_the_same_device(bench):
    bring_to(bench, "full")
    assert bench.rests("blind", "little") == "unknown"
    assert bench.rests("present", "much") == "charging"
    assert bench.rests("present", "little") == "trickle"


def test_a_full_device_that_falls_asleep_stays_full_and_one_that_wakes_charges(bench):
    bring_to(bench, "full")
    assert bench.rests("present", "nothing") == "full"
    assert bench.rests("present", "between") == "full"
    bench.now_ms += 1
    assert bench.reads("present", "strong", T["full_ms"] - 1, 1000) == "full"  # a top-up
    assert bench.rests("present", "nothing") == "full"
    assert bench.rests("present", "much") == "charging"


def test_c1_a_device_whose_shelf_rests_on_the_way_is_still_called_full_in_the_end(bench):
    bring_to(bench, "charging")
    assert bench.rests("present", "nothing") == "idle"
    bench.now_ms += 1
    assert bench.reads("present", "little", T["settle_ms"]) == "trickle"
    assert bench.rests("present", "little") == "full"


def test_c7_a_device_that_draws_nothing_is_called_idle_after_a_minute(bench):
    bring_to(bench, "charging")
    bench.now_ms += 1
    assert bench.reads("present", "nothing", T["none_ms"] - 1, 1000) == "charging"
    bench.now_ms += 1
    assert bench.reads("present", "nothing") == "idle"


def test_a_current_between_trickle_and_charge_keeps_a_charge_and_keeps_a_trickle(bench):
    bring_to(bench, "charging")
    assert bench.rests("present", "between") == "charging"
    bench.rests("absent", "nothing")
    bring_to(bench, "trickle")
    assert bench.rests("present", "between") == "trickle"


@given(
    st.lists(st.integers(T["trickle_ma"], T["charge_ma"] + 100), min_size=1, max_size=40),
    st.integers(1, T["settle_ms"] - 1),
)
def test_a_current_that_only_crosses_back_and_forth_between_two_levels_changes_nothing(
    currents, every_ms
):
    bench = Bench()
    bring_to(bench, "trickle")
    for current_ma in currents:
        for probe_ma in (current_ma, T["trickle_ma"]):  # each excess is shorter than the hold
            bench.now_ms += every_ms
            bench.slot.step(bench.now_ms, True, probe_ma, T)
            assert bench.slot.state == "trickle"


def test_a_dead_current_chip_takes_the_charge_and_leaves_the_presence(bench):
    bring_to(bench, "charging")
    assert bench.rests("present", "dark") == "unmeasured"
    assert STATES["unmeasured"] == (True, None)
    assert bench.rests("present", "strong") == "charging"


def test_current_without_a_device_doubts_the_switch_and_says_neither_in_nor_out(bench):
    bench.rests("absent", "nothing")
    assert bench.rests("absent", "much") == "mismatch"
    assert STATES["mismatch"] == (None, "mismatch")
    assert bench.rests("absent", "dark") == "mismatch"


def test_bouncing_says_that_a_switch_moved_and_has_not_come_to_rest(bench):
    bring_to(bench, "charging")
    assert not bench.slot.bouncing
    bench.now_ms += 1
    bench.reads("absent", "nothing", T["debounce_ms"] - 1)
    assert bench.slot.bouncing
    bench.now_ms += 1
    bench.reads("absent", "nothing")
    assert bench.slot.state == "empty" and not bench.slot.bouncing


@pytest.mark.parametrize(("amount", "current_ma"), CURRENTS.items())
def test_levels_are_divided_by_the_thresholds(amount, current_ma):
    assert level(current_ma, T) == amount


def test_each_threshold_is_the_first_or_last_value_of_its_level():
    assert [level(T["reverse_ma"] + i, T) for i in (-1, 0)] == ["reversed", "nothing"]
    assert [level(T["none_ma"] + i, T) for i in (-1, 0)] == ["nothing", "little"]
    assert [level(T["trickle_ma"] + i, T) for i in (0, 1)] == ["little", "between"]
    assert [level(T["charge_ma"] + i, T) for i in (-1, 0)] == ["between", "much"]
    assert [level(T["strong_ma"] + i, T) for i in (-1, 0)] == ["much", "strong"]
    assert [level(T["over_ma"] + i, T) for i in (0, 1)] == ["strong", "excess"]


@given(st.integers(-9000, 9000), st.integers(-9000, 9000))
def test_more_current_is_never_a_lower_level(one_ma, other_ma):
    low, high = sorted((one_ma, other_ma))
    assert LEVELS.index(level(low, T)) <= LEVELS.index(level(high, T))


class AnySlot(RuleBasedStateMachine):
    """A slot under any readings, beside a slow model that keeps every reading it was given."""

    def __init__(self):
        super().__init__()
        self.slot = Slot()
        self.now_ms = 0
        self.read_at = []  # (now_ms, switch) of every reading
        self.history = []  # (now_ms, symbol, level) since the state was entered
        self.strong_since_put_in = False

    @rule(
        switch=st.sampled_from(list(SWITCHES)),
        amount=st.sampled_from(list(CURRENTS)),
        after_ms=st.sampled_from([1, 50, 149, 150, 1000, 2000, 60000, 600000]),
    )
    def read(self, switch, amount, after_ms):
        self.now_ms += after_ms
        self.take(switch, amount)

    @precondition(lambda self: self.history)
    @rule(times=st.integers(1, 12), after_ms=st.sampled_from([50, 1000, 60000]))
    def stay(self, times, after_ms):
        _, _, amount = self.history[-1]
        for _ in range(times):
            self.now_ms += after_ms
            self.take(self.read_at[-1][1], amount)

    @precondition(lambda self: self.history)
    @rule(times=st.integers(2, 150))
    def chatter(self, times):
        _, _, amount = self.history[-1]
        for i in range(times):
            self.now_ms += 100
            self.take(("present", "absent")[i % 2], amount)

    def take(self, switch, amount):
        state = self.slot.state
        if state == "charging" and amount == "strong":
            self.strong_since_put_in = True
        self.read_at.append((self.now_ms, switch))
        self.history.append((self.now_ms, self.symbol(), amount))
        left = self.slot.step(self.now_ms, SWITCHES[switch], CURRENTS[amount], T)
        row = self.due(state)
        assert self.slot.state == (state if row is None else row[3])
        assert left == (None if row is None else state)
        if row is None:
            return
        if switch == "blind":
            assert self.slot.state == "unknown"
        if self.slot.state == "full":
            assert self.strong_since_put_in
        if self.slot.state == "empty":
            assert (switch, amount) in (("absent", "nothing"), ("absent", "dark"))
        if STATES[self.slot.state][0] is not True:
            self.strong_since_put_in = False
        self.history = self.history[-1:]

    def moved_ms(self, last):
        """When the switch first said what it says in reading `last`, without a break."""
        while last and self.read_at[last - 1][1] == self.read_at[last][1]:
            last -= 1
        return self.read_at[last][0]

    def rests(self, last):
        now_ms, switch = self.read_at[last]
        return switch == "blind" or now_ms - self.moved_ms(last) >= T["debounce_ms"]

    def symbol(self):
        last = len(self.read_at) - 1
        first = last  # of the readings without a rest
        while first > 0 and not self.rests(first):
            first -= 1
        restless_ms = self.read_at[first + 1 if self.rests(first) and first < last else first][0]
        if not self.rests(last) and self.now_ms - restless_ms >= UNSTEADY_MS:
            return "restless"
        return self.read_at[last][1]

    def due(self, state):
        """The row that the readings since the state was entered call for now, by the table."""
        row = self.fits(state, self.history[-1])
        if row is None or not row[2]:
            return row
        since_ms = self.now_ms
        for reading in reversed(self.history):
            if self.fits(state, reading) != row:
                break
            since_ms = reading[0]
        if row[2] == "debounce_ms":
            since_ms = self.moved_ms(len(self.read_at) - 1)
        return row if self.now_ms - since_ms >= T[row[2]] else None

    def fits(self, state, reading):
        _, switch, amount = reading
        for row in TABLE[state]:
            if row[0] == switch and amount in row[1]:
                if row[4] and not self.strong_since_put_in:
                    continue
                return row
        return None

    @invariant()
    def the_state_is_one_of_the_table(self):
        assert self.slot.state in STATES and self.slot.state in TABLE


TestAnySlot = AnySlot.TestCase
TestAnySlot.settings = hypothesis_settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_every_state_is_in_the_table_and_its_words_are_known():
    assert list(STATES) != [] and set(STATES) == set(TABLE)
    assert slots.UNKNOWN == "unknown" and STATES["unknown"] == (None, None)
