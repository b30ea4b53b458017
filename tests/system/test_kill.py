"""Acceptance 6: the hub is killed, again and again, and nothing is lost, doubled or forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from homeslot.contract import SEQ_PER_BOOT, encode, topic
from homeslot_hub.adapters.credentials import Credentials

from .clients import Peer
from .hub_process import SHIFTED, HubProcess, alive, end_broker, nats_pid, rows
from .product_brokers import free_port, mosquitto
from .waiting import wait_for

CARTS = ("c1", "c2", "c3")
EVENTS = 300  # kept between one start and the next kill, while more are on their way
KILLS = 5
LONG_S = 60.0
AT_S = int(datetime(2026, 11, 20, 16, 58, tzinfo=UTC).timestamp())  # a Friday


class Site:
    """A folder with a configuration, credentials, and a broker if it is not the hub's own."""

    def __init__(self, folder: Path, external: bool, opened: ExitStack) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.embedded = not external
        credentials = Credentials(self.data)
        self.secrets = {cart: credentials.add_cart(cart) for cart in CARTS}
        if external:
            self.port = opened.enter_context(mosquitto(self.data, credentials)).port
        else:
            self.port = free_port()
        carts = "".join(
            f"[[school.cart]]\ncontroller = {json.dumps(cart)}\nnumber = {number}\n"
            f'room = "R"\nteacher = "Ann Lee <ann@x.org>"\nslots = 2\n'
            for number, cart in enumerate(CARTS, 1)
        )
        self.config = folder / "homeslot.toml"
        self.config.write_text(
            f"""
[hub]
data = "data"
[broker]
kind = "{"external" if external else "embedded"}"
port = {self.port}
[[school]]
name = "Lincoln"
zone = "UTC"
deadline = "17:00"
coordinator = "Rosa Diaz <rosa@x.org>"
grace_s = 1
{carts}
[[school]]
name = "Later"
zone = "UTC"
deadline = "17:40"
coordinator = "Rosa Diaz <rosa@x.org>"
grace_s = 1
"""
        )


@pytest.fixture(params=[False, True], ids=["embedded nats-server", "external mosquitto"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as opened:
        site = Site(tmp_path, request.param, opened)
        opened.callback(end_broker, site.data)
        yield site


class ReportingCart:
    """A cart's side of the contract: one event after another, each until the broker has it."""

    def __init__(self, site: Site, cart: str) -> None:
        self.sent = 0
        self._cart = cart
        self._leaving = False
        self.done = False
        self.client = Client(CallbackAPIVersion.VERSION2, cart, clean_session=False)
        self.client.username_pw_set(cart, site.secrets[cart])
        self.client.reconnect_delay_set(1, 1)
        self.client.on_publish = lambda *_: self._next()
        self.client.connect("127.0.0.1", site.port)
        self._next()
        self.client.loop_start()

    def _next(self) -> None:
        if self._leaving:
            self.done = True
            return
        self.sent += 1
        self.client.publish(topic(self._cart, "event"), event(self._cart, self.sent), qos=1)

    def finish(self) -> None:
        """Send no more; return when the broker has all."""
        self._leaving = True
        wait_for(f"the broker has all of {self._cart}", lambda: self.done)

    def __enter__(self) -> ReportingCart:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.on_publish = None


def event(cart: str, n: int, **changes: object) -> bytes:
    body = {
        "v": 1,
        "boot": 1,
        "up_ms": n,
        "at_s": AT_S,
        "seq": SEQ_PER_BOOT + n,
        "kind": "slot",
        "index": 1 + n % 2,
        "value": "idle",
        "was": "empty",
    }
    payload: bytes = encode(cart, "event", body | changes)
    return payload


def stored(site: Site) -> int:
    found = rows(site.data, "SELECT count(*) FROM event")
    return int(str(found[0][0])) if found else 0


def test_five_kills_in_mid_stream_lose_no_event_and_double_none(site: Site) -> None:
    with ExitStack() as opened:
        hub = opened.enter_context(HubProcess(site.folder))
        carts = [opened.enter_context(ReportingCart(site, cart)) for cart in CARTS]
        for _ in range(KILLS):
            seen = stored(site) + EVENTS
            wait_for(f"{seen} events are kept", lambda seen=seen: stored(site) >= seen)
            orphan = nats_pid(site.data)
            hub.kill()
            assert not site.embedded or alive(orphan), "the broker outlives the hub for a moment"
            hub = opened.enter_context(HubProcess(site.folder))
            assert not site.embedded or not alive(orphan), "and is out of the way of the next"
        for cart in carts:
            cart.finish()
        total = sum(cart.sent for cart in carts)
        wait_for("all is kept", lambda: stored(site) >= total, LONG_S)
    kept = rows(site.data, "SELECT cart, min(seq), max(seq), count(*) FROM event GROUP BY 1")
    assert kept == [
        (name, SEQ_PER_BOOT + 1, SEQ_PER_BOOT + cart.sent, cart.sent)
        for name, cart in zip(CARTS, carts, strict=True)
    ]
    assert total == len(rows(site.data, "SELECT DISTINCT cart, seq FROM event"))


def test_c8_a_deadline_that_passed_while_the_hub_was_down_is_run_once_late_and_says_so(
    site: Site,
) -> None:
    def shifted(moment_s: int) -> HubProcess:
        return HubProcess(site.folder, (*SHIFTED, str(site.config), str(moment_s)))

    def digests(name: str) -> list[str]:
        return [path.read_text() for path in (site.data / "digests").glob(f"*{name}.txt")]

    with shifted(AT_S) as before, Peer(site.port, "c1", site.secrets["c1"]) as cart:
        cart.say("homeslot/1/c1/event", event("c1", 1))
        cart.say("homeslot/1/c1/event", event("c1", 2))
        wait_for("both slots are filled", lambda: stored(site) == 2)
        before.kill()
        # Nobody listens, but the broker keeps it: measured before the deadline, so it counts.
        cart.say("homeslot/1/c1/event", event("c1", 4, at_s=AT_S + 60, value="empty", was="idle"))
    with shifted(AT_S + 1800) as after:
        wait_for("the deadline is run", lambda: "judged Lincoln 2026-11-20" in after.said)
        [text] = wait_for("the digest is out", lambda: digests("lincoln"))
        assert "This digest is late" in text
        assert "1-1" in text, "the device that left at 16:59 while the hub was down"
        after.kill()
    with shifted(AT_S + 3600) as again:
        wait_for("the next deadline is run", lambda: "judged Later 2026-11-20" in again.said)
        assert "judged Lincoln" not in again.said
    digest = "SELECT school, day, count(*) FROM notice WHERE rule = 'C8' GROUP BY 1, 2"
    assert rows(site.data, digest) == [
        ("Later", "2026-11-20", 1),
        ("Lincoln", "2026-11-20", 1),
    ]
