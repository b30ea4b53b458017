"""A second connection to the broker, for what a person does to one cart while the hub runs."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from homeslot import contract
from homeslot_hub.adapters.ingest import Login, present
from homeslot_hub.model import Command, Message

_KEEP_ALIVE_S = 30
_CONNECT_S = 5.0
_MAX_WAITING = 100


class DeskError(Exception):
    """The broker cannot be reached or does not let us in, and why."""


class Desk:
    """Hears what the cart with id `cart` says of `kinds`, and sends it commands.

    Keeps no session. Raises DeskError from `__enter__`; a connection lost later comes back.
    """

    def __init__(self, login: Login, cart: str, kinds: Sequence[str]) -> None:
        self._login = login
        self._topics = [(contract.topic(cart, kind), 1) for kind in kinds]
        self._heard: queue.Queue[Message] = queue.Queue(_MAX_WAITING)
        self._answer: queue.Queue[str] = queue.Queue()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"desk-{secrets.token_urlsafe(24)}"
        )
        present(self._client, login)
        self._client.connect_timeout = _CONNECT_S
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def __enter__(self) -> Desk:
        where = f"the broker at {self._login.host}:{self._login.port}"
        try:
            self._client.connect(self._login.host, self._login.port, _KEEP_ALIVE_S)
        except OSError as error:
            why = f"{where} does not answer ({error}); does homeslot serve run?"
            raise DeskError(why) from None
        self._client.loop_start()
        try:
            refusal = self._answer.get(timeout=_CONNECT_S)
        except queue.Empty:
            refusal = "no answer"
        if refusal:
            self._end()
            raise DeskError(f"{where} does not let user {self._login.user} in: {refusal}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def messages(self, timeout_s: float) -> list[Message]:
        """What came in, after at most `timeout_s`."""
        found = []
        try:
            found.append(self._heard.get(timeout=timeout_s))
            while True:
                found.append(self._heard.get_nowait())
        except queue.Empty:
            return found

    def send(self, command: Command) -> None:
        """Send `command`; without a connection it is dropped."""
        if self._client.is_connected():
            self._client.publish(command.topic, command.payload, qos=1)

    def _end(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        # paho closes its last sockets when its client goes, so nothing may hold on to it.
        self._client.on_connect = self._client.on_message = None
        del self._client

    # From here on, paho's thread.

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if not reason.is_failure:
            client.subscribe(self._topics)
        self._answer.put(str(reason) if reason.is_failure else "")

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        said = Message(message.topic, bytes(message.payload), message.retain, int(time.time()))
        with suppress(queue.Full):  # what is asked for and not answered is asked for again
            self._heard.put_nowait(said)
