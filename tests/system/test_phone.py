"""The mails and the pages behind their links, on a phone: a real Chromium over loopback."""

from __future__ import annotations

import importlib.util
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeslot_hub.config import load
from homeslot_hub.server import Server

from .clients import Peer
from .hub_process import end_broker, rows
from .phone import Phone, phone
from .product_brokers import free_port
from .test_serve import Place
from .test_steps import at_s, state
from .waiting import wait_for

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ("digest", "all-home", "overnight", "answer", "answered", "lock-down")


@pytest.fixture(scope="module")
def held() -> Iterator[Phone]:
    with phone() as held:
        yield held


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages whose pictures are in the docs."""
    spec = importlib.util.spec_from_file_location("mail_samples", DOCS / "mail_samples.py")
    assert spec is not None and spec.loader is not None
    samples = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(samples)
    found: dict[str, str] = samples.pages()
    assert tuple(found) == NAMES
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_it_reads_and_taps_well_on_a_phone(
    held: Phone, pages: dict[str, str], name: str, scheme: str
) -> None:
    for width_px in (390, 320):
        held.is_set(scheme, width_px)
        held.shows(pages[name])
        assert held.hard() == {}


def test_what_is_hard_to_read_or_tap_is_found(held: Phone) -> None:
    held.is_set("light")
    held.shows(
        '<meta name="viewport" content="width=device-width"><p style="color:#777">pale</p>'
        '<p><a href="x">small</a></p><div style="width:500px">wide</div>'
    )
    hard = held.hard()
    assert sorted(hard) == ["pale", "small", "wide"]
    assert [one["what"] for one in hard["pale"]] == ["pale"]


def test_from_the_mail_to_i_am_on_it_and_back(tmp_path: Path, held: Phone) -> None:
    place = Place(tmp_path)
    place.change(f"port = {place.port}", "port = 0")
    web = free_port()
    text = place.config.read_text()
    place.config.write_text(f'{text}\n[web]\nurl = "http://127.0.0.1:{web}"\nport = {web}\n')
    clock = {"now_s": at_s(16, 20)}
    try:
        with (
            Server(load(place.config), lambda: clock["now_s"]) as server,
            Peer(server.port, "c1", place.secret) as cart,
        ):
            assert server.web_port == web
            cart.say("homeslot/1/c1/state", state(at_s(16, 20)), retain=True)
            wait_for("it is taken in", lambda: rows(place.data, "SELECT 1 FROM snapshot"))
            clock["now_s"] = at_s(17, 3)
            written = wait_for(
                "the digest is written",
                lambda: [
                    p for p in (place.data / "digests").glob("*.txt") if "nudge" not in p.name
                ],
            )
            (link,) = re.findall(r"http://127\S+", written[0].read_text())
            held.is_set("dark")
            held.opens(link)
            assert "1 thing is wrong." in held.text
            assert held.hard() == {}
            assert rows(place.data, "SELECT state FROM alert") == [("notified",)]
            held.at("#why-take").send_keys("asking in room 1")
            held.presses("button[value=take]")
            assert "Thank you, you are on it: Cart 1." in held.text
            assert "Acknowledged by Rosa Diaz: asking in room 1." in held.text
            assert rows(place.data, "SELECT state, who FROM alert") == [
                ("acknowledged", "Rosa Diaz")
            ]
            held.at("label.row").click()
            held.presses("button[value=back]")
            assert "Given back: Cart 1." in held.text
            assert held.hard() == {}
            key = place.data / "secrets" / "links"
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
    finally:
        end_broker(place.data)
