"""What was believed at any time T follows from what was measured, however it arrived."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot.core.slots import STATES
from homeslot_hub.model import UNKNOWN, CartFacts, Fact, Message
from homeslot_hub.service.intake import HEARD_GAP_S
from homeslot_hub.service.picture import snapshot_words
from homeslot_hub.service.ports import Snapshot
from homeslot_hub.service.wire import decode

from .reports import CART, START_S, Clock, Reporter, body_of, open_hub, school_of

WORDS = {
    "slot": ("empty", "idle", "charging", "unmeasured", "mismatch", "unsteady", "unknown"),
    "bank": ("ok", "faulty", "unknown"),
    "bolt": ("thrown", "open", "unknown"),
    "mains": ("on", "off", "unknown"),
    "place": ("aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:00"),
}
STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 900)),
    st.tuples(st.just("wait"), st.integers(1, 30)),
    st.tuples(st.just("slot"), st.integers(1, 4), st.sampled_from(WORDS["slot"])),
    st.tuples(st.just("slot"), st.just(1), st.sampled_from(("empty", "idle", "unknown"))),
    st.tuples(st.just("bank"), st.integers(1, 2), st.sampled_from(WORDS["bank"])),
    st.tuples(st.just("bolt"), st.just(0), st.sampled_from(WORDS["bolt"])),
    st.tuples(st.just("mains"), st.just(0), st.sampled_from(WORDS["mains"])),
    st.tuples(st.just("place"), st.just(0), st.sampled_from(WORDS["place"])),
    st.tuples(st.just("state")),
    st.tuples(st.just("state")),
    st.tuples(st.just("diag")),
    st.tuples(st.just("hello")),
    st.tuples(st.just("reboot"), st.booleans()),
    st.tuples(st.just("learn time")),
    st.tuples(st.just("lose")),
)


def run(steps) -> tuple[list[Message], list[tuple[int, int]]]:
    """The messages a cart sends over `steps`, in order, and (boot, true time) of each."""
    cart = Reporter()
    sent, when, lose = [], [], False
    for name, *values in steps:
        message = None
        if name == "wait":
            cart.now_s += values[0]
        elif name == "ms":
            cart.ms = values[0]
        elif name == "reboot":
            cart.now_s += 1
            cart.reboot()
            cart.knows_time = values[0]
        elif name == "learn time":
            cart.knows_time = True
        elif name == "lose":
            lose = True
        elif name in ("state", "diag", "hello"):
            message = getattr(cart, name)()
        elif cart.words[name, values[0]] != values[1]:
            message = cart.event(name, *values)
        if message is not None:
            if not lose:
                sent.append(message)
                when.append((cart.boot, cart.now_s))
            lose = False
    return sent, when


def asked_times(when) -> list[int]:
    times = {at_s + more for _, at_s in when for more in (-1, 0, 1, 299, 300, 301)}
    return sorted(times | {START_S - 1, START_S + 10**6})


def believed(batches, times, checkpoint_every=200, restart_after=()) -> list[CartFacts]:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(START_S + 10**6)
        hub, store = open_hub(Path(folder), clock, checkpoint_every=checkpoint_every)
        for number, batch in enumerate(batches):
            hub.take(batch)
            if number in restart_after:
                store.close()
                hub, store = open_hub(Path(folder), clock, checkpoint_every=checkpoint_every)
        facts = [hub.facts(CART.controller, at_s) for at_s in times]
        store.close()
        return facts


@st.composite
def days(draw):
    """A cart's day, and another order in which some of it arrives more than once."""
    sent, when = run(draw(st.lists(STEPS, max_size=40)))
    order = draw(st.permutations(range(len(sent)))) if sent else []
    twice = draw(st.lists(st.sampled_from(order), max_size=5)) if sent else []
    cuts = sorted(draw(st.sets(st.integers(0, len(order) + len(twice)), max_size=6)))
    mixed = [sent[i] for i in (*order, *twice)]
    batches = [mixed[a:b] for a, b in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]
    return sent, when, batches


