"""The broker's side of the MQTT 3.1.1 codec: reads what only clients send, and the reverse.

Packets of a client, beside those of `homeslot.mqtt.decoder`, as tuples that begin with their type:

    (CONNECT, client id, keep-alive s, user or None, password or None, Will or None)
    (SUBSCRIBE, packet id, ((filter, QoS), ...))      (UNSUBSCRIBE, packet id, (filter, ...))
    (PINGREQ,)      (DISCONNECT,)

Clean sessions and QoS 0 and 1 only; anything else is a ProtocolError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from homeslot.mqtt import codec
from homeslot.mqtt.decoder import (
    ProtocolError,
    check_length,
    read_data,
    read_number,
    read_packet_id,
    read_puback,
    read_publish,
    read_text,
)

if TYPE_CHECKING:
    from homeslot.mqtt.decoder import Packet, Readers


class Will(NamedTuple):
    """The message a broker publishes for a client that is lost."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


def encode_connack(session_present: bool, code: int) -> bytes:
    """CONNACK; `code` 0 accepts."""
    return codec.packet(codec.CONNACK, 0, bytes((session_present, code)))


def encode_suback(packet_id: int, granted: Sequence[int]) -> bytes:
    """SUBACK; `granted` is a QoS or SUBACK_FAILURE for each filter asked."""
    return codec.packet(codec.SUBACK, 0, packet_id.to_bytes(2, "big") + bytes(granted))


def encode_unsuback(packet_id: int) -> bytes:
    """UNSUBACK."""
    return codec.packet(codec.UNSUBACK, 0, packet_id.to_bytes(2, "big"))


def encode_pingresp() -> bytes:
    """PINGRESP."""
    return codec.packet(codec.PINGRESP, 0, b"")


def _read_connect(flags: int, body: bytes) -> Packet:
    name = "CONNECT"
    protocol, at = read_text(name, body, 0)
    if protocol != "MQTT" or body[at : at + 1] != b"\x04":
        raise ProtocolError(name, "is not MQTT 3.1.1")
    if at + 2 > len(body):
        raise ProtocolError(name, "ends before its flags")
    asks = body[at + 1]
    keep_alive_s = read_number(name, body, at + 2)
    client_id, at = read_text(name, body, at + 4)
    will_qos = asks >> 3 & 3
    if asks & 1 or will_qos > 1 or (not asks & 4 and asks & 0x38) or asks & 0xC0 == 0x40:
        raise ProtocolError(name, f"has flags {asks:#04x}")
    if not asks & 2:
        raise ProtocolError(name, "asks for a session that outlives it")
    will = user = password = None
    if asks & 4:
        topic, at = read_text(name, body, at)
        payload, at = read_data(name, body, at)
        will = Will(topic, payload, will_qos, bool(asks & 0x20))
    if asks & 0x80:
        user, at = read_text(name, body, at)
    if asks & 0x40:
        password, at = read_text(name, body, at)
    if at != len(body):
        raise ProtocolError(name, "goes on after its end")
    return (codec.CONNECT, client_id, keep_alive_s, user, password, will)


def _read_subscribe(flags: int, body: bytes) -> Packet:
    name = "SUBSCRIBE"
    packet_id, at, asked = read_packet_id(name, body), 2, []
    while at < len(body):
        topic_filter, at = _read_filter(name, body, at)
        if body[at : at + 1] not in (b"\0", b"\1"):
            raise ProtocolError(name, "asks for no QoS of 0 or 1")
        asked.append((topic_filter, body[at]))
        at += 1
    if not asked:
        raise ProtocolError(name, "asks for nothing")
    return (codec.SUBSCRIBE, packet_id, tuple(asked))


def _read_unsubscribe(flags: int, body: bytes) -> Packet:
    name = "UNSUBSCRIBE"
    packet_id, at, filters = read_packet_id(name, body), 2, []
    while at < len(body):
        topic_filter, at = _read_filter(name, body, at)
        filters.append(topic_filter)
    if not filters:
        raise ProtocolError(name, "names nothing")
    return (codec.UNSUBSCRIBE, packet_id, tuple(filters))


def _read_filter(name: str, body: bytes, at: int) -> tuple[str, int]:
    text, at = read_text(name, body, at)
    levels = text.split("/")
    if (
        not text
        or "#" in "".join(levels[:-1])
        or any(len(level) > 1 and ("+" in level or "#" in level) for level in levels)
    ):
        raise ProtocolError(name, f"has the filter {text!r}")
    return text, at


def _read_pingreq(flags: int, body: bytes) -> Packet:
    check_length("PINGREQ", body, 0)
    return (codec.PINGREQ,)


def _read_disconnect(flags: int, body: bytes) -> Packet:
    check_length("DISCONNECT", body, 0)
    return (codec.DISCONNECT,)


# What a client may say to a broker.
FROM_CLIENT: Readers = {
    codec.CONNECT: (0, _read_connect),
    codec.PUBLISH: (None, read_publish),
    codec.PUBACK: (0, read_puback),
    codec.SUBSCRIBE: (2, _read_subscribe),
    codec.UNSUBSCRIBE: (2, _read_unsubscribe),
    codec.PINGREQ: (0, _read_pingreq),
    codec.DISCONNECT: (0, _read_disconnect),
}


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is one of a filter's, with `+` and `#` (MQTT 3.1.1 section 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(
        w in ("+", level) for w, level in zip(wanted, levels, strict=True)
    )
