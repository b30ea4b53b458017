"""An MQTT broker in one process, for virtual time: the wire's very bytes, no sockets, no threads.

It does what the cart and the hub ask of a broker: user and password, one user confined to its own
topics in both directions (its will included), last will on any loss, retained messages, QoS 0 and
1, keep-alive. The hub stands inside: `attach` and `publish`. The same tests drive it, Mosquitto and
nats-server (tests/system/test_mqtt_brokers.py).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from homeslot import contract
from homeslot.mqtt import codec
from homeslot.mqtt.decoder import SUBACK_FAILURE, Decoder, ProtocolError
from homeslot_sim import mqtt_server
from homeslot_sim.memory_link import MemoryNetwork, MemoryStream

if TYPE_CHECKING:
    from homeslot.mqtt.decoder import Packet
    from homeslot.ports import Clock

HELLO_MS = 10000  # a connection must say CONNECT within this
LONGEST = 65536
KEPT = 100000
OnMessage = Callable[[str, bytes, bool], None]


def confined(user: str, topic: str, writes: bool) -> bool:
    """Whether a cart may write to, or ask for, `topic`: its own, in the contract's direction."""
    return any(
        topic == f"{contract.ROOT}{user}/{kind}" and (sender == "cart") == writes
        for kind, (sender, _) in contract.TOPICS.items()
    )


class _Peer:
    """One connection and what its client asked for."""

    def __init__(self, stream: MemoryStream, now_ms: int) -> None:
        self.stream = stream
        self.decoder = Decoder(LONGEST, mqtt_server.FROM_CLIENT)
        self.user = ""
        self.client_id: str | None = None  # None: CONNECT was not accepted yet
        self.will: mqtt_server.Will | None = None
        self.patience_ms: int | None = HELLO_MS
        self.heard_ms = now_ms
        self.filters: dict[str, int] = {}
        self.last_id = 0

    def send(self, data: bytes) -> None:
        """Send, or end the connection of a client that is gone or does not read."""
        try:
            self.stream.put(data)
        except OSError:
            self.stream.shut()

    def deliver(self, topic: str, payload: bytes, retained: bool) -> None:
        """Send a message once, with the highest QoS of the filters it fits."""
        granted = [q for f, q in self.filters.items() if mqtt_server.matches(f, topic)]
        if not granted:
            return
        if max(granted):
            self.last_id = self.last_id % 65535 + 1
        packet_id = self.last_id if max(granted) else 0
        self.send(codec.encode_publish(topic, payload, max(granted), retained, packet_id))


