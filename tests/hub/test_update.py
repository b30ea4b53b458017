"""An update of a cart as the hub sees it, against the cart's own installer."""

import json

import pytest

from homeslot import contract
from homeslot.bundle import BadBundle
from homeslot_hub.model import Message
from homeslot_hub.service.update import AGAIN_S, SILENCE_S, TRIAL_S, Update

from ..firmware.releases import bundle
from .updated_cart import CART, Cart


def deliver(work, cart, now_s=0.0):
    """Let `work` send and `cart` answer until it is no longer asked; the stages it went through."""
    stages = []
    while (command := work.due(now_s)) is not None:
        work.take(cart.obey(command), now_s)
        stages.append(work.where.stage)
    return stages


def sending(data=None):
    """A delivery that has heard the cart's hello."""
    cart = Cart()
    work = Update(CART, data or bundle(), 1, 0.0)
    assert work.due(0.0) is None, "it waits for the cart"
    work.take(cart.hello(), 0.0)
    assert work.where.stage == "sending"
    return work, cart


def test_from_the_first_piece_to_a_firmware_that_runs_for_good():
    work, cart = sending()
    deliver(work, cart)
    assert (work.where.stage, work.where.offset) == ("starting", work.where.size)
    cart.start("0.2.0")
    assert cart.boot.trial
    work.take(cart.hello(), 10.0)
    assert work.where.stage == "trial"
    work.take(cart.hello(), 20.0)  # over a new connection
    assert work.where.stage == "trial"
    cart.boot.confirm()
    work.take(cart.hello(), 80.0)
    assert work.where.stage == "installed"
    assert work.where.words == "runs 0.2.0 for good"


@pytest.mark.parametrize("trial_was_heard", [True, False])
@pytest.mark.parametrize(
    ("left", "why"),
    [
        ("scan died: ValueError", "scan died: ValueError"),
        ("update by hub", "0.2.0 did not prove itself"),
        ("", "0.2.0 did not prove itself"),
    ],
)
def test_a_firmware_that_the_cart_gave_up(trial_was_heard, left, why):
    work, cart = sending()
    deliver(work, cart)
    cart.start("0.2.0")
    if trial_was_heard:
        work.take(cart.hello(), 10.0)
    cart.start("0.1.0")
    work.take(cart.hello(why=left), 700.0)
    assert work.where.stage == "given up"
    assert work.where.words == "went back to 0.1.0: " + why


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bundle(by="stranger"), "the bundle is not signed by a key this cart trusts"),
        (bundle(version="0.0.1"), "the bundle has 0.0.1, this cart runs 0.1.0 already"),
        (bundle(boards=["other"]), "the bundle is for other, this is pico-w-30"),
    ],
)
def test_what_the_cart_refuses_is_said_in_its_words(data, why):
    work, cart = sending(data)
    deliver(work, cart)
    assert (work.where.stage, work.where.words) == ("refused", "the cart refuses: " + why)


def test_a_cart_that_cannot_or_need_not_is_sent_nothing():
    for body, why in (
        ({"abilities": ["report"]}, "runs 0.1.0, which takes no updates"),
        ({"firmware": "0.2.0"}, "runs 0.2.0 already"),
    ):
        work = Update(CART, bundle(), 1, 0.0)
        work.take(Cart().hello(**body), 0.0)
        assert (work.where.stage, work.where.words) == ("refused", why)


def test_what_is_no_bundle_is_refused_before_anything_is_sent():
    good = bundle()
    for data in (b"", b"PK\x03\x04", good[:100], good[:-1], good + b"x"):
        with pytest.raises(BadBundle):
            Update(CART, data, 1, 0.0)


def test_a_piece_or_its_answer_that_is_lost_is_sent_again_and_changes_nothing():
    work, cart = sending()
    now_s = 0.0
    for lost in (True, False) * 3:
        command = work.due(now_s)
        answer = cart.obey(command)
        if lost:
            assert work.due(now_s + AGAIN_S - 0.1) is None
            now_s += AGAIN_S
            again = work.due(now_s)
            assert again == command
            answer = cart.obey(again)
        work.take(answer, now_s)
        work.take(answer, now_s)  # twice: at least once is what the broker promises
    deliver(work, cart, now_s)
    assert work.where.stage == "starting"


