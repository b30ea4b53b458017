"""Looking names up without holding up the rest of the cart: see homeslot.core.dns."""

import asyncio
import os
import socket

from homeslot.core.dns import BadAnswer, answer, is_address, query

TRIES = 3
WAIT_MS = 2000  # for each answer, TRIES times
POLL_MS = 50
LONGEST = 512  # bytes of an answer (RFC 1035, 2.3.4)
NEIGHBOURS = ("224.0.0.251", 5353)  # they answer for names that end in .local (RFC 6762)


async def resolved(host, server, port=53, wait_ms=WAIT_MS):
    """The IPv4 address of `host`, which may be one; else the name server at `server` is asked.

    Raises OSError where there is none, or no answer, each of which may take `wait_ms`.
    """
    if is_address(host):
        return host
    where = NEIGHBOURS if host.endswith(".local") else (server, port)
    where = socket.getaddrinfo(where[0], where[1])[0][-1]  # of an address: at once
    try:
        asked = query(int.from_bytes(os.urandom(2), "big"), host)
    except ValueError as error:
        raise OSError(str(error))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        for _ in range(TRIES):
            udp.sendto(asked, where)
            for _ in range(wait_ms // POLL_MS):
                found = _heard(udp, asked)
                if found:
                    return found
                await asyncio.sleep_ms(POLL_MS)
    finally:
        udp.close()
    raise OSError("the name server does not answer for " + host)


def _heard(udp, asked):
    """The answer, if it has come."""
    try:
        found = answer(asked, udp.recv(LONGEST))
    except (BadAnswer, OSError):  # somebody else's, or nothing yet
        return None
    if found is None:
        raise OSError("the name server knows no such name")
    return found
