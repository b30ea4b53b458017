"""What the commands for a cart share: which port, and how long to wait for an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from homeslot_hardware.bench.client import ANSWER_S, Body, Client
from homeslot_hardware.bench.ports import choose, open_port
from homeslot_hardware.bench.problems import BenchError, NoCart

Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        "-p",
        envvar="HOMESLOT_PORT",
        help="Serial port of the cart; the only board on USB by default.",
    ),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", min=0.1, envvar="HOMESLOT_WAIT", help="Seconds to wait for an answer of the cart."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
WAIT_S = ANSWER_S
RETURN_WAITS = (
    3  # as long as that many answers may a restart take: a cart is back within ten seconds
)
POLL_S = 0.25


@contextmanager
def cart_at(
    port: str | None, wait_s: float, on_text: Callable[[str], None] | None = None
) -> Iterator[Client]:
    """The cart at `port`, or at the only one there is. Raises NoPort."""
    with closing(open_port(choose(port))) as opened:
        yield Client(opened, wait_s, on_text)


def name(hello: Body) -> str:
    """How a cart is called on the bench."""
    return str(hello["settings"].get("cart") or "a cart without a name")


def await_cart(port: str, wait_s: float, boot: int | None = None) -> Body:
    """The hello of a cart that starts again, after the boot numbered `boot` if that is known.

    Its port goes away meanwhile, and what is said to it before it listens is lost: it is asked
    again and again. Raises NoCart when it does not come back.
    """
    ends_s = time.monotonic() + RETURN_WAITS * wait_s
    why = "it is still the same boot"
    while time.monotonic() < ends_s:
        time.sleep(POLL_S)
        try:
            with cart_at(port, wait_s / RETURN_WAITS) as client:
                while time.monotonic() < ends_s:
                    hello = client.hello()
                    if hello["boot"] != boot:
                        return hello
                    time.sleep(POLL_S)
        except BenchError as error:
            why = str(error)
    raise NoCart(f"{port}: the cart did not come back from its restart: {why}")
