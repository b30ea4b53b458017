"""The world: what is so, changed by the verbs of a scenario alone; the chronicle: since when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_sim.cart.world import ASPECTS, BANKS, CART, SLOTS, VERBS, World
from homeslot_sim.truth import Chronicle

COUNTS = {SLOTS: 30, BANKS: 3, CART: 1}


@st.composite
def deeds(draw):
    """[(s since the last, verb, numbers)] as scenarios have them."""
    said = []
    for _ in range(draw(st.integers(0, 25))):
        verb = draw(st.sampled_from(list(VERBS)))
        of = ASPECTS[VERBS[verb][0]]
        most = 0 if of == CART else COUNTS[of]
        numbers = draw(st.lists(st.integers(1, most), max_size=4)) if most else []
        said.append((draw(st.integers(0, 3600)), verb, numbers))
    return said


def test_at_first_all_is_home_and_well():
    world = World(30, 3)
    for aspect, of in ASPECTS.items():
        assert world.good[aspect] == [True] * COUNTS[of]
        assert Chronicle(30, 3, 5).since_s[aspect] == [5] * COUNTS[of]


@pytest.mark.parametrize("aspect", list(ASPECTS))
def test_every_aspect_has_one_verb_each_way(aspect):
    assert sorted(value for of, value in VERBS.values() if of == aspect) == [False, True]


def test_a_verb_without_numbers_is_about_all_of_its_kind():
    world = World(30, 3)
    world.apply("out", [])
    assert world.good["device"] == [False] * 30
    world.apply("shelf-off", [])
    assert world.good["shelf"] == [False] * 3
    world.apply("unlock", [])
    assert world.good["bolt"] == [False]


@given(said=deeds())
def test_each_thing_is_as_the_last_verb_about_it_says_since_the_first_that_said_so(said):
    world, now_s, heard = Chronicle(30, 3, 0), 0, {}
    for after_s, verb, numbers in said:
        now_s += after_s
        world.apply_at(now_s, verb, numbers)
        aspect, value = VERBS[verb]
        for number in numbers or range(1, COUNTS[ASPECTS[aspect]] + 1):
            good, since_s = heard.get((aspect, number), (True, 0))
            heard[aspect, number] = (value, since_s if value == good else now_s)
    for aspect, of in ASPECTS.items():
        for i in range(COUNTS[of]):
            expected = heard.get((aspect, i + 1), (True, 0))
            assert (world.good[aspect][i], world.since_s[aspect][i]) == expected
