"""N10: which charging cables to replace, by the stays of devices in their slots."""

from __future__ import annotations

import csv
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.rules.cables import judge_cables
from homeslot_hub.service.cables import cables
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.picture import Picture
from homeslot_hub.service.ports import Observation
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_tables import DEVICES

from .reports import CART, SCHOOL, START_S, Clock, Reporter, open_hub

HOUR_S, DAY_S = 3600, 86400
ALL = (1, 2, 3, 4)


class Sensed:
    """What a cart of four slots and two banks is believed to be, as it goes on.

    All slots are empty at first, and the cart is heard but for the time it is `silent`.
    """

    def __init__(self, cart=CART, slots="empty"):
        self.cart = cart
        self.now_s = START_S
        self.steps = []
        self.heard = [(START_S, START_S)]
        self._seq = 0
        self._picture = Picture()
        words = " ".join([slots] * 4)
        self._see("state", 0, f"{words}|ok ok|thrown|closed|on|ok|unknown")

    def _see(self, kind, number, word):
        self._seq += 1
        seen = (1, self._seq, int(kind == "state"), self._seq, self.now_s, kind, number, word)
        self._picture.apply(Observation(*seen))
        self.steps = [step for step in self.steps if step[0] < self.now_s]
        self.steps.append((self.now_s, self._picture.facts(None)))

    def wait(self, length_s):
        self.now_s += length_s
        self.heard[-1] = (self.heard[-1][0], self.now_s)

    def silent(self, length_s):
        self.now_s += length_s
        self.heard.append((self.now_s, self.now_s))

    def mains(self, word):
        self._see("mains", 0, word)

    def bank(self, number, word):
        self._see("bank", number, word)

    def slots(self, word, *numbers):
        for number in numbers or ALL:
            self._see("slot", number, word)

    def day(self, *dead, out_s=6 * HOUR_S):
        """A day from morning to morning: all go out and come back, and `dead` draw nothing."""
        self.slots("empty")
        self.wait(out_s)
        self.slots("idle")
        self.wait(60)
        charging = [slot for slot in ALL if slot not in dead]
        if charging:
            self.slots("charging", *charging)
        self.wait(8 * HOUR_S)
        self.slots("idle")
        self.wait(DAY_S - out_s - 8 * HOUR_S - 60)

    def judged(self, until_s=None):
        until_s = self.now_s if until_s is None else until_s
        return judge_cables(SCHOOL, self.cart, self.steps, self.heard, until_s)

    def cable(self, slot):
        return self.judged()[slot - 1]


def test_n10_three_stays_in_a_row_without_a_draw_are_a_dead_cable():
    cart = Sensed()
    for _ in range(3):
        cart.day(2)
    cable = cart.cable(2)
    assert (cable.word, cable.confidence) == ("dead", "inferred")
    assert (cable.told, cable.drew, cable.row) == (3, 0, 3)
    assert cable.since_s == START_S + 6 * HOUR_S
    assert cable.watched_s == 3 * 18 * HOUR_S
    assert cable.reason == (
        "Slot 2 drew nothing in 3 stays in a row since Tue 17 Nov 15:00, watched for 2 days in "
        "all. It has not been seen drawing since Tue 17 Nov 09:00."
    )
    others = [cable.word for cable in cart.judged() if cable.slot != 2]
    assert others == ["draws"] * 3
    assert {cable.confidence for cable in cart.judged()} == {"inferred", "known"}


def test_n10_two_stays_may_be_chance_and_say_so():
    cart = Sensed()
    cart.day(2)
    cart.day(2)
    cable = cart.cable(2)
    assert (cable.word, cable.confidence, cable.row) == ("cannot tell", "unknown", 2)
    assert cable.reason.endswith("Fewer than 3 stays or 5 days may be chance.")
    assert cable.action == ""


def test_n10_a_cable_that_drew_before_says_when_it_last_did():
    cart = Sensed()
    cart.day()
    for _ in range(3):
        cart.day(2)
    cable = cart.cable(2)
    assert (cable.word, cable.told, cable.drew, cable.row) == ("dead", 4, 1, 3)
    assert cable.drew_s == START_S + 14 * HOUR_S + 60
    assert cable.reason.endswith("It last drew Tue 17 Nov 23:01.")


