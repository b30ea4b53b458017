"""Acceptance 7: with its own credentials a cart reaches nothing of another, on both real brokers.

The configuration of each broker is the very one the product generates.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from homeslot.contract import TOPICS
from homeslot_hub.adapters.credentials import Credentials, new_secret
from homeslot_hub.config import read_secret

from .clients import Peer
from .product_brokers import Mosquitto, NatsBroker, mosquitto, nats
from .waiting import wait_for

SENT_BY_CARTS = [kind for kind, (sender, _) in TOPICS.items() if sender == "cart"]
EVERYTHING_A_SPY_TRIES = (
    "#",
    "homeslot/#",
    "homeslot/1/b/#",
    "homeslot/1/b/cmd",
    "homeslot/1/b/state",
    "homeslot/1/+/state",
    "+/+/+/cmd",
    "$SYS/#",
    "$MQTT/sub/#",
    "$JS/#",
)


class School:
    """A broker with the hub and the carts a and b."""

    def __init__(self, data: Path, make) -> None:
        self.credentials = Credentials(data)
        self.secrets = {name: self.credentials.add_cart(name) for name in ("a", "b")}
        self.secrets["hub"] = read_secret(self.credentials.hub_secret_file)
        self._context = make(data, self.credentials)
        self.broker: NatsBroker | Mosquitto = self._context.__enter__()

    def peer(self, name: str, **options) -> Peer:
        return Peer(self.broker.port, name, self.secrets[name], **options)

    def listening_hub(self) -> Peer:
        hub = self.peer("hub", client_id=self.credentials.hub_client_id)
        for kind in SENT_BY_CARTS:
            assert hub.hear(f"homeslot/1/+/{kind}")
        return hub

    def close(self) -> None:
        self._context.__exit__(None, None, None)


@pytest.fixture(params=[nats, mosquitto], ids=["nats-server", "mosquitto"])
def school(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[School]:
    school = School(tmp_path, request.param)
    yield school
    school.close()


def _everything_before(peer: Peer, hub: Peer) -> list[tuple[str, bytes]]:
    """What `hub` got until now: a marker of the honest `peer` comes after all else."""
    marker = ("homeslot/1/b/diag", b"marker")
    peer.say(*marker)
    wait_for("the marker comes", lambda: marker in hub.got)
    return [message for message in hub.got if message != marker]


def test_a_cart_is_heard_on_each_of_its_own_topics_and_hears_its_commands(school: School) -> None:
    with school.listening_hub() as hub, school.peer("a") as cart:
        for kind in SENT_BY_CARTS:
            cart.say(f"homeslot/1/a/{kind}", kind.encode())
        assert cart.hear("homeslot/1/a/cmd")
        hub.say("homeslot/1/a/cmd", b"report")
        wait_for("the command comes", lambda: cart.got == [("homeslot/1/a/cmd", b"report")])
        wait_for("all is heard", lambda: len(hub.got) == len(SENT_BY_CARTS))
        assert sorted(hub.got) == sorted((f"homeslot/1/a/{k}", k.encode()) for k in SENT_BY_CARTS)


def test_a_cart_cannot_write_under_another_carts_topics(school: School) -> None:
    with school.listening_hub() as hub, school.peer("b") as honest:
        assert honest.hear("homeslot/1/b/cmd")
        for n, (kind, qos, retain) in enumerate(product(TOPICS, (0, 1), (False, True))):
            # Under one id these would look to nats-server like a client that flaps, and wait.
            with school.peer("a", client_id=f"a-{n}") as liar:
                liar.attempt(f"homeslot/1/b/{kind}", b"a lie", qos=qos, retain=retain)
        assert _everything_before(honest, hub) == []
        hub.say("homeslot/1/b/cmd", b"true")
        wait_for("the command comes", lambda: honest.got)
        assert honest.got == [("homeslot/1/b/cmd", b"true")]
    with school.listening_hub() as later, school.peer("b") as honest:
        assert _everything_before(honest, later) == [], "nothing was retained either"


def test_a_cart_cannot_give_commands_even_to_itself(school: School) -> None:
    options = {"client_id": "a-1", "clean": False}
    with school.peer("hub", client_id="h") as hub:
        with school.peer("a", **options) as cart:
            assert cart.hear("homeslot/1/a/cmd")
            cart.attempt("homeslot/1/a/cmd", b"my own")
        hub.say("homeslot/1/a/cmd", b"the hub's")
        with school.peer("a", **options) as cart:
            wait_for("the command comes", lambda: cart.got)
            assert cart.got == [("homeslot/1/a/cmd", b"the hub's")]


def test_a_cart_cannot_read_under_another_carts_topics(school: School) -> None:
    with school.listening_hub() as hub, school.peer("b") as honest, school.peer("a") as spy:
        honest.say("homeslot/1/b/state", b"before", retain=True)
        for qos in (0, 1):
            for topic in EVERYTHING_A_SPY_TRIES:
                spy.hear(topic, qos)  # mosquitto says yes and delivers nothing
        for kind in SENT_BY_CARTS:
            honest.say(f"homeslot/1/b/{kind}", b"secret")
        hub.say("homeslot/1/b/cmd", b"secret")
        assert spy.hear("homeslot/1/a/cmd")
        hub.say("homeslot/1/a/cmd", b"last")
        wait_for("the spy's own command comes", lambda: spy.got)
        assert set(spy.got) == {("homeslot/1/a/cmd", b"last")}


def test_a_cart_cannot_leave_a_will_under_another_carts_topics(school: School) -> None:
    with school.listening_hub() as hub, school.peer("b") as honest:
        for kind in TOPICS:
            liar = school.peer("a", client_id=f"a-{kind}", will=(f"homeslot/1/b/{kind}", b"a lie"))
            liar.vanish()
        own = school.peer("a", will=("homeslot/1/a/link", b"offline"))
        own.vanish()
        wait_for("the cart's own will is spoken", lambda: hub.got)
        assert _everything_before(honest, hub) == [("homeslot/1/a/link", b"offline")]


def test_a_wrong_secret_and_a_stranger_are_refused(school: School) -> None:
    school.secrets |= {"stranger": new_secret()}
    with school.peer("stranger") as stranger:
        assert stranger.refused
    school.secrets["a"] = school.secrets["b"]
    with school.peer("a") as thief:
        assert thief.refused


def test_the_hub_can_do_no_more_than_listen_and_command(school: School) -> None:
    with school.peer("b") as honest:
        for topic in ("homeslot/1/b/state", "elsewhere"):
            with school.peer("hub", client_id="h") as hub:
                hub.attempt(topic, b"made up", retain=True)
        with school.listening_hub() as hub:
            hub.hear("elsewhere")
            hub.hear("#")
            assert _everything_before(honest, hub) == []


def test_a_new_cart_joins_and_a_removed_one_is_put_out_while_the_others_stay(
    school: School,
) -> None:
    with school.listening_hub() as hub, school.peer("a") as staying, school.peer("b") as leaving:
        school.secrets["c"] = school.credentials.add_cart("c")
        school.broker.reload()
        with wait_for("c is let in", lambda: _let_in(school, "c")) as joining:
            joining.say("homeslot/1/c/event", b"here")
            wait_for("c is heard", lambda: ("homeslot/1/c/event", b"here") in hub.got)
        school.credentials.remove_cart("b")
        school.broker.reload()
        wait_for("b is put out", lambda: leaving.dropped)
        assert not (staying.dropped or hub.dropped)


def _let_in(school: School, name: str) -> Peer | None:
    peer = school.peer(name)
    if peer.refused is None:
        return peer
    peer.__exit__(None, None, None)
    return None
