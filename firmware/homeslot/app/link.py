"""The cart's link to the hub: connects, says what is wanted, empties the outbox, obeys commands.

Everything a connection says goes through one loop, so that nothing overtakes: on connect `link`,
`hello` and a snapshot, then events as the outbox hands them out (what happens now before what had
to wait), then whatever else was asked for. An event leaves the outbox only when the broker has
acknowledged it.
"""

import asyncio

from homeslot import const, contract
from homeslot.app.commands import HUB
from homeslot.core.backoff import Backoff
from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.decoder import SUBACK_FAILURE
from homeslot.mqtt.session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.commands import Commands
    from homeslot.app.reporter import Reporter
    from homeslot.contract import Body
    from homeslot.core.settings import Values
    from homeslot.ports import Clock, Events, Network

    MakeBody = Callable[[], Body]

_FIRST_RETRY_MS = const(1000)
_LAST_RETRY_MS = const(60000)
_WINDOW = const(8)  # events in flight at once
_REPLIES = const(8)  # answers that may wait to be sent


class Link:
    """Keeps the cart connected to the broker that `settings` name.

    `clock` is the cart's time; `wire_clock` bounds what the broker must answer, and differs from
    it only where simulated time runs at another speed than the network. `state` makes the body of a
        state: "MakeBody | None",
        tell: "Callable[[str], None]",
    """

    def __init__(
        self,
        settings: "Values",
        network: "Network",
        clock: "Clock",
        wire_clock: "Clock",
        outbox: "Events",
        reporter: "Reporter",
        commands: "Commands",
        state: "MakeBody | None",
        tell: "Callable[[str], None]",
    ) -> None:
        self._cart: str = settings["cart"]
        self._address: "tuple[str, int]" = (settings["host"], settings["port"])
        self._secret: str = settings["secret"]
        self._keep_alive_s: int = settings["keep_alive_s"]
        self._network = network
        self._clock = clock
        self._wire_clock = wire_clock
        self._outbox = outbox
        self._reporter = reporter
        self._commands = commands
        self._backoff = Backoff(_FIRST_RETRY_MS, _LAST_RETRY_MS, sum(self._cart.encode()))
        self._wake = asyncio.Event()
        self._pending: "list[tuple[str, bool, MakeBody]]" = []  # (kind, retained, body)
        self._tell = tell
        self._told = ""
        self.state = state
        self.hello = reporter.hello
        self.trouble: "str | None" = None
        self.connections = 0
        self.refused = 0
        self.reported = False  # whether the broker has acknowledged a snapshot
        self.wake = self._wake.set  # have it look around, and show life
        outbox.changed = self.wake

    def say(self, kind: str, body: "MakeBody", retain: bool = False) -> None:
        """Send a message of `kind` when there is a link; `body` is called just before.

        While there is none, a newer request of the same kind replaces an older one.
        """
        if kind != "reply":
            self._pending = [entry for entry in self._pending if entry[0] != kind]
        self._pending.append((kind, retain, body))
        self._wake.set()

    async def run(self, beat: "Callable[[], None]") -> None:
        """Connect, and connect again, for ever. `beat()` is called at every sign of life."""
        while True:
            beat()
            try:
                await self._connection(beat)
            except OSError as error:  # LinkLost, and whatever a network raises
                refused = isinstance(error, LinkLost) and error.refused
                self.trouble = self._network.trouble() or ("refused" if refused else "no_broker")
                self._say_once("link: none, %s: %s" % (self.trouble, error))
            beat()
            await self._clock.sleep_ms(self._backoff.next_ms())

    async def _connection(self, beat: "Callable[[], None]") -> None:
        offline = self._encode("link", self._reporter.link("offline"))
        session = Session(
            self._cart,
            self._cart,
            self._secret,
            will=(contract.topic(self._cart, "link"), offline),
            keep_alive_s=self._keep_alive_s,
            window=_WINDOW,
        )
        host, port = self._address
        client = Client(
            self._network,
            self._wire_clock,
            host,
            port,
            session,
            self._on_message,
            self._wake.set,
        )
        try:
            await client.open()
            self.connections += 1
            if not await client.subscribe(contract.topic(self._cart, "cmd")):
                raise LinkLost("the broker refused our commands", SUBACK_FAILURE)
            await self._publish(client, "link", True, lambda: self._reporter.link("online"))
            await self._publish(client, "hello", True, self.hello)
            if self.state is not None:
                await self._publish(client, "state", True, self.state)
            self.reported = True
            self._backoff.reset()
            self.trouble = None
            self._say_once("link: made to %s:%d" % self._address)
            self._outbox.connected()
            while client.lost is None:
                beat()
                await self._empty(client, beat)
                await self._wake.wait()
            raise LinkLost(client.lost)
        finally:
            await client.close()

    async def _empty(self, client: Client, beat: "Callable[[], None]") -> None:
        """Send all that is due: events in windows, then what else was asked for."""
        self._wake.clear()
        while True:
            events = self._outbox.due(_WINDOW)
            if not events and not self._pending:
                return
            beat()
            sent = []
            for event in events:
                self._reporter.date(event)
                payload = self._encode("event", event)
                number = await client.post(contract.topic(self._cart, "event"), payload)
                sent.append((number, event["seq"]))
            for number, seq in sent:
                await client.acked(number)
                self._outbox.leave(seq)
            if self._pending:
                said = self._pending[0]
                kind, retain, body = said
                await self._publish(client, kind, retain, body)
                # Meanwhile a newer request may have taken its place: that one is still to be sent.
                self._pending = [entry for entry in self._pending if entry is not said]

    async def _publish(self, client: Client, kind: str, retain: bool, body: "MakeBody") -> None:
        payload = self._encode(kind, body())
        await client.publish(contract.topic(self._cart, kind), payload, retain=retain)

    def _say_once(self, text: str) -> None:
        """Tell `text` unless it is what was told last: a cart may be without a link for days."""
        if text != self._told:
            self._told = text
            self._tell(text)

    def _encode(self, kind: str, body: "Body") -> bytes:
        return contract.encode(contract.topic(self._cart, kind), kind, body)

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        """Carry out one command. What is refused is counted, and changes nothing.

        That is one that is broken, or replayed, or comes while too many others wait for their
        answers to leave: nobody would hear what became of it.
        """
        try:
            command = contract.decode(topic, "cmd", payload)
        except contract.BadMessage:
            self.refused += 1
            return
        if retained or sum([entry[0] == "reply" for entry in self._pending]) >= _REPLIES:
            self.refused += 1
            return
        self._commands.obey(command, HUB, lambda reply: self.say("reply", reply))
