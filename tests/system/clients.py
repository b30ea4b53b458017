"""Plain MQTT clients of the test's own: what a cart, honest or not, does at the broker."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from .waiting import wait_for


class Peer:
    """One connected client that remembers all it is sent and each answer it gets."""

    def __init__(
        self,
        port: int,
        user: str,
        secret: str,
        *,
        client_id: str = "",
        clean: bool = True,
        will: tuple[str, bytes] | None = None,
        ca: Path | None = None,
    ) -> None:
        self.user = user
        self.got: list[tuple[str, bytes]] = []
        self.refused: str | None = None
        self.dropped = False
        self._granted: dict[int, bool] = {}
        self._acknowledged = threading.Event()
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id or user, clean, reconnect_on_failure=False
        )
        self.client.username_pw_set(user, secret)
        if ca is not None:
            self.client.tls_set(str(ca))
        if will is not None:
            self.client.will_set(*will, qos=1, retain=True)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = lambda c, u, m: self.got.append((m.topic, m.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_for(f"{user} connects", lambda: self.client.is_connected() or self.refused)

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.disconnect()
        self._end()

    def say(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish; return when the broker has taken it, which is no promise that it let it pass."""
        info = self.client.publish(topic, payload, qos, retain)
        wait_for(f"{topic} is taken", info.is_published)

    def attempt(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish what is not allowed; return when the broker is done with it.

        nats-server drops the message, mosquitto 2.0.11 may drop the client with it.
        """
        info = self.client.publish(topic, payload, qos, retain)
        wait_for("the attempt is over", lambda: self.dropped or info.is_published())
        # An answer to what came after it: the broker has read a QoS 0 message too by then.
        _, mid = self.client.subscribe(f"homeslot/1/{self.user}/cmd", 1)
        wait_for("the broker is done", lambda: self.dropped or mid in self._granted)

    def hear(self, topic: str, qos: int = 1) -> bool:
        """Subscribe; whether the broker says that it did."""
        _, mid = self.client.subscribe(topic, qos)
        wait_for(f"{topic} is answered", lambda: mid in self._granted)
        return self._granted[mid]

    def vanish(self) -> None:
        """Break the connection without a word, so that the broker speaks the will."""
        socket = self.client.socket()
        assert socket is not None
        socket.shutdown(2)
        self._end()

    def _end(self) -> None:
        self.client.loop_stop()
        # paho closes its last sockets when its client goes: no cycle may hold it.
        self.client.on_connect = self.client.on_disconnect = None
        self.client.on_subscribe = self.client.on_message = None

    def _on_connect(self, client, userdata, flags, reason, properties) -> None:
        self.refused = str(reason) if reason.is_failure else None

    def _on_disconnect(self, client, userdata, flags, reason, properties) -> None:
        self.dropped = True

    def _on_subscribe(self, client, userdata, mid, reasons, properties) -> None:
        self._granted[mid] = not reasons[0].is_failure
