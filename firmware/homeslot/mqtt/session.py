"""One MQTT connection as a state machine: bytes and times in, bytes and events out.

Theory of operation. A session lives as long as one connection and is always in one of five states:

    NEW --connect()--> CONNECTING --CONNACK 0--> CONNECTED --disconnect()--> LEAVING
    every state --refused, broken packet, lose()--> CLOSED

`_HEARD` says which packets may come in each state; any other is the broker's ProtocolError. Calling
a method in a state that does not have it is our own error: WrongState.

Time. `tick(now_ms)` does what time asks for. Whatever the broker owes (its consent, an
acknowledgement, the answer to a ping, the end after our DISCONNECT) must come within `timeout_ms`,
else the connection is half open: `tick` says so, and its caller is to `lose` it. A ping goes out
when for half the keep-alive nothing was sent or nothing was heard: so a link that died in silence
is noticed within `keep_alive_s / 2 + timeout_ms` and two ticks even when there is nothing to say.

Bounds. At most `window` packets wait for an acknowledgement, and nothing new is accepted while
more than `UNSENT` bytes wait for the network (`room`). Packet ids run 1..65535 and round again,
passing over those in flight.
"""

from collections import namedtuple

from homeslot.mqtt import codec, decoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NEW, CONNECTING, CONNECTED = "new", "connecting", "connected"
LEAVING, CLOSED = "leaving", "closed"
UNSENT = 4096
LONGEST = 16384  # a command is at most contract.MAX_PAYLOAD_BYTES, its topic under 100

_TALK = (codec.PUBLISH, codec.PUBACK, codec.SUBACK, codec.PINGRESP)
_HEARD = {NEW: (), CONNECTING: (codec.CONNACK,), CONNECTED: _TALK, LEAVING: _TALK, CLOSED: ()}

# Return codes of CONNACK (MQTT 3.1.1, table 3.1).
REFUSALS = {
    1: "the broker does not speak MQTT 3.1.1",
    2: "the broker does not accept this client id",
    3: "the broker is not available",
    4: "user name or password is malformed",
    5: "user name or password is wrong",
}

Connected = namedtuple("Connected", ("session_present",))
Refused = namedtuple("Refused", ("code", "text"))
Message = namedtuple("Message", ("topic", "payload", "retained"))
Acked = namedtuple("Acked", ("packet_id",))
Subscribed = namedtuple("Subscribed", ("packet_id", "granted"))  # False: the broker refused


class WrongState(Exception):
    """Our own error: a call that the state of the session does not have."""