def test_n10_one_draw_ends_the_row():
    cart = Sensed()
    for dead in ((2,), (2,), (), (2,), (2,)):
        cart.day(*dead)
    cable = cart.cable(2)
    assert (cable.word, cable.told, cable.drew, cable.row) == ("cannot tell", 5, 1, 2)
    cart.day()
    assert (cart.cable(2).word, cart.cable(2).since_s) == ("draws", None)


def test_n10_a_stay_of_five_days_speaks_for_itself():
    cart = Sensed()
    cart.wait(60)
    cart.slots("idle", 2)
    cart.wait(5 * DAY_S - 1)
    assert cart.cable(2).word == "cannot tell"
    assert cart.cable(2).reason == (
        "No stay in slot 2 could tell; in the last one it was out only briefly, and may be full."
    )
    cart.wait(1)
    cable = cart.cable(2)
    assert (cable.word, cable.told, cable.watched_s) == ("dead", 1, 5 * DAY_S)


def test_n10_a_device_that_was_charged_and_rests_has_a_cable():
    cart = Sensed()
    cart.day()
    cart.wait(9 * DAY_S)
    assert cart.cable(2).word == "draws"


def test_n10_a_full_device_last_drew_when_it_became_full():
    cart = Sensed()
    cart.slots("charging", 1, 2)
    cart.wait(HOUR_S)
    cart.slots("full", 2, 3)
    cart.wait(12 * HOUR_S)
    cart.mains("off")  # news of something else
    cart.wait(HOUR_S)
    assert [cart.cable(slot).drew_s for slot in (2, 3)] == [START_S + HOUR_S] * 2
    assert cart.cable(1).drew_s == cart.now_s


def test_n10_a_device_that_rests_since_before_the_days_looked_at_tells_nothing():
    cart = Sensed()
    cart.day()
    steps = [(cart.now_s, cart.steps[-1][1])]
    heard = [(cart.now_s, cart.now_s + 9 * DAY_S)]
    cable = judge_cables(SCHOOL, CART, steps, heard, heard[0][1])[1]
    assert (cable.word, cable.told) == ("cannot tell", 0)
    assert cable.reason.endswith("it may have been charged before.")


def test_n10_a_device_that_nobody_saw_come_tells_nothing():
    cart = Sensed(slots="idle")
    cart.wait(9 * DAY_S)
    assert (cart.cable(2).word, cart.cable(2).told) == ("cannot tell", 0)


def hidden(how):
    """Four days on which slot 2 draws nothing, each stay hidden by `how`."""
    cart = Sensed()
    for _ in range(4):
        cart.slots("empty")
        cart.wait(6 * HOUR_S)
        how(cart)
        cart.wait(12 * HOUR_S)
    return cart.cable(2)


def plug_pulled(cart):
    cart.mains("off")
    cart.slots("idle")


def plug_back_at_last(cart):
    plug_pulled(cart)
    cart.wait(12 * HOUR_S)
    cart.mains("on")
    cart.wait(899)
    cart.mains("off")


def bank_dead(cart):
    cart.slots("idle")
    cart.bank(1, "faulty")


def unmeasured(cart):
    cart.slots("idle")
    cart.slots("unmeasured", 2)


def blind(cart):
    cart.slots("idle")
    cart.wait(60)
    cart.slots("unknown", 2)


def silence(cart):
    cart.slots("idle")
    cart.silent(18 * HOUR_S)
    cart.slots("empty")


def too_short(cart):
    cart.slots("idle")
    cart.wait(899)
    cart.slots("empty")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (plug_pulled, "the mains were off"),
        (plug_back_at_last, "the mains were off"),
        (bank_dead, "its sensor bank was at fault"),
        (unmeasured, "its current was not measured"),
        (blind, "its switch did not tell"),
        (silence, "the cart was silent"),
        (too_short, "it was not watched for 15 minutes at a time"),
    ],
)
def test_n10_a_stay_in_which_no_draw_would_have_been_seen_tells_nothing(how, why):
    cable = hidden(how)
    assert (cable.word, cable.told, cable.row) == ("cannot tell", 0, 0)
    assert cable.reason == f"No stay in slot 2 could tell; in the last one {why}."


def fifteen_minutes(cart):
    cart.slots("idle")
    cart.wait(900)
    cart.slots("empty")


def test_n10_fifteen_minutes_tell():
    assert (hidden(fifteen_minutes).word, hidden(fifteen_minutes).told) == ("dead", 4)


