"""Bytes of any fragmentation to MQTT 3.1.1 packets. What the peer got wrong is a ProtocolError.

A packet is a tuple that begins with its type:

    (CONNACK, session present, return code)      (SUBACK, packet id, granted QoS or 128)
    (PUBLISH, topic, payload, qos, retained, packet id or 0)
    (PUBACK, packet id)                          (PINGRESP,)

Source: MQTT Version 3.1.1, OASIS Standard, 29 October 2014.
"""

from homeslot.mqtt.codec import CONNACK, PINGRESP, PUBACK, PUBLISH, SUBACK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Packet = tuple[Any, ...]
    # packet type -> (flags that must stand beside it or None, reader of (flags, body))
    Readers = dict[int, tuple[int | None, Callable[[int, bytes], Packet]]]

NAMES = (
    "RESERVED CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE "
    "UNSUBACK PINGREQ PINGRESP DISCONNECT RESERVED"
).split()
SUBACK_FAILURE = 128


class ProtocolError(Exception):
    """The peer broke MQTT: `packet` is the name of the packet, `problem` what is wrong with it."""

    def __init__(self, packet: str, problem: str) -> None:
        super().__init__("%s %s" % (packet, problem))
        self.packet = packet
        self.problem = problem


def read_number(name: str, body: bytes, at: int) -> int:
    """The 16-bit number at `at` in the body of packet `name`."""
    if at + 2 > len(body):
        raise ProtocolError(name, "ends inside a number")
    return body[at] << 8 | body[at + 1]


def read_data(name: str, body: bytes, at: int) -> "tuple[bytes, int]":
    """The length-prefixed bytes at `at` and where they end."""
    end = at + 2 + read_number(name, body, at)
    if end > len(body):
        raise ProtocolError(name, "ends inside a text")
    return body[at + 2 : end], end


def read_text(name: str, body: bytes, at: int) -> "tuple[str, int]":
    """The text at `at` and where it ends. MQTT allows any UTF-8 but NUL [MQTT-1.5.3-1, -2]."""
    data, end = read_data(name, body, at)
    try:
        text = data.decode()
    except ValueError:
        text = "\0"
    size = 0
    for c in text:
        code = ord(c)
        # MicroPython's decode lets surrogates, overlong forms and too high numbers pass.
        if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
            size = -1
            break
        size += 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
    if size != len(data):
        raise ProtocolError(name, "has a text that is not UTF-8 without NUL")
    return text, end


def read_packet_id(name: str, body: bytes, at: int = 0) -> int:
    """The packet id at `at`: 1..65535."""
    number = read_number(name, body, at)
    if number == 0:
        raise ProtocolError(name, "has packet id 0")
    return number


def read_publish(flags: int, body: bytes) -> "Packet":
    """(PUBLISH, topic, payload, qos, retained, packet id or 0)."""
    qos = flags >> 1 & 3
    if qos > 1:
        raise ProtocolError("PUBLISH", "has QoS %d, asked for was at most 1" % qos)
    topic, at = read_text("PUBLISH", body, 0)
    if not topic or "+" in topic or "#" in topic:
        raise ProtocolError("PUBLISH", "has no plain topic")
    packet_id = 0
    if qos:
        packet_id = read_packet_id("PUBLISH", body, at)
        at += 2
    return (PUBLISH, topic, body[at:], qos, bool(flags & 1), packet_id)


def read_puback(flags: int, body: bytes) -> "Packet":
    """(PUBACK, packet id)."""
    check_length("PUBACK", body, 2)
    return (PUBACK, read_packet_id("PUBACK", body))


def check_length(name: str, body: bytes, length: int) -> None:
    """Refuse a body of packet `name` that does not have `length` bytes."""
    if len(body) != length:
        raise ProtocolError(name, "has %d bytes, %d are right" % (len(body), length))


def _read_connack(flags: int, body: bytes) -> "Packet":
    check_length("CONNACK", body, 2)
    if body[0] > 1:
        raise ProtocolError("CONNACK", "has reserved flags")
    return (CONNACK, body[0] == 1, body[1])


def _read_suback(flags: int, body: bytes) -> "Packet":
    check_length("SUBACK", body, 3)  # we ask for one filter at a time
    if body[2] not in (0, 1, SUBACK_FAILURE):
        raise ProtocolError("SUBACK", "grants QoS %d" % body[2])
    return (SUBACK, read_packet_id("SUBACK", body), body[2])


def _read_pingresp(flags: int, body: bytes) -> "Packet":
    check_length("PINGRESP", body, 0)
    return (PINGRESP,)


# What a broker may say to us.
FROM_BROKER: "Readers" = {
    CONNACK: (0, _read_connack),
    PUBLISH: (None, read_publish),
    PUBACK: (0, read_puback),
    SUBACK: (0, _read_suback),
    PINGRESP: (0, _read_pingresp),
}


class Decoder:
    """Bytes in, packets out.

    `longest` bounds the body of a packet in bytes, and with it the memory held: a longer packet is
    refused at its header. `readers` is what the other side may send. After a ProtocolError the
    stream has lost its place: `next` raises the same again, and the connection must be given up.
    """

    def __init__(self, longest: int, readers: "Readers" = FROM_BROKER) -> None:
        self._longest = longest
        self._readers = readers
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in `data`, as it came. Call `next` until it gives None before feeding again."""
        self._held += data

    def next(self) -> "Packet | None":
        """The next whole packet, or None until more is fed. Raises ProtocolError."""
        held = self._held
        if not held:
            return None
        kind, flags = held[0] >> 4, held[0] & 15
        name = NAMES[kind]
        if kind not in self._readers:
            raise ProtocolError(name, "is not for this side")
        wanted, read = self._readers[kind]
        if wanted is not None and flags != wanted:
            raise ProtocolError(name, "has flags %d, %d are right" % (flags, wanted))
        length = 0
        at = 1
        while True:
            if at == 5:
                raise ProtocolError(name, "has a length of more than four bytes")
            if at == len(held):
                return None
            length |= (held[at] & 127) << 7 * (at - 1)
            at += 1
            if held[at - 1] < 128:
                break
        if length > self._longest:
            raise ProtocolError(name, "has %d bytes, allowed %d" % (length, self._longest))
        if len(held) < at + length:
            return None
        packet = read(flags, bytes(held[at : at + length]))
        self._held = held[at + length :]
        return packet
