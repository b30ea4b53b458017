"""`homeslot update` as a person meets it: a real hub, its broker, and a cart with the installer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeslot import contract
from homeslot_hub.model import Command

from ..firmware.releases import bundle
from ..hub.updated_cart import CART, Cart
from .clients import Peer
from .hub_process import HubProcess, end_broker, homeslot
from .product_brokers import free_port
from .test_serve import secret_in
from .waiting import wait_for


class OnTheAir:
    """A cart that answers each command, and starts its trial as soon as it has all of a bundle."""

    def __init__(self, port: int, secret: str, *, healthy: bool) -> None:
        self._cart = Cart()
        self._healthy = healthy
        self._stop = threading.Event()
        self._peer = Peer(port, CART, secret)
        self._thread = threading.Thread(target=self._live)

    def __enter__(self) -> OnTheAir:
        self._peer.__enter__()
        assert self._peer.hear(contract.topic(CART, "cmd"))
        self._say(self._cart.hello())
        self._thread.start()
        return self

    def __exit__(self, *how: object) -> None:
        self._stop.set()
        self._thread.join()
        self._peer.__exit__(None, None, None)

    def _say(self, message) -> None:
        self._peer.say(message.topic, message.payload, retain=message.topic.endswith("hello"))

    def _live(self) -> None:
        seen = 0
        while not self._stop.wait(0.01):
            for topic, payload in list(self._peer.got)[seen:]:
                seen += 1
                if contract.decode(topic, "cmd", payload)["cmd"] == "update":
                    self._say(self._cart.obey(Command(topic, payload)))
                    if self._cart.installer.done:
                        self._try()

    def _try(self) -> None:
        self._cart.start("0.2.0")
        self._say(self._cart.hello())
        if self._healthy:
            self._cart.boot.confirm()
        else:
            self._cart.start("0.1.0")
        self._say(self._cart.hello())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with a hub's configuration; its broker is gone at the end."""
    done = homeslot(tmp_path, "init", "--controller", CART, "--zone", "UTC")
    assert done.returncode == 0, done.stderr
    (tmp_path / "secret").write_text(secret_in(done.stdout))
    config = tmp_path / "homeslot.toml"
    config.write_text(config.read_text().replace("port = 1883", f"port = {free_port()}"))
    (tmp_path / "new.bundle").write_bytes(bundle())
    yield tmp_path
    end_broker(tmp_path / "homeslot-data")


@contextmanager
def running(place: Path, *, healthy: bool = True) -> Iterator[None]:
    with (
        HubProcess(place) as hub,
        OnTheAir(hub.port, (place / "secret").read_text(), healthy=healthy),
    ):
        wait_for("the hub knows the cart", lambda: "0.1.0" in homeslot(place, "status").stdout)
        yield


def update(place: Path, name: str = "new.bundle", cart: str = CART):
    return homeslot(place, "update", cart, str(place / name))


def test_an_update_that_proves_itself_ends_with_status_0_and_a_line_for_each_stage(place):
    with running(place):
        done = update(place)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1:] == [
            "cart-7 is waited for",
            "cart-7 runs 0.1.0 and gets 0.2.0",
            "cart-7 has 0.2.0 and starts it on trial",
            "cart-7 tries 0.2.0",
            "cart-7 runs 0.2.0 for good",
        ]
        again = update(place)
        assert again.returncode == 1
        assert "cart-7 runs 0.2.0 already" in again.stderr


def test_an_update_that_is_given_up_or_refused_ends_with_status_1_and_the_reason(place):
    (place / "foreign.bundle").write_bytes(bundle(by="stranger"))
    (place / "none.bundle").write_bytes(b"PK")
    with running(place, healthy=False):
        refused = update(place, "foreign.bundle")
        assert refused.returncode == 1
        assert "the bundle is not signed by a key this cart trusts" in refused.stderr
        assert "none.bundle: is not a bundle" in update(place, "none.bundle").stderr
        given_up = update(place)
        assert given_up.returncode == 1
        assert "cart-7 went back to 0.1.0" in given_up.stderr


def test_without_a_running_hub_it_says_so(place):
    done = update(place)
    assert done.returncode == 1
    assert "does homeslot serve run?" in done.stderr
