"""What must be said at a deadline, what may be, and what must not: read off the world alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.cart.world import VERBS, World
from homeslot_sim.score.history import Histories, History, all_good
from homeslot_sim.score.knowable import (
    COMMIT_S,
    EDGE_S,
    RECONNECT_S,
    RECOVERY_S,
    Rules,
    Server,
    truth,
)

DAY_S = 1795014000
FIVE = DAY_S + 9 * 3600  # the deadline
JUDGED = FIVE + 120
SPARE = 30


def judged(*happened, rotates=False, front_open=False, server=None, judged_s=JUDGED):
    """The truth of a cart to which (s from the deadline, verb, *numbers) has happened."""
    histories = Histories(World(30, 3))
    for after_s, verb, *numbers in sorted(happened, key=lambda one: one[0]):
        aspect, good = VERBS[verb]
        histories.turn(FIVE + after_s, aspect, [n - 1 for n in numbers] or [0], good)
    rules = Rules(900, 900, 300, frozenset({SPARE}), front_open, rotates)
    return truth(histories, server or Server(), rules, FIVE, judged_s)


def must(found):
    return {key for key, claim in found.claims.items() if claim == "must"}


def may(found):
    return {key for key, claim in found.claims.items() if claim == "may"}


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        ([], set()),
        ([(-3600, "out", 3)], {("out", 3)}),
        ([(-3600, "out", 3), (-1800, "in", 3)], set()),
        ([(-3600, "out", SPARE)], set()),
        ([(-3600, "unplug")], {("unplugged", 0)}),
        ([(-3600, "open"), (-3600, "unlock")], {("unlocked", 0)}),
        ([(-3600, "unlock")], {("unlocked", 0)}),
        ([(-3600, "bank-dies", 2)], {("sensor_fault", 2)}),
        ([(-3600, "out", 12), (-1800, "bank-dies", 2)], {("sensor_fault", 2)}),  # C2: unknown
        ([(-3600, "link-down"), (-3000, "out", 1)], {("silent", 0)}),
        ([(-3600, "power-off")], {("silent", 0)}),
        ([(-7200, "out", 4), (-7100, "disconnect", 4), (-3600, "in", 4)], {("not_charging", 4)}),
        ([(-3600, "disconnect", 4)], set()),  # it may be full
        ([(-7200, "out", 4), (-7100, "disconnect", 4), (-600, "in", 4)], set()),  # too early
        (
            [(-7200, "out", 4), (-7100, "disconnect", 4), (-3600, "in", 4), (-1800, "connect", 4)],
            set(),
        ),
        (
            [(-7200, "out", 4), (-7100, "disconnect", 4), (-3600, "in", 4), (-60, "unplug")],
            {("unplugged", 0)},
        ),
    ],
)
def test_what_has_been_so_for_long_must_be_said(happened, said):
    found = judged(*happened)
    assert (must(found), may(found)) == (said, set())


@pytest.mark.parametrize("after_s", [-EDGE_S + 1, 0, EDGE_S - 1])
def test_on_the_very_edge_of_the_deadline_both_are_right(after_s):
    assert may(judged((after_s, "out", 3))) == {("out", 3)}
    assert may(judged((-3600, "out", 3), (after_s, "in", 3))) == {("out", 3)}


def test_what_happens_after_the_deadline_is_not_the_truth_of_the_deadline():
    assert judged((EDGE_S + 1, "out", 3), (60, "unplug")).claims == {}


def test_an_open_front_is_no_fault_where_none_is_asked_for():
    assert judged((-3600, "open"), (-3600, "unlock"), front_open=True).claims == {}


def test_a_cart_lost_from_touch_a_while_ago_is_judged_by_its_last_word():
    """The school takes what is at most 15 minutes old for the present."""
    found = judged((-400, "out", 3), (-300, "link-down"), (-200, "in", 3), (-100, "out", 5))
    assert must(found) == {("out", 3)}
    assert found.so == {("out", 5)}


def test_a_cart_found_again_before_the_judgement_has_told_all():
    found = judged((-300, "link-down"), (-100, "out", 5), (-2, "link-up"))
    assert must(found) == {("out", 5)}
    late = judged((-300, "link-down"), (-100, "out", 5), (120 - RECONNECT_S + 1, "link-up"))
    assert may(late) == {("out", 5)}


def test_silence_is_certain_only_beyond_the_interval_of_the_reports():
    assert must(judged((-900 - EDGE_S - 1, "link-down"))) == {("silent", 0)}
    assert may(judged((-700, "link-down"))) == {("silent", 0)}
    assert judged((-550, "link-down")).claims == {}


def test_behind_a_silence_that_may_be_nothing_must_be_said():
    assert may(judged((-3600, "out", 3), (-700, "link-down"))) == {("silent", 0), ("out", 3)}


def test_a_hub_that_was_away_hears_from_its_broker_what_it_missed():
    server = Server()
    server.hub.turn(FIVE - 1200, False)
    server.hub.turn(FIVE - 60, True)
    assert must(judged((-600, "out", 3), server=server)) == {("out", 3)}


def test_what_a_broker_forgot_while_the_hub_was_away_cannot_be_known():
    server = Server(losses=[(FIVE - 1200, FIVE - 20)])
    server.broker.turn(FIVE - 20, False)
    server.broker.turn(FIVE - 10, True)
    assert ("out", 3) in may(judged((-600, "out", 3), server=server))


@pytest.mark.parametrize("hidden", [("bank-dies", 1), ("power-off",)])
def test_a_device_that_came_unseen_may_or_may_not_be_suspected(hidden):
    healed = {"bank-dies": ("bank-heals", 1), "power-off": ("power-on",)}[hidden[0]]
    found = judged(
        (-9000, "out", 4),
        (-8000, "disconnect", 4),
        (-7000, *hidden),
        (-6000, "in", 4),
        (-5000, *healed),
    )
    assert may(found) == {("not_charging", 4)}


UNFED = ((-30000, "out", 4), (-29000, "disconnect", 4), (-28000, "in", 4))


@pytest.mark.parametrize(("dead_s", "known"), [(800, must), (900, may)])
def test_behind_a_bank_that_was_dead_for_long_a_device_may_have_been_charged(dead_s, known):
    found = judged(*UNFED, (-20000, "bank-dies", 1), (-20000 + dead_s, "bank-heals", 1))
    assert known(found) == {("not_charging", 4)}


def test_a_bank_that_answers_for_a_moment_is_dead_as_long():
    flickers = [(-20000, "bank-dies", 1), (-19500, "bank-heals", 1), (-19460, "bank-dies", 1)]
    assert may(judged(*UNFED, *flickers, (-19000, "bank-heals", 1))) == {("not_charging", 4)}


def test_a_device_that_was_fed_first_behind_a_dead_bank_may_be_full():
    came = ((-30000, "unplug"), (-29000, "out", 4), (-28000, "in", 4))
    dead = ((-27000, "bank-dies", 1), (-3600, "bank-heals", 1))
    assert may(judged(*came, *dead, (-20000, "plug"))) == {("not_charging", 4)}
    assert judged(*came, *dead, (-3000, "plug")).claims == {}
    assert judged(*came, *dead, (-27500, "plug")).claims == {}


def test_a_bank_that_came_back_is_not_believed_at_once():
    found = judged((-7200, "bank-dies", 1), (-RECOVERY_S, "bank-heals", 1), (-3600, "out", 2))
    assert may(found) == {("sensor_fault", 1), ("out", 2)}
    found = judged((-7200, "bank-dies", 1), (-RECOVERY_S - 7, "bank-heals", 1), (-3600, "out", 2))
    assert must(found) == {("out", 2)}


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        ([(-3600, "overload", 4)], {("power_fault", 4)}),
        ([(-3600, "backfeed", 4)], {("power_fault", 4)}),
        ([(-3600, "overload", 4), (-1800, "relieve", 4)], set()),
        ([(-3600, "overload", 4), (-1800, "disconnect", 4)], set()),
        ([(-3600, "overload", 4), (-1800, "unplug")], {("unplugged", 0)}),
        ([(-3600, "backfeed", 4), (-1800, "unplug")], {("unplugged", 0), ("power_fault", 4)}),
        ([(-3600, "overload", 4), (-1800, "out", 4)], {("out", 4)}),
        ([(-3600, "overload", 4), (-1800, "bank-dies", 1)], {("sensor_fault", 1)}),
        ([(-3600, "overload", SPARE)], {("power_fault", SPARE)}),
        ([(-3600, "roam")], {("elsewhere", 0)}),
    ],
)
def test_c1_what_draws_too_much_or_feeds_back_is_a_power_fault_while_it_flows(happened, said):
    found = judged(*happened)
    assert (must(found), may(found)) == (said, set())


def test_behind_a_switch_that_sticks_nothing_is_certain_but_that_what_is_gone_is_out():
    stuck = judged((-3600, "stick", 4))
    assert (must(stuck), may(stuck)) == (set(), {("out", 4), ("switch_fault", 4)})
    gone = judged((-3600, "stick", 4), (-1800, "out", 4))
    assert (must(gone), may(gone)) == ({("out", 4)}, set())
    freed = judged((-7200, "stick", 4), (-3600, "unstick", 4))
    assert freed.claims == {}


def test_what_is_looked_at_at_once_is_known_only_after_the_hub_has_taken_it_in():
    assert may(judged((-COMMIT_S, "out", 3), judged_s=FIVE)) == {("out", 3)}
    assert must(judged((-COMMIT_S - EDGE_S - 1, "out", 3), judged_s=FIVE)) == {("out", 3)}


def test_a_clock_that_is_behind_makes_everything_possible_of_what_it_may_be_taken_for():
    histories = Histories(World(30, 3))
    histories.misled.append((FIVE + 60, FIVE - 60))  # it booted after the deadline
    rules = Rules(900, 900, 300, frozenset({SPARE}), False, False)
    assert truth(histories, Server(), rules, FIVE, FIVE + 3600).claim(("out", 3)) == "may"
    assert truth(histories, Server(), rules, FIVE, FIVE + 30).claim(("out", 3)) == "never"
    assert truth(histories, Server(), rules, FIVE - 120, JUDGED).claim(("out", 3)) == "never"


def test_c1_where_shelves_take_turns_an_hour_is_waited():
    early = ((-7200, "out", 4), (-7100, "disconnect", 4), (-1800, "in", 4))
    assert must(judged(*early)) == {("not_charging", 4)}
    assert judged(*early, rotates=True).claims == {}


TURNS = st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=20)


@given(TURNS)
def test_a_history_is_the_world_second_by_second(turns):
    history, good, seconds = History(), True, {}
    ordered = sorted(turns, key=lambda turn: turn[0])
    for at_s in range(-1, 62):
        for when_s, value in ordered:
            if when_s == at_s:
                history.turn(at_s, value)
                good = value
        seconds[at_s] = good
    assert {at_s: history.good(at_s) for at_s in seconds} == seconds
    spelled = {s for low, high in history.spells(0, 60) for s in range(low, high)}
    assert spelled == {s for s in range(60) if seconds[s]}
    for at_s in range(61):
        assert history.turned(at_s - 1, at_s) == (seconds[at_s - 1] != seconds[at_s])


@given(TURNS, TURNS)
def test_all_good_is_where_each_is(one, other):
    histories = []
    for turns in (one, other):
        history = History()
        for at_s, value in sorted(turns, key=lambda turn: turn[0]):
            history.turn(at_s, value)
        histories.append(history)
    found = {s for low, high in all_good(histories, 0, 60) for s in range(low, high)}
    assert found == {s for s in range(60) if all(history.good(s) for history in histories)}