def test_a_cart_that_is_busy_has_refused_nothing_and_is_asked_again():
    work, cart = sending()
    first = work.due(0.0)
    work.take(cart.said("reply", id=1, ok=False, why="busy: 4 commands wait"), 1.0)
    assert work.due(1.0) is None
    assert work.due(AGAIN_S) == first
    work.take(cart.obey(first), AGAIN_S)
    deliver(work, cart, AGAIN_S)
    assert work.where.stage == "starting"


def test_a_cart_that_starts_again_in_mid_transfer_goes_on_with_what_it_has():
    work, cart = sending()
    for _ in range(6):
        work.take(cart.obey(work.due(0.0)), 0.0)
    far = work.where.offset
    assert far > 390
    work.due(0.0)
    cart.start("0.1.0")
    work.take(cart.hello(), 1.0)
    assert work.where.stage == "sending"
    deliver(work, cart, 1.0)
    assert work.where.stage == "starting"


def test_a_firmware_given_up_before_its_last_answer_arrived_is_not_sent_again():
    work, cart = sending()
    while not cart.installer.done:
        command = work.due(0.0)
        answer = cart.obey(command)
        if not cart.installer.done:
            work.take(answer, 0.0)
    assert work.where.stage == "sending"
    cart.start("0.2.0")
    cart.start("0.1.0")
    work.take(cart.hello(), 30.0)
    assert work.where.stage == "given up"
    assert work.due(31.0) is None


def test_a_firmware_given_up_long_ago_is_sent_again_when_it_is_asked_for():
    work, cart = sending()
    deliver(work, cart)
    cart.start("0.2.0")
    cart.start("0.1.0")
    again = Update(CART, bundle(), 1, 0.0)
    again.take(cart.hello(), 0.0)
    cart.start("0.1.0")  # in mid-transfer
    again.take(cart.hello(), 1.0)
    deliver(again, cart)
    assert again.where.stage == "starting"


def test_a_cart_that_falls_silent_is_lost_after_a_while_and_no_sooner():
    work = Update(CART, bundle(), 1, 0.0)
    assert work.due(SILENCE_S) is None
    assert work.where.stage == "asking"
    work.due(SILENCE_S + 1)
    assert (work.where.stage, work.where.words) == ("lost", "was not heard for 3 minutes")

    work, cart = sending()
    deliver(work, cart)
    work.due(TRIAL_S)
    assert work.where.stage == "starting"
    work.due(TRIAL_S + 1)
    assert (work.where.stage, work.where.words) == ("lost", "was not heard for 15 minutes")


def test_what_others_say_and_what_breaks_the_contract_is_passed_over():
    work, cart = sending()
    hello = cart.hello(firmware="0.2.0")
    for topic, payload in (
        (contract.topic("cart-8", "hello"), hello.payload),
        (contract.topic(CART, "state"), hello.payload),
        ("x/y", b"{}"),
        (contract.topic(CART, "reply"), b"{}"),
        (contract.topic(CART, "reply"), json.dumps({"id": 1}).encode()),
    ):
        work.take(Message(topic, payload, False, 0), 0.0)
    work.take(cart.said("reply", id=999, ok=False, why="someone else's"), 0.0)
    assert (work.where.stage, work.where.offset) == ("sending", 0)


def test_a_cart_that_asks_for_what_there_is_not_or_for_ever_is_left():
    work, cart = sending()
    work.due(0.0)
    work.take(cart.said("reply", id=1, ok=True, why="", next=1 << 20, wants=7), 0.0)
    assert work.where.stage == "refused"
    work, cart = sending()
    for number in range(1, 200):
        if work.due(0.0) is None:
            break
        work.take(cart.said("reply", id=number, ok=True, why="", next=0, wants=390), 0.0)
    assert work.where.stage == "refused"
