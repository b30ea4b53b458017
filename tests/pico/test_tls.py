"""TLS on the emulated Pico W: the school's CA alone is trusted, and what that costs."""

import sys

import pytest

from homeslot_hardware import boards
from homeslot_hub.adapters import certificates
from homeslot_hub.config import BrokerSettings
from homeslot_sim.pico import HUB

from ..system.tls import NOW_S
from .school import broker

CART = "cart-8"
SETTINGS = {"tls": 1, "scan_ms": 60000, "report_s": 60, "diag_s": 60, "keep_alive_s": 600}
FIRST_REPORT_MS = 10000
HEAP_FREE = 60000
ROOM = 40000  # a new connection needs 23 kB, 17 of them in one piece
WATCHDOG_MS = 8388
PATIENCE_MS = 120000


def school(folder):
    """A school's CA, and by it a certificate for its broker as the board calls it."""
    files = certificates.provide(folder, BrokerSettings(tls=True, names=(HUB,)), NOW_S)
    assert files is not None
    return files


@pytest.fixture
def board(bench, credentials, tmp_path):
    """A cart that was given the CA of the school in `tmp_path`, with no hub yet."""
    plan = {
        "cart": CART,
        "secret": credentials.add_cart(CART),
        "board": boards.load("pico-w-30"),
        "settings": SETTINGS,
        "ca": school(tmp_path).ca.read_text(),
        "seed": 8,
        "deeds": [],
    }
    with bench.cart(plan) as cart, cart.board() as board:
        yield board


def test_a_cart_trusts_its_schools_broker_and_no_other(
    board, credentials, tmp_path, tmp_path_factory, capsys
):
    other = tmp_path_factory.mktemp("other")
    with broker(credentials, other, school(other), CART) as stranger:
        board.hub(stranger.port)
        said = lambda: "not correctly signed by the trusted CA" in board.status.console  # noqa: E731
        board.until(said, FIRST_REPORT_MS, "the refusal")
        assert not stranger.said("link")
    with broker(credentials, tmp_path, school(tmp_path), CART) as ear:
        board.hub(ear.port)
        board.until(lambda: ear.said("state"), FIRST_REPORT_MS, "a report")
        reported_ms = board.now_ms
        board.until(lambda: ear.said("diag"), PATIENCE_MS + SETTINGS["report_s"] * 1000, "diag")
        (diag,) = ear.said("diag")
        assert diag["reconnects"] == 1
        assert board.status.resets == 0
    with capsys.disabled():
        sys.stdout.write(
            f"\nemulated Pico W by TLS: report after {reported_ms} ms and a refusal; heap free "
            f"{diag['heap_free']} bytes, goal {HEAP_FREE}; longest delay of a scan "
            f"{diag['lag_ms']} ms, the watchdog's patience is {WATCHDOG_MS} ms\n"
        )
    assert diag["heap_free"] >= ROOM
