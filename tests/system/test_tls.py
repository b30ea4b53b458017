"""TLS at both real brokers: who knows the school's CA gets in, and nobody is fooled by another."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from pathlib import Path

import pytest

from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork
from homeslot.mqtt.tls import trusting
from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.ingest import Ingest, Login
from homeslot_hub.config import read_secret

from . import tls
from .brokers import WallClock
from .product_brokers import mosquitto, nats
from .waiting import wait_for

WITHIN_S = 30


class School:
    """A hub and the cart `a`, at a broker with the certificate `files`."""

    def __init__(self, start, data: Path) -> None:
        self._start = start
        self.data = data
        self.credentials = Credentials(data)
        self._secret = self.credentials.add_cart("a")

    def broker(self, files):
        return self._start(self.data, self.credentials, files)

    def hub(self, port: int, ca: Path) -> Ingest:
        secret = read_secret(self.credentials.hub_secret_file)
        login = Login("127.0.0.1", port, "hub", secret, "hub-id", ca, "127.0.0.1")
        return Ingest(login, lambda: tls.NOW_S)

    def cart(self, port: int, ca: Path | None, said: bytes = b"on") -> str:
        """Let the cart connect and say something; why it could not, or nothing."""

        async def connect() -> str:
            session = Session("a", "a", self._secret)
            network = TcpNetwork(ca=None if ca is None else ca.read_bytes)
            client = Client(network, WallClock(), "127.0.0.1", port, session, lambda *_: None)
            try:
                await client.open()
                await client.publish("homeslot/1/a/link", said)
                return ""
            except LinkLost as lost:
                return str(lost)
            finally:
                await client.close()

        return asyncio.run(asyncio.wait_for(connect(), WITHIN_S))


@pytest.fixture(params=[nats, mosquitto], ids=["nats-server", "mosquitto"])
def school(request, tmp_path):
    return School(request.param, tmp_path)


@contextlib.contextmanager
def listening(hub: Ingest):
    hub.start()
    try:
        assert hub.wait_listening(WITHIN_S)
        yield hub
    finally:
        hub.stop()


def refusal(hub: Ingest, caplog) -> str:
    """Why `hub` does not get in, as its log says it."""
    caplog.set_level(logging.ERROR, "homeslot.ingest")
    hub.start()
    try:
        wait_for("the hub gives up", lambda: "no connection to the broker" in caplog.text)
        assert not hub.connected
    finally:
        hub.stop()
    return caplog.text


def test_with_the_schools_ca_a_cart_is_heard_by_the_hub(school):
    files = tls.good(school.data)
    with school.broker(files) as broker, listening(school.hub(broker.port, files.ca)) as hub:
        assert school.cart(broker.port, files.ca) == ""
        (heard,) = hub.batch(1, WITHIN_S)
        assert (heard.message.topic, heard.message.payload) == ("homeslot/1/a/link", b"on")


def test_a_broker_with_a_certificate_by_another_ca_is_refused(school, tmp_path_factory, caplog):
    foreign = tls.good(tmp_path_factory.mktemp("foreign"))
    ours = tls.good(school.data).ca
    with school.broker(foreign) as broker:
        assert "certificate" in school.cart(broker.port, ours)
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(school.hub(broker.port, ours), caplog)


def test_a_broker_with_another_name_is_refused(school, caplog):
    files = tls.named(school.data, "elsewhere.example")
    with school.broker(files) as broker:
        assert "IP address mismatch" in school.cart(broker.port, files.ca)
        assert "IP address mismatch" in refusal(school.hub(broker.port, files.ca), caplog)


def test_a_broker_with_an_old_certificate_is_refused(school, caplog):
    files = tls.old(school.data)
    with school.broker(files) as broker:
        assert "certificate has expired" in school.cart(broker.port, files.ca)
        assert "certificate has expired" in refusal(school.hub(broker.port, files.ca), caplog)


def test_who_speaks_plain_at_the_port_for_tls_gets_no_answer(school):
    with school.broker(tls.good(school.data)) as broker:
        why = school.cart(broker.port, None)
    assert why
    assert "refused" not in why  # which would be an answer in MQTT


def test_a_renewed_certificate_is_taken_up_and_nobody_is_dropped(school):
    files = tls.good(school.data)
    with school.broker(files) as broker, listening(school.hub(broker.port, files.ca)) as hub:
        before = presented(broker.port, files.ca)
        certificates.make(school.data, tls.HERE, tls.NOW_S, renew=True)
        broker.reload()
        assert presented(broker.port, files.ca) != before
        assert school.cart(broker.port, files.ca) == ""
        assert hub.batch(1, WITHIN_S)[0].link == 1  # on the connection it had before


def presented(port: int, ca: Path) -> bytes | None:
    """The certificate that the broker shows."""
    with (
        socket.create_connection(("127.0.0.1", port), WITHIN_S) as plain,
        trusting(ca.read_bytes()).wrap_socket(plain, server_hostname="127.0.0.1") as stream,
    ):
        return stream.getpeercert(binary_form=True)
