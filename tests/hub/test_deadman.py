"""The dead man's check: when nobody judges, someone hears of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from homeslot_hub.adapters.deliver import Deliverer
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Person
from homeslot_hub.service.deadman import DeadMan, unjudged

from .evening import FOLLOWED, local
from .reports import open_hub

IT = Person("Ivo Tran", "tran@lincoln.example")
SCHOOLS = (replace(FOLLOWED, it=IT),)


@pytest.fixture
def store(tmp_path):
    with closing(SqliteStore(tmp_path / "homeslot.db")) as store:
        store.opened_s(FOLLOWED.name, local(9))
        yield store


def looked(dead_man, *times_s):
    return [notice for at_s in times_s for notice in dead_man.look(SCHOOLS, at_s)]


def test_a_deadline_that_nobody_judged_is_told_to_it_once(store, caplog):
    dead_man = DeadMan(store, local(9))
    assert looked(dead_man, local(17, 16), local(17, 17), local(17, 18), local(19)) == []
    (notice,) = store.notices_to_file()
    assert (notice.email, notice.rule) == (IT.email, "dead man")
    assert "the deadline of Tue 17 Nov has not been judged" in notice.subject
    assert "It was due at 17:02." in notice.text
    (record,) = [r for r in caplog.records if r.name == "homeslot.deadman"]
    assert record.levelname == "ERROR"


def test_after_a_restart_it_is_not_told_again(store):
    looked(DeadMan(store, local(9)), local(17, 17), local(17, 18))
    looked(DeadMan(store, local(17, 19)), local(17, 40), local(17, 41))
    assert len(store.notices_to_file()) == 1


def test_a_deadline_that_is_judged_in_time_or_was_before_the_hub_is_not_told(store, tmp_path):
    store.settle(FOLLOWED.name, "2026-11-17", "C8", local(17), local(17, 2))
    looked(DeadMan(store, local(9)), local(18), local(18, 1))
    looked(DeadMan(store, local(9)), local(9, day=17) - 3600, local(9) - 3500)
    assert store.notices_to_file() == []


def test_a_clock_that_jumps_gives_the_judge_his_turn_first(store):
    dead_man = DeadMan(store, local(9))
    looked(dead_man, local(16, 59), local(18))
    store.settle(FOLLOWED.name, "2026-11-17", "C8", local(17), local(18))
    looked(dead_man, local(18, 1))
    assert store.notices_to_file() == []


def test_a_hub_that_has_just_come_back_is_given_its_time(store):
    looked(DeadMan(store, local(20)), local(20, 1), local(20, 2))
    assert store.notices_to_file() == []


def test_without_anyone_for_it_the_coordinator_is_told(store):
    dead_man = DeadMan(store, local(9))
    for minute in (17, 18):
        dead_man.look((FOLLOWED,), local(17, minute))
    assert store.notices_to_file()[0].email == FOLLOWED.coordinator.email


def test_a_store_that_cannot_be_written_is_passed_by_mail_as_soon_as_that_is_possible(
    store,
    tmp_path,
    postbox,
    mail,
    clock,
):
    dead_man, deliverer = DeadMan(store, local(9)), Deliverer(store, tmp_path, mail, clock, 0.5)
    store.run("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "homeslot.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        sent = []
        for minute in (17, 18, 19):  # no mail server yet
            sent += [n for n in dead_man.look(SCHOOLS, local(17, minute)) if deliverer.mail_now(n)]
        assert sent == []
        with postbox.listening():
            for minute in (20, 21, 22):
                for notice in dead_man.look(SCHOOLS, local(17, minute)):
                    assert deliverer.mail_now(notice)
                    dead_man.mailed(notice)
        holder.execute("ROLLBACK")
    looked(dead_man, local(17, 30), local(17, 31))
    (told,) = postbox.mails
    assert told["To"].addresses[0].addr_spec == IT.email
    assert store.notices_to_file() == []


def test_status_says_which_deadline_is_not_judged(tmp_path, clock):
    clock.now_s = local(9)
    hub, store = open_hub(tmp_path, clock, FOLLOWED)
    with closing(store):
        hub.tick()
        clock.now_s = local(17, 16)
        assert hub.status().unjudged == ()
        clock.now_s = local(17, 17)
        (late,) = hub.status().unjudged
        assert (late.day.isoformat(), late.due_s) == ("2026-11-17", local(17, 2))
        hub.tick()
        assert unjudged(hub.schools, store, local(18)) == ()