def test_n10_shelves_that_take_turns_have_to_be_watched_for_an_hour():
    def stays(length_s):
        cart = Sensed(replace(CART, rotates=True))
        for _ in range(4):
            cart.slots("empty")
            cart.wait(6 * HOUR_S)
            cart.slots("idle")
            cart.wait(length_s)
        return cart.cable(2)

    assert stays(3599).reason.endswith("it was not watched for 60 minutes at a time.")
    assert stays(3600).word == "dead"


def test_n10_watched_with_a_break_is_not_watched_for_long_enough():
    def pulled_for_a_moment(cart):
        cart.slots("idle")
        for word in ("off", "on"):
            cart.wait(600)
            cart.mains(word)
        cart.wait(600)
        cart.slots("empty")

    cable = hidden(pulled_for_a_moment)
    assert (cable.word, cable.told) == ("cannot tell", 0)


def test_n10_what_was_heard_in_two_boots_at_once_counts_once():
    cart = Sensed()
    for _ in range(3):
        cart.day(2)
    (begin_s, end_s) = cart.heard[0]
    twice = [(begin_s, end_s), (begin_s + 60, begin_s + 120)]
    assert judge_cables(SCHOOL, CART, cart.steps, twice, cart.now_s) == cart.judged()


def test_n10_being_out_for_an_hour_may_have_news_in_between():
    cart = Sensed()
    for _ in range(3):
        cart.slots("empty")
        for word in ("off", "on"):
            cart.wait(HOUR_S // 2)
            cart.mains(word)
        cart.slots("idle")
        cart.wait(HOUR_S)
    assert cart.cable(2).word == "dead"


def test_n10_a_silence_shorter_than_a_silent_cart_is_no_break():
    cart = Sensed()
    for _ in range(3):
        cart.slots("empty")
        cart.wait(6 * HOUR_S)
        cart.slots("idle")
        cart.wait(300)
        cart.silent(SCHOOL.silent_after_s)
    assert cart.cable(2).word == "dead"


def test_n10_a_device_that_was_out_only_briefly_may_be_full():
    cart = Sensed()
    for _ in range(4):
        cart.day(2, out_s=HOUR_S - 1)
    cable = cart.cable(2)
    assert (cable.word, cable.told) == ("cannot tell", 0)
    assert cable.reason.endswith("it was out only briefly, and may be full.")


def test_n10_being_out_is_counted_only_while_it_was_seen():
    cart = Sensed()
    for _ in range(4):
        cart.slots("empty")
        cart.wait(HOUR_S - 1)
        cart.silent(6 * HOUR_S)
        cart.slots("idle")
        cart.wait(HOUR_S)
    assert cart.cable(2).told == 0


def test_n10_current_with_an_open_switch_is_a_cable_that_works():
    cart = Sensed()
    for _ in range(3):
        cart.day(2)
    cart.slots("empty")
    cart.wait(HOUR_S)
    cart.slots("mismatch", 2)
    cart.wait(60)
    assert cart.cable(2).word == "draws"


def test_n10_slots_without_a_device_or_a_report_say_so():
    cart = Sensed(replace(CART, slots=5))
    cart.wait(DAY_S)
    *_, fourth, fifth = cart.judged()
    assert fourth.reason == "No device has been seen in slot 4 since Tue 17 Nov 09:00."
    assert fifth.reason == "Nothing was reported of slot 5."
    assert {cable.word for cable in cart.judged()} == {"cannot tell"}
    assert judge_cables(SCHOOL, CART, [], [], START_S)[0].reason == (
        "Nothing was reported of slot 1."
    )


def test_n10_the_next_step_is_a_swap_that_tells_the_device_from_the_slot():
    cart = Sensed()
    for _ in range(3):
        cart.day(2, 3)
    assert cart.cable(2).action == (
        "Look whether slot 2 has its cable, in at both ends. If so, swap the devices of slots 2 "
        "and 1 for a day: if slot 1 then draws nothing, the device is at fault; if slot 2 still "
        "draws nothing, its cable or socket is."
    )
    assert "slots 3 and 4 for a day" in cart.cable(3).action
    assert {cart.cable(slot).action for slot in (1, 4)} == {""}


def test_n10_where_no_slot_draws_the_device_is_tried_elsewhere():
    cart = Sensed()
    for _ in range(3):
        cart.day(*ALL)
    assert cart.cable(2).action.endswith(
        "If so, try it with a device that is known to charge elsewhere."
    )


def test_n10_a_shelf_without_power_is_one_fault_and_not_one_of_each_cable():
    cart = Sensed(replace(CART, slots=8))
    words = " ".join(["empty"] * 8)
    cart._see("state", 0, f"{words}|ok ok|thrown|closed|on|ok|unknown")
    for _ in range(3):
        cart.slots("empty", *range(1, 8))
        cart.wait(6 * HOUR_S)
        cart.slots("idle", *range(1, 8))
        cart.slots("charging", 5, 6)
        cart.wait(18 * HOUR_S)
    first, *_, seventh, eighth = cart.judged()
    assert first.action.startswith("None of slots 1 to 4 draws, all of one bank: look at the power")
    assert "slots 7 and 6 for a day" in seventh.action
    assert eighth.word == "cannot tell"


def test_n10_a_swap_is_no_proof_and_each_slot_is_told_by_what_it_did():
    cart = Sensed()
    for _ in range(3):
        cart.day(2)
    for _ in range(3):
        cart.day(3)
    assert [cable.word for cable in cart.judged()] == ["draws", "draws", "dead", "draws"]
    assert (cart.cable(3).told, cart.cable(3).drew) == (6, 3)


BEFORE, AFTER = {2: "A-2", 3: "A-3"}, {2: "A-3", 3: "A-2"}
EACH_DAY = [BEFORE] * 4 + [AFTER] * 4
EXCHANGED = [{2}] * 4 + [{3}] * 4


def swapped(tags=EACH_DAY, dead=EXCHANGED, later=None):
    """Slot 3 after some days, at the morning of each of which `tags` were recorded, None: nothing,
    and on which the slots `dead` drew nothing. Afterwards, `later` is recorded."""
    cart, recorded = Sensed(), []
    for slots, known in zip(dead, tags, strict=True):
        if known is not None:
            recorded.append((cart.now_s, known))
        cart.day(*slots)
    if later is not None:
        recorded.append((cart.now_s + 1, later))
    return judge_cables(SCHOOL, CART, cart.steps, cart.heard, cart.now_s, recorded)[2]


@pytest.mark.parametrize("later", [None, BEFORE])
def test_n10_what_was_exchanged_as_the_devices_were_moved_followed_the_device(later):
    cable = swapped(later=later)
    assert (cable.word, cable.confidence) == ("dead", "inferred")
    assert "tag A-2, was recorded in slot 2 until Fri 20 Nov 09:00" in cable.reason
    assert cable.reason.endswith("It followed the device.")
    assert cable.action.startswith("Have the device with tag A-2 looked at")


@pytest.mark.parametrize(
    ("tags", "dead"),
    [
        pytest.param([None] * 8, EXCHANGED, id="nothing recorded"),
        pytest.param([{}] * 8, EXCHANGED, id="no tags recorded"),
        pytest.param([BEFORE] * 8, EXCHANGED, id="no move recorded"),
        pytest.param(
            [{2: "", 3: "A-3"}] * 4 + [{2: "A-3", 3: ""}] * 4, EXCHANGED, id="without a tag"
        ),
        pytest.param([{3: "A-3"}] * 4 + [AFTER] * 4, EXCHANGED, id="from nowhere"),
        pytest.param([None] * 2 + EACH_DAY[2:], EXCHANGED, id="recorded there for too short"),
        pytest.param(EACH_DAY, [{3}] * 8, id="it never drew: the register was corrected"),
        pytest.param(EACH_DAY, [{2, 3}] * 4 + [{3}] * 4, id="both were dead before"),
        pytest.param(EACH_DAY, [{2}] * 4 + [{2, 3}] * 4, id="both are dead now"),
        pytest.param([BEFORE, *EACH_DAY], [{2}] * 3 + [{3}] * 6, id="recorded after it stopped"),
        pytest.param(EACH_DAY, [{2}] * 5 + [{3}] * 3, id="recorded before it stopped"),
        pytest.param(EACH_DAY, [{1}] * 2 + EXCHANGED[2:], id="the other was not dead for long"),
        pytest.param(
            [BEFORE] * 5 + [AFTER] * 2, EXCHANGED[:7], id="it is not dead for long since then"
        ),
        pytest.param(
            [*EACH_DAY, BEFORE, AFTER], [*EXCHANGED, {3}, {3}], id="recorded as moved to and fro"
        ),
    ],
)
def test_n10_without_a_move_at_that_very_time_nothing_is_said_to_follow(tags, dead):
    cable = swapped(tags, dead)
    assert cable.word == "dead"
    assert "followed" not in cable.reason
    assert not cable.action.startswith("Have the device")


LENGTHS = st.sampled_from((60, 899, 900, HOUR_S, 6 * HOUR_S, DAY_S, 5 * DAY_S))
SLOT_WORDS = ("empty", "idle", "idle", "charging", "full", "mismatch", "unknown", "reverse")
STEPS = st.one_of(
    st.tuples(st.just("slots"), st.sampled_from(SLOT_WORDS), st.sampled_from(ALL)),
    st.tuples(st.just("slots"), st.sampled_from(("empty", "idle", "idle"))),
    st.tuples(st.just("day"), st.sampled_from(ALL), st.sampled_from(ALL)),
    st.tuples(st.just("wait"), LENGTHS),
    st.tuples(st.just("silent"), LENGTHS),
    st.tuples(st.just("mains"), st.sampled_from(("on", "on", "off"))),
    st.tuples(st.just("bank"), st.sampled_from((1, 2)), st.sampled_from(("ok", "ok", "faulty"))),
)
DRAWING = ("charging", "trickle", "full", "over_current", "mismatch")


def sensed(steps):
    cart = Sensed()
    for name, *values in steps:
        getattr(cart, name)(*values)
    return cart


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_n10_a_dead_cable_has_not_drawn_since_the_first_stay_of_its_row(steps):
    cart = sensed(steps)
    for cable in cart.judged():
        drew = [at_s for at_s, facts in cart.steps if draws(facts, cable.slot)]
        assert cable.drew <= cable.told
        assert cable.row <= cable.told - cable.drew
        if cable.word == "dead":
            assert cable.row >= 3 or cable.watched_s >= 5 * DAY_S
            assert not drew or drew[-1] < cable.since_s
            assert cable.watched_s <= cart.now_s - cable.since_s
        assert (cable.word == "draws") <= bool(drew)
        assert bool(cable.action) == (cable.word == "dead")


def draws(facts, slot):
    return facts.slots[slot - 1].charge.value in DRAWING


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=15), st.lists(STEPS, max_size=3))
def test_n10_a_slot_that_drew_in_its_last_stay_that_could_tell_is_never_dead(before, after):
    cart = sensed(before)
    cart.day()
    cart.mains("off")  # from here on nothing can tell
    for name, *values in after:
        if name in ("wait", "silent"):
            getattr(cart, name)(*values)
        elif name == "slots" and values[0] in ("empty", "idle", "unknown"):
            cart.slots(*values)
    assert {cable.word for cable in cart.judged()} == {"draws"}


