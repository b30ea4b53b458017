"""`homeslot gateway`: the way to the broker for carts without a network."""

from __future__ import annotations

import asyncio
import signal
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from homeslot_hub.adapters.gateway import Broker, Gateway

PORT = 1883
TLS_PORT = 8883


def gateway(
    port: Annotated[
        list[str], typer.Option("--port", help="The cart's serial port; several times for several.")
    ],
    broker: Annotated[
        str, typer.Option(help="HOST or HOST:PORT; by default port 1883, with --ca 8883.")
    ] = "127.0.0.1",
    ca: Annotated[
        Path | None, typer.Option("--ca", help="Speak TLS to the broker, whose CA is in this file.")
    ] = None,
) -> None:
    """Carry carts without a network over USB serial to the broker, until Ctrl-C or SIGTERM.

    Each cart shows its own credentials; the gateway has none. Ports may be unplugged and plugged in
    at any time, and the broker may come and go.
    """
    gateways = [Gateway(name, _broker(broker, ca), _say) for name in dict.fromkeys(port)]
    # asyncio.run ends in order when it is interrupted; a service manager terminates.
    signal.signal(signal.SIGINT, signal.default_int_handler)  # started with nohup it is ignored
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(_all(gateways))
    except KeyboardInterrupt:
        _say("the gateway stops")


async def _all(gateways: list[Gateway]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for one in gateways:
            tasks.create_task(one.run())


def _broker(text: str, ca: Path | None) -> Broker:
    try:
        place = urlsplit(f"//{text}")
        host, number = place.hostname, place.port
    except ValueError:
        host, number = None, None
    if host is None or number == 0 or place.netloc != text or place.username is not None:
        raise typer.BadParameter(f"is {text}: allowed HOST or HOST:PORT", param_hint="--broker")
    if ca is None:
        return Broker(host, number or PORT)
    try:
        return Broker(host, number or TLS_PORT, ssl.create_default_context(cafile=ca))
    except OSError as error:
        raise typer.BadParameter(f"is {ca}: {error}", param_hint="--ca") from None


def _say(text: str) -> None:
    typer.echo(text)
