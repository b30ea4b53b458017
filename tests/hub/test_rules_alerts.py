"""The life of an alert, as a function of values."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.model import Fact
from homeslot_hub.rules.alerts import (
    EVENTS,
    FLAP_WINDOW_S,
    FLAPS_AT_MOST,
    STATES,
    IllegalEvent,
    acknowledge,
    correct,
    look,
    said,
    snooze,
    step,
    tell,
    wake,
)

from .facts import (
    AT_S,
    AWAY,
    BLIND,
    CART,
    CHARGING,
    FAULTY,
    IDLE,
    OK,
    SCHOOL,
    UNMEASURED,
    WELL,
    at,
    judged,
    with_slots,
)

DAY = "2026-11-17"
LEE = "lee@lincoln.example"


def seen(alerts, facts, at_s=AT_S, opens=True):
    """All alerts after a look at `facts` at `at_s`."""
    heard = replace(facts, heard_s=at_s - 60) if facts.heard_s is not None else facts
    changed = look(alerts, judged(heard, at_s=at_s), heard, SCHOOL.name, DAY, opens)
    found = {(alert.day, *alert.key): alert for alert in (*alerts, *changed)}
    return list(found.values())


def told(alerts, email=LEE):
    return [tell(alert, email) for alert in alerts]


def opened(facts, at_s=AT_S):
    """The alerts of a deadline whose digest went to Lee."""
    return said(seen([], facts, at_s), DAY, LEE)


def one(alerts, finding):
    (found,) = [alert for alert in alerts if alert.finding == finding]
    return found


def test_every_state_says_what_may_happen_to_it_and_nothing_else_can():
    (alert,) = opened(with_slots(WELL, 12, now=AWAY))
    for state, event in itertools.product(STATES, EVENTS):
        if event in STATES[state]:
            assert step(replace(alert, state=state), event) in STATES
        else:
            with pytest.raises(IllegalEvent, match=f"out 7-12 of cart 7 .* is {state}: {event}"):
                step(replace(alert, state=state), event)


def test_every_state_but_the_last_ends_when_all_is_right():
    assert {row.get("right") for state, row in STATES.items() if state != "resolved"} == {
        "resolved"
    }


def test_each_device_that_is_out_is_one_alert():
    alerts = opened(with_slots(WELL, 12, 14, now=AWAY))
    assert [(a.finding, a.subject, a.slots, a.state) for a in alerts] == [
        ("out", "slot 12", (12,), "notified"),
        ("out", "slot 14", (14,), "notified"),
    ]
    assert alerts[0].since_s == at(13, 5)


@pytest.mark.parametrize(
    ("facts", "finding", "subject", "hidden"),
    [
        (replace(WELL, heard_s=None), "silent", "", tuple(range(1, 31))),
        (replace(WELL, mains=Fact("off", at(16, 0))), "unplugged", "", tuple(range(1, 31))),
        (
            with_slots(replace(WELL, banks=(OK, FAULTY, OK)), *range(11, 21), now=BLIND),
            "sensor_fault",
            "bank 2",
            tuple(range(11, 21)),
        ),
    ],
)
def test_cause_before_symptom_one_alert_with_all_it_hides(facts, finding, subject, hidden):
    (alert,) = seen([], facts)
    assert (alert.finding, alert.subject, alert.hides) == (finding, subject, hidden)


def test_what_came_home_is_resolved_as_of_when_that_was_measured():
    alerts = opened(with_slots(WELL, 12, now=AWAY))
    home = replace(CHARGING, presence=Fact("present", at(18, 5)))
    (alert,) = seen(alerts, with_slots(WELL, 12, now=home), at(18, 20))
    assert (alert.state, alert.resolved_s) == ("resolved", at(18, 5))
    assert not alert.over  # Lee has not heard of it
    assert tell(alert, LEE).over


@pytest.mark.parametrize(
    ("wrong", "right", "resolved_s"),
    [
        ({"mains": Fact("off", at(16, 0))}, {"mains": Fact("on", at(17, 30))}, at(17, 30)),
        (
            {"door": Fact("open", at(16, 0)), "bolt": Fact("open", at(16, 0))},
            {"door": Fact("closed", at(17, 30)), "bolt": Fact("thrown", at(17, 31))},
            at(17, 31),
        ),
        ({"bolt": Fact("open", at(16, 0))}, {"bolt": Fact("thrown", at(17, 32))}, at(17, 32)),
        ({"mains": Fact("unknown", None)}, {"mains": Fact("on", at(17, 33))}, at(18, 0)),
    ],
)
def test_what_is_of_the_cart_is_resolved_too(wrong, right, resolved_s):
    alerts = opened(replace(WELL, **wrong))
    (alert,) = seen(alerts, replace(WELL, **right), at(18, 0))
    assert (alert.state, alert.resolved_s) == ("resolved", resolved_s)


def test_a_cart_that_falls_silent_hides_its_alerts_and_resolves_none():
    alerts = opened(with_slots(replace(WELL, mains=Fact("off", at(16, 0))), 12, now=AWAY))
    later = seen(alerts, replace(WELL, heard_s=None), at(21, 0))
    assert one(later, "out").hidden_by == one(later, "unplugged").hidden_by == "silent"
    assert {alert.state for alert in later} == {"notified", "open"}
    again = seen(later, with_slots(WELL, 12, now=AWAY), at(21, 30))
    assert one(again, "out").hidden_by == ""
    assert one(again, "out").state == "notified"
    assert one(again, "unplugged").state == one(again, "silent").state == "resolved"


def test_a_dead_bank_hides_only_its_own_slots():
    alerts = opened(with_slots(WELL, 12, 25, now=AWAY))
    facts = with_slots(replace(WELL, banks=(OK, FAULTY, OK)), *range(11, 21), now=BLIND)
    later = seen(alerts, with_slots(facts, 25, now=AWAY), at(18, 0))
    assert {a.subject: a.hidden_by for a in later} == {
        "slot 12": "sensor_fault bank 2",
        "slot 25": "",
        "bank 2": "",
    }


def test_a_sensor_that_cannot_tell_the_mains_hides_a_pulled_plug():
    alerts = opened(replace(WELL, mains=Fact("off", at(16, 0))))
    later = seen(alerts, replace(WELL, mains=Fact("unknown", at(18, 0))), at(18, 5))
    assert one(later, "unplugged").hidden_by == "sensor_fault mains"


def test_a_bank_is_the_same_alert_whatever_it_cannot_measure():
    blind = with_slots(replace(WELL, banks=(FAULTY, OK, OK)), *range(1, 11), now=BLIND)
    alerts = opened(blind)
    later = seen(alerts, with_slots(blind, *range(1, 11), now=UNMEASURED), at(18, 0))
    assert [(a.subject, a.rule) for a in alerts] == [("bank 1", "C2")]
    assert [(a.subject, a.rule, a.state) for a in later] == [("bank 1", "C7", "notified")]


def test_c7_a_cable_is_right_again_when_current_has_flowed_and_not_before():
    (alert,) = opened(with_slots(WELL, 5, now=IDLE))
    put_back = replace(IDLE, presence=Fact("present", at(17, 50)))
    (waiting,) = seen([alert], with_slots(WELL, 5, now=put_back), at(17, 55))
    assert waiting.state == "notified"
    unseen = replace(put_back, drew=None)  # its bank was dead for long
    (waiting,) = seen([waiting], with_slots(WELL, 5, now=unseen), at(18, 20))
    assert waiting.state == "notified"
    drawn = replace(CHARGING, charge=Fact("charging", at(18, 30)))
    (right,) = seen([waiting], with_slots(WELL, 5, now=drawn), at(18, 40))
    assert (right.state, right.resolved_s) == ("resolved", at(18, 30))


def test_c7_a_device_that_is_taken_out_hides_its_cable():
    (alert,) = opened(with_slots(WELL, 5, now=IDLE))
    later = seen([alert], with_slots(WELL, 5, now=AWAY), at(18, 0))
    assert one(later, "not_charging").hidden_by == "out slot 5"


def test_in_school_hours_nothing_is_opened():
    assert seen([], with_slots(WELL, 12, now=AWAY), opens=False) == []


def test_an_acknowledged_alert_stays_so_until_it_is_right_and_its_end_is_still_to_be_told():
    (alert,) = opened(with_slots(WELL, 12, now=AWAY))
    taken = acknowledge(alert, "Ann Lee", "at the repair shop")
    (still,) = seen([taken], with_slots(WELL, 12, now=AWAY), at(21, 0))
    assert still.in_hand
    (right,) = seen([still], WELL, at(21, 5))
    assert (right.state, right.in_hand, right.over) == ("resolved", False, False)


def test_a_snooze_ends_by_itself_and_the_alert_speaks_again():
    (alert,) = opened(with_slots(WELL, 12, now=AWAY))
    asleep = snooze(alert, "Ann Lee", "field trip", at(19, 0))
    assert wake(asleep, at(18, 59)) == asleep
    awake = wake(asleep, at(19, 0))
    assert (awake.state, awake.who, awake.until_s) == ("notified", "", None)


def test_what_is_resolved_can_be_neither_acknowledged_nor_snoozed():
    (alert,) = opened(with_slots(WELL, 12, now=AWAY))
    (right,) = seen([alert], WELL, at(18, 0))
    with pytest.raises(IllegalEvent, match="resolved"):
        acknowledge(right, "Ann Lee", "too late")
    with pytest.raises(IllegalEvent, match="resolved"):
        snooze(right, "Ann Lee", "too late", at(19, 0))


def test_flapping_is_one_alert_that_calms_down_by_itself():
    alerts = opened(replace(WELL, mains=Fact("off", at(16, 0))))
    number = 0
    for number in range(FLAPS_AT_MOST + 2):
        word = ("on", "off")[number % 2]
        facts = replace(WELL, mains=Fact(word, at(17, 10) + 300 * number))
        alerts = seen(alerts, facts, at(17, 11) + 300 * number)
    (alert,) = alerts
    last_s = at(17, 10) + 300 * number
    assert len(alert.flips) == FLAPS_AT_MOST + 2
    assert alert.flapping(last_s)
    assert not alert.flapping(last_s + FLAP_WINDOW_S)


def test_reopened_it_is_told_again_to_those_who_thought_it_over():
    (alert,) = opened(with_slots(WELL, 12, now=AWAY))
    (right,) = seen([alert], WELL, at(18, 0))
    for before, after in ((right, {LEE}), (tell(right, LEE), set())):
        (again,) = seen([before], with_slots(WELL, 12, now=AWAY), at(18, 30))
        assert (again.state, again.day, set(again.told)) == ("open", DAY, after)


# Late facts


def corrected(alerts, facts):
    return correct(alerts, judged(facts), facts, SCHOOL.name, DAY)


def test_a_report_measured_in_time_that_came_late_withdraws_what_was_said_once():
    alerts = opened(with_slots(WELL, 12, now=AWAY))
    home = replace(CHARGING, presence=Fact("present", at(16, 50)))
    (alert,) = corrected(alerts, with_slots(WELL, 12, now=home))
    assert (alert.correction, alert.state, alert.resolved_s) == (
        "withdrawn",
        "resolved",
        at(16, 50),
    )
    assert corrected([alert], with_slots(WELL, 12, now=home)) == []
    assert corrected([alert], with_slots(WELL, 12, now=AWAY)) == []


def test_a_report_that_came_late_adds_what_was_not_said_once():
    (alert,) = corrected([], with_slots(WELL, 12, now=AWAY))
    assert (alert.correction, alert.state, alert.subject) == ("added", "open", "slot 12")
    assert corrected([alert], WELL) == []


def test_a_cart_that_was_only_out_of_reach_is_corrected_whenever_its_reports_come():
    alerts = opened(replace(WELL, heard_s=None))
    facts = with_slots(WELL, 12, now=AWAY)
    in_order = corrected(alerts, facts)
    live_first = corrected(seen(alerts, facts, at(17, 30), opens=False), facts)
    assert in_order == live_first
    assert [(a.finding, a.correction) for a in in_order] == [
        ("silent", "withdrawn"),
        ("out", "added"),
    ]


def test_what_was_told_before_and_came_right_after_a_deadline_is_no_correction():
    (alert,) = told(opened(with_slots(WELL, 12, now=AWAY)))
    (right,) = seen([alert], WELL, at(18, 0))
    before = replace(right, day="2026-11-16", said_day="2026-11-16")
    for resolved_s, added in ((AT_S + 60, []), (AT_S - 3600, ["added"])):
        found = corrected([replace(before, resolved_s=resolved_s)], with_slots(WELL, 12, now=AWAY))
        assert [one.correction for one in found] == added


def test_c9_of_a_time_off_the_air_a_cart_cannot_tell_where_it_was():
    stored = replace(CART, storage=frozenset({"02:00:00:00:00:01"}))
    facts = replace(WELL, place=Fact("02:00:00:00:00:02", at(13, 15)))
    late = judged(facts, stored)
    assert [one.finding for one in late.verdicts] == ["elsewhere"]
    (added,) = correct([], late, facts, SCHOOL.name, DAY)
    assert (added.finding, added.correction) == ("elsewhere", "added")
    silent = opened(replace(WELL, heard_s=None))
    (withdrawn,) = correct(silent, late, facts, SCHOOL.name, DAY)
    assert (withdrawn.finding, withdrawn.correction) == ("silent", "withdrawn")


def test_what_was_not_said_at_this_deadline_is_not_corrected():
    (alert,) = seen([], with_slots(WELL, 12, now=AWAY))
    assert corrected([alert], WELL) == []


@given(st.lists(st.sampled_from(range(6)), max_size=8), st.data())
def test_however_often_and_in_whatever_order_it_is_looked_the_end_is_the_same(order, data):
    """Looks at moments that lie in between change when it is known, never what."""
    sights = [
        with_slots(WELL, 12, now=AWAY),
        replace(WELL, heard_s=None),
        replace(WELL, mains=Fact("off", at(16, 0))),
        with_slots(replace(WELL, banks=(OK, FAULTY, OK)), *range(11, 21), now=BLIND),
        WELL,
        with_slots(WELL, 5, now=IDLE),
    ]
    last = data.draw(st.sampled_from(sights))
    alerts = opened(sights[0])
    for index in order:
        alerts = seen(alerts, sights[index], at(18, 0))
    alerts = seen(alerts, last, at(20, 0))
    straight = seen([], last, at(20, 0))
    shown = {a.key for a in alerts if a.state != "resolved" and not a.hidden_by}
    if last is not sights[5]:  # a cable that is not known to be right again stays what it was
        assert shown - {(7, "not_charging", "slot 5")} == {a.key for a in straight}
    assert {a.key for a in straight} <= shown
    assert len({(a.day, *a.key) for a in alerts}) == len(alerts)
