"""`homeslot certificate give`: another CA for a cart to trust, without a visit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from homeslot import contract
from homeslot_hub import bootstrap
from homeslot_hub.adapters import certificates
from homeslot_hub.cli.setup import Refused
from homeslot_hub.config import Settings
from homeslot_hub.model import Command

ANSWER_S = 15.0
LOOK_S = 0.1


def give(settings: Settings, cart: str, files: Sequence[Path]) -> None:
    """Have the cart with id `cart` trust the CAs in `files`, or without any the hub's own.

    Raises Refused when it will not or does not answer, DeskError without a broker, ConfigError for
    a file that is no certificate.
    """
    tls = certificates.files(settings.data, settings.broker)
    trusted = files or ([] if tls is None else [tls.ca])
    number = 1 + secrets.randbelow(1 << 30)
    data = ",".join(der for file in trusted for der in certificates.ders(file))
    body = {"v": contract.VERSION, "id": number, "cmd": "ca", "data": data}
    topic = contract.topic(cart, "cmd")
    try:
        command = Command(topic, contract.encode(topic, "cmd", body))
    except contract.BadMessage as error:
        raise Refused(f"these CAs cannot be sent: {error}") from None
    with bootstrap.open_desk(settings, cart, ("reply",)) as desk:
        desk.send(command)
        ends_s = time.monotonic() + ANSWER_S
        while time.monotonic() < ends_s:
            for message in desk.messages(LOOK_S):
                try:
                    reply = contract.decode(message.topic, "reply", message.payload)
                except contract.BadMessage:
                    continue
                if reply["id"] == number:
                    if not reply["ok"]:
                        raise Refused(f"{cart} does not take them: {reply['why']}")
                    return
    raise Refused(f"{cart} does not answer: is it online, and its firmware new enough?")