@settings(max_examples=60, deadline=None)
@given(days(), st.sampled_from((1, 3, 200)), st.sets(st.integers(0, 6), max_size=2))
def test_any_order_and_repetition_of_arrival_gives_the_same_belief_at_any_time(
    day, checkpoint_every, restart_after
):
    sent, when, batches = day
    times = asked_times(when)
    in_order = believed([[message] for message in sent], times, checkpoint_every)
    assert believed([sent], times) == in_order
    assert believed(batches, times, checkpoint_every, restart_after) == in_order


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_a_belief_is_the_last_thing_said_of_it_by_then_and_heard_is_exact(steps):
    sent, when = run(steps)
    placed_boots = {body["boot"] for m in sent if (body := body_of(m.payload))["at_s"] is not None}
    times = asked_times(when)
    for at_s, facts in zip(times, believed([sent], times), strict=True):
        said, heard_s = {}, None
        for message, (boot, measured_s) in zip(sent, when, strict=True):
            if measured_s <= at_s and boot in placed_boots:
                heard_s = measured_s
                said.update(_said(body_of(message.payload)))
        slots = dict(enumerate(facts.slots, 1))
        for (kind, number), word in said.items():
            if kind == "slot":
                present, charge = STATES[word]
                presence = {True: "present", False: "absent", None: "unknown"}[present]
                assert slots[number].presence.value == presence
                assert slots[number].charge.value == (charge or "unknown")
            elif kind == "bank":
                assert facts.banks[number - 1].value == word
            else:
                assert getattr(facts, kind).value == word
        if heard_s is None or at_s - heard_s > HEARD_GAP_S:
            assert facts.heard_s == heard_s
        else:
            assert heard_s <= facts.heard_s <= at_s


def _said(body) -> dict[tuple[str, int], str]:
    if "kind" in body:
        return {(body["kind"], body.get("index", 0)): body["value"]}
    if "banks" in body:
        return {
            **{("slot", n): word for n, word in enumerate(body["slots"], 1)},
            **{("bank", n): word for n, word in enumerate(body["banks"], 1)},
            **{(kind, 0): body[kind] for kind in ("bolt", "door", "mains", "tamper")},
        }
    return {}


LOST_BETWEEN = [
    ("state",),
    ("wait", 60),
    ("slot", 1, "empty"),
    ("wait", 60),
    ("lose",),
    ("slot", 1, "idle"),
    ("wait", 60),
    ("bolt", 0, "open"),
    ("wait", 60),
    ("state",),
    ("wait", 60),
    ("state",),
]
HEARTBEATS = [
    ("state",),
    ("wait", 200),
    ("state",),
    ("wait", 400),
    ("slot", 2, "unknown"),
    ("state",),
    ("wait", 299),
    ("slot", 2, "idle"),
    ("wait", 301),
    ("state",),
]
TIME_LEARNT_LATE = [
    ("ms", 900),
    ("reboot", False),
    ("wait", 100),
    ("state",),
    ("wait", 60),
    ("slot", 1, "empty"),
    ("wait", 60),
    ("ms", 100),
    ("learn time",),
    ("diag",),
    ("ms", 950),
    ("wait", 60),
    ("state",),
    ("slot", 1, "charging"),
]
HICCUP_OVER_A_REBOOT = [
    ("slot", 1, "charging"),
    ("wait", 60),
    ("state",),
    ("wait", 60),
    ("reboot", True),
    ("slot", 1, "unknown"),
    ("wait", 60),
    ("state",),
    ("wait", 60),
    ("slot", 1, "idle"),
]


