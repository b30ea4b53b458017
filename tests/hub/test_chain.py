"""The hash chain: what is edited, deleted or put in behind the hub's back shows (N16)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from homeslot_hub.adapters.store_schema import NAMES, migrations
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.chain import SEAL_RECORDS, parse_head, verify
from homeslot_hub.service.ports import Event, Record, Snapshot

START_S = 1794924000
RECORDS = 3 * SEAL_RECORDS + 10
EVENT = Event("cart-7", 1, 1000001, 60000, START_S, "slot", 12, "empty", "charging", 0)
SNAPSHOT = Snapshot("cart-8", 2, 2000000, 60000, START_S, "idle idle|ok|thrown|closed|on|ok|x")


def filled(path, count=RECORDS, group=7):
    """A store with `count` records in commits of `group`: of two carts, of all three tables."""
    store = SqliteStore(path)
    store._connection.execute("PRAGMA synchronous = OFF")  # this is not about power cuts
    for first in range(0, count, group):
        with store.transaction():
            for n in range(first, min(first + group, count)):
                if n % 50 == 49:
                    store.set_clock("cart-7", n, 5000, START_S)
                elif n % 10 == 9:
                    store.add_snapshot(SNAPSHOT._replace(up_ms=n, at_s=START_S + n))
                else:
                    store.add_event(EVENT._replace(seq=1000001 + n, at_s=START_S + n))
    return store


def verified(store, noted=None):
    with store.frozen():
        return verify(store.records(), store.seals(), noted)


@pytest.fixture
def store(tmp_path):
    with closing(filled(tmp_path / "homeslot.db")) as store:
        yield store


def behind(store, sql, *values):
    """Somebody with access to the file does something to it."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        assert other.execute(sql, values).rowcount > 0


def test_n16_an_untouched_history_is_whole(store):
    found = verified(store)
    assert (found.records, found.seals, found.whole) == (RECORDS, 4, True)
    assert found.head == store.head()
    assert found.head.records == RECORDS


def test_anybody_can_compute_the_chain_from_what_the_documents_say(store):
    digest = bytes(32)
    for record in store.records():
        text = json.dumps([record.table, *record.row], separators=(",", ":"))
        digest = hashlib.sha256(digest + text.encode()).digest()
    assert digest == store.head().digest


def test_the_same_history_has_the_same_head_however_it_was_grouped(tmp_path, store):
    with closing(filled(tmp_path / "other.db", group=RECORDS)) as other:
        assert (other.head(), other.seals()) == (store.head(), store.seals())


@pytest.mark.parametrize(
    ("sql", "stretch", "carts"),
    [
        ("UPDATE event SET value = 'idle' WHERE record = 71", (65, 128), ("cart-7", "cart-8")),
        ("UPDATE event SET at_s = at_s - 3600 WHERE record = 3", (1, 64), ("cart-7", "cart-8")),
        ("UPDATE event SET cart = 'cart-9' WHERE record = 201", (193, 202), None),
        ("UPDATE event SET current_ma = NULL WHERE record = 66", (65, 128), None),
        ("UPDATE snapshot SET words = 'x' WHERE record = 130", (129, 192), None),
        ("UPDATE clock SET offset_s = offset_s + 60 WHERE record = 100", (65, 128), None),
        ("UPDATE seal SET digest = zeroblob(32) WHERE record = 202", (193, 202), None),
    ],
)
def test_n16_an_edit_shows_between_two_seals(store, sql, stretch, carts):
    behind(store, sql)
    [found] = verified(store).breaks
    assert ((found.first, found.last), found.kinds) == (stretch, ("changed",))
    if carts is not None:
        assert found.carts == carts
    assert START_S - 3600 <= found.from_s < found.to_s <= START_S + RECORDS


@pytest.mark.parametrize(
    ("table", "gone"),
    [("event", ((88, 89), (91, 99))), ("snapshot", ((90, 90),)), ("clock", ((100, 100),))],
)
def test_n16_a_deletion_shows_with_the_numbers_that_are_missing(store, table, gone):
    behind(store, f"DELETE FROM {table} WHERE record BETWEEN 88 AND 100")
    [found] = verified(store).breaks
    assert (found.first, found.last, found.kinds) == (65, 128, ("missing",))
    assert found.missing == gone


def test_n16_a_deleted_end_shows_as_long_as_its_seal_stands(store):
    behind(store, "DELETE FROM event WHERE record > 200")
    [found] = verified(store).breaks
    assert (found.kinds, found.missing) == (("missing",), ((201, 202),))


@pytest.mark.parametrize("number", [0, 70, RECORDS + 1, -5])
def test_n16_an_insertion_shows_whatever_number_it_is_given(store, number):
    row = EVENT._replace(seq=999)
    behind(store, "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)", *row, number)
    [found] = verified(store).breaks
    assert (found.kinds, found.added) == (("added",), (number,))
    assert "cart-7" in found.carts


def test_n16_a_seal_that_promises_too_much_is_found_at_once(store):
    behind(store, "INSERT INTO seal VALUES (?, zeroblob(32))", 1 << 60)
    [found] = verified(store).breaks
    assert found.missing == ((RECORDS + 1, 1 << 60),)