class MemoryBroker:
    """The broker.

    `allow(user, password)` judges a CONNECT; `may(user, topic, writes)` every topic written to and
    every filter asked for.
    """

    def __init__(
        self,
        clock: Clock,
        allow: Callable[[str, str], bool],
        may: Callable[[str, str, bool], bool] = confined,
    ) -> None:
        self._clock = clock
        self._allow = allow
        self._may = may
        self._hub: OnMessage | None = None
        self._away = False
        self._serves = True
        self._kept: deque[tuple[str, bytes]] = deque()
        self._peers: list[_Peer] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._defects: list[BaseException] = []
        self.retained: dict[str, bytes] = {}
        self.dropped = 0  # messages over KEPT while the hub was away
        self.refused = 0  # messages, wills and filters outside their user's topics

    def network(
        self, latency_ms: int = 0, bssid: str | None = None, rssi_dbm: int | None = None
    ) -> MemoryNetwork:
        """A way to this broker for one cart."""
        return MemoryNetwork(self._clock, self._accept, latency_ms, bssid, rssi_dbm)

    def attach(self, on_message: OnMessage) -> None:
        """Make the hub the subscriber of everything, as with a session that outlives it.

        First comes what is retained, then what was kept since `detach`, then what happens.
        `on_message(topic, payload, retained)` is called before the cart gets its acknowledgement.
        """
        self._hub = on_message
        self._away = False
        for topic, payload in list(self.retained.items()):
            on_message(topic, payload, True)
        kept, self._kept = self._kept, deque()
        for topic, payload in kept:
            on_message(topic, payload, False)

    def detach(self, unacknowledged: Iterable[tuple[str, bytes]] = ()) -> None:
        """Take the hub away; what comes meanwhile is kept for it, up to KEPT messages, behind what
        it has not acknowledged."""
        self._hub = None
        self._away = True
        self._kept.extendleft(reversed(list(unacknowledged)))

    def stop(self, wipe: bool) -> None:
        """Turn everyone away, with or without what was kept and retained. No will is published."""
        self._serves = False
        for peer in list(self._peers):
            peer.will = None
            self._end(peer)
        if wipe:
            self.retained.clear()
            self._kept.clear()

    def start(self) -> None:
        """Serve again."""
        self._serves = True

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish as the hub, which is not confined."""
        self._route(topic, payload, retain, self_made=True)

    def users(self) -> list[str]:
        """The users that are connected, oldest connection first."""
        return [peer.user for peer in self._peers if peer.client_id is not None]

    def drop(self, user: str) -> None:
        """Break the connections of `user` from this side; its will is published."""
        for peer in self._peers:
            if peer.user == user:
                peer.stream.shut()

    async def close(self) -> None:
        """Stop serving; no will is published. Raises what went wrong inside, such as in the hub."""
        self._hub, self._away = None, False
        for peer in self._peers:
            peer.will = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        defects, self._defects = self._defects, []
        if defects:
            raise defects[0]

    def _accept(self, stream: MemoryStream) -> None:
        peer = _Peer(stream, self._clock.up_ms())
        self._peers.append(peer)
        watch = asyncio.ensure_future(self._watch(peer))
        serve = asyncio.ensure_future(self._serve(peer, watch))
        for task in (watch, serve):
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            self._defects.append(defect)

    async def _serve(self, peer: _Peer, watch: asyncio.Task[None]) -> None:
        try:
            while data := await peer.stream.read(4096):
                peer.decoder.feed(data)
                while not peer.stream.over and (packet := peer.decoder.next()) is not None:
                    peer.heard_ms = self._clock.up_ms()
                    self._hear(peer, packet)
        except (OSError, ProtocolError):
            pass  # an abnormal end like any other: the will says it
        finally:
            watch.cancel()
            self._end(peer)

    async def _watch(self, peer: _Peer) -> None:
        while peer.patience_ms is not None:
            left_ms = peer.heard_ms + peer.patience_ms - self._clock.up_ms()
            if left_ms <= 0:
                peer.stream.shut()
                return
            await self._clock.sleep_ms(left_ms)

    def _end(self, peer: _Peer) -> None:
        if peer not in self._peers:
            return
        self._peers.remove(peer)
        peer.stream.shut()
        will, peer.will = peer.will, None
        if will is not None:
            self._from(peer, will.topic, will.payload, will.retain)

    def _hear(self, peer: _Peer, packet: Packet) -> None:
        kind = packet[0]
        if (kind == codec.CONNECT) == (peer.client_id is not None):
            raise ProtocolError("CONNECT", "is the first packet, and only that")
        if kind == codec.CONNECT:
            self._connect(peer, packet)
        elif kind == codec.PUBLISH:
            _, topic, payload, qos, retain, packet_id = packet
            self._from(peer, topic, payload, retain)
            if qos:
                peer.send(codec.encode_puback(packet_id))
        elif kind == codec.SUBSCRIBE:
            self._subscribe(peer, packet[1], packet[2])
        elif kind == codec.UNSUBSCRIBE:
            for topic_filter in packet[2]:
                peer.filters.pop(topic_filter, None)
            peer.send(mqtt_server.encode_unsuback(packet[1]))
        elif kind == codec.PINGREQ:
            peer.send(mqtt_server.encode_pingresp())
        elif kind == codec.DISCONNECT:
            peer.will = None
            peer.stream.shut()

    def _connect(self, peer: _Peer, packet: Packet) -> None:
        _, client_id, keep_alive_s, user, password, will = packet
        if not (self._serves and self._allow(user or "", password or "")):
            peer.send(mqtt_server.encode_connack(False, 5))
            peer.stream.shut()
            return
        for other in list(self._peers):
            if other.client_id == client_id:  # one client, one connection [MQTT-3.1.4-2]
                self._end(other)
        peer.user, peer.client_id, peer.will = user or "", client_id, will
        # One and a half times the keep-alive [MQTT-3.1.2-24].
        peer.patience_ms = keep_alive_s * 1500 or None
        peer.send(mqtt_server.encode_connack(False, 0))

    def _subscribe(self, peer: _Peer, packet_id: int, asked: tuple[tuple[str, int], ...]) -> None:
        granted = []
        for topic_filter, qos in asked:
            if self._may(peer.user, topic_filter, False):
                granted.append(qos)
                peer.filters[topic_filter] = qos
            else:
                granted.append(SUBACK_FAILURE)
                self.refused += 1
        peer.send(mqtt_server.encode_suback(packet_id, granted))
        for topic, payload in self.retained.items():
            if any(
                mqtt_server.matches(f, topic)
                for (f, _), qos in zip(asked, granted, strict=True)
                if qos != SUBACK_FAILURE
            ):
                peer.deliver(topic, payload, True)

    def _from(self, peer: _Peer, topic: str, payload: bytes, retain: bool) -> None:
        if self._may(peer.user, topic, True):
            self._route(topic, payload, retain, self_made=False)
        else:
            self.refused += 1

    def _route(self, topic: str, payload: bytes, retain: bool, self_made: bool) -> None:
        if retain and payload:
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)
        for peer in list(self._peers):
            peer.deliver(topic, payload, False)
        if self_made:
            return
        if self._hub is not None:
            self._hub(topic, payload, False)
        elif self._away and len(self._kept) < KEPT:
            self._kept.append((topic, payload))
        elif self._away:
            self.dropped += 1
