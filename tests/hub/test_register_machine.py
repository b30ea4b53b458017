"""The register's history on a real file, beside a plain list of dictionaries."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import School, Teacher
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import Touched, View
from homeslot_hub.service.register_plan import Plan, complete, keep
from homeslot_hub.service.register_sheets import Carts, given
from homeslot_hub.service.register_tables import KINDS, Key, Kind, Row

from .reports import CART, SCHOOL, START_S, TEACHER

State = dict[tuple[str, Key], Row]
SCHOOLS = st.sampled_from(["Lincoln", "Roosevelt"])
NUMBERS = st.sampled_from(["1", "2"])
TEXTS = st.sampled_from(["", "A-1", "'", '"', "=1+1", "Süd, 2"])


def rows_of(kind: Kind) -> st.SearchStrategy[Row]:
    columns = [
        SCHOOLS if c.name == "school" else NUMBERS if i < kind.keys else TEXTS
        for i, c in enumerate(kind.columns)
    ]
    return st.tuples(*columns)


class Register(RuleBasedStateMachine):
    """Changes of any rows, taken back at any time, by a clock that may be set back."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.now_s = START_S
        self.states: list[State] = [{}]  # after each change
        self.touched: list[dict[tuple[str, Key], Row | None]] = []  # by each change
        self.moments: list[int] = []  # of each change
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.folder / "homeslot.db")
        self.register = SqliteRegister(self.store)

    @rule(
        rows=st.lists(
            st.sampled_from(list(KINDS.values())).flatmap(
                lambda kind: st.tuples(st.just(kind), rows_of(kind), st.booleans())
            ),
            min_size=1,
            max_size=6,
        )
    )
    def change(self, rows: list[tuple[Kind, Row, bool]]) -> None:
        state = dict(self.states[-1])
        touched = {}
        for kind, row, kept in rows:
            key = kind.key(row)
            touched[kind.name, key] = Touched(kind, key, None, row if kept else None)
        for name, one in touched.items():
            if one.after is None:
                state.pop(name, None)
            else:
                state[name] = one.after
        with self.register.transaction():
            made = self.register.add_change(self.now_s, "rosa", "set", "", touched.values())
        assert (made.id, made.rows) == (len(self.states), len(touched))
        self.states.append(state)
        self.touched.append({name: one.after for name, one in touched.items()})
        self.moments.append(self.now_s)

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def undo(self) -> None:
        [last] = self.register.changes(1)
        with self.register.transaction():
            made = self.register.take_back(last, self.now_s, "rosa")
        assert made.rows == last.rows
        before = self.states[-2]
        self.touched.append({name: before.get(name) for name in self.touched[-1]})
        self.states.append(before)
        self.moments.append(self.now_s)

    @rule(by_s=st.integers(-100, 1000))
    def time_passes(self, by_s: int) -> None:
        self.now_s += by_s

    @rule()
    def broken_off(self) -> None:
        """A change that fails half-way is none."""
        touched = Touched(tables.TEACHERS, ("x@x",), None, ("x@x", "X", ""))
        with pytest.raises(ZeroDivisionError), self.register.transaction():
            self.register.add_change(self.now_s, "rosa", "import", "", [touched])
            raise ZeroDivisionError

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.open()

    @rule(data=st.data())
    def as_of(self, data: st.DataObject) -> None:
        at_s = data.draw(st.sampled_from([START_S - 1, *self.moments, self.now_s]))
        seen = [i for i, moment in enumerate(self.moments) if moment <= at_s]
        # A change by a clock that was set back counts from its own time.
        state: dict[tuple[str, Key], Row | None] = {}
        for i in seen:
            state |= self.touched[i]
        assert self.read(at_s) == {name: row for name, row in state.items() if row is not None}
        assert self.register.version(at_s) == (len(seen), max((i + 1 for i in seen), default=0))

    def read(self, at_s: int | None = None) -> State:
        return {
            (kind.name, kind.key(row)): row
            for kind in KINDS.values()
            for row in self.register.rows(kind, None, at_s)
        }

    @invariant()
    def holds_what_was_recorded(self) -> None:
        if not hasattr(self, "states"):
            return
        assert self.read() == self.states[-1]
        for school in ("Lincoln", "Roosevelt"):
            rows = self.register.rows(tables.DEVICES, school)
            assert all(row[0] == school for row in rows)
        [*last] = self.register.changes(1)
        for change in last:
            for kind, key, before, after in self.register.touched(change.id):
                assert before == self.states[-2].get((kind.name, key))
                assert after == self.states[-1].get((kind.name, key))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


TestRegister = Register.TestCase
TestRegister.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)


# The whole way of a command, and what the rules are given of it.


class Desk:
    """Records rows on a real file, as a command does."""

    def __init__(self, folder: Path, *schools: School) -> None:
        self.store = SqliteStore(folder / "homeslot.db")
        self.register = SqliteRegister(self.store)
        self.schools = schools
        self.now_s = START_S

    def record(self, kind: str, **texts: str) -> Plan:
        plan = Plan()
        drafts = given(KINDS[kind], kind, texts, Carts(self.schools), plan)
        with self.register.transaction():
            complete(plan, drafts, self.register, self.schools)
            keep(plan, self.register, self.now_s, "rosa", "set", "")
        return plan


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path, SCHOOL)
    yield desk
    desk.store.close()


