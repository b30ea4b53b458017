"""A broker as the product sets it up, and the hub's ear at it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from homeslot import contract
from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.broker_nats import NatsBroker, server_path
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import BrokerSettings, read_secret
from homeslot_sim.pico import HUB

from ..system.clients import Peer
from ..system.tls import NOW_S

CART, CART_BY_TLS, CART_THAT_LOOKS = "cart-7", "cart-8", "cart-9"
HANDSHAKE_S = 600  # of wall time: an emulated board on a busy machine takes its time to greet


def by_tls(folder: Path) -> TlsFiles:
    """A CA, and by it a certificate for a broker as the board calls it, made in `folder`."""
    files = certificates.provide(folder, BrokerSettings(tls=True, names=(HUB,)), NOW_S)
    assert files is not None
    return files


class Ear:
    """What the cart said to the broker, message by message."""

    def __init__(self, peer: Peer, port: int, cart: str, nats: Path) -> None:
        self._peer = peer
        self._nats = nats
        self._cart = cart
        self.port = port

    def said(self, kind: str) -> list[dict[str, Any]]:
        """The bodies of all messages of `kind`, oldest first."""
        topic = f"homeslot/1/{self._cart}/{kind}"
        return [json.loads(payload) for name, payload in list(self._peer.got) if name == topic]

    def event(self, **body: Any) -> dict[str, Any] | None:
        """The first event with these values."""
        wanted = body.items()
        return next((e for e in self.said("event") if wanted <= e.items()), None)

    def kill_broker(self) -> None:
        """End the broker as the kernel does that is out of memory: in the middle of anything."""
        os.kill(int((self._nats / "nats.pid").read_text()), signal.SIGKILL)

    def command(self, word: str) -> None:
        """Tell the cart to do something that needs no argument."""
        topic = contract.topic(self._cart, "cmd")
        body = {"v": contract.VERSION, "id": 1, "cmd": word}
        self._peer.say(topic, contract.encode(topic, "cmd", body))


def _fail(error: BaseException) -> None:
    raise error


@contextmanager
def broker(
    credentials: Credentials, data: Path, tls: TlsFiles | None = None, cart: str = CART
) -> Iterator[Ear]:
    """The embedded broker on a free port, keeping in `data`, with the hub listening to `cart`."""
    data.mkdir(exist_ok=True)
    program = server_path(None)
    server = NatsBroker(
        data, "127.0.0.1", 0, credentials.identities, program, _fail, tls, HANDSHAKE_S
    )
    server.start()
    try:
        secret = read_secret(credentials.hub_secret_file)
        ca = None if tls is None else tls.ca
        with Peer(server.port, "hub", secret, client_id=credentials.hub_client_id, ca=ca) as peer:
            for kind in ("link", "hello", "state", "event", "diag"):
                assert peer.hear(f"homeslot/1/+/{kind}")
            yield Ear(peer, server.port, cart, data / "nats")
    finally:
        server.stop()
