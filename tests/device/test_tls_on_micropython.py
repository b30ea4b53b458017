"""TLS on the interpreter the board runs: it trusts the CA it was given, by name and date."""

import json

import pytest

from homeslot_hub.adapters.credentials import Credentials

from ..system import tls
from ..system.product_brokers import mosquitto, nats

GREET = """
import asyncio, gc, json, sys, time
from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.session import Session
from homeslot.mqtt.stream import TcpNetwork

class Clock:
    def up_ms(self):
        return time.ticks_ms()
    async def sleep_ms(self, ms):
        await asyncio.sleep_ms(ms)

class Named:  # as a network that looks names up
    def __init__(self, network):
        self._network = network
    async def open(self, host, port):
        return await self._network.open("127.0.0.1", port, host)

async def greet(port, secret, ca, name):
    network = Named(TcpNetwork(ca=lambda: ca and ca.encode()))
    client = Client(network, Clock(), name, port, Session("a", "a", secret), lambda *_: None)
    try:
        await client.open()
        await client.publish("homeslot/1/a/link", b"on")
        return "heard"
    except LinkLost as lost:
        return str(lost)
    finally:
        await client.close()

async def main():
    plan = json.loads(sys.stdin.read())
    for _ in range(plan["times"]):
        said = await greet(plan["port"], plan["secret"], plan["ca"], plan["name"])
        gc.collect()
        print(json.dumps([said, gc.mem_free()]))

asyncio.run(main())
"""
HEAP = "160k"


class School:
    """A cart's interpreter at a broker with the certificate `files`."""

    def __init__(self, start, data, run):
        self._start = start
        self.data = data
        self._run = run
        self._credentials = Credentials(data)
        self._secret = self._credentials.add_cart("a")

    def greet(self, files, ca, times=1, name="127.0.0.1"):
        """What became of each connection, and how much heap was free after it."""
        with self._start(self.data, self._credentials, files) as broker:
            plan = {"port": broker.port, "secret": self._secret, "ca": ca}
            plan |= {"times": times, "name": name}
            out = self._run(GREET, stdin=json.dumps(plan), heap=HEAP)
        return [tuple(json.loads(line)) for line in out.splitlines()]

    def said(self, files, ca, **how):
        [(said, _)] = self.greet(files, ca, **how)
        return said


@pytest.fixture(params=[nats, mosquitto], ids=["nats-server", "mosquitto"])
def school(request, tmp_path, micropython):
    return School(request.param, tmp_path, micropython)


def pem(files):
    return files.ca.read_text()


def test_with_the_schools_ca_it_is_heard_again_and_again_in_the_same_memory(school):
    files = tls.good(school.data)
    said, free = zip(*school.greet(files, pem(files), times=20), strict=True)
    assert set(said) == {"heard"}
    assert free[-1] >= free[1] - 256  # the collector takes a stale pointer for a live one at times


def test_a_broker_by_another_ca_is_refused(school, tmp_path_factory):
    foreign = tls.good(tmp_path_factory.mktemp("foreign"))
    said = school.said(foreign, pem(tls.good(school.data)))
    assert said == "The certificate is not correctly signed by the trusted CA"


def test_a_broker_with_another_name_is_refused(school):
    files = tls.named(school.data, "elsewhere.example")
    assert "does not match with the expected CN" in school.said(files, pem(files))


@pytest.mark.parametrize(
    ("name", "said"),
    [("hub.school.example", "heard"), ("other.school.example", "does not match")],
)
def test_a_name_that_was_looked_up_is_the_one_the_certificate_has_to_bear(school, name, said):
    files = tls.named(school.data, "hub.school.example")
    assert said in school.said(files, pem(files), name=name)


def test_a_broker_with_an_old_certificate_is_refused(school):
    files = tls.old(school.data)
    assert school.said(files, pem(files)) == "The certificate validity has expired"


def test_while_a_ca_is_replaced_both_may_stand_in_the_file(school, tmp_path_factory):
    coming = tls.good(tmp_path_factory.mktemp("coming"))
    files = tls.good(school.data)
    assert school.said(files, "# old and new\n" + pem(coming) + pem(files)) == "heard"


@pytest.mark.parametrize(
    ("ca", "why"),
    [
        (None, "ca.pem is not there"),
        ("hello", "ca.pem is no PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "is no certificate"),
    ],
)
def test_without_a_proper_ca_it_connects_to_nobody_and_says_why(school, ca, why):
    assert why in school.said(tls.good(school.data), ca)