def test_n8_the_view_says_since_when_a_device_is_in_its_state(desk):
    desk.record("devices", number="7-1", tag="A-1")
    desk.now_s += 100
    desk.record("devices", number="7-1", state="in repair")
    desk.now_s += 100
    desk.record("devices", number="7-1", tag="A-2")
    record = View(desk.register, [SCHOOL]).carts(SCHOOL, desk.now_s)[7].slots[1]
    assert record.device is not None
    assert (record.device.tag, record.state_since_s) == ("A-2", START_S + 100)


def test_c8_a_moment_is_judged_by_what_was_recorded_then(desk):
    view = View(desk.register, [SCHOOL])
    assert view.carts(SCHOOL, START_S + 1000) == {}
    desk.now_s = START_S + 500
    desk.record("devices", number="7-1", state="lost")
    assert view.carts(SCHOOL, START_S + 499) == {}
    assert view.carts(SCHOOL, START_S + 500)[7].slots[1].device.state == "lost"
    desk.now_s = START_S + 600
    with desk.register.transaction():
        desk.register.take_back(desk.register.changes(1)[0], desk.now_s, "rosa")
    assert view.carts(SCHOOL, START_S + 599)[7].slots[1].device.state == "lost"
    assert view.carts(SCHOOL, START_S + 600)[7].slots == {}


def test_c5_n3_the_view_joins_teachers_of_both_the_table_and_the_carts(desk):
    desk.record("teachers", email="Lee@x.org", name="Ann Lee", allotment="3")
    desk.record("teachers", email=TEACHER.email.upper(), name="Ms Rivera", allotment="20")
    desk.record("slots", number="7-2", teacher="Ann Lee <LEE@X.org>")
    desk.record("slots", number="7-3", teacher=TEACHER.email)
    desk.record("substitutes", teacher="lee@x.org", date="2026-11-17")
    cart = View(desk.register, [SCHOOL]).carts(SCHOOL, START_S)[7]
    assert cart.teacher == Teacher(CART.teacher, 20)
    assert cart.slots[2].teacher is not None
    assert (cart.slots[2].teacher.person.name, cart.slots[2].teacher.allotment) == ("Ann Lee", 3)
    assert [day.email for day in cart.substitutes] == ["lee@x.org"]


def test_what_the_view_keeps_ends_with_the_next_change(desk):
    view = View(desk.register, [SCHOOL])
    desk.record("devices", number="7-1", tag="A")
    first = view.carts(SCHOOL, START_S)
    assert view.carts(SCHOOL, START_S + 9) is first
    desk.record("devices", number="7-1", tag="B")
    assert view.carts(SCHOOL, START_S)[7].slots[1].device.tag == "B"


def test_n17_a_row_kept_before_its_table_had_a_column_has_the_default(desk):
    older = replace(tables.DEVICES, columns=tables.DEVICES.columns[:-1])
    key = ("Lincoln Elementary", "7", "1")
    with desk.register.transaction():
        touched = Touched(older, key, None, (*key, "A-1", "tablet"))
        desk.register.add_change(START_S, "rosa", "set", "", [touched])
    row = (*key, "A-1", "tablet", "in service")
    assert desk.register.rows(tables.DEVICES) == [row]
    assert desk.register.history(tables.DEVICES, key)[0].row == row
    assert [one.after for one in desk.register.touched(1)] == [row]


def test_c5_a_cart_of_a_school_that_the_hub_does_not_know_is_still_judged(desk):
    desk.record("devices", number="7-1", tag="A")
    cart = View(desk.register, []).carts(SCHOOL, START_S)[7]
    assert cart.teacher == Teacher(CART.teacher)


OTHER = replace(SCHOOL, name="Kennedy")
_CHANGES = st.tuples(
    st.sampled_from((SCHOOL.name, OTHER.name, "")), st.sampled_from("ABC"), st.integers(-3, 3)
)
_ASKED = st.integers(-3, 12)


@settings(max_examples=40)
@drawn(st.lists(_CHANGES | _ASKED, max_size=14))
def test_a_view_that_goes_on_sees_what_a_new_one_sees(steps):
    """Whatever is recorded, of one school or of all, by a clock that may be set back."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(SqliteStore(Path(folder) / "x.db")) as store,
    ):
        store.run("PRAGMA synchronous = OFF")
        register, now_s = SqliteRegister(store), START_S
        schools = (SCHOOL, OTHER)
        view = View(register, schools)
        for step in steps:
            if isinstance(step, int):
                for school in schools:
                    seen = view.carts(school, START_S + step)
                    assert seen == View(register, schools).carts(school, START_S + step)
                continue
            name, tag, later_s = step
            now_s += later_s
            row = (name, "7", "1", tag, "", "in service")
            kind, row = (tables.DEVICES, row) if name else (tables.TEACHERS, ("a@x.org", tag, "3"))
            with register.transaction():
                touched = [Touched(kind, kind.key(row), None, row)]
                register.add_change(now_s, "rosa", "set", "", touched)


def test_n14_a_change_at_one_school_leaves_what_is_kept_of_the_others(desk):
    view = View(desk.register, [SCHOOL, OTHER])
    desk.record("devices", number="7-1", tag="A")
    kept = view.carts(OTHER, START_S)
    desk.now_s = START_S + 1
    desk.record("devices", number="7-1", tag="B")
    for at_s, tag in ((START_S + 1, "B"), (START_S, "A"), (START_S + 2, "B")):
        assert view.carts(SCHOOL, at_s)[7].slots[1].device.tag == tag
        assert view.carts(OTHER, at_s) is kept
    desk.record("substitutes", teacher=TEACHER.email, date="2026-11-17")
    assert view.carts(OTHER, START_S + 2) is not kept
