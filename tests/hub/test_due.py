"""C8: "checked-in daily … no later than 5pm": each school day is judged once, and once only."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from homeslot_hub.model import Calendar, Feed, SpecialDay
from homeslot_hub.rules.calendar import deadline
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.ports import StoreError

from .reports import SCHOOL, Clock, Reporter

NEW_YORK = SCHOOL.zone
BERLIN = replace(SCHOOL, name="Gymnasium Nord", zone=ZoneInfo("Europe/Berlin"), carts=())


def local(*when, zone=NEW_YORK):
    return int(datetime(*when, tzinfo=zone).timestamp())


def days(judged):
    return [(day.school.name, day.day) for day in judged]


@pytest.fixture
def clock():
    return Clock(local(2026, 11, 17, 9, 0))  # a Tuesday


def run_to(hub, clock, until_s, step_s=60):
    """Tick once a minute; returns (what was judged, at which time)."""
    judged = []
    while clock.now_s < until_s:
        clock.now_s += step_s
        judged += [(day, clock.now_s) for day in hub.tick()]
    return judged


def due_rows(tmp_path):
    with sqlite3.connect(tmp_path / "homeslot.db") as connection:
        rows = connection.execute("SELECT day, judged_s IS NULL FROM due ORDER BY day").fetchall()
    connection.close()
    return [(day, "missed" if missed else "judged") for day, missed in rows]


def test_c8_a_day_is_judged_once_when_its_deadline_and_grace_have_passed(start, clock):
    hub, store = start(clock)
    ((day, judged_s),) = run_to(hub, clock, local(2026, 11, 18, 9, 0))
    assert judged_s == local(2026, 11, 17, 17, 2)
    assert (day.day, day.deadline_s) == ("2026-11-17", local(2026, 11, 17, 17, 0))
    (notice,) = store.notices_to_file()
    assert (notice.email, notice.rule) == (SCHOOL.coordinator.email, "C8")


def test_n16_the_notice_carries_the_head_of_the_records_in_both_its_parts(start, clock):
    hub, store = start(clock)
    hub.take([Reporter(now_s=clock.now_s).state()])
    run_to(hub, clock, local(2026, 11, 17, 17, 30))
    (notice,) = store.notices_to_file()
    assert store.head().records == 2
    for part in (notice.text, notice.html):
        assert f"Records {store.head().short}." in " ".join(part.split())


def test_c8_what_was_measured_after_the_deadline_does_not_count(start, clock):
    hub, _ = start(clock)
    hub.tick()
    cart = Reporter(now_s=local(2026, 11, 17, 16, 59))
    messages = [cart.state(), cart.event("slot", 1, "empty")]
    clock.now_s = cart.now_s = local(2026, 11, 17, 17, 1)
    hub.take([*messages, cart.event("slot", 1, "charging")])
    ((day, _),) = run_to(hub, clock, local(2026, 11, 17, 18, 0))
    assert day.carts[0].places[0] == "out"


def test_c8_a_report_that_was_on_its_way_at_the_deadline_counts(start, clock):
    hub, _ = start(clock)
    cart = Reporter(now_s=local(2026, 11, 17, 16, 50))
    clock.now_s = cart.now_s
    hub.take([cart.state(), cart.event("slot", 1, "empty")])
    cart.now_s = local(2026, 11, 17, 16, 59)
    run_to(hub, clock, local(2026, 11, 17, 17, 1))
    hub.take([cart.event("slot", 1, "charging")])
    ((day, _),) = run_to(hub, clock, local(2026, 11, 17, 18, 0))
    assert day.carts[0].places[0] == "home"


def test_c8_weekends_are_not_judged(start, clock):
    hub, _ = start(clock)
    judged = run_to(hub, clock, local(2026, 11, 24, 9, 0), step_s=600)
    assert [day.day[-2:] for day, _ in judged] == ["17", "18", "19", "20", "23"]


def test_c8_a_fresh_install_judges_no_day_before_it(start, tmp_path, clock):
    clock.now_s = local(2026, 11, 18, 9, 0)
    hub, _ = start(clock)
    assert hub.tick() == []
    assert due_rows(tmp_path) == []


def test_c8_restarts_at_any_moment_judge_once(start, clock):
    hub, _ = start(clock)
    hub.tick()
    judged = []
    clock.now_s = local(2026, 11, 17, 16, 58)
    for _ in range(10):
        clock.now_s += 60
        hub, _ = start(clock)
        judged += [*hub.tick(), *hub.tick()]
    assert days(judged) == [(SCHOOL.name, "2026-11-17")]


def test_c8_two_hubs_on_one_store_judge_once(start, clock):
    one, _ = start(clock)
    other, _ = start(clock)
    one.tick()
    clock.now_s = local(2026, 11, 17, 17, 30)
    assert len([*one.tick(), *other.tick()]) == 1


def test_c8_a_hub_that_was_down_at_the_deadline_judges_late_and_says_so(start, clock):
    hub, _ = start(clock)
    cart = Reporter(now_s=local(2026, 11, 17, 16, 59))
    hub.tick()
    clock.now_s = cart.now_s
    hub.take([cart.state()])
    clock.now_s = local(2026, 11, 17, 20, 30)
    hub, store = start(clock)
    (day,) = hub.tick()
    assert day.judged_s == clock.now_s
    assert day.carts[0].at_s == local(2026, 11, 17, 17, 0)
    assert "20:30" in store.notices_to_file()[0].text


def test_c8_days_missed_altogether_are_recorded_and_not_mailed(start, tmp_path, clock):
    hub, _ = start(clock)
    hub.tick()
    clock.now_s = local(2026, 11, 23, 9, 0)
    hub, store = start(clock)
    assert days(hub.tick()) == [(SCHOOL.name, "2026-11-20")]
    assert due_rows(tmp_path) == [
        ("2026-11-17", "missed"),
        ("2026-11-18", "missed"),
        ("2026-11-19", "missed"),
        ("2026-11-20", "judged"),
    ]
    assert len(store.notices_to_file()) == 1


@pytest.mark.parametrize("back_s", [30, 3600, 86400 * 3, 86400 * 400])
def test_c8_a_clock_set_back_never_judges_twice_and_goes_on_judging(start, clock, back_s):
    hub, _ = start(clock)
    first = run_to(hub, clock, local(2026, 11, 17, 17, 10))
    clock.now_s -= back_s
    hub.tick()
    clock.now_s = local(2026, 11, 17, 17, 11)
    second = run_to(hub, clock, local(2026, 11, 18, 17, 30), step_s=600)
    assert [day.day for day, _ in [*first, *second]] == ["2026-11-17", "2026-11-18"]


def test_c8_a_clock_that_was_a_year_ahead_does_not_keep_real_days_from_being_judged(start, clock):
    clock.now_s = local(2027, 11, 17, 9, 0)
    hub, _ = start(clock)
    hub.tick()
    clock.now_s = local(2026, 11, 17, 9, 0)
    judged = run_to(hub, clock, local(2026, 11, 18, 18, 0), step_s=600)
    assert [day.day for day, _ in judged] == ["2026-11-17", "2026-11-18"]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
@pytest.mark.parametrize("change", [date(2026, 3, 6), date(2026, 3, 27), date(2026, 10, 2)])
def test_c8_five_o_clock_stays_five_o_clock_over_changes_of_the_clock(start, clock, zone, change):
    every_day = replace(SCHOOL, zone=ZoneInfo(zone), days=frozenset(range(7)), grace_s=0)
    clock.now_s = local(change.year, change.month, change.day, 9, 0, zone=every_day.zone)
    hub, _ = start(clock, every_day)
    hub.tick()
    judged = run_to(hub, clock, clock.now_s + 4 * 86400, step_s=900)
    walls = [datetime.fromtimestamp(now_s, every_day.zone) for _, now_s in judged]
    assert [f"{wall:%H:%M}" for wall in walls] == ["17:00"] * 4
    assert [day.day for day, _ in judged] == [wall.date().isoformat() for wall in walls]


def test_c8_two_schools_in_two_zones_each_have_their_own_five_o_clock(start, clock):
    clock.now_s = local(2026, 11, 17, 2, 0)
    hub, _ = start(clock, SCHOOL, BERLIN)
    judged = run_to(hub, clock, local(2026, 11, 18, 2, 0))
    assert [(day.school.name, now_s) for day, now_s in judged] == [
        (BERLIN.name, local(2026, 11, 17, 17, 2, zone=BERLIN.zone)),
        (SCHOOL.name, local(2026, 11, 17, 17, 2)),
    ]


def test_c8_a_day_whose_grace_goes_past_midnight_is_judged_after_it(start, clock):
    late = replace(SCHOOL, deadline=time(23, 59), grace_s=3600)
    start(clock, late)[0].tick()
    clock.now_s = local(2026, 11, 18, 0, 10)
    hub, _ = start(clock, late)
    assert hub.tick() == []
    judged = run_to(hub, clock, local(2026, 11, 19, 9, 0), step_s=600)
    assert [day.day for day, _ in judged] == ["2026-11-17", "2026-11-18"]
    assert judged[0][1] == local(2026, 11, 18, 1, 0)


def test_c8_closed_days_are_neither_judged_nor_missed(start, tmp_path, clock):
    thanksgiving = frozenset({date(2026, 11, 26), date(2026, 11, 27)})
    school = replace(SCHOOL, closed=thanksgiving)
    hub, _ = start(clock, school)
    hub.tick()
    clock.now_s = local(2026, 11, 25, 9, 0)
    judged = run_to(hub, clock, local(2026, 11, 30, 9, 0), step_s=600)
    assert [day.day for day, _ in judged] == ["2026-11-24", "2026-11-25"]
    clock.now_s = local(2026, 12, 1, 9, 0)  # the hub was away on Monday evening
    hub, _ = start(clock, school)
    assert days(hub.tick()) == [(SCHOOL.name, "2026-11-30")]
    seen = due_rows(tmp_path)
    assert [day for day, what in seen if what == "judged"] == [
        *("2026-11-24", "2026-11-25", "2026-11-30")
    ]
    assert not {"2026-11-26", "2026-11-27"} & {day for day, _ in seen}


def test_c8_a_half_day_is_judged_at_its_own_deadline(start, clock):
    school = replace(SCHOOL, half_days=frozenset({date(2026, 11, 17)}))
    hub, store = start(clock, school)
    ((day, judged_s),) = run_to(hub, clock, local(2026, 11, 18, 9, 0))
    assert judged_s == local(2026, 11, 17, 14, 2)
    assert day.deadline_s == day.carts[0].at_s == local(2026, 11, 17, 14, 0)
    assert "Tue 17 Nov, 14:00:" in store.notices_to_file()[0].subject


def closing(*closed):
    return {SCHOOL.name: Calendar({day: SpecialDay("closed", "Snow", "x") for day in closed})}


def test_c8_a_cart_with_a_deadline_of_its_own_is_judged_as_of_that_in_the_same_digest(start, clock):
    early = replace(SCHOOL.carts[0], deadline=time(15, 30))
    other = replace(SCHOOL.carts[0], controller="cart-8", number=8)
    hub, store = start(clock, replace(SCHOOL, carts=(early, other)))
    hub.tick()
    carts = Reporter("cart-7"), Reporter("cart-8")

    def report(hour, minute, *words):
        clock.now_s = local(2026, 11, 17, hour, minute)
        for cart in carts:
            cart.now_s = clock.now_s
            hub.take([cart.state(), *(cart.event("slot", 1, word) for word in words)])

    report(15, 29)
    report(15, 31, "empty")
    report(16, 59)
    ((day, judged_s),) = run_to(hub, clock, local(2026, 11, 17, 18, 0))
    assert judged_s == local(2026, 11, 17, 17, 2)
    assert [(cart.at_s, cart.places[0]) for cart in day.carts] == [
        (local(2026, 11, 17, 15, 30), "home"),
        (local(2026, 11, 17, 17, 0), "out"),
    ]
    (notice,) = store.notices_to_file()
    text = " ".join(notice.text.split())
    assert "measured by 17:00 (cart 7 by 15:30); worked out at" in text


def test_c8_on_a_half_day_the_earlier_of_both_deadlines_is_a_cart_s():
    early = replace(SCHOOL.carts[0], deadline=time(15, 30))
    school = replace(SCHOOL, carts=(early,), half_days=frozenset({date(2026, 11, 17)}))
    assert deadline(school, date(2026, 11, 17), early) == time(14, 0)
    assert deadline(school, date(2026, 11, 18), early) == time(15, 30)
    later = replace(school, half_day_deadline=time(16, 0))
    assert deadline(later, date(2026, 11, 17), early) == time(15, 30)


def test_c8_the_first_day_after_a_summer_is_judged_by_a_hub_that_ran_through_it(start, clock):
    clock.now_s = local(2026, 6, 5, 9, 0)
    hub, _ = start(clock)
    hub.know(closing(*(date(2026, 6, 5) + timedelta(days=i) for i in range(1, 88))))
    judged = run_to(hub, clock, local(2026, 9, 1, 18, 0), step_s=3600)
    assert [day.day for day, _ in judged] == ["2026-06-05", "2026-09-01"]


def test_c8_a_day_that_is_closed_after_it_was_judged_stays_judged_once(start, clock):
    hub, store = start(clock)
    assert len(run_to(hub, clock, local(2026, 11, 17, 17, 10))) == 1
    for calendars in (closing(date(2026, 11, 17)), closing(), closing(date(2026, 11, 16))):
        hub.know(calendars)
        assert hub.tick() == []
    assert len(store.notices_to_file()) == 1


def test_c8_a_day_that_turns_out_to_be_one_is_judged_late_and_the_reason_is_not_made_up(
    start, clock
):
    feed = Feed("x.ics", "x.ics", ("no school",), ())
    hub, store = start(clock, replace(SCHOOL, feeds=(feed,)))
    hub.know(closing(date(2026, 11, 17)))
    assert run_to(hub, clock, local(2026, 11, 17, 18, 0)) == []
    hub.know(closing())
    (day,) = hub.tick()
    assert (day.day, day.carts[0].at_s) == ("2026-11-17", local(2026, 11, 17, 17, 0))
    text = " ".join(store.notices_to_file()[0].text.split())
    assert "hub was not at work then or did not know yet that this is a school day." in text


def test_a_day_whose_notice_cannot_be_kept_is_judged_again(start, tmp_path, clock):
    hub, store = start(clock)
    hub.tick()
    clock.now_s = local(2026, 11, 17, 17, 30)
    with sqlite3.connect(tmp_path / "homeslot.db") as connection:
        connection.execute("ALTER TABLE notice RENAME TO elsewhere")
    with pytest.raises(StoreError):
        hub.tick()
    assert due_rows(tmp_path) == []
    connection.execute("ALTER TABLE elsewhere RENAME TO notice")
    connection.close()
    assert len(hub.tick()) == 1
    assert len(store.notices_to_file()) == 1


def test_a_hub_without_schools_has_nothing_due(start, clock):
    _, store = start(clock)
    assert Hub((), store, clock).tick() == []