@settings(max_examples=80, deadline=None)
@given(st.lists(STEPS, max_size=15), st.lists(STEPS, max_size=15))
def test_n10_nothing_measured_later_changes_the_answer(before, after):
    cart = sensed(before)
    until_s = cart.now_s + 30
    was = cart.judged(until_s)
    cart.silent(60)
    for name, *values in after:
        getattr(cart, name)(*values)
    assert cart.judged(until_s) == was


def reported(days, now_s=START_S, dead=lambda day: {2, 4}):
    """A cart whose `dead` slots draw nothing on each of `days`, and what it said, in order."""
    cart = Reporter(now_s=now_s)
    cart.words.update({("slot", slot): "empty" for slot in ALL})
    said = [cart.state()]

    def goes_on(minutes):
        for _ in range(minutes // 5):
            cart.now_s += 300
            said.append(cart.state())

    for day in range(days):
        goes_on(75)
        said.extend(cart.event("slot", slot, "idle") for slot in ALL)
        said.extend(cart.event("slot", slot, "charging") for slot in ALL if slot not in dead(day))
        goes_on(30)
        cart.now_s += DAY_S - 105 * 60
        said.append(cart.state())
        said.extend(cart.event("slot", slot, "empty") for slot in ALL)
    return cart, said


def test_n10_it_is_read_from_what_carts_reported_and_the_hub_kept(start, clock):
    cart, said = reported(4)
    clock.now_s = cart.now_s
    hub, store = start(clock, checkpoint_every=7)
    hub.take(said)
    [(_, found)] = cables(SCHOOL, store, hub, START_S - DAY_S, cart.now_s)
    assert [cable.word for cable in found] == ["draws", "dead", "draws", "dead"]
    assert (found[1].told, found[1].drew, found[1].row) == (4, 0, 4)
    assert found[1].watched_s == 4 * 1800, "of a silence nothing is known"
    [(_, later)] = cables(SCHOOL, store, hub, START_S + 2 * DAY_S, cart.now_s)
    assert (later[1].word, later[1].told) == ("cannot tell", 2)
    assert later[1].since_s == START_S + 2 * DAY_S + 75 * 60


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False))
def test_n10_the_order_of_arrival_does_not_matter(chance: random.Random):
    cart, said = reported(3)
    answers = []
    for messages in (said, chance.sample(said, len(said))):
        with tempfile.TemporaryDirectory() as folder:
            hub, store = open_hub(Path(folder), Clock(cart.now_s), checkpoint_every=20)
            hub.take(messages[:40])
            hub.take(messages[40:])
            [(_, found)] = cables(SCHOOL, store, hub, START_S, cart.now_s)
            answers.append(found)
            store.close()
    assert answers[0] == answers[1]
    assert answers[0][1].word == "dead"