@pytest.mark.parametrize("a_time", [1, 3])
@pytest.mark.parametrize("checkpoint_every", [1, 200])
@pytest.mark.parametrize(
    "steps", [LOST_BETWEEN, HEARTBEATS, TIME_LEARNT_LATE, HICCUP_OVER_A_REBOOT]
)
def test_every_order_of_arrival_gives_the_same_belief_at_any_time(
    start, steps, checkpoint_every, a_time
):
    """All orders at once: each is heard from a cart of its own, `a_time` messages in a group."""
    sent, when = run(steps)
    orders = list(itertools.permutations(sent))
    school = school_of(len(orders))
    clock = Clock(START_S + 10**6)
    hub, _ = start(clock, school, checkpoint_every=checkpoint_every)
    for first in range(0, len(sent), a_time):
        hub.take(
            [
                replace(message, topic=message.topic.replace("cart-7", cart.controller))
                for cart, order in zip(school.carts, orders, strict=True)
                for message in order[first : first + a_time]
            ]
        )
    for at_s in asked_times(when):
        in_order, *others = (hub.facts(cart.controller, at_s) for cart in school.carts)
        for order, facts in zip(orders[1:], others, strict=True):
            assert facts == in_order, (at_s, [message.payload for message in order])


def history(start, *steps):
    """A hub that has heard a cart through `steps` (seconds to wait, then what happens)."""
    hub, _ = start(Clock(START_S + 10**6))
    cart = Reporter()
    messages = [cart.state()]
    for wait_s, kind, number, word in steps:
        cart.now_s += wait_s
        messages.append(cart.event(kind, number, word))
    hub.take(messages)
    return hub


def test_since_moves_only_when_the_value_changes(start):
    hub = history(start, (60, "slot", 1, "charging"), (60, "slot", 1, "empty"))
    slot = hub.facts("cart-7", START_S + 119).slots[0]
    assert (slot.presence.value, slot.presence.since_s, slot.drew) == ("present", START_S, True)
    slot = hub.facts("cart-7", START_S + 120).slots[0]
    assert (slot.presence.value, slot.presence.since_s) == ("absent", START_S + 120)
    assert not slot.drew


def test_a_chip_that_hiccups_is_not_a_device_that_left(start):
    hub = history(
        start,
        (60, "slot", 1, "charging"),
        (60, "slot", 1, "unknown"),
        (60, "slot", 1, "idle"),
    )
    between = hub.facts("cart-7", START_S + 150).slots[0].presence
    assert (between.value, between.since_s) == ("unknown", START_S + 120)
    after = hub.facts("cart-7", START_S + 180).slots[0]
    assert (after.presence.value, after.presence.since_s, after.drew) == ("present", START_S, True)


def test_a_device_exchanged_while_nobody_could_see_counts_from_when_it_was_seen(start):
    hub = history(
        start,
        (60, "slot", 1, "charging"),
        (60, "slot", 1, "unknown"),
        (60, "slot", 1, "empty"),
        (60, "slot", 1, "idle"),
    )
    slot = hub.facts("cart-7", START_S + 240).slots[0]
    assert (slot.presence.since_s, slot.drew) == (START_S + 240, False)


def test_c7_a_device_that_nobody_saw_coming_may_have_drawn_before(start):
    """It came behind a dead bank, was charged there, and rests: no cable is to be suspected."""
    hub = history(
        start,
        (60, "slot", 1, "empty"),
        (60, "slot", 1, "unknown"),
        (60, "slot", 1, "idle"),
        (60, "slot", 2, "empty"),
        (60, "slot", 2, "idle"),
    )
    unseen, seen, first_sight = hub.facts("cart-7", START_S + 300).slots[:3]
    assert (unseen.presence.since_s, unseen.drew) == (START_S + 180, None)
    assert (seen.presence.since_s, seen.drew) == (START_S + 300, False)
    assert (first_sight.presence.since_s, first_sight.drew) == (START_S, None)


