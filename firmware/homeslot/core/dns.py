"""Asking a name server for an address: one question, one answer (RFC 1035), bytes in and out.

The cart asks by itself because MicroPython's `getaddrinfo` gives nobody else a turn while it waits,
and waits up to seven seconds for each name server that does not answer; the watchdog bites at 8.3.
"""

_A_IN = b"\0\1\0\1"  # type A, class IN
_HEADER_BYTES = 12
_POINTER = 0xC0


class BadAnswer(ValueError):
    """Not an answer to our question, or one that is broken."""


def is_address(host: str) -> bool:
    """True when `host` (ASCII) is an IPv4 address in four numbers: nothing to ask."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def query(number: int, host: str) -> bytes:
    """The question for the address of `host`, numbered 0..65535. Raises ValueError: no name."""
    labels = host.encode().split(b".")
    if len(host) > 253 or not all(0 < len(label) < 64 for label in labels):
        raise ValueError("%s is not a name" % host)
    name = b"".join([bytes([len(label)]) + label for label in labels])
    return number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + name + b"\0" + _A_IN


def answer(asked: bytes, data: bytes) -> "str | None":
    """The address in `data`, the answer to `asked`; None: there is no such name.

    Raises BadAnswer.
    """
    question = asked[_HEADER_BYTES:]
    at = _HEADER_BYTES + len(question)
    if data[:2] != asked[:2] or len(data) < at or not data[2] & 0x80:
        raise BadAnswer("is not ours")
    if data[_HEADER_BYTES:at] != question:
        raise BadAnswer("is to another question")
    if data[3] & 15:  # the server's return code
        return None
    try:
        for _ in range(data[6] << 8 | data[7]):
            at = _after_name(data, at)
            size = data[at + 8] << 8 | data[at + 9]
            found = data[at + 10 : at + 10 + size]
            if len(found) < size:
                raise BadAnswer("is cut off")
            if data[at : at + 4] == _A_IN and len(found) == 4:
                return ".".join([str(byte) for byte in found])
            at += 10 + size  # an alias, whose address follows
    except IndexError:
        raise BadAnswer("is cut off")
    return None


def _after_name(data: bytes, at: int) -> int:
    while data[at]:
        if data[at] >= _POINTER:
            return at + 2
        at += 1 + data[at]
    return at + 1
