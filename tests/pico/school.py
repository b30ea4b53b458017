"""A broker as the product sets it up, and the hub's ear at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homeslot import contract
from homeslot_hub.adapters.broker_nats import NatsBroker, server_path
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import read_secret

from ..system.clients import Peer

CART = "cart-7"


class Ear:
    """What the cart said to the broker, message by message."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.port = 0

    def said(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of all messages of `kind`, oldest first."""
        topic = f"homeslot/1/{CART}/{kind}"
        return [json.loads(payload) for name, payload in list(self._peer.got) if name == topic]

    def event(self, **body: Any) -> dict[str, Any] | None:
        """The first event with these values."""
        wanted = body.items()
        return next((e for e in self.said("event") if wanted <= e.items()), None)

    def command(self, word: str) -> None:
        """Tell the cart to do something that needs no argument."""
        topic = contract.topic(CART, "cmd")
        body = {"v": contract.VERSION, "id": 1, "cmd": word}
        self._peer.say(topic, contract.encode(topic, "cmd", body))


def _fail(error: BaseException) -> None:
    raise error


@contextmanager
def broker(credentials: Credentials, data: Path) -> Iterator[Ear]:
    """The embedded broker on a free port, keeping in `data`, with the hub listening."""
    server = NatsBroker(data, "127.0.0.1", 0, credentials.identities, server_path(None), _fail)
    server.start()
    try:
        secret = read_secret(credentials.hub_secret_file)
        with Peer(server.port, "hub", secret, client_id=credentials.hub_client_id) as peer:
            for kind in ("link", "hello", "state", "event", "diag"):
                assert peer.hear(f"homeslot/1/+/{kind}")
            ear = Ear(peer)
            ear.port = server.port
            yield ear
    finally:
        server.stop()
