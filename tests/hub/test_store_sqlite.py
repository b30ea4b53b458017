"""The SQLite store: private, durable, and clear about what is wrong with its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from sqlite_utils import Database

from homeslot_hub.adapters.store_schema import NAMES, migrations
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Person
from homeslot_hub.service.ports import Event, Notice, StoreError

EVENT = Event("cart-7", 1, 1000001, 60000, 1794927600, "slot", 1, "empty", "idle", 0)
ALL = ((0, -1, 0, -1), None)
RECIPIENT = Person("Dana Reyes", "reyes@lincoln.example")
NOTICE = Notice(
    "Lincoln", "2026-11-17", "C8", RECIPIENT.name, RECIPIENT.email, "S", "T", "<p>T", 1794927600
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "homeslot.db"


def test_only_its_owner_may_read_the_file(path):
    before = os.umask(0)
    try:
        with closing(SqliteStore(path)) as store, store.transaction():
            store.add_event(EVENT)
            files = list(path.parent.iterdir())
            assert path.with_name("homeslot.db-wal") in files
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_it_is_a_write_ahead_log_synced_at_each_commit(path):
    with closing(SqliteStore(path)) as store:
        pragma = store._connection.execute
        assert pragma("PRAGMA journal_mode").fetchone() == ("wal",)
        assert pragma("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert pragma("PRAGMA foreign_keys").fetchone() == (1,)


def test_what_is_committed_is_there_after_opening_again(path):
    with closing(SqliteStore(path)) as store, store.transaction():
        assert store.add_event(EVENT)
    with closing(SqliteStore(path)) as store:
        assert [seen.value for seen in store.observations("cart-7", *ALL)] == ["empty"]
        assert not store.add_event(EVENT)


def test_a_connection_dropped_before_the_commit_leaves_nothing(path):
    store = SqliteStore(path)
    with pytest.raises(StoreError), store.transaction():
        store.add_event(EVENT)
        store.close()
    with closing(SqliteStore(path)) as store:
        assert list(store.observations("cart-7", *ALL)) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.ports import Event
store = SqliteStore(Path(sys.argv[1]))
with store.transaction():
    store.add_event(Event("cart-7", 1, 1000001, 0, 1794927600, "slot", 1, "empty", "idle", 0))
with store.transaction():
    store.add_event(Event("cart-7", 1, 1000002, 0, 1794927600, "slot", 1, "idle", "empty", 0))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_keeps_what_it_committed_and_nothing_else(path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], env=environment, timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    with closing(SqliteStore(path)) as store:
        assert [seen.value for seen in store.observations("cart-7", *ALL)] == ["empty"]


def test_an_error_inside_a_transaction_takes_all_of_it_back(path):
    with closing(SqliteStore(path)) as store:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.add_event(EVENT)
            store.count({"taken": 1})
            raise ZeroDivisionError
        assert list(store.observations("cart-7", *ALL)) == []
        assert store.counts() == {}
        with store.transaction():
            store.count({"taken": 1})
        assert store.counts() == {"taken": 1}


def test_a_file_that_is_no_database_is_said_to_be_none(path):
    path.write_bytes(b"not a database at all, and long enough to be sure of it" * 40)
    with pytest.raises(StoreError, match=r"homeslot\.db: is not a homeslot database"):
        SqliteStore(path)


def test_a_damaged_file_is_said_to_be_damaged(path):
    with closing(SqliteStore(path)) as store:
        for n in range(500):
            store.add_event(EVENT._replace(seq=n))
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with (
        pytest.raises(StoreError, match="is damaged: restore it"),
        closing(SqliteStore(path)) as store,
    ):
        list(store.observations("cart-7", *ALL))


def test_a_store_of_a_newer_homeslot_is_refused(path):
    with closing(SqliteStore(path)):
        pass
    with closing(Database(path)) as db:
        db["_sqlite_migrations"].insert(
            {"migration_set": "homeslot", "name": "0099_later", "applied_at": "2027"}
        )
    with pytest.raises(StoreError, match=r"written by a newer homeslot \(0099_later\)"):
        SqliteStore(path)


def test_every_migration_is_named(path):
    with closing(Database(path)) as db:
        assert tuple(migration.name for migration in migrations.pending(db)) == NAMES


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened: No such file"):
        SqliteStore(tmp_path / "nowhere" / "homeslot.db")


def test_a_store_held_by_another_program_says_so(path):
    with closing(SqliteStore(path)) as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        store._connection.execute("PRAGMA busy_timeout = 10")
        with pytest.raises(StoreError, match="is held by another program"), store.transaction():
            pass
        other.rollback()


def test_a_full_disk_is_said_and_takes_the_group_back(path):
    with closing(SqliteStore(path)) as store:
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(StoreError, match="the disk is full"), store.transaction():
            for n in range(2000):
                store.add_event(EVENT._replace(seq=n))
        assert list(store.observations("cart-7", *ALL)) == []


def test_a_reader_sees_the_last_commit_beside_a_writer(path):
    with closing(SqliteStore(path)) as writer, closing(SqliteStore(path)) as reader:
        with writer.transaction():
            writer.add_event(EVENT)
            assert list(reader.observations("cart-7", *ALL)) == []
        assert len(list(reader.observations("cart-7", *ALL))) == 1


def test_spans_of_being_heard_join_when_the_gap_between_them_is_filled(path):
    with closing(SqliteStore(path)) as store:
        store.put_spans({("cart-7", 0, 1000): 1200, ("cart-7", 0, 1700): 1800})
        assert [store.heard("cart-7", at_s) for at_s in (999, 1100, 1500, 9000)] == [
            None,
            1100,
            1200,
            1800,
        ]
        store.merge_span("cart-7", 0, 1450, 300)
        assert store.spans("cart-7") == {0: (1000, 1800)}


def test_a_person_gets_a_notice_once(path):
    with closing(SqliteStore(path)) as store, store.transaction():
        assert store.settle("Lincoln", "2026-11-17", "C8", 1794952800, 1794952920)
        assert not store.settle("Lincoln", "2026-11-17", "C8", 1794952800, 1794952999)
        store.add_notice(NOTICE)
        store.add_notice(NOTICE)
        assert len(store.notices_to_file()) == 1
