"""TLS on the emulated Pico W: the school's CA alone is trusted, and what that leaves free."""

import sys

import pytest

from .school import CART_BY_TLS, broker, by_tls

FIRST_REPORT_MS = 10000
REPORT_MS = 300000  # a snapshot each four minutes, and with it diag
HOUR_MS = 3600000
HEAP_FREE = 60000
ROOM = 30000  # what a snapshot, an update and the garbage between collections may take


@pytest.fixture
def board(booted_by_tls):
    """The cart that was given the school's CA, with no hub yet."""
    with booted_by_tls.board() as board:
        yield board


def test_a_cart_trusts_its_schools_broker_and_no_other(
    board, school_by_tls, credentials, tmp_path, tmp_path_factory, capsys
):
    other = tmp_path_factory.mktemp("other")
    with broker(credentials, other, by_tls(other), CART_BY_TLS) as stranger:
        board.hub(stranger.port)
        said = lambda: "not correctly signed by the trusted CA" in board.status.console  # noqa: E731
        board.until(said, FIRST_REPORT_MS, "the refusal")
        assert not stranger.said("link")
    with broker(credentials, tmp_path, school_by_tls, CART_BY_TLS) as ear:
        board.hub(ear.port)
        board.until(lambda: ear.said("state"), FIRST_REPORT_MS, "a report")
        reported_ms = board.now_ms
        board.until(lambda: ear.said("diag"), REPORT_MS, "diag")
        board.run(HOUR_MS)
        board.until(lambda: ear.said("diag")[-1]["up_ms"] > HOUR_MS, REPORT_MS, "diag")
        first, last = ear.said("diag")[0], ear.said("diag")[-1]
    with capsys.disabled():
        sys.stdout.write(
            f"\nemulated Pico W by TLS: report after {reported_ms} ms, a refusal before it; heap "
            f"free {first['heap_free']}, after an hour {last['heap_free']}, goal {HEAP_FREE}\n"
        )
    assert min(first["heap_free"], last["heap_free"]) >= ROOM
    assert (last["reconnects"], board.status.resets) == (1, 0)