def test_n16_who_computes_the_whole_chain_anew_is_found_out_by_a_head_noted_elsewhere(
    tmp_path, store
):
    noted = [parse_head(store.head().short)]
    with store.transaction():
        store.add_event(EVENT._replace(seq=5))
    noted.append(parse_head(str(store.head())))
    assert all(verified(store, head).whole for head in noted), "noted between two seals too"
    with closing(filled(tmp_path / "forged.db", RECORDS + 1)) as forged:
        assert verified(forged).whole
        assert verified(forged, noted[0]).whole, "the same up to there"
        [found] = verified(forged, noted[1]).breaks
        assert (found.kinds, found.first) == (("head",), RECORDS + 1)
    with closing(filled(tmp_path / "cut.db", RECORDS - 40)) as cut:
        assert verified(cut).whole
        assert [found.kinds for found in verified(cut, noted[0]).breaks] == [("head",)]


@pytest.mark.parametrize("text", ["", "12", "12:", "12:abc", ":" + "0" * 64, "x:" + "0" * 64])
def test_what_is_no_head_is_none(text):
    assert parse_head(text) is None


def test_several_breaks_are_all_found_and_each_once(store):
    behind(store, "UPDATE event SET value = 'idle' WHERE record = 3")
    behind(store, "DELETE FROM event WHERE record = 131")
    kinds = [found.kinds for found in verified(store).breaks]
    assert kinds == [("changed",), ("missing",)]


def test_a_group_taken_back_leaves_the_chain_as_it_was(store):
    before = store.head(), store.seals()
    with pytest.raises(ZeroDivisionError), store.transaction():
        for n in range(100):
            store.add_event(EVENT._replace(seq=n))
        assert store.head().records == RECORDS + 100
        raise ZeroDivisionError
    assert (store.head(), store.seals()) == before
    assert verified(store).whole


def test_the_chain_is_walked_as_of_one_moment_beside_a_writer(store):
    with closing(SqliteStore(store.path)) as writer, store.frozen():
        records = store.records()
        next(records)
        for n in range(5):
            writer.add_event(EVENT._replace(seq=n))
        assert len(list(records)) == RECORDS - 1
        assert verify(store.records(), store.seals()).whole
    assert store.head().records == RECORDS + 5


def test_what_is_known_already_adds_nothing_to_the_chain(store):
    before = store.head()
    assert not store.add_event(EVENT._replace(value="full"))
    assert store.head() == before


def test_a_database_from_before_the_chain_gets_one_over_all_that_is_in_it(tmp_path):
    path = tmp_path / "homeslot.db"
    with closing(Database(path)) as db:
        migrations.apply(db, stop_before=NAMES[1])
        db.execute("BEGIN")
        for n in range(150):
            row = EVENT._replace(seq=n, at_s=None if n < 3 else START_S)
            db.execute("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        db.execute("INSERT INTO snapshot VALUES (?,?,?,?,?,?)", SNAPSHOT)
        db.execute("INSERT INTO clock VALUES ('cart-7', 1, 60000, ?)", (START_S - 60,))
        db.conn.commit()
    with closing(SqliteStore(path)) as store:
        found = verified(store)
        assert (found.records, found.whole, found.head.records) == (152, True, 152)
        assert store.clocks("cart-7") == {1: (60000, START_S - 60)}
        seen = list(store.observations("cart-7", (0, -1, 0, -1), None))
        assert len(seen) == 150
        assert {one.at_s for one in seen} == {START_S}, "placed by the clock that was there"
        with store.transaction():
            store.add_event(EVENT)
        assert verified(store).whole
        behind(store, "UPDATE event SET value = 'x' WHERE seq = 100")
        assert not verified(store).whole


VALUES = st.one_of(st.none(), st.integers(-2, 1 << 40), st.text("abcxyz-0", max_size=8))


@given(st.data())
def test_n16_no_single_cell_can_be_changed_unseen(chain, data):
    records, seals = chain
    i = data.draw(st.integers(0, len(records) - 1))
    number, table, row = records[i]
    cell = data.draw(st.integers(-1, len(row) - 1))
    if cell < 0:
        changed = Record(data.draw(st.integers(-2, RECORDS + 2)), table, row)
    else:
        changed = Record(number, table, (*row[:cell], data.draw(VALUES), *row[cell + 1 :]))
    others = [*records[:i], *records[i + 1 :]]
    found = verify(sorted([*others, changed], key=lambda record: record.number), seals)
    assert found.whole == (changed == records[i])


@settings(max_examples=40)
@given(st.sets(st.integers(1, RECORDS), max_size=20))
def test_n16_every_deletion_is_found_and_counted(chain, gone):
    records, seals = chain
    found = verify([record for record in records if record.number not in gone], seals)
    missing = [n for one in found.breaks for a, b in one.missing for n in range(a, b + 1)]
    assert missing == sorted(gone)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    with closing(filled(tmp_path_factory.mktemp("chain") / "homeslot.db")) as store:
        return list(store.records()), store.seals()
