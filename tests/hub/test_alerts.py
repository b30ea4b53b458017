"""The steps of a day, from what a cart says to the notices of each person."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import time

import pytest

from homeslot.contract import topic
from homeslot_hub.model import Steps
from homeslot_hub.rules.alerts import acknowledge, snooze
from homeslot_hub.service.alert_book import AlertDesk, UnknownAlert

from .evening import COORDINATOR, FOLLOWED, PRINCIPAL, TEACHER, Evening, local
from .reports import CART, school_of


def with_steps(**steps):
    return replace(FOLLOWED, steps=Steps(**steps))


# The nudge


def test_before_the_deadline_the_teacher_and_the_carts_light_are_nudged_once(evening):
    evening.slot(3, "empty")
    evening.run_to(local(17))
    (notice,) = evening.notices("nudge")
    assert notice.email == TEACHER
    assert notice.created_s == local(16, 30)
    assert "7-3 has been out of its slot since 15:00." in evening.text("nudge", TEACHER)
    assert TEACHER.partition("@")[0] not in notice.subject.lower()
    (command,) = [c for c in evening.commands if json.loads(c.payload)["cmd"] == "nudge"]
    assert command.topic == topic(CART.controller, "cmd")
    assert json.loads(command.payload)["for_s"] == 1800


def test_nobody_is_nudged_when_all_is_home(evening):
    evening.run_to(local(17))
    assert evening.notices("nudge") == []
    assert evening.commands == []


def test_a_teacher_is_nudged_about_their_own_carts_only(of_school):
    school = school_of(2)
    other = replace(CART.teacher, name="Bo Ek", email="ek@lincoln.example")
    first, second = school.carts
    evening = of_school(replace(school, carts=(first, replace(second, teacher=other))))
    evening.slot(1, "empty", "cart-1")
    evening.slot(2, "empty", "cart-2")
    evening.run_to(local(17))
    assert sorted(n.email for n in evening.notices("nudge")) == [other.email, TEACHER]
    assert "1-1" not in evening.text("nudge", other.email)
    assert "2-2" in evening.text("nudge", other.email)


def test_a_silent_cart_is_not_lit_but_its_teacher_is_told(evening):
    evening.silent.add(CART.controller)
    evening.run_to(local(17))
    assert "Not heard since" in evening.text("nudge", TEACHER)
    assert evening.commands == []


def test_a_nudge_that_comes_after_the_deadline_is_missed_and_not_sent(evening):
    evening.slot(3, "empty")
    evening.run_to(local(16, 20))
    evening.run_to(local(17, 5), step_s=45 * 60)
    evening.start()
    evening.run_to(local(18, 30))
    assert evening.notices("nudge") == []
    assert evening.store.is_settled(FOLLOWED.name, "2026-11-17", "nudge")


# What comes after the deadline


def test_what_came_home_late_is_told_once_with_when(evening):
    evening.slot(3, "empty")
    evening.slot(4, "empty")
    evening.run_to(local(17, 40))
    evening.home(3)
    evening.run_to(local(20, 59))
    assert "7-3 came home late at 17:40." in evening.text("late")
    assert "1 device came home late, 1 still out" in evening.notices("late")[0].subject
    evening.run_to(local(21))
    assert "7-3" not in evening.text("overnight")
    assert "7-4 has been out of its slot since 15:00." in evening.text("overnight")


def test_nothing_is_sent_after_a_deadline_at_which_all_was_home(evening):
    evening.run_to(local(7, 0, day=18))
    assert [n.rule for n in evening.store.notices_to_file()] == ["C8"]


def test_c11_overnight_goes_to_coordinator_and_principal_and_a_lock_down_is_prepared_only(evening):
    evening.slot(3, "empty")
    evening.run_to(local(21, 30))
    assert sorted(n.email for n in evening.notices("overnight")) == [
        PRINCIPAL.email,
        COORDINATOR,
    ]
    for email in (COORDINATOR, PRINCIPAL.email):
        text = evening.text("overnight", email)
        assert "LOCK-DOWN PREPARED, NOT SENT. - 7-3." in text
    told = [change.what for change in evening.alerts.history(evening.alert().id)]
    assert told == [
        "opened",
        f"told {COORDINATOR} (digest)",
        "lock-down prepared, not sent",
        f"told {PRINCIPAL.email} (overnight)",
    ]


def test_c11_what_left_a_cart_that_was_locked_and_shut_is_prepared_for_too(evening):
    evening.run_to(local(16, 10))
    evening.slot(3, "empty")
    evening.run_to(local(21, 30))
    assert evening.alert().confidence == "inferred"
    assert "LOCK-DOWN PREPARED, NOT SENT. - 7-3." in evening.text("overnight")


def test_c11_a_silent_cart_locks_no_device_down(evening):
    evening.slot(3, "empty")
    evening.run_to(local(16))
    evening.silent.add(CART.controller)
    evening.run_to(local(21, 30))
    text = evening.text("overnight")
    assert "Not heard since 16:00. Hidden behind this: slots 1 to 4." in text
    assert "LOCK-DOWN" not in text


def test_c11_what_goes_wrong_in_the_evening_is_told_overnight(evening):
    evening.run_to(local(19))
    evening.says([evening.cart.event("mains", 0, "off")])
    evening.run_to(local(21, 30))
    assert "The cart has been without power since 19:00." in evening.text("overnight")


def test_a_device_taken_for_a_lesson_is_no_alert_and_one_brought_back_in_it_ends_one(evening):
    evening.slot(3, "empty")
    evening.run_to(local(8, 30, day=18))
    evening.home(3)
    evening.slot(4, "empty")
    evening.run_to(local(9, 0, day=18))
    assert (evening.alert().state, evening.alert().resolved_s) == ("resolved", local(8, 30, day=18))
    assert evening.alerts.opened(FOLLOWED.name, "2026-11-18", "2026-11-18") == []
    evening.home(4)
    evening.run_to(local(18, 30, day=18))
    (notice,) = [n for n in evening.notices("late") if n.day == "2026-11-18"]
    assert "7-3 came home late at 08:30." in " ".join(notice.text.split())


def test_a_thing_that_stays_wrong_is_one_alert_told_again_every_day(evening):
    evening.slot(3, "empty")
    evening.run_to(local(22, 0, day=19))
    days = ("2026-11-16", "2026-11-30")
    assert [(a.day, a.said_day) for a in evening.alerts.opened(FOLLOWED.name, *days)] == [
        ("2026-11-17", "2026-11-19")
    ]
    assert [n.day[-2:] for n in evening.notices("overnight", COORDINATOR)] == ["17", "18", "19"]


# Late facts


def test_a_report_measured_in_time_that_comes_late_corrects_the_digest_once(evening):
    evening.slot(3, "empty")
    evening.run_to(local(16, 50))
    home = evening.cart.event("slot", 3, "charging")
    behind, evening.cart.words["slot", 3] = evening.cart.words["slot", 3], "empty"
    evening.silent.add(CART.controller)
    evening.run_to(local(16, 51))
    evening.cart.words["slot", 3] = behind
    evening.run_to(local(17, 20))
    assert "has been out" in evening.text("C8") or "OUT" in evening.text("C8")
    evening.silent.clear()
    evening.says([home])
    evening.run_to(local(23))
    text = evening.text("late")
    assert "7-3 was home at the deadline after all" in text
    assert "1 correction" in evening.notices("late")[0].subject
    assert evening.notices("overnight") == []


def test_a_cart_that_was_out_of_reach_tells_later_what_was_out(evening):
    evening.run_to(local(16))
    evening.silent.add(CART.controller)
    evening.run_to(local(16, 40))
    changes = (("bolt", 0, "open"), ("slot", 3, "empty"), ("bolt", 0, "thrown"))
    waiting = [evening.cart.event(*change) for change in changes]
    evening.run_to(local(16, 59))
    waiting.append(evening.cart.state())
    evening.run_to(local(17, 30))
    evening.silent.clear()
    evening.says(waiting)
    evening.run_to(local(18, 30))
    text = evening.text("late")
    assert "Cart 7 was in touch at the deadline after all" in text
    assert "Not in the digest, as it was reported late: 7-3 has been out" in text


# In hand


def take_on(evening, act):
    desk = AlertDesk(evening.store, evening.alerts)
    return desk.act([evening.alert().id], act, evening.clock.now_s, "Ann Lee", "field trip")


def test_what_is_acknowledged_is_not_repeated_and_its_end_is_told(evening):
    evening.slot(3, "empty")
    evening.run_to(local(17, 30))
    take_on(evening, lambda alert: acknowledge(alert, "Ann Lee", "field trip"))
    evening.run_to(local(7, 0, day=18))
    assert evening.notices("overnight") == []
    evening.home(3)
    evening.run_to(local(18, 30, day=18))
    assert "7-3 came home late at 07:00." in evening.text("morning")
    assert evening.notices("late") == []
    assert [(c.what, c.who, c.why) for c in evening.alerts.history(evening.alert().id)][2] == (
        "acknowledged",
        "Ann Lee",
        "field trip",
    )


def test_a_snooze_ends_by_itself_and_the_next_step_speaks_again(evening):
    evening.slot(3, "empty")
    evening.run_to(local(17, 30))
    take_on(evening, lambda alert: snooze(alert, "Ann Lee", "field trip", local(20)))
    evening.run_to(local(19))
    assert evening.alert().state == "snoozed"
    evening.run_to(local(21))
    assert "7-3 has been out" in evening.text("overnight")
    told = [change.what for change in evening.alerts.history(evening.alert().id)]
    assert told[2:4] == ["snoozed", "speaks again"]


def test_all_or_nothing_of_several_alerts_is_taken_on(evening):
    evening.slot(3, "empty")
    evening.run_to(local(17, 30))
    number = evening.alert().id
    desk = AlertDesk(evening.store, evening.alerts)
    with pytest.raises(UnknownAlert, match="99"):
        desk.act([number, 99], lambda a: acknowledge(a, "Ann", "x"), local(18), "Ann", "x")
    assert evening.alert().state == "notified"


def test_what_comes_and_goes_is_said_in_one_line_and_kept_in_its_history(evening):
    evening.says([evening.cart.event("mains", 0, "off")])
    evening.run_to(local(17, 10))
    for number in range(8):
        evening.says([evening.cart.event("mains", 0, ("on", "off")[number % 2])])
        evening.run_to(evening.clock.now_s + 360)
    evening.run_to(local(18, 30))
    assert evening.notices("late") == []
    whats = [c.what for c in evening.alerts.history(evening.alert("unplugged").id)]
    assert whats.count("opened again") >= 3
    evening.slot(3, "empty")
    evening.run_to(local(19, 0))
    early = replace(FOLLOWED, steps=Steps(overnight=time(19, 1)))
    evening.start(early)
    evening.run_to(local(19, 2))
    assert "COMES AND GOES. - Cart 7: " in evening.text("overnight")


# Morning and week


def test_c10_in_the_morning_it_is_told_what_is_charged_what_is_not_and_what_is_not_known(evening):
    evening.slot(2, "empty")
    evening.slot(3, "empty")
    evening.run_to(local(20))
    evening.slot(3, "idle")  # put back without its cable
    evening.slot(4, "unknown")
    evening.run_to(local(7, 30, day=18))
    (notice,) = evening.notices("morning")
    assert notice.created_s == local(7, 15, day=18)
    text = evening.text("morning")
    assert "1 device charged or charging, 1 not, 1 away, 1 unknown" in text.lower()
    assert "DREW NOTHING. - Cart 7 · Room 12: 7-3" in text
    assert "NOT IN THEIR SLOTS. - Cart 7 · Room 12: 7-2" in text
    assert "NOT KNOWN. - Cart 7 · Room 12: 7-4" in text


def test_no_morning_comes_on_a_day_without_school(of_school):
    evening = of_school(FOLLOWED, day=20)  # a Friday
    evening.run_to(local(9, day=23), step_s=600)
    assert [n.day[-2:] for n in evening.notices("morning")] == ["23"]


def test_the_last_school_day_of_a_week_ends_with_the_week(of_school):
    evening = of_school(FOLLOWED, day=18)
    evening.slot(3, "empty")
    evening.run_to(local(18, day=18))
    evening.home(3)
    evening.run_to(local(18, day=20))
    (notice,) = evening.notices("week")
    assert notice.day == "2026-11-20"
    assert "3 deadlines judged, 1 alert" in notice.subject
    assert "Cart 7: out 1." in notice.text


# Each step once, and off where it is not wanted


def test_every_step_can_be_off_but_not_the_deadline(of_school):
    off = with_steps(nudge_before_s=0, late_after_s=0, overnight=None, morning=None, week=False)
    evening = of_school(off, day=20)
    evening.slot(3, "empty")
    evening.run_to(local(18, day=23))
    assert [(n.rule, n.day[-2:]) for n in evening.store.notices_to_file()] == [
        ("C8", "20"),
        ("C8", "23"),
    ]
    assert evening.commands == []


def test_what_falls_into_quiet_hours_is_mailed_after_them(of_school):
    evening = of_school(with_steps(quiet=(time(20, 0), time(6, 0))))
    evening.slot(3, "empty")
    evening.run_to(local(22))
    mailed = {n.rule for n in evening.store.notices_to_mail(local(5, 59, day=18))}
    assert mailed == {"nudge", "C8"}
    later = {n.rule for n in evening.store.notices_to_mail(local(6, 0, day=18))}
    assert later == {"nudge", "C8", "overnight"}


def test_the_mails_of_a_day_are_one_thread(evening):
    evening.slot(3, "empty")
    evening.run_to(local(21, 30))
    (digest,) = evening.notices("C8")
    assert evening.notices("overnight", COORDINATOR)[0].thread == digest.identity
    assert evening.notices("overnight", PRINCIPAL.email)[0].thread == ""


def test_two_hubs_on_one_store_take_each_step_once(evening, tmp_path):
    evening.slot(3, "empty")
    evening.run_to(local(16, 20))
    with closing(Evening(tmp_path, now_s=evening.clock.now_s)) as other:
        for hour, minute in ((16, 30), (17, 2), (18, 0), (21, 0)):
            evening.clock.now_s = other.clock.now_s = local(hour, minute)
            evening.look()
            other.look()
    rules = [(n.rule, n.email) for n in evening.store.notices_to_file()]
    assert len(rules) == len(set(rules))


def test_the_alerts_of_a_cart_that_is_taken_away_end_with_it(of_school):
    school = school_of(2)
    evening = of_school(school)
    evening.slot(3, "empty", "cart-2")
    evening.run_to(local(17, 30))
    assert evening.alert().cart == 2
    evening.start(replace(school, carts=school.carts[:1]))
    evening.silent.add("cart-2")
    evening.run_to(local(21, 30))
    assert evening.notices("overnight") == []
    assert evening.alert().over


# Wrong, right and wrong again, over days


def test_what_is_wrong_again_a_day_later_is_not_told_to_be_right(evening):
    def bolt(word):
        evening.says([evening.cart.event("bolt", 0, word)])

    bolt("open")
    evening.run_to(local(7, 20, day=18))  # all were told, the principal in the evening
    bolt("thrown")
    evening.run_to(local(13, day=18))
    bolt("open")
    evening.slot(3, "empty")
    evening.run_to(local(17, 30, day=18))
    evening.home(3)
    evening.run_to(local(18, 30, day=18))
    said = evening.text("late")
    assert "7-3 came home late at 17:30." in said
    assert "is locked since" not in said
    assert "STILL WRONG: NOT LOCKED" in said.upper()
    bolt("thrown")
    evening.run_to(local(21, 30, day=18))
    for address in (COORDINATOR, PRINCIPAL.email):  # who were told of the first, or of both
        (_, last) = evening.notices("overnight", address)
        assert last.text.count("is locked since 18:30") == 1
    assert [a.over for a in evening.alerts.opened(FOLLOWED.name, "2026-11-17", "2026-11-18")] == [
        True,
        True,
        True,
    ]


def test_c11_what_the_digest_should_have_said_is_missing_overnight_too(evening):
    evening.run_to(local(16))
    evening.silent.add(CART.controller)
    evening.cart.now_s = local(16, 10)
    kept = [evening.cart.event("slot", 3, "empty")]
    evening.cart.now_s = local(16, 55)
    kept.append(evening.cart.event("slot", 2, "charging"))
    evening.run_to(local(18, 30))
    evening.says(kept)
    evening.silent.clear()
    evening.run_to(local(21, 5))
    said = evening.text("overnight")
    assert "1 device missing overnight" in evening.notices("overnight", COORDINATOR)[0].subject
    assert "Not in the digest, as it was reported late: 7-3 left its slot at" in said
    assert "LOCK-DOWN PREPARED, NOT SENT. - 7-3." in said


def test_what_was_known_before_a_deadline_and_came_right_after_it_is_no_correction(evening):
    evening.slot(3, "empty")
    evening.slot(4, "empty")  # stays out, so that the hub goes on looking
    evening.run_to(local(16, 40, day=18))
    evening.silent.add(CART.controller)
    evening.run_to(local(16, 59, day=18))
    kept = evening.cart.state()
    evening.run_to(local(7, 0, day=19))
    assert "OUT" not in [n.text for n in evening.notices("C8", COORDINATOR)][-1]
    evening.silent.clear()
    evening.says([kept])
    evening.home(3)
    evening.run_to(local(7, 30, day=19))
    morning = " ".join(evening.notices("morning", COORDINATOR)[-1].text.split())
    assert "7-3 came home late" in morning
    assert "Not in the digest" not in morning