@pytest.mark.parametrize("word", ["unknown", "unmeasured"])
@pytest.mark.parametrize(("blind_s", "drew"), [(900, False), (901, None)])
def test_c7_a_device_not_measured_for_long_may_have_drawn_meanwhile(start, word, blind_s, drew):
    """It was put back, its bank died for days, and it rests: no cable is to be suspected."""
    hub = history(
        start,
        (60, "slot", 1, "empty"),
        (60, "slot", 1, "idle"),
        (60, "slot", 1, word),
        (blind_s, "slot", 1, "idle"),
    )
    slot = hub.facts("cart-7", START_S + 2000).slots[0]
    assert (slot.presence.since_s, slot.drew) == (START_S + 120, drew)


def test_a_snapshot_repairs_what_a_lost_event_left_wrong(start):
    hub, _ = start(Clock())
    cart = Reporter()
    hub.take([cart.state()])
    cart.now_s += 60
    cart.event("slot", 2, "empty")  # never arrives
    cart.now_s += 60
    hub.take([cart.state()])
    assert hub.facts("cart-7", START_S + 119).slots[1].presence.value == "present"
    presence = hub.facts("cart-7", START_S + 120).slots[1].presence
    assert (presence.value, presence.since_s) == ("absent", START_S + 120)


def test_what_was_measured_before_the_time_was_known_is_placed_once_it_is(start):
    clock = Clock()
    hub, _ = start(clock)
    cart = Reporter()
    cart.knows_time = False
    cart.now_s += 100
    early = [cart.state(), cart.event("mains", 0, "off")]
    hub.take(early)
    assert hub.facts("cart-7", cart.now_s).heard_s is None
    cart.now_s += 50
    clock.now_s = cart.now_s
    cart.knows_time = True
    hub.take([cart.diag()])
    facts = hub.facts("cart-7", cart.now_s)
    assert (facts.mains.value, facts.mains.since_s) == ("off", START_S + 100)
    assert facts.heard_s == START_S + 150
    assert hub.facts("cart-7", START_S + 120).heard_s == START_S + 100


def test_what_a_cart_kept_of_a_boot_that_never_knew_the_time_is_history_and_no_belief(start):
    """It comes from the cart's journal, behind what the next boot has said; nobody can place it."""
    clock = Clock(START_S + 500)
    hub, store = start(clock)
    cart = Reporter()
    cart.knows_time = False
    cart.now_s += 100
    kept = [cart.event("mains", 0, "off"), cart.event("slot", 2, "empty")]
    cart.now_s += 400
    cart.reboot()
    cart.knows_time = True
    cart.words |= {("mains", 0): "on", ("slot", 2): "idle"}
    hub.take([cart.hello(), cart.state(), cart.event("door", 0, "open")])
    before = hub.facts("cart-7", cart.now_s)
    hub.take(kept)
    assert store.has_unplaced("cart-7", 1)
    assert hub.facts("cart-7", cart.now_s) == before
    assert (before.mains.value, before.slots[1].presence.value) == ("on", "present")


def test_what_waited_over_a_reboot_is_placed_by_the_clock_of_its_own_boot(start):
    """Kept before the time was known, told by the next boot: the hub knew when the first began."""
    clock = Clock(START_S + 500)
    hub, _ = start(clock)
    cart = Reporter()
    cart.knows_time = False
    cart.now_s += 100
    kept = [cart.event("mains", 0, "off"), cart.event("mains", 0, "on")]
    cart.now_s += 100
    cart.knows_time = True
    before_cut = cart.state()
    cart.now_s += 300
    cart.reboot()
    hub.take([before_cut, cart.hello(), cart.state(), cart.event("door", 0, "open")])
    hub.take(kept)
    assert hub.facts("cart-7", START_S + 99).mains.value == "unknown"
    now = hub.facts("cart-7", cart.now_s)
    assert (now.mains.value, now.mains.since_s, now.door.value) == ("on", START_S + 100, "open")


