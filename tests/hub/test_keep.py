"""What is kept for how long (N13, N16): dropped at night, said, and never something false."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from homeslot_hub.adapters.deliver import Deliverer, drop_files
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.bootstrap import open_store
from homeslot_hub.config import BrokerSettings, Settings
from homeslot_hub.model import Keep, Message
from homeslot_hub.rules.keep import DAY_S, POLICIES, cuts_s, last_s
from homeslot_hub.server import Server
from homeslot_hub.service import doctor
from homeslot_hub.service.chain import SEAL_RECORDS, verify
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import Tidied, Tidy
from homeslot_hub.service.ports import Notice

from .reports import SCHOOL, START_S, Clock, Reporter

DAYS = 12
KEEP = Keep(history_days=5, letters_days=7, refused_days=7)
NEWEST = "through = (SELECT max(through) FROM dropped)"
HOURS = range(0, 24, 2)


def lived(hub, clock, reporters, days=DAYS):
    """Days on which each slot goes out and comes back, some of it said by a snapshot alone."""
    for _ in range(days * len(HOURS)):
        clock.now_s += 7200
        for cart in reporters:
            cart.now_s = clock.now_s
            word = ("empty", "charging")[clock.now_s // 7200 % 2]
            hub.take([cart.event("slot", slot, word) for slot in (1, 2, 3, 4)] + [cart.state()])


def opened(start, clock):
    hub, store = start(clock)
    store.run("PRAGMA synchronous = OFF")  # this is not about power cuts
    store.opened_s(SCHOOL.name, START_S)
    return hub, store


@pytest.fixture
def cart(start, clock):
    """Twelve days of one cart."""
    hub, store = opened(start, clock)
    cart = Reporter()
    lived(hub, clock, [cart])
    cart.hub, cart.store = hub, store
    return cart


def tidied(store, clock, keep=KEEP):
    tidy = Tidy(store, SqliteKeep(store), (SCHOOL,), keep, clock)
    steps = [step for step in tidy.run() if step.what]
    return tidy.stuck, sum(step.done for step in steps if step.what == "records")


def whole(store, noted=None):
    with store.frozen():
        return verify(store.records(), store.seals(), noted, anchor=store.anchor())


def count(store, where):
    return store.rows(f"SELECT count(*) FROM {where}")[0][0]


def test_n16_what_is_old_is_dropped_and_the_chain_says_so_and_still_holds(cart, clock):
    before, store = cart.store.head(), cart.store
    stuck, dropped = tidied(store, clock)
    cut_s = cuts_s(KEEP, clock())["history_days"]
    assert stuck == ""
    assert dropped == store.anchor().records > 2 * SEAL_RECORDS
    assert dropped % SEAL_RECORDS == 0
    assert store.kept_since_s() == cut_s
    assert count(store, f"event WHERE record <= {dropped}") == 0
    found = whole(store, (before.records, before.digest.hex()))
    assert (found.whole, found.noted_past) == (True, False), "a head noted before still fits"
    assert found.anchor == store.anchor()
    rows = store.rows("SELECT through, digest, before_s, at_s FROM dropped ORDER BY through")
    assert rows[-1][:2] == (dropped, store.anchor().digest.hex())
    assert all(before_s <= cut_s and at_s == clock() for _, _, before_s, at_s in rows)
    assert tidied(store, clock) == ("", 0), "a second time there is nothing to do"


def test_n16_of_a_head_noted_before_what_is_kept_nothing_is_said(cart, clock):
    noted = (10, "0" * 16)
    assert not whole(cart.store, noted).whole
    tidied(cart.store, clock)
    found = whole(cart.store, noted)
    assert (found.whole, found.noted_past) == (True, True)


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE dropped SET digest = '00' || substr(digest, 3) WHERE {NEWEST}",
        f"UPDATE dropped SET before_s = before_s - 86400 WHERE {NEWEST}",
        "UPDATE event SET value = 'unknown' WHERE record = (SELECT min(record) + 5 FROM event)",
        "INSERT INTO event SELECT cart, 99, 99000001, up_ms, at_s, kind, idx, value, was,"
        " current_ma, 7 FROM event LIMIT 1",
        "DELETE FROM event WHERE record = (SELECT max(record) FROM event)",
    ],
)
def test_n16_edits_show_after_dropping_as_before(cart, clock, sql):
    tidied(cart.store, clock)
    assert whole(cart.store).whole
    with closing(sqlite3.connect(cart.store.path, isolation_level=None)) as other:
        assert other.execute(sql).rowcount == 1
    assert not whole(cart.store).whole


def test_n16_what_was_edited_is_evidence_and_is_not_dropped(cart, clock):
    with closing(sqlite3.connect(cart.store.path, isolation_level=None)) as other:
        other.execute("UPDATE event SET value = 'unknown' WHERE record = 100")
    stuck, dropped = tidied(cart.store, clock)
    assert dropped == SEAL_RECORDS
    assert "records 65 to 128 do not fit their seal" in stuck
    [broken] = whole(cart.store).breaks
    assert (broken.first, broken.last) == (65, 128)
    check = doctor.tidied(SqliteKeep(cart.store).tidied(), 5, clock(), SCHOOL.zone)
    assert (check.level, check.said) == ("bad", stuck)


def test_a_clock_reading_of_a_boot_that_goes_on_is_put_into_the_chain_anew(cart, clock):
    tidied(cart.store, clock)
    [[record]] = cart.store.rows("SELECT record FROM clock")
    assert record > cart.store.anchor().records
    assert cart.store.clocks("cart-7") == {
        1: (cart.store.rows("SELECT up_ms FROM clock")[0][0], START_S)
    }


def test_what_comes_later_than_it_is_kept_is_passed_over_and_counted(cart, clock):
    late = Reporter()
    late.now_s += 7200
    tidied(cart.store, clock)
    before = cart.hub.facts("cart-7", clock()), cart.store.head()
    cart.hub.take([late.event("slot", 1, "empty"), late.event("slot", 2, "empty"), late.state()])
    assert (cart.hub.facts("cart-7", clock()), cart.store.head()) == before
    assert cart.store.counts()["past"] == 3


def test_a_cart_that_is_gone_leaves_room_and_how_it_was_last_known(start, clock):
    hub, store = opened(start, clock)
    gone = Reporter()
    lived(hub, clock, [gone], days=3)
    clock.now_s += 30 * DAY_S
    before = hub.facts("cart-7", clock())
    stuck, dropped = tidied(store, clock)
    assert (stuck, count(store, "event")) == ("", count(store, f"event WHERE record > {dropped}"))
    assert count(store, "event") < SEAL_RECORDS
    assert hub.facts("cart-7", clock()) == before
    again, _ = start(clock)
    assert again.facts("cart-7", clock()) == before


def test_what_is_to_be_kept_for_ever_is(cart, clock):
    records = cart.store.head()
    assert tidied(cart.store, clock, Keep(0, 0, 0)) == ("", 0)
    assert cart.store.head() == records
    assert cart.store.kept_since_s() == 0


def test_letters_that_are_done_with_are_emptied_and_those_that_wait_are_not(
    cart, clock, tmp_path, postbox, mail
):
    store = cart.store
    for day, rule in enumerate(("C8", "nudge", "late")):
        name = f"2026-11-{17 + day}"
        store.settle(SCHOOL.name, name, rule, START_S, START_S)
        store.add_notice(
            Notice(SCHOOL.name, name, rule, "A", "a@x.example", "S", "text", "<p>", START_S)
        )
    early = Clock(START_S)
    deliverer = Deliverer(store, tmp_path, mail, early)
    postbox.answers["a@x.example"] = "451 later"
    with postbox.listening():
        deliverer.deliver_due()
        del postbox.answers["a@x.example"]
        early.now_s += 60
        store.run("UPDATE notice SET next_s = ? WHERE rule = 'late'", (clock() + 60,))
        deliverer.deliver_due()
    assert len(postbox.mails) == 2
    tidied(store, clock)
    rows = store.rows("SELECT rule, text, html, mail FROM notice ORDER BY id")
    assert rows == [
        ("C8", "text", "", "sent"),
        ("nudge", "", "", "sent"),
        ("late", "text", "<p>", "pending"),
    ]
    assert drop_files(tmp_path, date(2026, 11, 19)) == 4
    assert len(list((tmp_path / "digests").glob("*.txt"))) == 3


def test_refused_messages_and_unknown_controllers_go_by_when_they_came(cart, clock):
    hub, store = cart.hub, cart.store
    for topic in ("homeslot/1/cart-7/state", "homeslot/1/cart-99/state"):
        hub.take([Message(topic, b"{", False, clock())])
    assert (len(store.refused()), len(store.strangers())) == (1, 1)
    tidied(store, clock)
    assert (len(store.refused()), len(store.strangers())) == (1, 1)
    clock.now_s += 9 * DAY_S
    tidied(store, clock)
    assert (store.refused(), store.strangers()) == ([], [])


def test_the_file_stays_level_and_gives_room_back(start, clock):
    """Day after day as much goes as comes; and when far more is dropped, the file shrinks."""
    hub, store = opened(start, clock)
    cart, sizes = Reporter(), []
    for _ in range(8):
        lived(hub, clock, [cart], days=5)
        tidied(store, clock)
        store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(store.path.stat().st_size)
    assert max(sizes[3:]) <= 1.1 * min(sizes[3:])
    for n in range(600):
        name = str(n)
        store.settle("S", name, "C8", START_S, START_S)
        store.add_notice(Notice("S", name, "C8", "A", "a@x", "S", "", "x" * 20_000, START_S))
    store.run("UPDATE notice SET mail = 'none', filed_s = 1")
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    large = store.path.stat().st_size
    tidied(store, clock)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert large - store.path.stat().st_size > 0.6 * 600 * 20_000


def test_no_transaction_of_tidying_is_long(cart, clock):
    """Each step leaves room for a writer: it can begin between any two of them."""
    with closing(SqliteStore(cart.store.path)) as other:
        for _ in Tidy(other, SqliteKeep(other), (SCHOOL,), KEEP, clock).run():
            with cart.store.transaction():
                cart.store.count({"between": 1})
    assert cart.store.counts()["between"] > 10


# When, and what it is documented to be


def test_each_night_it_is_due_once_by_the_wall_of_the_school():
    zone = ZoneInfo("America/Chicago")
    at_s = int(datetime(2026, 11, 17, 2, 30, tzinfo=zone).timestamp())
    assert last_s(time(2, 30), zone, at_s) == at_s
    assert last_s(time(2, 30), zone, at_s + 86399) == at_s
    before = last_s(time(2, 30), zone, at_s - 1)
    assert datetime.fromtimestamp(before, zone) == datetime(2026, 11, 16, 2, 30, tzinfo=zone)


def test_every_key_of_the_policy_has_a_cut_and_the_other_way_round():
    assert {policy.key for policy in POLICIES} - {""} == set(cuts_s(Keep(), START_S))
    assert cuts_s(Keep(0, 1, 0), START_S) == {
        "history_days": 0,
        "letters_days": START_S // DAY_S * DAY_S - DAY_S,
        "refused_days": 0,
    }


def test_a_running_hub_tidies_by_itself(tmp_path, cart):
    path = cart.store.path
    settings = Settings(path.parent, (SCHOOL,), BrokerSettings(port=0), keep=KEEP)
    clock = Clock(START_S + DAYS * DAY_S + 60)
    with Server(settings, clock) as server:
        while not SqliteKeep(cart.store).tidied().at_s:
            server.wait(0.05)
    assert cart.store.kept_since_s() == cuts_s(KEEP, clock())["history_days"]
    assert whole(cart.store).whole


# What is said of a time that is no longer kept

YEARS_AGO_S = START_S - 3 * 364 * DAY_S  # Tuesday 21 November 2023, 09:00


@pytest.fixture
def old(installed):
    """An installation with two carts, three years ago and now; what is old was dropped."""
    clock = Clock(YEARS_AGO_S)
    carts = [Reporter(name, now_s=YEARS_AGO_S) for name in ("cart-7", "cart-8")]
    with closing(open_store(installed.settings)) as store:
        store.opened_s("Lincoln", YEARS_AGO_S)
        hub = Hub(installed.settings.schools, store, clock)
        lived(hub, clock, carts, days=4)
        now_s = int(datetime.now(UTC).timestamp())
        clock.now_s = now_s - DAY_S
        lived(hub, clock, carts, days=1)
    return installed


def test_n13_tidy_says_what_it_would_drop_and_asks_before_it_does(old):
    said = old.ok("tidy", "--dry-run")
    assert said.startswith("386 records from before 202")
    assert "0 unknown controllers from before" in said
    assert "Nothing was dropped" in said
    with closing(open_store(old.settings)) as store:
        before = store.head()
        assert store.kept_since_s() == 0
    status, out, _ = old.run("tidy")
    assert (status, "Drop them?" in out) == (1, True), "without a yes nothing is dropped"
    out = old.ok("tidy", "--yes")
    assert "Dropped: 384 records." in out
    out = old.ok("verify", "--head", before.short)
    assert "Records 1 to 384 are no longer kept: measured before" in out
    assert "chain whole, and holds the noted head of record" in out
    assert "nothing can be said" in old.ok("verify", "--head", "10:" + "0" * 16)
    assert "ok    tidying: the history of the last 400 days is kept" in old.run("doctor")[1]


@pytest.mark.parametrize(
    "command",
    [
        ("census", "--at", "2023-11-22T17:00"),
        ("check", "--at", "2023-11-22T17:00"),
        ("digest", "--date", "2023-11-22"),
    ],
)
def test_n9_a_time_that_is_no_longer_kept_is_said_to_be_so(old, command):
    old.ok(*command)
    old.ok("tidy", "--yes")
    status, out, err = old.run(*command)
    assert (status, out) == (1, "")
    assert "Wed 22 Nov 2023 17:00: no longer kept. The history begins " in err


def test_n2_a_week_that_is_no_longer_kept_is_said_to_be_so(old):
    assert "2023-11-22" in old.ok("week", "--date", "2023-11-22")
    old.ok("tidy", "--yes")
    out = old.ok("week", "--date", "2023-11-22")
    assert out.startswith("No longer kept: 2023-11-21, 2023-11-22, 2023-11-23 and 2023-11-24.")


def test_n16_the_history_says_where_it_begins(old):
    file = old.folder / "history.csv"
    old.ok("tidy", "--yes")
    status, _, err = old.run("history", "7", "--csv", str(file))
    assert status == 0
    assert err.startswith("No longer kept is what was before ")
    assert "2023-" not in file.read_text("utf-8-sig")
    assert ",empty,charging," in file.read_text("utf-8-sig")


def test_n6_usage_of_days_that_are_no_longer_kept_is_the_same_as_before(old):
    period = ("--from", "2023-11-20", "--until", "2023-11-24")
    before = old.ok("usage", *period)
    assert "8 of 7" not in before
    assert "Tue 2023-11-21" in before or "Wed 2023-11-22" in before
    old.ok("tidy", "--yes")
    assert old.ok("usage", *period) == before


def test_n13_doctor_says_when_nothing_was_tidied_for_days():
    last = Tidied(START_S, "")
    assert doctor.tidied(last, 400, START_S + DAY_S, SCHOOL.zone).level == "ok"
    check = doctor.tidied(last, 400, START_S + 4 * DAY_S, SCHOOL.zone)
    assert (check.level, check.said) == (
        "look",
        "what is older was last dropped: Tue 17 Nov 2026 09:00",
    )
    assert doctor.tidied(Tidied(0, ""), 0, START_S, SCHOOL.zone).level == "ok"
    assert replace(check, todo="").said.endswith("09:00")
