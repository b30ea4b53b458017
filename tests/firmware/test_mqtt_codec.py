"""The MQTT codec: every packet there and back, in any fragments; anything else is ProtocolError."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.mqtt import codec, decoder
from homeslot.mqtt.decoder import FROM_BROKER, Decoder, ProtocolError
from homeslot_sim import mqtt_server
from homeslot_sim.mqtt_server import FROM_CLIENT

LONGEST = 2000
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
topics = st.text(
    st.characters(exclude_characters="\0+#", exclude_categories=["Cs"]), min_size=1, max_size=40
)
filters = st.sampled_from(["a", "a/+", "#", "+/b/#", "homeslot/1/c1/cmd", "/"])
payloads = st.binary(max_size=300)
ids = st.integers(1, 65535)

publishes = st.builds(
    lambda topic, payload, retain, packet_id: (
        codec.encode_publish(topic, payload, 1 if packet_id else 0, retain, packet_id),
        (codec.PUBLISH, topic, payload, 1 if packet_id else 0, retain, packet_id),
    ),
    topics,
    payloads,
    st.booleans(),
    st.integers(0, 65535),
)
pubacks = ids.map(lambda i: (codec.encode_puback(i), (codec.PUBACK, i)))
from_broker = st.one_of(
    publishes,
    pubacks,
    st.builds(
        lambda present, code: (
            mqtt_server.encode_connack(present, code),
            (codec.CONNACK, present, code),
        ),
        st.booleans(),
        st.integers(0, 255),
    ),
    st.builds(
        lambda i, granted: (mqtt_server.encode_suback(i, [granted]), (codec.SUBACK, i, granted)),
        ids,
        st.sampled_from([0, 1, 128]),
    ),
    st.just((mqtt_server.encode_pingresp(), (codec.PINGRESP,))),
)


def _connect(client_id, keep_alive_s, user, password, will):
    password = password if user is not None else None
    there = will and mqtt_server.Will(will[0], will[1], 1, True)
    return (
        codec.encode_connect(client_id, keep_alive_s, user, password, will),
        (codec.CONNECT, client_id, keep_alive_s, user, password, there),
    )


from_client = st.one_of(
    publishes,
    pubacks,
    st.builds(
        _connect,
        texts,
        st.integers(0, 65535),
        st.none() | texts,
        st.none() | texts,
        st.none() | st.tuples(topics, payloads),
    ),
    st.builds(
        lambda i, f, q: (codec.encode_subscribe(i, f, q), (codec.SUBSCRIBE, i, ((f, q),))),
        ids,
        filters,
        st.integers(0, 1),
    ),
    st.just((codec.encode_pingreq(), (codec.PINGREQ,))),
    st.just((codec.encode_disconnect(), (codec.DISCONNECT,))),
)


def fragments(data, cuts):
    """`data` in pieces cut at `cuts`."""
    edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def packets(pieces, readers=FROM_BROKER, longest=LONGEST):
    """(packets decoded, ProtocolError or None) of a stream that came in `pieces`."""
    decoder = Decoder(longest, readers)
    found = []
    try:
        for piece in pieces:
            decoder.feed(piece)
            while (packet := decoder.next()) is not None:
                found.append(packet)
    except ProtocolError as error:
        return found, error
    return found, None


@pytest.mark.parametrize("sent, readers", [(from_broker, FROM_BROKER), (from_client, FROM_CLIENT)])
def test_every_packet_comes_back_whole_from_any_fragments(sent, readers):
    @given(st.lists(sent, max_size=6), st.lists(st.integers(0, 5000), max_size=20))
    def comes_back(pairs, cuts):
        stream = b"".join(data for data, _ in pairs)
        assert packets(fragments(stream, cuts), readers) == ([p for _, p in pairs], None)

    comes_back()


@given(from_broker)
def test_a_packet_dripped_byte_by_byte_is_the_same_packet(pair):
    data, packet = pair
    assert packets([bytes([b]) for b in data]) == ([packet], None)


@given(st.binary(max_size=200), st.lists(st.integers(0, 5000), max_size=8))
def test_garbage_raises_protocol_error_only_and_the_same_in_any_fragments(data, cuts):
    for readers in (FROM_BROKER, FROM_CLIENT):
        whole, error = packets([data], readers)
        again, same = packets(fragments(data, cuts), readers)
        assert whole == again
        assert str(error) == str(same)


@given(from_broker, st.integers(0, 400), st.integers(0, 255))
def test_a_packet_with_one_byte_changed_raises_protocol_error_only(pair, at, byte):
    data = bytearray(pair[0])
    data[at % len(data)] = byte
    packets([bytes(data)])


@given(from_broker, st.integers(0, 400))
def test_a_packet_cut_off_gives_nothing(pair, at):
    data = pair[0]
    assert packets([data[: at % len(data)]]) == ([], None)


def test_a_packet_over_the_limit_is_refused_at_its_header():
    found, error = packets([codec.encode_publish("t", bytes(100))[:3]], longest=99)
    assert found == []
    assert str(error) == "PUBLISH has 103 bytes, allowed 99"


def test_the_decoder_holds_no_more_than_one_packet_and_what_was_fed():
    dripped = Decoder(LONGEST)
    data = codec.encode_publish("t", bytes(LONGEST - 3))
    for at in range(len(data) - 1):
        dripped.feed(data[at : at + 1])
        assert dripped.next() is None
        assert len(dripped._held) <= LONGEST + 5
    dripped.feed(data[-1:])
    assert dripped.next() is not None
    assert len(dripped._held) == 0


def test_a_broken_stream_stays_broken():
    broken = Decoder(LONGEST)
    broken.feed(b"\xf0\x00" + mqtt_server.encode_pingresp())
    for _ in range(2):
        with pytest.raises(ProtocolError, match="RESERVED is not for this side"):
            broken.next()


@pytest.mark.parametrize(
    "data, problem",
    [
        (b"\x00\x00", "RESERVED is not for this side"),
        (b"\x10\x00", "CONNECT is not for this side"),
        (b"\x50\x02\x00\x01", "PUBREC is not for this side"),
        (b"\x21\x02\x00\x00", "CONNACK has flags 1, 0 are right"),
        (b"\x20\x01\x00", "CONNACK has 1 bytes, 2 are right"),
        (b"\x20\x02\x02\x00", "CONNACK has reserved flags"),
        (b"\x20\xff\xff\xff\xff\x01", "CONNACK has a length of more than four bytes"),
        (b"\x30\x00", "PUBLISH ends inside a number"),
        (b"\x30\x03\x00\x02a", "PUBLISH ends inside a text"),
        (b"\x30\x02\x00\x00", "PUBLISH has no plain topic"),
        (b"\x30\x03\x00\x01#", "PUBLISH has no plain topic"),
        (b"\x30\x03\x00\x01\x00", "PUBLISH has a text that is not UTF-8 without NUL"),
        (b"\x30\x03\x00\x01\xff", "PUBLISH has a text that is not UTF-8 without NUL"),
        (b"\x34\x05\x00\x01a\x00\x01", "PUBLISH has QoS 2, asked for was at most 1"),
        (b"\x32\x05\x00\x01a\x00\x00", "PUBLISH has packet id 0"),
        (b"\x32\x04\x00\x01a\x01", "PUBLISH ends inside a number"),
        (b"\x40\x02\x00\x00", "PUBACK has packet id 0"),
        (b"\x40\x03\x00\x01\x00", "PUBACK has 3 bytes, 2 are right"),
        (b"\x90\x03\x00\x01\x02", "SUBACK grants QoS 2"),
        (b"\xd0\x01\x00", "PINGRESP has 1 bytes, 0 are right"),
    ],
)
def test_a_malformed_packet_is_named_with_its_problem(data, problem):
    found, error = packets([data])
    assert (found, str(error)) == ([], problem)
    assert problem == f"{error.packet} {error.problem}"


@given(st.binary(min_size=1, max_size=8))
def test_topics_are_strict_utf8(raw):
    body = len(raw).to_bytes(2, "big") + raw
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        with pytest.raises(ProtocolError):
            decoder.read_text("PUBLISH", body, 0)
    else:
        assert decoder.read_text("PUBLISH", body, 0) == (text, len(body))


@pytest.mark.parametrize(
    "call",
    [
        lambda: codec.encode_connect("c", 65536),
        lambda: codec.encode_connect("c", 60, password="secret"),
        lambda: codec.encode_connect("c" * 65536, 60),
        lambda: codec.encode_connect("a\0b", 60),
        lambda: codec.encode_publish("", b""),
        lambda: codec.encode_publish("a/+", b""),
        lambda: codec.encode_publish("a", b"", qos=1),
        lambda: codec.encode_publish("a", b"", packet_id=1),
        lambda: codec.encode_publish("a", b"", qos=2, packet_id=1),
        lambda: codec.encode_publish("a", b"", qos=1, packet_id=65536),
        lambda: codec.encode_subscribe(1, "", 0),
        lambda: codec.encode_subscribe(1, "a", 2),
    ],
)
def test_what_cannot_be_sent_is_our_own_error(call):
    with pytest.raises(ValueError):
        call()


def test_a_topic_matches_filters_as_mqtt_says():
    matches = mqtt_server.matches
    assert matches("a/b", "a/b") and not matches("a/b", "a/b/c") and not matches("a/b/c", "a/b")
    assert matches("a/+/c", "a/b/c") and matches("+", "a") and not matches("+", "a/b")
    assert matches("#", "a/b") and matches("a/#", "a/b/c") and matches("a/#", "a")
    assert not matches("a/#", "ab") and matches("a/+", "a/")