@pytest.mark.parametrize("jump_s", [-3600, 3600])
def test_a_jump_of_the_carts_clock_reorders_nothing(jump_s):
    """It ran wrong by `jump_s` and is set right between the first and the second event."""
    cart = Reporter(now_s=START_S + 3600)
    cart.now_s += jump_s
    cart.booted_ms += jump_s * 1000
    messages = [cart.state(), cart.event("slot", 1, "empty")]
    cart.now_s += 60 - jump_s
    cart.booted_ms -= jump_s * 1000
    messages += [cart.event("slot", 1, "idle"), cart.event("slot", 1, "charging")]
    for order in itertools.permutations(messages):
        (facts,) = believed([order], [START_S + 10**6])
        slot = facts.slots[0]
        assert (slot.presence.value, slot.charge.value) == ("present", "charging")
        assert slot.presence.since_s == START_S + 3660


def test_the_place_is_known_with_the_time_the_cart_came_there_and_while_nothing_is_heard(start):
    hub, _ = start(Clock(START_S + 999))
    cart = Reporter()
    home, hall = WORDS["place"]
    hub.take([cart.state()])
    cart.now_s += 100
    hub.take([cart.event("place", 0, hall)])
    assert hub.facts("cart-7", START_S + 99).place == Fact(home, START_S)
    assert hub.facts("cart-7", START_S + 100).place == Fact(hall, START_S + 100, seen=True)
    cart.now_s += 100
    cart.words["place", 0] = None
    hub.take([cart.state()])
    assert hub.facts("cart-7", cart.now_s).place == Fact("unknown", START_S + 200)
    cart.now_s += 100
    cart.words["place", 0] = hall
    hub.take([cart.state()])
    assert hub.facts("cart-7", cart.now_s).place == Fact(hall, START_S + 100, seen=True)


def test_a_snapshot_kept_before_there_were_places_is_still_read(start):
    hub, store = start(Clock(START_S + 999))
    cart = Reporter()
    words = snapshot_words(decode("t", "state", cart.state().payload)).rpartition("|")[0]
    with store.transaction():
        body = body_of(cart.state().payload)
        where = (body["boot"], body["seq"], body["up_ms"], body["at_s"])
        store.add_snapshot(Snapshot("cart-7", *where, words))
    facts = hub.facts("cart-7", START_S)
    assert (facts.mains.value, facts.place) == ("on", UNKNOWN)


def test_slots_belong_to_equal_banks_in_order_and_to_none_when_they_do_not_divide(start):
    hub, _ = start(Clock())
    hub.take([Reporter().state()])
    assert [slot.bank for slot in hub.facts("cart-7", START_S).slots] == [1, 1, 2, 2]
    cart = Reporter(slots=5)
    cart.reboot()
    hub.take([cart.state()])
    assert [slot.bank for slot in hub.facts("cart-7", START_S).slots] == [0] * 5


def test_a_clock_that_was_set_back_is_read_alike_from_memory_and_from_the_file(start):
    clock = Clock(START_S + 200)
    hub, _ = start(clock)
    cart = Reporter()
    messages = [cart.state()]
    cart.now_s += 200
    messages.append(cart.event("mains", 0, "off"))
    cart.now_s -= 140
    cart.booted_ms -= 150_000
    messages += [cart.event("slot", 1, "empty"), cart.state()]
    cart.now_s += 300
    messages.append(cart.event("slot", 2, "empty"))
    for message in messages:
        hub.take([message])
    facts = hub.facts("cart-7", START_S + 59)
    assert (facts.mains.value, facts.slots[0].presence.value) == ("on", "present")
    facts = hub.facts("cart-7", START_S + 100)
    assert (facts.mains.value, facts.mains.since_s) == ("off", START_S + 60)
    again, _ = start(clock)
    for at_s in range(START_S - 10, START_S + 500, 10):
        assert hub.facts("cart-7", at_s) == again.facts("cart-7", at_s)
