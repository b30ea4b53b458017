"""C12: a cart that is unlocked, opened or emptied out of hours, from the wire to the notice."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import Fact, Person, SlotFacts, Steps
from homeslot_hub.rules.alerts import snooze
from homeslot_hub.rules.case import Case
from homeslot_hub.rules.judge import judge_cart
from homeslot_hub.rules.off_hours import (
    MANY,
    is_alarming,
    judge_off_hours,
    off_hours,
    stirred,
)
from homeslot_hub.service.alert_book import AlertDesk

from .evening import COORDINATOR, FOLLOWED, Evening, local
from .facts import CART, SCHOOL, WELL, at, with_slots
from .reports import school_of

DELAY_S = Steps().alarm_after_s
TONIGHT = off_hours(SCHOOL, at(20, 0))
OPENED = replace(
    WELL, bolt=Fact("open", at(22, 9), seen=True), door=Fact("open", at(22, 10), seen=True)
)


def taken(minute, shut=False):
    gone = Fact("absent", at(22, minute), seen=True)
    return SlotFacts(gone, Fact("none", at(22, minute), seen=True), shut=shut)


def case_of(facts, at_s, cart=CART):
    return Case(SCHOOL, cart, replace(facts, heard_s=at_s - 30), at_s)


def disturbed(facts, at_s=None, cart=CART):
    case = case_of(facts, at(22, 30) if at_s is None else at_s, cart)
    return judge_off_hours(case, judge_cart(SCHOOL, cart, case.facts, case.at_s), TONIGHT)


# Which hours are off


@pytest.mark.parametrize(
    ("at_text", "day"),
    [
        ("2026-11-17 16:59", None),
        ("2026-11-17 17:01", None),  # what is on its way is waited for
        ("2026-11-17 17:02", 17),
        ("2026-11-18 03:00", 17),
        ("2026-11-18 07:14", 17),
        ("2026-11-18 07:15", None),
        ("2026-11-20 17:02", 20),
        ("2026-11-22 12:00", 20),  # a Sunday
        ("2026-11-23 07:15", None),
        ("2026-11-24 18:00", 24),
        ("2026-11-26 12:00", 24),  # closed from the 25th to the 27th
    ],
)
def test_c12_off_hours_go_from_a_deadline_to_the_morning_of_the_next_school_day(at_text, day):
    closed = frozenset(date(2026, 11, number) for number in (25, 26, 27))
    school = replace(SCHOOL, closed=closed)
    at_s = int(datetime.fromisoformat(at_text).replace(tzinfo=school.zone).timestamp())
    off = off_hours(school, at_s)
    assert (None if off is None else off.day.day) == day
    assert off is None or off.from_s < at_s < off.until_s


def test_c12_without_a_morning_report_school_begins_all_the_same():
    school = replace(SCHOOL, steps=Steps(morning=None))
    assert off_hours(school, at(22, 0)) == TONIGHT
    early = replace(SCHOOL, steps=Steps(morning=time(6, 30)))
    assert off_hours(early, at(22, 0)).until_s == TONIGHT.until_s - 45 * 60


@given(st.integers(at(0, 0), at(0, 0) + 30 * 86400))
def test_c12_no_moment_is_off_hours_and_before_a_deadline_or_behind_a_morning(at_s):
    off = off_hours(SCHOOL, at_s)
    wall = datetime.fromtimestamp(at_s, SCHOOL.zone)
    in_school = wall.weekday() < 5 and time(7, 15) <= wall.time() < time(17, 2)
    assert (off is None) == in_school


# What disturbs a cart


def test_c12_a_cart_opened_out_of_hours_says_when_and_by_which_switches():
    verdict = disturbed(OPENED)
    assert (verdict.rule, verdict.finding, verdict.confidence) == ("C12", "disturbed", "known")
    assert verdict.since_s == at(22, 9)
    assert verdict.reason == "Out of hours its door was opened at 22:10."
    assert verdict.evidence == "Door open, bolt open; each was seen to change."


def test_c12_a_cart_unlocked_out_of_hours_is_disturbed_though_its_door_is_closed():
    verdict = disturbed(replace(WELL, bolt=OPENED.bolt))
    assert verdict.reason == "Out of hours it was unlocked at 22:09."


def test_c12_devices_taken_out_of_hours_are_named_with_what_was_opened():
    facts = with_slots(OPENED, 1, 2, 3, now=taken(11))
    facts = with_slots(facts, 12, now=taken(14))
    verdict = disturbed(facts)
    assert verdict.slots == (1, 2, 3, 12)
    assert verdict.reason == (
        "Out of hours its door was opened at 22:10 and "
        "7-1 to 7-3, 7-12 left their slots between 22:11 and 22:14."
    )


@pytest.mark.parametrize("shut", [True, False])
def test_c12_devices_that_leave_a_locked_cart_are_a_break_in_or_a_wrong_switch(shut):
    verdict = disturbed(with_slots(WELL, 3, now=taken(11, shut)))
    assert verdict.confidence == ("inferred" if shut else "known")
    assert ("left its slot at 22:11 while it was locked and shut." in verdict.reason) == shut
    assert ("or these switches are wrong" in verdict.action) == shut


NOT_SEEN = replace(OPENED, door=Fact("open", at(22, 10)), bolt=Fact("open", at(22, 9)))
IN_SCHOOL = replace(OPENED, door=Fact("open", at(16, 50), seen=True), bolt=WELL.bolt)
OF_TWO_MINDS = replace(OPENED, bolt=WELL.bolt)  # open with its bolt thrown: one switch is wrong
MISSING = SlotFacts(Fact("absent", at(16, 59), seen=True), Fact("none", at(16, 59)))
BLINDED = SlotFacts(Fact("unknown", at(22, 0)), Fact("unknown", at(22, 0)))
CAME = SlotFacts(Fact("present", at(22, 15), seen=True), Fact("idle", at(22, 15)))
FOUND_GONE = SlotFacts(Fact("absent", at(22, 0)), Fact("none", at(22, 0)))


@pytest.mark.parametrize(
    "facts",
    [
        WELL,
        NOT_SEEN,
        IN_SCHOOL,
        OF_TWO_MINDS,
        with_slots(WELL, 1, 2, 3, now=MISSING),
        with_slots(WELL, *range(1, 11), now=BLINDED),
        with_slots(WELL, *range(1, 11), now=FOUND_GONE),
    ],
    ids=["well", "not seen", "in school", "of two minds", "missing", "blind", "found gone"],
)
def test_c12_what_was_so_before_or_was_not_seen_to_happen_disturbs_nothing(facts):
    assert disturbed(facts) is None


def test_c12_a_silent_cart_is_silent_and_not_disturbed():
    case = Case(SCHOOL, CART, replace(OPENED, heard_s=at(22, 10)), at(23, 0))
    judged = judge_cart(SCHOOL, CART, case.facts, case.at_s)
    assert judge_off_hours(case, judged, TONIGHT) is None


def test_c12_a_front_that_may_stay_open_disturbs_nothing_but_what_is_taken_does():
    cart = replace(CART, lock="open", spare=frozenset({30}))
    assert disturbed(OPENED, cart=cart) is None
    assert disturbed(with_slots(OPENED, 30, now=taken(11)), cart=cart) is None
    verdict = disturbed(with_slots(WELL, 3, now=taken(11, shut=True)), cart=cart)
    assert (verdict.slots, verdict.confidence) == ((3,), "known")


@pytest.mark.parametrize(
    ("facts", "minute", "alarming"),
    [
        (OPENED, 18, False),
        (OPENED, 19, True),
        # A device that comes home starts the clock again.
        (with_slots(OPENED, 4, now=CAME), 24, False),
        (with_slots(OPENED, 4, now=CAME), 25, True),
        (with_slots(OPENED, *range(1, MANY), now=taken(11)), 12, False),
        (with_slots(OPENED, *range(1, MANY + 1), now=taken(11)), 12, True),
    ],
)
def test_c12_a_door_is_given_time_to_bring_a_device_home_but_nobody_to_empty_a_cart(
    facts, minute, alarming
):
    case = case_of(facts, at(22, minute))
    assert is_alarming(case, disturbed(facts, case.at_s)) == alarming


VALUES = {"door": ("open", "closed", "unknown"), "bolt": ("open", "thrown", "unknown")}


@given(st.data())
def test_c12_no_cart_is_disturbed_that_the_quick_look_passes_over(data):
    moments = st.integers(at(16, 0), at(22, 0))
    facts = replace(
        WELL,
        **{
            name: Fact(data.draw(st.sampled_from(of)), data.draw(moments), data.draw(st.booleans()))
            for name, of in VALUES.items()
        },
    )
    for slot in data.draw(st.sets(st.integers(1, 30), max_size=3)):
        word = data.draw(st.sampled_from(("absent", "present", "unknown")))
        fact = Fact(word, data.draw(moments), data.draw(st.booleans()))
        facts = with_slots(facts, slot, now=SlotFacts(fact, Fact("none", fact.since_s)))
    verdict = disturbed(facts)
    assert verdict is None or stirred(facts, TONIGHT.from_s)
    assert verdict is None or verdict.since_s > TONIGHT.from_s


# What is seen, on the wire


def test_c12_a_fact_is_seen_only_when_an_event_said_so_and_nothing_before_it_was_lost(evening):
    cart = evening.cart
    evening.run_to(local(16))
    evening.says([cart.event("bolt", 0, "open")])
    evening.slot(1, "empty")
    facts = evening.hub.facts(cart.controller, evening.clock())
    assert (facts.bolt.seen, facts.slots[0].presence.seen, facts.slots[0].shut) == (
        True,
        True,
        False,
    )
    cart.event("bolt", 0, "thrown")  # lost on its way
    evening.says([cart.event("door", 0, "open")])
    assert not evening.hub.facts(cart.controller, evening.clock()).door.seen
    evening.run_to(local(16, 5))
    evening.says([cart.event("bolt", 0, "unknown"), cart.event("bolt", 0, "open")])
    assert not evening.hub.facts(cart.controller, evening.clock()).bolt.seen
    evening.says([cart.event("bolt", 0, "thrown"), cart.event("door", 0, "closed")])
    evening.slot(2, "empty")
    facts = evening.hub.facts(cart.controller, evening.clock())
    assert (facts.door.seen, facts.slots[1].shut) == (True, True)


def test_c12_a_device_left_a_shut_cart_if_it_was_shut_when_it_left_whatever_came_after(evening):
    def shut(slot):
        return evening.hub.facts(evening.cart.controller, evening.clock()).slots[slot - 1].shut

    evening.run_to(local(16))
    evening.slot(1, "empty")
    evening.run_to(local(16, 2))
    turn(evening, "open")
    evening.slot(2, "empty")
    assert (shut(1), shut(2)) == (True, False)
    evening.slot(1, "unknown")
    evening.slot(1, "empty")
    assert shut(1)
    turn(evening, "lock")
    evening.slot(2, "unknown")
    evening.slot(2, "empty")
    assert not shut(2)
    evening.slot(1, "charging")
    assert not shut(1)


@pytest.mark.parametrize(("after_s", "shut"), [(0, False), (60, False), (61, True)])
def test_c12_which_switch_of_a_hand_is_said_first_means_nothing(evening, after_s, shut):
    evening.run_to(local(16))
    evening.slot(1, "empty")
    evening.run_to(local(16) + after_s)
    evening.says([evening.cart.event("door", 0, "open")])
    facts = evening.hub.facts(evening.cart.controller, evening.clock())
    assert facts.slots[0].shut == shut


def test_c12_what_a_restarted_controller_finds_was_not_seen_to_happen(evening):
    evening.run_to(local(18))
    evening.silent.add(evening.cart.controller)
    evening.run_to(local(22))
    evening.silent.clear()
    cart = evening.cart
    cart.reboot()
    cart.words["slot", 2] = "empty"
    evening.says([cart.state()])
    cart.words["slot", 1], cart.words["door", 0], cart.words["bolt", 0] = "empty", "open", "open"
    evening.run_to(local(23))
    facts = evening.hub.facts(cart.controller, evening.clock())
    assert facts.door.value == "open"
    assert not (facts.door.seen or facts.slots[0].presence.seen)
    assert not facts.slots[1].shut  # it may have been opened and shut again meanwhile
    assert alarms(evening) == []


# The alarm


def alarms(evening):
    return [n for n in evening.store.notices_to_file() if n.rule.startswith("alarm")]


def text_of(notice):
    return " ".join(notice.text.split())


def turn(evening, word, controller=None):
    """Somebody opens or locks a cart."""
    cart = evening.cart if controller is None else evening.carts[controller]
    things = [("bolt", "open"), ("door", "open")]
    if word == "lock":
        things = [("door", "closed"), ("bolt", "thrown")]
    evening.says(cart.event(thing, 0, value) for thing, value in things)


def test_c12_a_cart_opened_at_night_is_told_at_once_in_the_quiet_hours_and_once(evening):
    evening.run_to(local(22, 30))
    turn(evening, "open")
    evening.slot(1, "empty")
    evening.run_to(local(22, 39), step_s=60)
    assert alarms(evening) == []
    evening.run_to(local(7, 0, day=18), step_s=60)
    (alarm,) = alarms(evening)
    assert (alarm.email, alarm.created_s, alarm.rule) == (COORDINATOR, local(22, 40), "alarm 22:40")
    assert alarm in evening.store.notices_to_mail(local(22, 40))
    assert alarm.subject == "Lincoln Elementary, Tue 17 Nov: cart 7 disturbed out of hours"
    assert "Cart 7 belongs in Room 12; Ms Rivera answers for it." in text_of(alarm)
    assert (
        "NOW: DISTURBED. - Cart 7: Out of hours its door was opened at 22:30 and 7-1 left its slot "
        "at 22:30. Next: Find out who is at the cart." in text_of(alarm)
    )
    evening.run_to(local(8, 0, day=18))
    assert "DISTURBED. - Cart 7: Out of hours its door was opened" in evening.text("morning")
    alert = evening.alert("disturbed")
    assert alert.over
    told = [change.what for change in evening.alerts.history(alert.id)]
    assert told == ["opened", f"told {COORDINATOR} (alarm)", "resolved"]


def test_c12_a_school_may_hold_an_alarm_back_until_its_quiet_hours_end(of_school):
    evening = of_school(replace(FOLLOWED, steps=Steps(alarm_breaks_quiet=False)))
    evening.run_to(local(22, 30))
    turn(evening, "open")
    evening.run_to(local(23))
    (alarm,) = alarms(evening)
    assert alarm not in evening.store.notices_to_mail(local(5, 59, day=18))
    assert alarm in evening.store.notices_to_mail(local(6, 0, day=18))


def test_c12_a_school_may_want_no_alarm(of_school):
    evening = of_school(replace(FOLLOWED, steps=Steps(alarm_after_s=0)))
    evening.run_to(local(19, 30))
    turn(evening, "open")
    evening.run_to(local(21))
    assert alarms(evening) == []
    assert "The door has been open since 19:30." in evening.text("overnight")


def test_c12_what_the_digest_said_is_not_said_again_as_an_alarm(evening):
    evening.run_to(local(16))
    turn(evening, "open")
    evening.slot(3, "empty")
    evening.run_to(local(7, 0, day=18))
    assert "NOT LOCKED. The door has been open since 16:00." in evening.text("C8")
    assert alarms(evening) == []


def test_c12_a_cart_locked_after_the_digest_and_opened_at_night_is_told(evening):
    evening.run_to(local(16))
    turn(evening, "open")
    evening.run_to(local(17, 40))
    turn(evening, "lock")
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 15))
    (alarm,) = alarms(evening)
    assert "its door was opened at 22:00" in text_of(alarm)


def test_c12_a_device_that_comes_home_late_is_no_alarm(evening):
    evening.slot(3, "empty")
    evening.slot(4, "empty")
    evening.run_to(local(19))
    turn(evening, "open")
    evening.run_to(local(19, 8), step_s=60)
    evening.home(3)
    evening.run_to(local(19, 15), step_s=60)
    evening.home(4)
    turn(evening, "lock")
    evening.run_to(local(7, 0, day=18))
    assert alarms(evening) == []


def test_c12_many_devices_that_leave_at_night_are_one_alarm_at_once(of_school):
    big = replace(FOLLOWED, carts=(replace(FOLLOWED.carts[0], slots=8),))
    evening = of_school(big)
    evening.run_to(local(23))
    turn(evening, "open")
    for slot in range(1, 8):
        evening.slot(slot, "empty")
    evening.run_to(local(23, 1), step_s=60)
    turn(evening, "lock")
    evening.run_to(local(7, 0, day=18), step_s=60)
    (alarm,) = alarms(evening)
    assert alarm.created_s == local(23, 1)
    assert "7-1 to 7-7 left their slots at 23:00" in text_of(alarm)
    alert = evening.alert("disturbed")
    assert (alert.state, alert.slots) == ("notified", tuple(range(1, 8)))
    assert "7-1 to 7-7 left their slots" in alert.reason  # its door is shut again, they are gone


def test_c12_a_cart_locked_again_is_told_once_when_it_has_stayed_so_and_after_quiet_hours(evening):
    evening.run_to(local(23))
    turn(evening, "open")
    evening.run_to(local(23, 20))
    turn(evening, "lock")
    evening.run_to(local(5, 0, day=18))
    _, calm = alarms(evening)
    assert calm.created_s == local(0, 20, day=18)
    assert calm.subject.endswith("Wed 18 Nov: cart 7 put right again")
    assert "what was opened is shut, and what was taken is back, since Tue 17 Nov 23:20" in (
        text_of(calm)
    )
    assert calm not in evening.store.notices_to_mail(local(5, 59, day=18))
    assert evening.alert("disturbed").over


def test_c12_a_door_switch_that_comes_and_goes_is_one_alert_and_wakes_nobody_twice(evening):
    evening.run_to(local(22))
    for _ in range(12):
        turn(evening, "open")
        evening.run_to(evening.clock() + 720, step_s=60)
        turn(evening, "lock")
        evening.run_to(evening.clock() + 720, step_s=60)
    assert len(alarms(evening)) == 1
    assert len([a for a in all_alerts(evening) if a.finding == "disturbed"]) == 1


def all_alerts(evening):
    return evening.alerts.opened(evening.school.name, "2026-11-01", "2026-11-30")


def test_c12_an_hour_after_all_was_right_again_the_next_opening_is_told_anew(evening):
    evening.run_to(local(22))
    for _ in range(2):
        turn(evening, "open")
        evening.run_to(evening.clock() + 1200)
        turn(evening, "lock")
        evening.run_to(evening.clock() + 5400)
    said = ["disturbed" if "disturbed" in n.subject else "calm" for n in alarms(evening)]
    assert said == ["disturbed", "calm", "disturbed", "calm"]


def test_c12_a_weekend_is_off_hours_throughout(of_school):
    evening = of_school(FOLLOWED, day=20)  # a Friday
    evening.run_to(local(11, day=21), step_s=600)
    turn(evening, "open")
    evening.run_to(local(12, day=21))
    turn(evening, "lock")
    evening.run_to(local(7, 0, day=23), step_s=600)
    alarm, calm = alarms(evening)
    assert alarm.day == calm.day == "2026-11-21"
    assert evening.alert("disturbed", day=20).over


def test_c12_a_cart_out_of_reach_tells_when_it_is_in_reach_and_still_open(evening):
    evening.run_to(local(20))
    evening.silent.add(evening.cart.controller)
    evening.run_to(local(22))
    things = [("bolt", "open"), ("door", "open")]
    kept = [evening.cart.event(thing, 0, word) for thing, word in things]
    evening.run_to(local(2, 0, day=18))
    assert alarms(evening) == []
    evening.silent.clear()
    evening.says(kept)
    evening.run_to(local(2, 5, day=18))
    (alarm,) = alarms(evening)
    assert "its door was opened at Tue 17 Nov 22:00" in text_of(alarm)


def test_c12_a_cart_that_falls_silent_after_it_was_opened_stays_an_alert_and_is_not_right(evening):
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 12))
    evening.silent.add(evening.cart.controller)
    evening.run_to(local(6, 0, day=18))
    alert = evening.alert("disturbed")
    assert (alert.state, alert.hidden_by) == ("notified", "silent")
    assert len(alarms(evening)) == 1


def test_c12_while_it_is_an_alert_a_door_that_is_shut_for_a_moment_changes_nothing(evening):
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 20), step_s=60)
    turn(evening, "lock")
    turn(evening, "open")
    evening.run_to(local(22, 25), step_s=60)
    alert = evening.alert("disturbed")
    assert (alert.state, alert.flips, alert.since_s) == ("notified", (), local(22, 20))


SHUT = (("door", 0, "closed"), ("bolt", 0, "thrown"))


@pytest.mark.parametrize(
    ("changes", "hidden_by"),
    [
        ([("door", 0, "closed"), ("bolt", 0, "unknown")], "sensor_fault lock"),
        ([("bank", 1, "faulty"), ("slot", 2, "unmeasured")], ""),  # it still says what is in it
        ([*SHUT, ("bank", 1, "faulty"), ("slot", 1, "unknown")], "sensor_fault bank 1"),
    ],
)
def test_c12_a_sensor_that_cannot_tell_any_more_hides_it_and_does_not_put_it_right(
    evening, changes, hidden_by
):
    evening.run_to(local(22))
    turn(evening, "open")
    evening.slot(1, "empty")
    evening.run_to(local(22, 20))
    evening.says(evening.cart.event(*change) for change in changes)
    if hidden_by == "sensor_fault lock":
        evening.home(1)
    evening.run_to(local(22, 30))
    alert = evening.alert("disturbed")
    assert (alert.state, alert.hidden_by) == ("notified", hidden_by)


def test_c12_it_ends_with_the_morning_though_the_school_wants_no_report_of_it(of_school):
    evening = of_school(replace(FOLLOWED, steps=Steps(morning=None)))
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(7, 10, day=18))
    assert evening.alert("disturbed").state == "notified"
    evening.run_to(local(7, 15, day=18))
    assert evening.alert("disturbed").over


def test_c12_a_hub_that_was_away_all_day_says_nothing_of_last_night_in_its_digest(evening):
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 15))
    evening.cart.now_s = local(17, 0, day=18)
    evening.says([evening.cart.state()])
    evening.clock.now_s = local(17, 5, day=18)
    evening.start()
    evening.look()
    alert = evening.alert("disturbed")
    assert (alert.over, alert.said_day) == (True, "")
    assert evening.alert("unlocked", day=18).state == "notified"


def test_c12_two_carts_at_once_are_one_notice_and_a_later_one_its_own(of_school):
    evening = of_school(school_of(3))
    evening.run_to(local(22))
    turn(evening, "open", "cart-1")
    turn(evening, "open", "cart-3")
    evening.run_to(local(23))
    turn(evening, "open", "cart-2")
    evening.run_to(local(23, 30))
    assert [n.subject.rpartition(": ")[2] for n in alarms(evening)] == [
        "carts 1, 3 disturbed out of hours",
        "cart 2 disturbed out of hours",
    ]


def test_c12_someone_who_knows_can_put_it_off(evening):
    evening.run_to(local(17, 30))
    turn(evening, "open")
    evening.run_to(local(17, 45))
    desk = AlertDesk(evening.store, evening.alerts)
    number = evening.alert("disturbed").id
    put_off = lambda alert: snooze(alert, "Ann Lee", "evening class", local(20))  # noqa: E731
    desk.act([number], put_off, evening.clock(), "Ann Lee", "evening class")
    evening.run_to(local(19, 30))
    turn(evening, "lock")
    evening.run_to(local(21))
    assert evening.alert("disturbed").state == "resolved"
    assert [n.subject.rpartition(": ")[2] for n in alarms(evening)] == [
        "cart 7 disturbed out of hours",
        "cart 7 put right again",
    ]


def test_c12_overnight_says_it_once_and_prepares_for_what_was_taken(evening):
    evening.run_to(local(19))
    turn(evening, "open")
    evening.slot(2, "empty")
    evening.run_to(local(21, 30))
    text = evening.text("overnight")
    assert "WRONG OVERNIGHT: DISTURBED. - Cart 7: Out of hours its door was opened at 19:00" in text
    assert "LOCK-DOWN PREPARED, NOT SENT. - 7-2." in text
    assert "not locked" not in text.lower()
    # In the morning it is one of the things of the day, if it is still so at the deadline.
    evening.run_to(local(17, 30, day=18))
    (digest,) = [n for n in evening.notices("C8") if n.day == "2026-11-18"]
    assert "The door has been open since Tue 17 Nov 19:00." in " ".join(digest.text.split())


def test_c12_a_hub_that_was_away_says_how_it_stood_when_the_night_ended(evening, tmp_path):
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 30))
    turn(evening, "lock")
    waiting = []
    for now_s in range(local(22, 35), local(8, 0, day=18), 300):
        evening.cart.now_s = now_s
        waiting.append(evening.cart.state())
    evening.clock.now_s = local(8, 0, day=18)
    evening.start()
    evening.says(waiting)
    evening.look()
    assert "Cart 7, out of hours: what was opened is shut" in evening.text("morning")
    assert "DISTURBED. - Cart 7: Out of hours" not in evening.text("morning")


def test_c12_two_hubs_on_one_store_tell_an_alarm_once(evening, tmp_path):
    evening.run_to(local(22))
    turn(evening, "open")
    with closing(Evening(tmp_path, now_s=evening.clock())) as other:
        for minute in range(1, 40):
            evening.clock.now_s = other.clock.now_s = local(22, minute)
            evening.cart.now_s = evening.clock.now_s
            evening.says([evening.cart.state()])
            other.start()  # which reads what the other has taken
            evening.look()
            other.look()
        assert len(alarms(evening)) == 1


def test_c12_it_goes_to_the_coordinator_of_the_school_alone(of_school):
    teacher = Person("Bo Ek", "ek@lincoln.example")
    evening = of_school(replace(FOLLOWED, carts=(replace(FOLLOWED.carts[0], teacher=teacher),)))
    evening.run_to(local(22))
    turn(evening, "open")
    evening.run_to(local(22, 30))
    assert [n.email for n in alarms(evening)] == [COORDINATOR]
    assert all(part not in alarms(evening)[0].subject for part in ("Bo", "Ek", "Dana", "Reyes"))
