"""TLS at both real brokers: who knows the school's CA gets in, and nobody is fooled by another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from homeslot import contract
from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork
from homeslot.mqtt.tls import pem, trusting
from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.ingest import Ingest, Login
from homeslot_hub.config import BrokerSettings, Settings, read_secret
from homeslot_hub.server import Server

from ..hub.reports import SCHOOL
from . import tls
from .brokers import WallClock
from .clients import Peer
from .hub_process import HubProcess, end_broker, homeslot
from .product_brokers import free_port, mosquitto, nats
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


def by_tls(folder: Path, port: int) -> str:
    """Make a hub in `folder` that speaks TLS on loopback; the secret of its cart `a`."""
    made = homeslot(folder, "init", "--controller", "a", "--zone", "UTC")
    config = folder / "homeslot.toml"
    text = config.read_text().replace("port = 1883", f"port = {port}").replace("# tls = ", "tls = ")
    config.write_text(re.sub("(?m)^tls = true .*", "tls = true", text))
    found = re.search(r"secret +(\S+)", made.stdout)
    assert found is not None, made.stderr
    return found[1]


def test_init_and_serve_by_tls_and_a_renewal_while_it_runs(tmp_path):
    secret = by_tls(tmp_path, 0)
    ca = tmp_path / "homeslot-data" / "tls" / "ca.pem"
    try:
        with HubProcess(tmp_path) as hub:
            before = presented(hub.port, ca)
            with Peer(hub.port, "a", secret, ca=ca) as cart:
                assert homeslot(tmp_path, "certificate", "renew").returncode == 0
                wait_for("the new one is shown", lambda: presented(hub.port, ca) != before)
                assert not cart.dropped
                assert "the link to the broker is lost" not in hub.said
    finally:
        end_broker(tmp_path / "homeslot-data")


def test_a_cart_is_given_another_ca_from_afar(tmp_path, tmp_path_factory):
    secret = by_tls(tmp_path, free_port())
    ca = tmp_path / "homeslot-data" / "tls" / "ca.pem"
    coming = tls.good(tmp_path_factory.mktemp("coming")).ca
    try:
        with HubProcess(tmp_path) as hub:
            with Peer(hub.port, "a", secret, ca=ca) as cart:
                assert cart.hear("homeslot/1/a/cmd")
                answers = {"yes": (True, ""), "no": (False, "ca.pem is no certificate")}
                for answer, (ok, why) in answers.items():
                    with ThreadPoolExecutor(1) as desk:
                        cart.got.clear()
                        arguments = ("certificate", "give", "a", "--ca", str(ca))
                        given = desk.submit(homeslot, tmp_path, *arguments, "--ca", str(coming))
                        wait_for("the command comes", lambda: cart.got)
                        command = json.loads(cart.got[0][1])
                        reply = {"v": 1, "boot": 1, "up_ms": 1, "at_s": None, "ok": ok, "why": why}
                        reply["id"] = command["id"]
                        cart.say("homeslot/1/a/reply", contract.encode("a", "reply", reply))
                        done = given.result(WITHIN_S)
                    assert (done.returncode == 0) == (answer == "yes")
                    assert why in done.stderr
            text = pem(command["data"].split(","))
            assert text.count(b"BEGIN") == 2
            trusting(text)  # as the cart does
    finally:
        end_broker(tmp_path / "homeslot-data")


def test_a_running_hub_renews_a_certificate_that_nears_its_end_by_itself(tmp_path):
    late_s = tls.NOW_S - (certificates.SERVER_DAYS - 9) * 86400
    broker = BrokerSettings(port=0, tls=True)
    server = Server(Settings(tmp_path, (SCHOOL,), broker), lambda: tls.NOW_S, certificate_s=0.1)
    with server:
        files = tls.good(tmp_path)
        fresh = presented(server.port, files.ca)
        certificates.make(tmp_path, replace(broker, kind="external"), late_s, renew=True)
        assert certificates.warning(files, tls.NOW_S) is not None
        wait_for("a third one", lambda: presented(server.port, files.ca) != fresh)
        wait_for("it lasts", lambda: certificates.warning(files, tls.NOW_S) is None)


def presented(port: int, ca: Path) -> bytes | None:
    """The certificate that the broker shows."""
    with (
        socket.create_connection(("127.0.0.1", port), WITHIN_S) as plain,
        trusting(ca.read_bytes()).wrap_socket(plain, server_hostname="127.0.0.1") as stream,
    ):
        return stream.getpeercert(binary_form=True)
