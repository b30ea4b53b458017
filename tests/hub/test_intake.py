"""Whatever arrives: refused or absorbed, counted, kept to look at; never a crash or a belief."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeslot import contract
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Message
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.ports import StoreError

from .reports import CART, SCHOOL, START_S, Reporter, body_of

STATE = "homeslot/1/cart-7/state"
EVENT = "homeslot/1/cart-7/event"


@pytest.fixture
def store(start, clock):
    return start(clock)[1]


@pytest.fixture
def hub(store, clock):
    return Hub((SCHOOL,), store, clock)


@pytest.fixture
def cart():
    return Reporter()


def counts(hub):
    return dict(hub.status().counts)


def verdict(hub, at_s):
    return hub.judge(SCHOOL, at_s).carts


def raw(topic, payload):
    return Message(topic, payload, False, START_S)


def changed(message, **changes):
    return replace(message, payload=json.dumps({**body_of(message.payload), **changes}).encode())


BAD = {
    "no JSON": raw(STATE, b"{"),
    "empty": raw(STATE, b""),
    "oversized": raw(STATE, b'{"v":1,"x":"' + b"a" * 9000 + b'"}'),
    "wrong version": changed(Reporter().state(), v=2),
    "wrong type": changed(Reporter().state(), seq="3"),
    "a float for an integer": changed(Reporter().state(), boot=1.0),
    "an unknown word": changed(Reporter().state(), mains="maybe"),
    "fewer currents than slots": changed(Reporter().state(), current_ma=[1]),
    "an event about nothing": changed(Reporter().event("slot", 1, "empty"), index=0),
    "a foreign topic": raw("zigbee2mqtt/lamp", b"{}"),
    "a foreign version of the topic": raw("homeslot/2/cart-7/state", Reporter().state().payload),
    "an id that is none": raw("homeslot/1/Cart 7/state", Reporter().state().payload),
    "a kind that is none": raw("homeslot/1/cart-7/picture", b"{}"),
    "a topic no terminal should see": raw("homeslot/1/\x1b[2J\u202e/state", b"\x00\xff"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_counted_and_kept_and_changes_no_verdict(hub, cart, what):
    hub.take([cart.state()])
    before = verdict(hub, START_S)
    assert hub.take([BAD[what]]) == []
    status = hub.status()
    assert status.counts["refused"] == 1
    (kept,) = status.refused
    assert kept.payload == BAD[what].payload[: contract.MAX_PAYLOAD_BYTES]
    assert kept.reason
    assert (kept.topic + kept.reason).isascii()
    assert (kept.topic + kept.reason).isprintable()
    assert verdict(hub, START_S) == before


def test_bad_input_does_not_keep_the_good_beside_it_out(hub, cart):
    hub.take([*BAD.values(), cart.state(), *BAD.values()])
    assert hub.facts("cart-7", START_S).heard_s == START_S
    assert counts(hub)["refused"] == 2 * len(BAD)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    topic=st.sampled_from((STATE, EVENT, "homeslot/1/cart-7/hello")) | st.text(max_size=40),
    payload=st.binary(max_size=60)
    | st.dictionaries(st.text(), st.none()).map(lambda body: json.dumps(body).encode()),
    retained=st.booleans(),
)
def test_no_topic_and_no_payload_can_crash_it(hub, topic, payload, retained):
    hub.take([Message(topic, payload, retained, START_S)])
    assert hub.facts("cart-7", START_S).heard_s is None


def test_the_list_of_refused_messages_is_bounded_and_keeps_the_newest(hub):
    for number in range(3):
        hub.take([replace(raw(STATE, b"x%d" % n), arrived_s=number) for n in range(150)])
    status = hub.status()
    assert status.counts["refused"] == 450
    assert len(status.refused) == 200
    assert (status.refused[0].payload, status.refused[0].arrived_s) == (b"x149", 2)


def test_an_unknown_controller_is_listed_not_believed(hub, clock):
    stranger = Reporter("cart-99")
    hub.take([stranger.state(), stranger.hello()])
    clock.now_s += 60
    assert hub.take([stranger.hello()]) == []
    (listed,) = hub.status().strangers
    assert (listed.controller, listed.messages) == ("cart-99", 3)
    assert (listed.first_s, listed.last_s) == (START_S, START_S + 60)
    assert hub.judge(SCHOOL, clock.now_s).unknown_controllers == ("cart-99",)
    assert hub.facts("cart-99", clock.now_s).heard_s is None


def test_what_a_broker_has_retained_of_a_cart_that_was_removed_lists_nobody(hub, cart):
    """A Mosquitto says it again to a hub that connects again."""
    removed = Reporter("cart-99")
    hub.take([removed.state(retained=True), removed.link("offline")])
    assert hub.status().strangers == ()
    assert hub.judge(SCHOOL, START_S).unknown_controllers == ()


def test_the_list_of_unknown_controllers_is_bounded(hub):
    payload = Reporter().state().payload
    hub.take([raw(f"homeslot/1/x{n}/state", payload) for n in range(600)])
    status = hub.status()
    assert len(status.strangers) == 500
    assert (status.counts["strangers"], status.counts["unlisted"]) == (600, 100)


def test_a_message_that_comes_twice_counts_once(hub, cart):
    cart.now_s += 10
    messages = [cart.state(), cart.event("slot", 1, "empty"), cart.diag()]
    hub.take(messages)
    before = verdict(hub, cart.now_s)
    hub.take([*messages, *messages])
    assert verdict(hub, cart.now_s) == before
    assert counts(hub)["duplicate"] == 6


def test_a_late_event_goes_to_its_place_and_changes_nothing_after_it(hub, cart):
    first = cart.state()
    cart.now_s += 60
    left = cart.event("slot", 1, "empty")
    cart.now_s += 60
    came = cart.event("slot", 1, "idle")
    hub.take([first, came])
    assert hub.facts("cart-7", START_S + 90).slots[0].presence.value == "present"
    hub.take([left])
    assert hub.facts("cart-7", START_S + 90).slots[0].presence.value == "absent"
    assert hub.facts("cart-7", START_S + 120).slots[0].presence.since_s == START_S + 120


def test_a_retained_replay_after_a_restart_is_not_fresh(hub, cart, clock):
    snapshot = cart.state()
    hub.take([snapshot])
    clock.now_s += 7200
    assert hub.take([replace(snapshot, retained=True, arrived_s=clock.now_s)]) == []
    assert hub.facts("cart-7", clock.now_s).heard_s == START_S
    (judged,) = verdict(hub, clock.now_s)
    assert [wrong.finding for wrong in judged.verdicts] == ["silent"]


def test_a_clock_far_ahead_is_not_believed_and_the_cart_is_told_the_time(hub, cart, clock):
    hub.take([cart.state()])
    ahead = Reporter(now_s=START_S + 86400)
    ahead.boot = 1
    ahead.reboot()
    ahead.event("mains", 0, "off")
    (command,) = hub.take([ahead.state()])
    assert body_of(command.payload)["at_s"] == START_S
    facts = hub.facts("cart-7", START_S + 2 * 86400)
    assert (facts.mains.value, facts.heard_s) == ("on", START_S)
    assert counts(hub)["ahead"] == 1


def test_a_controller_that_lost_its_numbers_becomes_silent_not_frozen(hub, cart, clock):
    late = cart.event("slot", 1, "empty")
    cart.reboot()
    hub.take([cart.state(), late])
    assert "refused" not in counts(hub)
    wiped = Reporter(now_s=START_S + 3600)
    clock.now_s = wiped.now_s
    hub.take([wiped.state()])
    (judged,) = verdict(hub, clock.now_s)
    assert [wrong.finding for wrong in judged.verdicts] == ["silent"]
    assert "numbers went back" in hub.status().refused[0].reason


@pytest.mark.parametrize("knows_time", [True, False])
def test_a_controller_that_lost_its_numbers_is_told_where_they_stood(hub, cart, clock, knows_time):
    cart.reboot()
    hub.take([cart.link("online"), cart.state()])
    wiped = Reporter(now_s=START_S + 3600)
    wiped.knows_time = knows_time
    clock.now_s = wiped.now_s
    (command,) = hub.take([wiped.link("online"), wiped.hello(), wiped.state()])
    assert body_of(command.payload)["boot"] == 2
    wiped.boot = 2
    wiped.reboot()
    wiped.knows_time = True
    hub.take([wiped.state()])
    assert hub.facts("cart-7", clock.now_s).heard_s == clock.now_s
    assert body_of(hub.take([wiped.hello()])[0].payload)["boot"] == 3


def test_gaps_in_the_numbers_are_counted_until_the_events_come(hub, cart):
    def missing():
        return hub.status().carts[0].missing

    assert missing() is None
    hub.take([cart.state()])
    assert missing() == 0
    first, lost, late = (cart.event("slot", slot, "empty") for slot in (1, 2, 3))
    cart.now_s += 60
    hub.take([first, cart.state()])
    assert missing() == 2
    hub.take([late, late])
    assert missing() == 1
    hub.take([lost])
    assert missing() == 0
    cart.reboot()
    hub.take([cart.state()])
    assert missing() == 0


def test_a_gap_without_end_counts_what_a_cart_can_have_kept(hub, cart):
    cart.seq += 900_000
    cart.now_s += 60
    hub.take([cart.event("slot", 1, "empty"), cart.state()])
    assert hub.status().carts[0].missing == 1999


def test_a_hello_is_answered_with_the_time_unless_it_is_a_replay(hub, cart, clock):
    clock.now_s += 5
    (command,) = hub.take([cart.hello()])
    assert command.topic == "homeslot/1/cart-7/cmd"
    body = contract.decode(command.topic, "cmd", command.payload)
    assert (body["cmd"], body["at_s"]) == ("time", START_S + 5)
    assert hub.take([cart.hello(retained=True)]) == []


def test_a_cart_that_does_not_know_the_time_is_told_now_and_then(hub, cart, clock):
    cart.knows_time = False
    told = []
    for _ in range(70):
        cart.now_s += 1
        clock.now_s = cart.now_s
        told += [clock.now_s - START_S for _ in hub.take([cart.state()])]
    assert told == [1, 31, 61]


def test_a_cart_whose_clock_is_off_by_more_than_a_minute_is_told_the_time(hub, cart, clock):
    clock.now_s += 60
    assert hub.take([cart.state()]) == []
    clock.now_s += 1
    assert len(hub.take([cart.state()])) == 1


def test_a_hub_that_does_not_know_the_time_gives_none(hub, cart, clock):
    clock.now_s = 1000
    assert hub.take([cart.hello()]) == []


def test_the_link_is_recorded_and_changes_no_fact(hub, cart):
    hub.take([cart.state(), cart.link("online")])
    before = hub.facts("cart-7", START_S)
    hub.take([cart.link("offline")])
    assert hub.facts("cart-7", START_S) == before
    assert hub.status().carts[0].link == "offline"


def test_a_last_will_of_an_earlier_boot_does_not_take_a_cart_offline(hub, cart):
    will = cart.link("offline")
    cart.reboot()
    hub.take([cart.link("online"), will])
    assert hub.status().carts[0].link == "online"


def test_the_hubs_own_commands_come_back_without_effect(hub, cart):
    (command,) = hub.take([cart.hello()])
    assert hub.take([raw(command.topic, command.payload)]) == []
    assert counts(hub)["echoed"] == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, "0.1.0"),
        ({"side": "a", "trial": False, "safe": False, "gave_up": ""}, "0.1.0"),
        ({"trial": True}, "0.1.0, on trial"),
        ({"safe": True}, "0.1.0, safe mode"),
        ({"gave_up": "0.2.0"}, "0.1.0, gave up 0.2.0"),
    ],
)
def test_the_status_shows_what_is_not_settled_about_a_firmware(hub, cart, said, shown):
    hub.take([cart.state(), cart.hello(**said)])
    (now,) = hub.status().carts
    assert now.firmware == shown


def test_the_status_shows_what_a_cart_said_of_itself(hub, cart):
    hub.take([cart.state(), cart.hello(), cart.diag()])
    (now,) = hub.status().carts
    assert (now.firmware, now.battery_mv, now.temperature_c, now.rssi_dbm) == (
        "0.1.0",
        5010,
        21,
        -61,
    )
    assert (now.draw_ma, now.dropped) == (0, 3)


def test_a_snapshot_that_says_nothing_new_leaves_no_history(store, hub, cart):
    for _ in range(20):
        cart.now_s += 60
        hub.take([cart.state()])
    assert len(list(store.observations(CART.controller, (0, 0, 0, 0), None))) == 1
    assert hub.facts("cart-7", cart.now_s).heard_s == cart.now_s


class Unwritable(SqliteStore):
    """A store whose disk is full at the last write of a group, while `full`."""

    full = False

    def count(self, counts):
        super().count(counts)
        if self.full:
            raise StoreError("the disk is full")


def test_a_group_that_cannot_be_kept_is_not_believed_and_may_come_again(tmp_path, clock, cart):
    store = Unwritable(tmp_path / "homeslot.db")
    hub = Hub((SCHOOL,), store, clock)
    hub.take([cart.state()])
    cart.now_s += 60
    group = [cart.event("mains", 0, "off"), cart.state()]
    before = hub.facts("cart-7", cart.now_s)
    store.full = True
    with pytest.raises(StoreError, match="disk is full"):
        hub.take(group)
    assert hub.facts("cart-7", cart.now_s) == before
    store.full = False
    hub.take(group)
    assert hub.facts("cart-7", cart.now_s).mains.value == "off"
    assert counts(hub)["taken"] == 3
    store.close()
