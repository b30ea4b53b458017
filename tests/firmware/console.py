"""Someone at the serial console of a simulated cart."""

import json

from homeslot import contract
from homeslot_sim.cart.wire import Wire

from .school import play


class Hand:
    """Types at `wire` and reads what the cart says there."""

    def __init__(self, school, wire, rig):
        self._school = school
        self.wire = wire
        self.rig = rig
        self._number = 100

    def said(self, kind):
        """The bodies of all messages of `kind` so far."""
        lines = [line for line in bytes(self.wire.written).split(b"\r\n") if line[:1] == b"{"]
        bodies = [json.loads(line) for line in lines]
        for body in bodies:
            contract.check("console", body["topic"], body)
        return [body for body in bodies if body["topic"] == kind]

    @property
    def text(self):
        return self.wire.written.decode()

    async def command(self, word, **arguments):
        """Send a command, and wait for its reply."""
        self._number += 1
        body = {"v": 1, "id": self._number, "cmd": word, **arguments}
        self.wire.type(json.dumps(body).encode() + b"\n")
        await self._school.clock.sleep_ms(500)
        replies = [body for body in self.said("reply") if body["id"] == self._number]
        assert len(replies) == 1
        return replies[0]


def at_the_console(act, deeds=(), **how):
    """Run `act(hand, school)` with a cart that is up, and someone at its console."""

    async def main(school):
        wire = Wire()
        rig, _ = school.cart(deeds, serial=wire, **how)
        await school.until_s(10)
        await act(Hand(school, wire, rig), school)

    play(main)