def record(register, at_s, **tags):
    """Record which tag is in which slot of cart 7: `_2="A-2"`."""
    with register.transaction():
        touched = []
        for name, tag in tags.items():
            row = (SCHOOL.name, "7", name[1:], tag, "tablet", "in service")
            touched.append(Touched(DEVICES, DEVICES.key(row), None, row))
        register.add_change(at_s, "rosa", "set", "", touched)


def test_n10_the_move_of_a_device_is_read_from_the_register(start, clock):
    cart, said = reported(8, dead=lambda day: {2} if day < 4 else {3})
    clock.now_s = cart.now_s
    _, store = start(clock)
    register = SqliteRegister(store)
    hub = Hub((SCHOOL,), store, clock, register=register)
    hub.take(said)
    record(register, START_S, _2="A-2", _3="A-3")
    record(register, START_S + 4 * DAY_S + 3 * HOUR_S, _2="A-3", _3="A-2")
    [(_, found)] = cables(SCHOOL, store, hub, START_S - DAY_S, cart.now_s)
    assert [cable.word for cable in found] == ["draws", "draws", "dead", "draws"]
    assert found[2].reason.endswith(
        "Its device, tag A-2, was recorded in slot 2 until Fri 20 Nov 17:00: there it drew nothing "
        "in 3 stays, and since then that slot draws and this one does not. It followed the device."
    )
    assert found[2].action == (
        "Have the device with tag A-2 looked at: its socket, then its battery. The cables of slots "
        "2 and 3 have drawn with others."
    )


