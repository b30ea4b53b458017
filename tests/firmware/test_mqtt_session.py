"""The MQTT session: its states, what time does to it, and that it keeps its bounds."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from homeslot.mqtt import codec, session
from homeslot.mqtt.decoder import Decoder, ProtocolError
from homeslot.mqtt.session import Acked, Connected, Message, Refused, Session, Subscribed
from homeslot_sim import mqtt_server

KEEP_ALIVE_S, TIMEOUT_MS, WINDOW = 60, 10000, 4
CONNACK = mqtt_server.encode_connack(False, 0)


def new(**options):
    """A session as the cart makes it."""
    options = {"keep_alive_s": KEEP_ALIVE_S, "timeout_ms": TIMEOUT_MS, "window": WINDOW, **options}
    return Session("c1", "c1", "secret", ("homeslot/1/c1/link", b"{}"), **options)


def connected(now_ms=0, **options):
    """A session the broker has accepted, its bytes taken."""
    made = new(**options)
    made.connect(now_ms)
    assert list(made.receive(now_ms, CONNACK)) == [Connected(False)]
    taken(made)
    return made


def taken(made):
    """All the bytes the session wants sent now."""
    packets = []
    while made.unsent:
        packets.append(made.take())
    assert made.take() == b""
    return b"".join(packets)


def said(made):
    """The packets the session wants sent now, as a broker reads them."""
    broker = Decoder(100000, mqtt_server.FROM_CLIENT)
    broker.feed(taken(made))
    packets = []
    while (packet := broker.next()) is not None:
        packets.append(packet)
    return packets


def test_connect_says_who_we_are_and_leaves_the_will():
    made = new()
    made.connect(0)
    will = mqtt_server.Will("homeslot/1/c1/link", b"{}", 1, True)
    assert said(made) == [(codec.CONNECT, "c1", 60, "c1", "secret", will)]


def test_a_refusal_names_its_reason_and_closes():
    made = new()
    made.connect(0)
    refusal = Refused(5, "user name or password is wrong")
    assert list(made.receive(1, mqtt_server.encode_connack(False, 5))) == [refusal]
    assert made.state == session.CLOSED
    assert not made.room


def test_a_message_is_acknowledged_only_when_the_next_event_is_asked_for():
    made = connected()
    events = made.receive(5, codec.encode_publish("t", b"x", 1, True, 9))
    assert next(events) == Message("t", b"x", True)
    assert said(made) == []
    assert list(events) == []
    assert said(made) == [(codec.PUBACK, 9)]


def test_what_came_before_a_broken_packet_is_given():
    made = connected()
    packet_id = made.publish(0, "t", b"x")
    events = made.receive(5, codec.encode_puback(packet_id) + b"\xf0\x00")
    assert next(events) == Acked(packet_id)
    with pytest.raises(ProtocolError, match="RESERVED"):
        next(events)
    assert made.state == session.CLOSED


@pytest.mark.parametrize(
    "data, problem",
    [
        (codec.encode_puback(1), "PUBACK came while connecting"),
        (mqtt_server.encode_pingresp(), "PINGRESP came while connecting"),
        (CONNACK + CONNACK, "CONNACK came while connected"),
        (CONNACK + codec.encode_puback(1), "PUBACK 1 is not in flight"),
        (CONNACK + mqtt_server.encode_suback(3, [1]), "SUBACK 3 is not in flight"),
    ],
)
def test_a_packet_out_of_place_is_the_brokers_error(data, problem):
    made = new()
    made.connect(0)
    with pytest.raises(ProtocolError) as error:
        list(made.receive(0, data))
    assert str(error.value) == problem


def test_a_puback_for_a_subscription_is_the_brokers_error():
    made = connected()
    packet_id = made.subscribe(0, "a/#")
    with pytest.raises(ProtocolError, match="PUBACK 1 is not in flight"):
        list(made.receive(0, codec.encode_puback(packet_id)))


@pytest.mark.parametrize("answer, granted", [(0, True), (1, True), (128, False)])
def test_a_subscription_is_granted_or_not(answer, granted):
    made = connected()
    packet_id = made.subscribe(0, "a/#")
    events = list(made.receive(0, mqtt_server.encode_suback(packet_id, [answer])))
    assert events == [Subscribed(packet_id, granted)]


def test_a_call_out_of_place_is_our_own_error():
    made = new()
    with pytest.raises(session.WrongState, match="publish while new with 0 in flight"):
        made.publish(0, "t", b"")
    made.connect(0)
    for call in (made.connect, made.disconnect, lambda now_ms: made.subscribe(now_ms, "t")):
        with pytest.raises(session.WrongState, match="while connecting"):
            call(0)


@pytest.mark.parametrize(
    "options",
    [{"keep_alive_s": 0}, {"keep_alive_s": 65536}, {"timeout_ms": 0}, {"window": 0}],
)
def test_options_mqtt_cannot_carry_are_refused(options):
    with pytest.raises(ValueError):
        new(**options)


def test_there_is_no_room_beyond_the_window_or_with_much_unsent():
    made = connected()
    while made.room:
        made.publish(0, "t", b"x")
    assert len(made.in_flight) == WINDOW
    list(made.receive(0, codec.encode_puback(1)))
    assert made.room
    made.publish(0, "t", bytes(session.UNSENT), qos=0)
    assert not made.room
    taken(made)
    assert made.room


def test_packet_ids_go_round_past_those_in_flight():
    made = connected()
    first = made.publish(0, "t", b"")
    for _ in range(65534):
        list(made.receive(0, codec.encode_puback(made.publish(0, "t", b""))))
        taken(made)
    assert first == 1
    assert made.publish(0, "t", b"") == 2


def test_a_quiet_session_pings_at_half_the_keep_alive_and_is_content_with_an_answer():
    made = connected()
    assert made.tick(29999) is None and said(made) == []
    assert made.tick(30000) is None and said(made) == [(codec.PINGREQ,)]
    assert made.tick(39999) is None and said(made) == []
    assert list(made.receive(39999, mqtt_server.encode_pingresp())) == []
    assert made.tick(59999) is None and said(made) == []
    assert made.tick(60000) is None and said(made) == [(codec.PINGREQ,)]


def test_a_session_that_only_talks_pings_too_to_hear_whether_anyone_listens():
    made = connected()
    for now_ms in range(0, 30000, 1000):
        made.publish(now_ms, "t", b"x", qos=0)
        assert made.tick(now_ms) is None
    assert [packet[0] for packet in said(made)] == [codec.PUBLISH] * 30
    assert made.tick(30000) is None and said(made) == [(codec.PINGREQ,)]


def test_a_session_that_only_listens_pings_too_for_the_broker_to_hear():
    made = connected()
    for now_ms in range(0, 30000, 1000):
        list(made.receive(now_ms, codec.encode_publish("t", b"")))
        assert made.tick(now_ms) is None
    assert made.tick(30000) is None and said(made) == [(codec.PINGREQ,)]


@pytest.mark.parametrize(
    "owe, verdict",
    [
        (lambda s: s.publish(100, "t", b""), "no PUBACK 1 within 10000 ms"),
        (lambda s: s.subscribe(100, "t"), "no SUBACK 1 within 10000 ms"),
        (lambda s: s.disconnect(100), "no answer to DISCONNECT within 10000 ms"),
    ],
)
def test_what_the_broker_owes_too_long_is_a_half_open_connection(owe, verdict):
    made = connected()
    owe(made)
    assert made.tick(10099) is None
    assert made.tick(10100) == verdict


def test_consent_and_pings_are_owed_too():
    made = new()
    made.connect(100)
    assert made.tick(10099) is None
    assert made.tick(10100) == "no answer to CONNECT within 10000 ms"
    made = connected()
    made.tick(30000)
    list(made.receive(39000, codec.encode_publish("t", b"")))  # talks, yet answers no ping
    assert made.tick(40000) == "no answer to PINGREQ within 10000 ms"


def test_after_goodbye_nothing_is_acknowledged_and_the_end_is_awaited():
    made = connected()
    made.disconnect(0)
    assert said(made) == [(codec.DISCONNECT,)]
    events = list(made.receive(1, codec.encode_publish("t", b"", 1, False, 1)))
    assert events == [Message("t", b"", False)]
    assert said(made) == []


def test_a_late_pong_does_not_pay_for_the_goodbye():
    made = connected()
    made.tick(30000)
    made.disconnect(31000)
    list(made.receive(32000, mqtt_server.encode_pingresp()))
    assert made.tick(41000) == "no answer to DISCONNECT within 10000 ms"


class Conversation(RuleBasedStateMachine):
    """A session and a lawful broker: what is owed, what is acknowledged, and the bounds."""

    @initialize()
    def begin(self):
        self.now_ms = 0
        self.made = connected()
        self.owed = {}  # packet id: acknowledgement still to be sent
        self.acked = 0
        self.sent = 0
        self.quiet_since_ms = 0

    def hear(self, data):
        self.quiet_since_ms = self.now_ms
        return list(self.made.receive(self.now_ms, data))

    @precondition(lambda self: self.made.room)
    @rule(qos=st.integers(0, 1), payload=st.binary(max_size=50), retain=st.booleans())
    def publish(self, qos, payload, retain):
        packet_id = self.made.publish(self.now_ms, "t", payload, qos, retain)
        assert said(self.made)[-1] == (codec.PUBLISH, "t", payload, qos, retain, packet_id)
        if qos:
            assert packet_id not in self.owed
            self.owed[packet_id] = codec.encode_puback(packet_id)
            self.sent += 1

    @precondition(lambda self: self.made.room)
    @rule()
    def subscribe(self):
        packet_id = self.made.subscribe(self.now_ms, "t")
        assert packet_id not in self.owed
        self.owed[packet_id] = mqtt_server.encode_suback(packet_id, [1])
        self.sent += 1

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def acknowledge_any(self, data):
        packet_id = data.draw(st.sampled_from(sorted(self.owed)))
        (event,) = self.hear(self.owed.pop(packet_id))
        assert event.packet_id == packet_id
        self.acked += 1

    @rule(qos=st.integers(0, 1))
    def message(self, qos):
        data = codec.encode_publish("m", b"x", qos, False, 7 if qos else 0)
        assert self.hear(data) == [Message("m", b"x", False)]
        assert ((codec.PUBACK, 7) in said(self.made)) == bool(qos)

    @rule(ms=st.integers(1, 20000))
    def time_passes_and_all_debts_are_paid(self, ms):
        for packet_id in list(self.owed):
            self.hear(self.owed.pop(packet_id))
            self.acked += 1
        self.now_ms += ms
        assert self.made.tick(self.now_ms) is None
        if (codec.PINGREQ,) in said(self.made):
            self.hear(mqtt_server.encode_pingresp())
        assert self.now_ms - self.quiet_since_ms < 1000 * KEEP_ALIVE_S

    @precondition(lambda self: self.owed)
    @rule()
    def a_debt_outlives_its_time(self):
        assert self.made.tick(self.now_ms + TIMEOUT_MS) is not None

    @invariant()
    def keeps_its_bounds(self):
        made = self.made
        assert set(made.in_flight) == set(self.owed)
        assert len(self.owed) == self.sent - self.acked <= WINDOW
        assert all(1 <= packet_id <= 65535 for packet_id in made.in_flight)
        assert made.state == session.CONNECTED


def test_any_lawful_conversation_keeps_debts_and_bounds():
    run_state_machine_as_test(
        Conversation, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )
