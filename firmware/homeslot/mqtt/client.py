"""One connection to the broker on asyncio: a shell around `session.Session`.

Theory of operation. Three tasks share a session: the reader opens the connection and feeds what
comes, the sender writes what the session wants sent, the watcher ticks. Whichever fails first ends
the connection for everyone who waits (LinkLost). Nobody else has a timeout: every wait ends because
its condition holds or because the watcher, who sleeps on the Clock alone, finds the broker overdue.
Reads are never cancelled and repeated: on MicroPython that would also forget a pending write
(asyncio.core.IOQueue.remove drops the whole stream).

All waiting is on one Event that is set and cleared whenever something has changed: on both
languages that wakes exactly those who wait at that moment, and each looks at its own condition.

    client = Client(network, clock, host, port, Session(...), on_message)
    try:
        await client.open()
        await client.subscribe("homeslot/1/c1/cmd")
        await client.publish("homeslot/1/c1/link", b"...", retain=True)
        ids = [await client.post("homeslot/1/c1/event", e) for e in events]   # a window in flight
        await client.acked(ids[0])                                            # the oldest is safe
    finally:
        await client.close()
"""

import asyncio

from homeslot import const
from homeslot.mqtt import session as states
from homeslot.mqtt.decoder import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeslot.ports import Clock, Network, Stream

    OnMessage = Callable[[str, bytes, bool], None]

_CHUNK = const(128)  # bytes asked of the network at once
_OPEN_MS = const(30000)  # to join a network, ask for its hub's address, and shake hands


class LinkLost(OSError):
    """The connection is over: why, in words, and the broker's return code where it refused us."""

    def __init__(self, why: str, refused: int = 0) -> None:
        super().__init__(why)
        self.refused = refused


class Client:
    """One connection, made once and not mended: the caller makes a new Client to try again.

    `on_message(topic, payload, retained)` is called for each message, which is acknowledged after
    it returns; it must not block. `on_lost()` is called when the connection has ended. Always call
    `close`, whatever happened.
    """

    def __init__(
        self,
        network: "Network",
        clock: "Clock",
        host: str,
        port: int,
        session: states.Session,
        on_message: "OnMessage",
        on_lost: "Callable[[], None]" = lambda: None,
    ) -> None:
        self._network = network
        self._clock = clock
        self._address = (host, port)
        self._session = session
        self._on_message = on_message
        self._on_lost = on_lost
        self._stream: "Stream | None" = None
        self._tasks: "list[asyncio.Task[None]]" = []
        self._changed = asyncio.Event()
        self._denied: "list[int]" = []
        self._lost: "tuple[str, int] | None" = ("the connection is not open", 0)

    @property
    def lost(self) -> "str | None":
        """Why there is no connection, in words; None while it is being made and while it lives."""
        return self._lost and self._lost[0]

    async def open(self) -> None:
        """Connect: the network in 30 s, and then the broker in the session's `timeout_ms`.

        Raises LinkLost.
        """
        self._lost = None
        for work in (self._read, self._send, self._watch):
            self._tasks.append(asyncio.create_task(self._until_lost(work)))
        await self._until(lambda: self._session.state == states.CONNECTED)

    async def post(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> int:
        """Send as soon as there is room in flight; a number for `acked`. Raises LinkLost.

        With QoS 0 the number is 0, and `acked(0)` returns at once.
        """
        await self._until(lambda: self._session.room)
        number = self._session.publish(self._clock.up_ms(), topic, payload, qos, retain)
        self._notify()
        return number

    async def acked(self, number: int) -> None:
        """Return when the broker has acknowledged what `post` numbered so. Raises LinkLost.

        Also right after the connection was lost: what was acknowledged before, was.
        """
        await self._until(lambda: number not in self._session.in_flight)

    async def publish(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Send, and with QoS 1 return when the broker has acknowledged. Raises LinkLost."""
        await self.acked(await self.post(topic, payload, qos, retain))

    async def subscribe(self, topic_filter: str, qos: int = 1) -> bool:
        """Ask for messages; False when the broker refuses just that. Raises LinkLost."""
        await self._until(lambda: self._session.room)
        number = self._session.subscribe(self._clock.up_ms(), topic_filter, qos)
        self._notify()
        await self.acked(number)
        return number not in self._denied

    async def closed(self) -> str:
        """Wait for the end of the connection and return why, in words."""
        while self._lost is None:
            await self._changed.wait()
        return self._lost[0]

    async def close(self) -> None:
        """Say goodbye where that is possible, then give everything up. Safe to call again.

        A defect in one of the tasks (anything but a lost connection) is raised here.
        """
        try:
            if self._lost is None and self._session.state == states.CONNECTED:
                self._session.disconnect(self._clock.up_ms())
                self._notify()
                await self.closed()  # the broker's end, or overdue
        finally:
            self._lose("closed", 0)
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0)
            if self._stream is not None:
                await self._stream.close()
            for task in tasks:
                try:
                    await task
                except asyncio.CancelledError:
                    pass

    async def _until_lost(self, work: "Callable[[], Awaitable[None]]") -> None:
        why, refused = "the client failed", 0
        try:
            await work()
        except LinkLost as lost:
            why, refused = str(lost), lost.refused
        except (OSError, ProtocolError) as error:
            why = str(error) or type(error).__name__
        finally:
            self._lose(why, refused)

    async def _read(self) -> None:
        host, port = self._address
        session = self._session
        self._stream = await self._network.open(host, port)
        session.connect(self._clock.up_ms())
        self._notify()
        while True:
            data = await self._stream.read(_CHUNK)
            if not data:
                raise LinkLost("the broker closed the connection")
            for event in session.receive(self._clock.up_ms(), data):
                if isinstance(event, states.Message):
                    self._on_message(event.topic, event.payload, event.retained)
                elif isinstance(event, states.Subscribed) and not event.granted:
                    self._denied.append(event.packet_id)
                elif isinstance(event, states.Refused):
                    raise LinkLost("refused: %s" % event.text, event.code)
            self._notify()
            while session.unsent > states.UNSENT:  # a broker that talks but does not listen
                await self._changed.wait()

    async def _send(self) -> None:
        while True:
            if self._stream is None or not self._session.unsent:
                await self._changed.wait()
            else:
                await self._stream.write(self._session.take())
                self._notify()

    async def _watch(self) -> None:
        opened_by_ms = self._clock.up_ms() + _OPEN_MS
        while True:
            await self._clock.sleep_ms(self._session.step_ms)
            overdue = self._session.tick(self._clock.up_ms())
            if self._stream is None and self._clock.up_ms() >= opened_by_ms:
                overdue = "no network within %d ms" % _OPEN_MS
            if overdue is not None:
                raise LinkLost(overdue)
            self._notify()

    async def _until(self, met: "Callable[[], bool]") -> None:
        while not met():
            if self._lost is not None:
                raise LinkLost(*self._lost)
            await self._changed.wait()

    def _lose(self, why: str, refused: int) -> None:
        if self._lost is None:
            self._lost = (why, refused)
            self._on_lost()
        self._session.lose()
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed.clear()