@pytest.fixture
def lived(installed):
    """An installation whose cart 7 has lived four days up to now, 7-2 and 7-4 without a draw."""
    cart, said = reported(4, int(time.time()) - 4 * DAY_S - 60)
    installed.take(cart.now_s, *said)
    return installed


def rows_of(file):
    with file.open(newline="", encoding="utf-8-sig") as rows:
        return list(csv.DictReader(rows))


def test_n10_the_command_lists_dead_cables_and_what_to_do_next(lived):
    out = lived.ok("cables")
    assert "Cables, Lincoln" in out
    assert "8 slots in 14 days: 2 dead, 2 draws, 4 cannot tell." in out
    file = lived.folder / "cables.csv"
    lived.ok("cables", "--csv", str(file))
    second, fourth = rows_of(file)
    assert (second["device"], fourth["device"]) == ("7-2", "7-4")
    assert (second["cable"], second["confidence"]) == ("dead", "inferred")
    assert (second["stays"], second["drew"], second["room"]) == ("4", "0", "'=Room 12")
    assert "in 4 stays in a row since" in second["reason"]
    assert "swap the devices of slots 2 and 1 for a day" in second["next"]


def test_n10_all_slots_are_listed_when_asked_for(lived):
    file = lived.folder / "cables.csv"
    out = lived.ok("cables", "--all", "--csv", str(file), "--xlsx", str(lived.folder / "c.xlsx"))
    assert "Wrote 8 lines" in out
    words = [row["cable"] for row in rows_of(file)]
    assert words == ["draws", "dead", "draws", "dead", *["cannot tell"] * 4]
    assert rows_of(file)[0]["since"] == ""


def test_n10_fewer_days_know_less(lived):
    out = lived.ok("cables", "--days", "2")
    assert out == "8 slots in 2 days: 2 draws, 6 cannot tell.\n"


@pytest.mark.parametrize("days", ["0", "366"])
def test_n10_days_out_of_range_are_refused(installed, days):
    status, out, err = installed.run("cables", "--days", days)
    assert (status, out) == (2, "")
    assert f"--days is {days}: allowed 1..365" in err
