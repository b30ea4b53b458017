"""MQTT 3.1.1 packets to bytes, for a client that speaks QoS 0 and 1. No sockets, no clock.

Source: MQTT Version 3.1.1, OASIS Standard, 29 October 2014; `[MQTT-…]` are its numbered statements.

Each function gives the bytes of one packet and raises ValueError when our own arguments cannot be
sent. The way back is in `homeslot.mqtt.decoder`.
"""

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 8, 9, 10, 11
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14
LONGEST = 268435455  # the largest remaining length four bytes can say (section 2.2.3)


def encode_connect(
    client_id: str,
    keep_alive_s: int,
    user: "str | None" = None,
    password: "str | None" = None,
    will: "tuple[str, bytes] | None" = None,
) -> bytes:
    """CONNECT with a clean session. `will` is (topic, payload), left retained and with QoS 1."""
    if password is not None and user is None:
        raise ValueError("a password without a user cannot be sent [MQTT-3.1.2-22]")
    flags = 0x02
    body = _text(client_id)
    if will is not None:
        flags |= 0x2C  # retain, QoS 1, will
        body += _text(will[0]) + _data(will[1])
    if user is not None:
        flags |= 0x80
        body += _text(user)
    if password is not None:
        flags |= 0x40
        body += _text(password)
    return packet(CONNECT, 0, b"\x00\x04MQTT\x04" + bytes((flags,)) + _number(keep_alive_s) + body)


def encode_publish(
    topic: str, payload: bytes, qos: int = 0, retain: bool = False, packet_id: int = 0
) -> bytes:
    """PUBLISH with QoS 0 (`packet_id` 0) or 1 (`packet_id` 1..65535)."""
    if qos not in (0, 1) or (qos == 0) != (packet_id == 0):
        raise ValueError("QoS %d with packet id %d cannot be sent" % (qos, packet_id))
    if not topic or "+" in topic or "#" in topic:
        raise ValueError("%r cannot be published to [MQTT-3.3.2-2]" % topic)
    number = _number(packet_id) if qos else b""
    return packet(PUBLISH, qos << 1 | (1 if retain else 0), _text(topic) + number, payload)


def encode_puback(packet_id: int) -> bytes:
    """PUBACK of a PUBLISH with QoS 1."""
    return packet(PUBACK, 0, _number(packet_id))


def encode_subscribe(packet_id: int, topic_filter: str, qos: int = 1) -> bytes:
    """SUBSCRIBE to one filter with the highest QoS (0 or 1) wanted of it."""
    if qos not in (0, 1) or not topic_filter:
        raise ValueError("a subscription to %r with QoS %d cannot be sent" % (topic_filter, qos))
    return packet(SUBSCRIBE, 2, _number(packet_id) + _text(topic_filter) + bytes((qos,)))


def encode_pingreq() -> bytes:
    """PINGREQ."""
    return packet(PINGREQ, 0, b"")


def encode_disconnect() -> bytes:
    """DISCONNECT: the broker forgets the last will."""
    return packet(DISCONNECT, 0, b"")


def packet(kind: int, flags: int, body: bytes, payload: bytes = b"") -> bytes:
    """Fixed header, `body` and `payload`."""
    rest = len(body) + len(payload)
    if rest > LONGEST:
        raise ValueError("%d bytes are over the %d of a packet" % (rest, LONGEST))
    head = bytearray((kind << 4 | flags,))
    while rest > 127:
        head.append(rest & 127 | 128)
        rest >>= 7
    head.append(rest)
    return bytes(head) + body + payload


def _number(n: int) -> bytes:
    if not 0 <= n <= 65535:
        raise ValueError("%d is not in 0..65535" % n)
    return bytes((n >> 8, n & 255))


def _data(data: bytes) -> bytes:
    return _number(len(data)) + data


def _text(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("%r has a NUL [MQTT-1.5.3-2]" % text)
    return _data(text.encode())
