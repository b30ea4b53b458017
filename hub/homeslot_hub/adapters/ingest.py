"""The hub's ear: every message of every cart, kept until it is safe in the database.

paho's thread puts messages into a bounded queue and nothing else; the writer takes batches, commits
them, and only then acknowledges. A full queue stops paho from reading, so the broker waits too.
"""

from __future__ import annotations

import logging
import queue
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from homeslot.contract import ROOT
from homeslot_hub.adapters.broker_rules import CART_KINDS, MAX_IN_FLIGHT
from homeslot_hub.model import Command, Message

_log = logging.getLogger("homeslot.ingest")
_KEEP_ALIVE_S = 30
_RECONNECT_S = (1, 30)
_CONNECT_S = 3.0
_PUT_S = 0.2
_END_S = 2.0


@dataclass(frozen=True, slots=True)
class Login:
    """How the hub presents itself to the broker.

    With `ca_file` by TLS, to a broker whose certificate is by that CA and bears the name `called`.
    """

    host: str
    port: int
    user: str
    secret: str
    client_id: str
    ca_file: Path | None = None
    called: str = ""


class _Called(ssl.SSLContext):
    """A client's side of TLS that wants the broker's certificate to bear the name `name`.

    The embedded broker is on this machine, where the names that carts call it by may not lead.
    """

    name: str

    def wrap_socket(  # type: ignore[override]  # (paho's own call)
        self, sock: socket.socket, server_hostname: str, do_handshake_on_connect: bool
    ) -> ssl.SSLSocket:
        # At once, within the time for connecting: paho would greet later, and leave the socket of a
        # broker that is refused to the garbage collector.
        return super().wrap_socket(sock, server_hostname=self.name, do_handshake_on_connect=True)


@dataclass(frozen=True, slots=True)
class Received:
    """A message and what acknowledges it. `link` is the connection it came by."""

    message: Message
    mid: int
    qos: int
    link: int


def present(client: Client, login: Login) -> None:
    """Have `client` show `login` when it connects."""
    client.username_pw_set(login.user, login.secret)
    if login.ca_file is not None:
        context = _Called(ssl.PROTOCOL_TLS_CLIENT)
        context.name = login.called
        context.load_verify_locations(login.ca_file)
        client.tls_set_context(context)


class Ingest:
    """The hub's connection to the broker.

    `now_s` stamps arrivals, for the record only. Starting does not wait for the broker: paho tries
    until it is there.
    """

    def __init__(self, login: Login, now_s: Callable[[], int]) -> None:
        self._login = login
        self._now_s = now_s
        self._queue: queue.Queue[Received] = queue.Queue(MAX_IN_FLIGHT)
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._thread: threading.Thread | None = None
        # A message is acknowledged on the connection it came by or not at all: on the next one its
        # number may belong to another. `_link` counts connections; None is between two of them.
        self._acknowledging = threading.Lock()
        self._links = 0
        self._link: int | None = None
        self._client = self._make_client()

    def _make_client(self) -> Client:
        login = self._login
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=login.client_id,
            clean_session=False,
            manual_ack=True,
        )
        client.enable_logger(logging.getLogger("homeslot.ingest.paho"))
        present(client, login)
        client.connect_timeout = _CONNECT_S
        client.reconnect_delay_set(*_RECONNECT_S)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    @property
    def connected(self) -> bool:
        """Whether the broker has let the hub in."""
        return self._link is not None

    def start(self) -> None:
        """Connect, in a thread of its own, and stay connected."""
        self._client.connect_async(self._login.host, self._login.port, _KEEP_ALIVE_S)
        self._client.loop_start()

    def wait_listening(self, timeout_s: float) -> bool:
        """Whether the broker keeps for the hub, from now on, whatever a cart says."""
        return self._listening.wait(timeout_s)

    def check(self) -> None:
        """Raises RuntimeError when paho's thread has ended by itself."""
        if self._thread is not None and not self._thread.is_alive():
            raise RuntimeError("the thread that listens to the broker has ended")

    def stop(self) -> None:
        """Leave the broker; what is not acknowledged comes again next time."""
        self._stopping.set()
        self._client.disable_logger()  # it would call our own leaving an error
        self._client.disconnect()
        # paho waits for its thread without a limit; a broker that hangs must not hold us up.
        leaving = threading.Thread(target=self._client.loop_stop, name="leaving", daemon=True)
        leaving.start()
        leaving.join(_END_S)
        if leaving.is_alive():
            _log.warning("the broker at %s does not answer; leaving it", self._login.host)
            return
        # paho closes its last sockets when its client goes, so nothing may hold on to it.
        self._client.on_pre_connect = self._client.on_connect = self._client.on_disconnect = None
        self._client.on_subscribe = self._client.on_message = self._client.on_connect_fail = None
        del self._client

    def batch(self, limit: int, timeout_s: float) -> list[Received]:
        """Up to `limit` messages, as many as are there; none when none came in `timeout_s`."""
        batch: list[Received] = []
        try:
            batch.append(self._queue.get(timeout=timeout_s))
            while len(batch) < limit:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return batch

    def acknowledge(self, batch: Sequence[Received]) -> None:
        """Tell the broker that `batch` is safe. What came by an earlier connection comes again."""
        with self._acknowledging:
            for received in batch:
                if received.link == self._link:
                    self._client.ack(received.mid, received.qos)

    def publish(self, commands: Sequence[Command]) -> None:
        """Send `commands`. Without a connection they are dropped: a late one would mislead."""
        if not self.connected:
            if commands:
                _log.warning("no link to the broker: %d commands not sent", len(commands))
            return
        for command in commands:
            self._client.publish(command.topic, command.payload, qos=1)

    # From here on, paho's thread.

    def _on_pre_connect(self, client: Client, userdata: object) -> None:
        self._thread = threading.current_thread()

    def _on_connect_fail(self, client: Client, userdata: object) -> None:
        if not self._stopping.is_set():  # paho calls this from where it caught the reason
            where = (self._login.host, self._login.port)
            _log.error("no connection to the broker at %s:%d: %s", *where, sys.exception())

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        login = self._login
        if reason.is_failure:
            _log.error(
                "the broker at %s:%d refuses user %s: %s",
                login.host,
                login.port,
                login.user,
                reason,
            )
            return
        self._links += 1
        self._link = self._links
        _log.info("connected to the broker at %s:%d", login.host, login.port)
        # Each time: a broker that lost the session is none the wiser otherwise.
        client.subscribe([(f"{ROOT}+/{kind}", 1) for kind in CART_KINDS])

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        # Taken before paho clears what it still had to send: no acknowledgement slips to the next.
        with self._acknowledging:
            self._link = None
        if not self._stopping.is_set():
            _log.warning("the link to the broker is lost: %s", reason)

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        for kind, reason in zip(CART_KINDS, reasons, strict=True):
            if reason.is_failure:
                _log.error("the broker's rules keep user %s from %s", self._login.user, kind)
                return
        self._listening.set()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        received = Received(
            Message(_topic(message), bytes(message.payload), message.retain, self._now_s()),
            message.mid,
            message.qos,
            self._links,
        )
        while not self._stopping.is_set():
            try:
                self._queue.put(received, timeout=_PUT_S)
            except queue.Full:
                continue
            return


def _topic(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # a broker that lets it pass: the contract will refuse this one
        return "not UTF-8"
