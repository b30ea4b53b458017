"""Asking a time server: one question, one answer (SNTP, RFC 4330), bytes in and out."""

from homeslot import const

_PACKET_BYTES = const(48)
_ASKING = const(0x23)  # no warning, version 4, from a client
_ANSWERING = const(4)
_UNSURE = const(3)  # of the leap indicator: its own clock is not set
_WORST_STRATUM = const(15)
_FROM_1900_S = const(2208988800)
_ERA_S = const(1 << 32)


class BadAnswer(ValueError):
    """Not an answer to our question, or from a server that does not know the time."""


def query(nonce: bytes) -> bytes:
    """The question, with eight bytes that only its answer can repeat."""
    return bytes((_ASKING,)) + b"\0" * (_PACKET_BYTES - 9) + nonce


def at_s(asked: bytes, data: bytes) -> int:
    """The time in `data`, the answer to `asked`, in epoch s (1968 to 2104). Raises BadAnswer."""
    if len(data) < _PACKET_BYTES or data[0] & 7 != _ANSWERING or data[24:32] != asked[-8:]:
        raise BadAnswer("is not ours")
    since_1900_s = int.from_bytes(data[40:44], "big")
    if data[0] >> 6 == _UNSURE or not 0 < data[1] <= _WORST_STRATUM or not since_1900_s:
        raise BadAnswer("says that the server does not know the time")
    if since_1900_s < _ERA_S // 2:  # counted anew since 2036 (RFC 4330, section 3)
        since_1900_s += _ERA_S
    return since_1900_s - _FROM_1900_S
