"""N16: the history of one cart or device: what, measured when, and which message says so."""

from __future__ import annotations

import csv
from contextlib import closing

import pytest

from homeslot_hub.adapters.sheets import Sheet, write_csv
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.history import between, evidence, lines

from .reports import CART, START_S, Reporter


@pytest.fixture
def cart():
    return Reporter()


def told(installed_or_store, slot=None, whose=CART.controller):
    return list(lines(installed_or_store, whose, slot))


def said(found):
    return [(line.thing, line.was, line.value, line.told.at_s) for line in found]


def test_n16_each_event_is_a_line_with_what_was_before(start, clock, cart):
    hub, store = start(clock)
    first = cart.state()
    cart.now_s += 60
    out = cart.event("slot", 2, "empty")
    cart.now_s += 60
    hub.take([first, out, cart.event("slot", 2, "idle"), cart.event("slot", 3, "empty")])
    assert said(told(store, 2)) == [
        ("slot 2", "", "idle", START_S),
        ("slot 2", "idle", "empty", START_S + 60),
        ("slot 2", "empty", "idle", START_S + 120),
    ]
    last = told(store, 2)[-1]
    assert evidence(last.told) == "event 1000002 of boot 1, record 4", (
        "after a reading of the clock"
    )


def test_n16_a_change_whose_event_was_lost_is_told_by_the_next_snapshot(start, clock, cart):
    hub, store = start(clock)
    hub.take([cart.state()])
    cart.now_s += 60
    cart.event("slot", 2, "empty")  # never arrives
    cart.event("bolt", 0, "open")
    hub.take([cart.state()])
    changed = told(store)[-2:]
    assert said(changed) == [
        ("slot 2", "idle", "empty", START_S + 60),
        ("bolt", "thrown", "open", START_S + 60),
    ]
    assert evidence(changed[0].told).startswith("snapshot after 1000002 of boot 1")


def test_n16_a_late_event_stands_in_its_own_place(start, clock, cart):
    hub, store = start(clock)
    hub.take([cart.state()])
    cart.now_s += 60
    late = cart.event("slot", 2, "empty")
    cart.now_s += 60
    hub.take([cart.event("slot", 2, "idle")])
    hub.take([late])
    assert [line.value for line in told(store, 2)] == ["idle", "empty", "idle"]
    assert [line.told.record for line in told(store, 2)] == [2, 4, 3], "when it came is kept too"


def test_n16_what_was_said_without_the_time_is_told_by_the_uptime(start, clock, cart):
    cart.knows_time = False
    hub, store = start(clock)
    hub.take([cart.event("slot", 1, "empty")])
    found = told(store, 1)
    assert said(found) == [("slot 1", "idle", "empty", None)]
    assert list(between(found, None, None)) == found
    assert list(between(found, 0, None)) == []


def test_the_command_shows_a_device_a_cart_and_a_time(installed, cart):
    first = cart.state()
    cart.now_s += 3600
    out = cart.event("slot", 2, "empty")
    installed.take(cart.now_s, first, out, cart.event("bolt", 0, "open"))
    text = installed.ok("history", "7-2")
    assert "7-2, 2 lines; times are those of America/New_York" in text
    assert text.splitlines()[-2].split() == [
        *("2026-11-17", "10:00:00", "slot", "2", "empty", "idle"),
        *("event", "1000001", "of", "boot", "1,", "record", "3"),
    ]
    assert "bolt" not in text
    assert "bolt" in installed.ok("history", "7")
    assert installed.ok("history", "cart-7") == installed.ok("history", "7").replace(
        "7,", "cart-7,", 1
    )
    since = installed.ok("history", "7", "--from", "2026-11-17T09:30")
    assert "2 lines" in since
    assert "Nothing is known of 8 then." in installed.ok("history", "8", "--until", "2026-11-17")


def test_the_history_of_a_cart_that_was_removed_stays(installed, cart):
    installed.take(START_S, cart.state())
    text = installed.config.read_text().replace('"cart-7"', '"cart-9"')
    installed.config.write_text(text)
    assert "slot 1" in installed.ok("history", "cart-7")


@pytest.mark.parametrize(
    ("whose", "message"),
    [
        ("9", "there is no cart 9: allowed 7, 8"),
        ("7-5", "7-5: cart 7 has slots 1 to 4"),
        ("7-0", "7-0: cart 7 has slots 1 to 4"),
        ("Room 12", "Room 12 is neither cart nor device: allowed 7, 7-12 or cart-7"),
    ],
)
def test_what_is_no_cart_is_refused_with_what_is_allowed(installed, whose, message):
    status, _, err = installed.run("history", whose)
    assert (status, err) == (2, f"homeslot: {message}\n")


def test_two_schools_with_the_same_number_have_to_be_told_apart(installed):
    again = installed.config.read_text().replace("cart-", "other-").replace("Lincoln", "Kennedy")
    installed.config.write_text(installed.config.read_text() + again)
    status, _, err = installed.run("history", "7-1")
    assert (status, err) == (
        2,
        "homeslot: there is a cart 7 in Lincoln and Kennedy: say which by --school\n",
    )
    assert "Nothing is known" in installed.ok("history", "7-1", "--school", "Kennedy")


def test_as_csv_it_has_the_offset_of_the_clock_and_where_the_message_stands(installed, cart):
    installed.take(START_S, cart.state())
    file = installed.folder / "7.csv"
    assert installed.ok("history", "7-3", "--csv", str(file)) == f"Wrote 1 line to {file}.\n"
    with file.open(newline="", encoding="utf-8-sig") as rows:
        [row] = csv.DictReader(rows)
    assert row["measured"] == "2026-11-17T09:00:00-05:00"
    assert (row["what"], row["became"], row["boot"], row["record"]) == ("slot 3", "idle", "1", "2")


def test_no_cell_of_a_csv_is_a_formula(tmp_path):
    cells = ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "a=b", -1, "")
    write_csv(tmp_path / "x.csv", Sheet("X", tuple("abcdefghi"), [cells]))
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8-sig") as rows:
        _, row = csv.reader(rows)
    assert row == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a=b", "-1", ""]


@pytest.mark.parametrize("question", [("told", 12), ("told", None), ("told_at", {1, 2})])
def test_history_is_found_by_the_primary_keys_and_not_sorted_anew(tmp_path, question):
    with closing(SqliteStore(tmp_path / "homeslot.db")) as store:
        asked = []
        store._connection.set_trace_callback(asked.append)
        getattr(store, question[0])("cart-7", question[1])
        store._connection.set_trace_callback(None)
        plan = store._connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    steps = " | ".join(row[-1] for row in plan)
    assert "SEARCH e USING PRIMARY KEY (cart=?" in steps
    assert "SEARCH s USING PRIMARY KEY (cart=?" in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps
    assert "SCAN e" not in steps
    assert "SCAN s" not in steps
