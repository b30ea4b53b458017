"""The truth is read off the world; and laid beside what was said, every difference shows."""

from dataclasses import replace

import pytest

from homeslot_sim.compare import CartSaid, Said, compare
from homeslot_sim.scenario import DURING_S, parse
from homeslot_sim.truth import Wrong, truths

HEAD = """
school       Hill Primary
zone         Europe/Berlin
date         2026-11-18
from         16:00
until        17:04
coordinator  Uta Vogel <uta@hill.example>
cart 7  room 12  teacher Ida Moe <ida@hill.example>  spare 30
"""
FOUR = 1795014000
AT_10, AT_20 = FOUR + 600 + DURING_S, FOUR + 1200 + DURING_S


def truth(lines, head=HEAD):
    (cart,) = truths(parse(head + lines), silent_after_s=900, idle_after_s=900)
    return cart


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("", ()),
        ("16:10 cart 7 out 3\n", (Wrong("out", (3,), AT_10),)),
        ("16:10 cart 7 out 3\n16:20 cart 7 in 3\n", ()),
        ("16:10 cart 7 out 30\n", ()),  # a spare slot has no device
        ("16:10 cart 7 unplug\n", (Wrong("unplugged", (), AT_10),)),
        ("16:10 cart 7 open\n16:20 cart 7 unlock\n", (Wrong("unlocked", (), AT_10),)),
        ("16:10 cart 7 roam\n", (Wrong("elsewhere", (), AT_10),)),
        ("16:10 cart 7 roam\n16:20 cart 7 return\n", ()),
        ("16:10 cart 7 disconnect 4\n", ()),  # had charged: may as well be full, or resting
        (
            "16:10 cart 7 out 4, disconnect 4\n16:20 cart 7 in 4\n",
            (Wrong("not_charging", (4,), AT_20),),
        ),
        ("16:10 cart 7 out 4, disconnect 4\n16:50 cart 7 in 4\n", ()),  # too late to tell
        (
            "16:10 cart 7 out 4, disconnect 4\n16:20 cart 7 in 4, unplug\n",
            (Wrong("unplugged", (), AT_20),),
        ),
        ("16:10 cart 7 link-down\n16:20 cart 7 out 1\n", (Wrong("silent", (), AT_10),)),
        ("16:50 cart 7 link-down\n", ()),  # within what is no silence yet
        (
            "16:10 cart 7 bank-dies 3\n16:20 cart 7 out 25\n",
            (Wrong("sensor_fault", tuple(range(21, 30)), AT_10),),
        ),
    ],
)
def test_what_is_wrong_is_known_with_its_moment(lines, wrong):
    assert truth(lines).wrong == wrong


def test_what_happens_after_the_deadline_is_not_the_truth_of_the_deadline():
    assert truth("17:01 cart 7 out 3\n") == truth("")


def test_an_open_front_is_no_fault_where_none_is_asked_for():
    head = HEAD.replace("spare 30", "spare 30  front open")
    assert truth("16:10 cart 7 open, unlock\n", head).wrong == ()


def test_behind_a_dead_bank_the_truth_is_there_but_cannot_be_sensed():
    cart = truth("16:10 cart 7 bank-dies 1\n16:20 cart 7 out 5\n")
    assert cart.places[4] == "out"
    assert not any(cart.sensed[:10]) and all(cart.sensed[10:])


def said_truly(cart):
    """What a hub would say that tells the truth as far as it can be sensed."""
    places = tuple(
        place if place == "spare" or sensed else "unknown"
        for place, sensed in zip(cart.places, cart.sensed, strict=True)
    )
    findings = tuple(Said(w.finding, w.slots, w.since_s) for w in cart.wrong)
    return CartSaid(cart.cart, places, findings)


LINES = "16:10 cart 7 out 3, unplug\n16:20 cart 7 bank-dies 2\n"


def agreement(said):
    day = parse(HEAD + LINES)
    return [row.agree for row in compare([truth(LINES)], said, day.zone, 120)]


def test_the_truth_agrees_with_itself():
    assert agreement([said_truly(truth(LINES))]) == [True] * 4


def test_a_hub_that_says_nothing_agrees_with_nothing():
    assert agreement([]) == [False] * 4


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_a_missed_finding_shows(left_out):
    true = said_truly(truth(LINES))
    less = tuple(f for i, f in enumerate(true.findings) if i != left_out)
    assert agreement([replace(true, findings=less)]).count(False) == 1


def test_a_false_alarm_shows():
    true = said_truly(truth(LINES))
    more = (*true.findings, Said("out", (9,), AT_10))
    assert agreement([replace(true, findings=more)]).count(False) == 1


@pytest.mark.parametrize("since_s", [None, AT_10 - 121, AT_10 + 121])
def test_a_wrong_moment_shows(since_s):
    true = said_truly(truth(LINES))
    moved = tuple(replace(f, since_s=since_s) if f.finding == "out" else f for f in true.findings)
    assert agreement([replace(true, findings=moved)]).count(False) == 1


@pytest.mark.parametrize("place", ["home", "out"])
def test_a_guess_about_what_cannot_be_sensed_shows_even_when_it_is_right(place):
    true = said_truly(truth(LINES))
    places = (*true.places[:10], place, *true.places[11:])
    assert agreement([replace(true, places=places)]).count(False) == 1
