"""Webhooks: signed JSON to an address of the school's, such as a notice that becomes a ticket.

A request says when it was made and is signed over that moment and its body:

    Homeslot-Id: 32 hexadecimal digits, the same whenever the same is sent
    Homeslot-Timestamp: epoch seconds
    Homeslot-Signature: v1=HMAC-SHA256(secret, timestamp + "." + body), hexadecimal

Any 2xx is taken for a yes. Redirects are not followed: they would carry what is in it to an
address that nobody named.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from homeslot_hub.adapters.push import TIMEOUT_S, NotNow, Refused
from homeslot_hub.config import ConfigError, Problem, read_lines
from homeslot_hub.service.ports import Notice

_AGAIN = frozenset({408, 425, 429})  # of the 4xx: later may be better


class Webhook:
    """The Sender that posts to the address in `file`, which holds the secret too."""

    def __init__(self, file: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._file = file
        self._timeout_s = timeout_s

    def send(self, notice: Notice, now_s: int) -> None:
        """See Sender."""
        post(self._file, notice.identity, _body(notice), now_s, self._timeout_s)


def post(file: Path, identity: str, body: bytes, now_s: int, timeout_s: float = TIMEOUT_S) -> None:
    """Post JSON, signed at `now_s`, to the address in `file`; return when it is taken.

    `identity` is the same whenever the same is sent. Raises Refused, NotNow, OSError,
    HTTPException, ConfigError.
    """
    address, secret = read_address(file)
    where = urlsplit(address)
    host, port = where.hostname or "", where.port
    if where.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, port, timeout=timeout_s, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        path = (where.path or "/") + (f"?{where.query}" if where.query else "")
        connection.request("POST", path, body, _headers(identity, body, secret, now_s))
        answer = connection.getresponse()
    finally:
        connection.close()
    said = f"it answered {answer.status}"
    if 400 <= answer.status < 500 and answer.status not in _AGAIN:
        raise Refused(said)
    if not 200 <= answer.status < 300:
        raise NotNow(said)


def read_address(path: Path) -> tuple[str, bytes]:
    """The address and the secret in the file of a webhook, each on a line of its own.

    Raises ConfigError, which says nothing of what is in it.
    """
    lines = read_lines(path)
    if len(lines) != 2 or not lines[0].isascii():
        raise ConfigError(path, [Problem("the file", "is no webhook's", "an address, a secret")])
    try:
        where = urlsplit(lines[0])
        fits = where.scheme in ("http", "https") and where.hostname and where.port != 0
    except ValueError:
        fits = False
    if not fits or where.username is not None:
        raise ConfigError(path, [Problem("the address", "is none", "allowed https://host/path")])
    return lines[0], lines[1].encode()


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What a receiver has to find in Homeslot-Signature."""
    made = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={made.hexdigest()}"


def _headers(identity: str, body: bytes, secret: bytes, now_s: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "homeslot",
        "Homeslot-Id": identity,
        "Homeslot-Timestamp": str(now_s),
        "Homeslot-Signature": signature(secret, str(now_s), body),
    }


def _body(notice: Notice) -> bytes:
    return json.dumps(
        {
            "id": notice.identity,
            "school": notice.school,
            "day": notice.day,
            "step": notice.rule,
            "to": {"name": notice.name, "email": notice.email},
            "subject": notice.subject,
            "text": notice.text,
            "created_s": notice.created_s,
        }
    ).encode()