class Session:
    """The client's side of one connection. `will` is (topic, payload); times are ms of one clock.

    Raises ValueError for options MQTT cannot carry.
    """

    def __init__(
        self,
        client_id: str,
        user: "str | None" = None,
        password: "str | None" = None,
        will: "tuple[str, bytes] | None" = None,
        keep_alive_s: int = 60,
        timeout_ms: int = 10000,
        window: int = 8,
        longest: int = LONGEST,
    ) -> None:
        if not 1 <= keep_alive_s <= 65535 or timeout_ms < 1 or not 1 <= window <= 1000:
            raise ValueError("keep-alive, timeout or window is out of range")
        self._hello = codec.encode_connect(client_id, keep_alive_s, user, password, will)
        self._quiet_ms = keep_alive_s * 500
        self._window = window
        self._decoder = decoder.Decoder(longest)
        self._out: "list[bytes]" = []  # packets that wait for the network
        self._last_id = 0
        self._sent_ms = 0
        self._heard_ms = 0
        self._owed_ms: "int | None" = None  # since when CONNACK, PINGRESP or the end is owed
        self.state = NEW
        self.timeout_ms = timeout_ms
        self.step_ms = max(1, min(timeout_ms, self._quiet_ms) // 4)  # how often to tick
        self.in_flight: "dict[int, tuple[int, int]]" = {}  # packet id: (what is owed, since ms)

    @property
    def room(self) -> bool:
        """Whether one more publish or subscribe is accepted now."""
        return (
            self.state == CONNECTED and len(self.in_flight) < self._window and self.unsent <= UNSENT
        )

    @property
    def unsent(self) -> int:
        """Bytes that wait in `take`."""
        return sum([len(packet) for packet in self._out])

    def take(self) -> bytes:
        """The next packet to hand to the network; b"" when none waits."""
        return self._out.pop(0) if self._out else b""

    def connect(self, now_ms: int) -> None:
        """Ask for the connection; Connected or Refused will be the answer."""
        self._want(self.state == NEW, "connect")
        self.state = CONNECTING
        self._owed_ms = self._heard_ms = now_ms
        self._send(now_ms, self._hello)

    def publish(
        self, now_ms: int, topic: str, payload: bytes, qos: int = 1, retain: bool = False
    ) -> int:
        """Send a message; the packet id that Acked will name, or 0 with QoS 0. Needs `room`."""
        self._want(self.room, "publish")
        packet_id = self._next_id() if qos else 0
        self._send(now_ms, codec.encode_publish(topic, payload, qos, retain, packet_id))
        if qos:
            self.in_flight[packet_id] = (codec.PUBACK, now_ms)
        return packet_id

    def subscribe(self, now_ms: int, topic_filter: str, qos: int = 1) -> int:
        """Ask for messages; the packet id that Subscribed will name. Needs `room`."""
        self._want(self.room, "subscribe")
        packet_id = self._next_id()
        self._send(now_ms, codec.encode_subscribe(packet_id, topic_filter, qos))
        self.in_flight[packet_id] = (codec.SUBACK, now_ms)
        return packet_id

    def disconnect(self, now_ms: int) -> None:
        """Say goodbye: the broker forgets the will and ends the connection."""
        self._want(self.state == CONNECTED, "disconnect")
        self.state = LEAVING
        self._owed_ms = now_ms
        self._send(now_ms, codec.encode_disconnect())

    def lose(self) -> None:
        """The connection is gone. What is `in_flight` stays there: nobody knows its fate."""
        self.state = CLOSED

    def receive(self, now_ms: int, data: bytes) -> "Iterator[object]":
        """The events in `data`, one by one; a message is acknowledged when the next is asked for.

        Raises decoder.ProtocolError at the first packet that is broken or out of place; what came
        before it has been given.
        """
        self._decoder.feed(data)
        while True:
            try:
                packet = self._decoder.next()
                if packet is None:
                    return
                event = self._hear(now_ms, packet)
            except decoder.ProtocolError:
                self.state = CLOSED
                raise
            if event is not None:
                yield event
            if packet[0] == codec.PUBLISH and packet[3] and self.state == CONNECTED:
                self._send(now_ms, codec.encode_puback(packet[5]))

    def tick(self, now_ms: int) -> "str | None":
        """Ping when it is time. What the broker owes for too long, in words; None: all is well."""
        if self.state in (NEW, CLOSED):
            return None
        late = now_ms - self.timeout_ms
        if self._owed_ms is not None and self._owed_ms <= late:
            return "no answer to %s within %d ms" % (
                {CONNECTING: "CONNECT", CONNECTED: "PINGREQ"}.get(self.state, "DISCONNECT"),
                self.timeout_ms,
            )
        for packet_id, (owed, since_ms) in self.in_flight.items():
            if since_ms <= late:
                return "no %s %d within %d ms" % (decoder.NAMES[owed], packet_id, self.timeout_ms)
        if self._owed_ms is None and min(self._sent_ms, self._heard_ms) + self._quiet_ms <= now_ms:
            self._owed_ms = now_ms
            self._send(now_ms, codec.encode_pingreq())
        return None

    def _hear(self, now_ms: int, packet: "decoder.Packet") -> object:
        kind = packet[0]
        if kind not in _HEARD[self.state]:
            raise decoder.ProtocolError(decoder.NAMES[kind], "came while %s" % self.state)
        self._heard_ms = now_ms
        if kind == codec.PUBLISH:
            return Message(packet[1], packet[2], packet[4])
        if kind == codec.CONNACK:
            self._owed_ms = None
            if packet[2]:
                self.state = CLOSED
                return Refused(packet[2], REFUSALS.get(packet[2], "return code %d" % packet[2]))
            self.state = CONNECTED
            return Connected(packet[1])
        if kind == codec.PINGRESP:
            if self.state == CONNECTED:
                self._owed_ms = None
            return None
        if self.in_flight.get(packet[1], (0,))[0] != kind:
            raise decoder.ProtocolError(decoder.NAMES[kind], "%d is not in flight" % packet[1])
        del self.in_flight[packet[1]]
        if kind == codec.PUBACK:
            return Acked(packet[1])
        return Subscribed(packet[1], packet[2] != decoder.SUBACK_FAILURE)

    def _send(self, now_ms: int, data: bytes) -> None:
        self._out.append(data)
        self._sent_ms = now_ms

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65535 + 1
            if self._last_id not in self.in_flight:
                return self._last_id

    def _want(self, met: bool, call: str) -> None:
        if not met:
            raise WrongState(
                "%s while %s with %d in flight" % (call, self.state, len(self.in_flight))
            )
