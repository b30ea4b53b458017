"""The cart that costs milliseconds says what the firmware says on simulated chips."""

from dataclasses import replace
from random import Random

import pytest

from homeslot.board import Board
from homeslot_hardware import boards
from homeslot_sim.cart.body import batteries
from homeslot_sim.cart.world import ASPECTS, BANKS, SLOTS, VERBS, World
from homeslot_sim.plans import cart_settings
from homeslot_sim.scenario import Deed
from homeslot_sim.score.district import OFF_BEAT_MS, Morning
from homeslot_sim.score.plan import REPORT_S, SCAN_MS
from homeslot_sim.score.quick_cart import QuickCart
from homeslot_sim.score.quick_sensors import charge
from homeslot_sim.score.replay import Day, at_register_level, differences

BOARD = Board(boards.load("pico-w-30"))
LENGTH_MS = 2400000


class Deaf:
    """A broker nobody listens to."""

    up = True

    def publish(self, topic, payload, retain):
        pass


def quick_day(deeds, length_ms=LENGTH_MS):
    """A quick cart's day: it boots with all home, and `deeds` (at s, verb, numbers) befall it."""
    world, cells = World(30, 3), batteries(30, 7)
    charge(cells, world, 0, range(30), 10)
    cart = QuickCart(
        cart_settings("cart-7", scan_ms=SCAN_MS, report_s=REPORT_S), BOARD, cells, Deaf(), world
    )
    morning = Morning(0, {aspect: good[:] for aspect, good in world.good.items()}, cells.later(0))
    cart.told = []
    cart.switch_on(OFF_BEAT_MS)

    def until(at_ms):
        while cart.next_ms < at_ms:
            cart.wake(cart.next_ms)

    for at_s, verb, numbers in deeds:
        until(at_s * 1000)
        aspect, good = VERBS[verb]
        cart.befall(at_s * 1000, aspect, [n - 1 for n in numbers] or [0], good)
        morning.deeds.append(Deed(at_s, 7, verb, tuple(numbers)))
    until(length_ms)
    told = [(at_ms - OFF_BEAT_MS, *what) for at_ms, *what in cart.told]
    return Day(7, morning, 0, told, length_ms - OFF_BEAT_MS)


def random_deeds(random, count=60):
    """Anything at all, at any second: much of it within the holds of what was before."""
    verbs = [verb for verb, (aspect, _) in VERBS.items() if aspect != "power"]
    deeds, at_s = [], 8
    for _ in range(count):
        at_s += random.choice((1, 1, 2, 3, 5, 10, 30, 90, 200)) * random.randint(0, 1)
        verb = random.choice(verbs)
        of = ASPECTS[VERBS[verb][0]]
        most = 30 if of == SLOTS else 3 if of == BANKS else 0
        deeds.append((at_s, verb, sorted(random.sample(range(1, most + 1), min(most, 2)))))
    return [deed for deed in deeds if deed[0] < LENGTH_MS // 1000 - 100]


# Among them a bank that is away for less than its chips' patience, currents that turn twice within
# a second, and one that ends just when it has held for long enough.
@pytest.mark.parametrize("seed", (0, 1, 2, 11, 16, 17, 34, 53, 57))
def test_whatever_befalls_it_the_quick_cart_says_what_the_registers_say(seed):
    day = quick_day(random_deeds(Random(seed)))
    assert len(day.told) > 20
    assert differences(day, at_register_level(day)) == []


def test_a_difference_of_either_kind_shows():
    day = quick_day([(60, "out", [3]), (90, "in", [3])], 200000)
    registers = at_register_level(day)
    assert differences(day, registers) == []
    late = [(at_ms + 2000, *what) for at_ms, *what in registers]
    assert differences(day, late)
    assert differences(day, registers[1:])
    assert differences(day, [*registers, (150000, "door", 0, "open", "closed")])


def test_a_current_that_ends_when_it_is_said_may_be_said_by_one_alone():
    day = quick_day([(60, "out", [3]), (90, "in", [3])], 400000)
    registers = at_register_level(day)

    def with_pair(word, long_ms):
        pair = [(300000, "slot", 9, word, "idle"), (300000 + long_ms, "slot", 9, "idle", word)]
        return [
            differences(day, [*registers, *pair]),
            differences(replace(day, told=day.told + pair), registers),
        ]

    assert with_pair("charging", 61000) == with_pair("trickle", 60000) == [[], []]
    assert all(with_pair("charging", 63000))
    assert all(with_pair("empty", 5000))
