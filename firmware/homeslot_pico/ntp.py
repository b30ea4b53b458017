"""The time from a time server, until the hub tells it: what happens at once has its time."""

import asyncio
import os
import socket

from homeslot.core.ntp import BadAnswer, at_s, query
from homeslot_pico.names import resolved

PORT = 123
EVERY_MS = 60000
WAIT_MS = 2000
POLL_MS = 50
BOUND_MS = 90000  # with a name that is looked up in vain
LONGEST = 512


class Ntp:
    """Asks `host` while `cart` is in its `network` and does not know the time."""

    def __init__(self, host, network, cart, port=PORT):
        self._host = host
        self._port = port
        self._network = network
        self._cart = cart

    async def run(self):
        """Ask once a minute, for ever; to be a task of the cart's supervisor, named `ntp`."""
        cart = self._cart
        while True:
            cart.supervisor.life("ntp")
            if cart.keeper.at_s(cart.clock.up_ms()) is None and self._network.trouble() is None:
                try:
                    await self._ask()
                except OSError as error:
                    cart.log.say("time server: " + str(error))
            await cart.clock.sleep_ms(EVERY_MS)

    async def _ask(self):
        told_s = await asked(self._host, self._network.name_server(), self._port)
        cart = self._cart
        if cart.keeper.at_s(cart.clock.up_ms()) is None:  # the hub may have been quicker
            cart.keeper.set(told_s, cart.clock.up_ms())


async def asked(host, name_server, port=PORT):
    """Epoch s by the time server at `host`. Raises OSError: unknown, silent or itself unsure."""
    where = socket.getaddrinfo(await resolved(host, name_server), port)[0][-1]
    question = query(os.urandom(8))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.sendto(question, where)
        for _ in range(WAIT_MS // POLL_MS):
            await asyncio.sleep_ms(POLL_MS)
            try:
                return at_s(question, udp.recv(LONGEST))
            except (BadAnswer, OSError):  # somebody else's, or nothing yet
                pass
    finally:
        udp.close()
    raise OSError("%s does not tell the time" % host)
