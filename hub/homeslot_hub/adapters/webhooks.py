"""Webhooks: each notice as signed JSON to an address of the school's, as a ticket or a message.

Each webhook has a thread and a connection to the store of its own, so that one that hangs delays
nobody. A request says when it was made and is signed over that moment and its body:

    Homeslot-Id: 32 hexadecimal digits, the same whenever this notice is sent
    Homeslot-Timestamp: epoch seconds
    Homeslot-Signature: v1=HMAC-SHA256(secret, timestamp + "." + body), hexadecimal

Any 2xx is taken for a yes. What the server refuses for good becomes a dead letter, like a mail's;
everything else is tried again with growing pauses, for three days. Redirects are not followed: they
would carry what is in the notice to an address that nobody named.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from homeslot_hub.adapters.deliver import EXPIRES_S, RETRY_AT_MOST_S, RETRY_S
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.config import ConfigError, Problem, WebhookSettings, read_lines
from homeslot_hub.service.ports import Notice

TIMEOUT_S = 20.0
_AGAIN = frozenset({408, 425, 429})  # of the 4xx: later may be better
_COLUMNS = "school, day, rule, name, email, subject, text, html, created_s"
_DUE = f"""
SELECT n.id, coalesce(p.tries, 0), {_COLUMNS}
FROM notice n LEFT JOIN push p ON p.notice = n.id AND p.webhook = :webhook
WHERE n.id > (SELECT after FROM webhook WHERE name = :webhook)
    AND max(n.created_s, n.after_s) <= :now_s AND (n.expires_s = 0 OR n.expires_s > :now_s)
    AND (p.notice IS NULL OR (p.state = 'pending' AND p.next_s <= :now_s))
ORDER BY n.id
"""  # noqa: S608  (constant)
_PUT = """
INSERT INTO push (notice, webhook, state, tries, next_s, error) VALUES (?,?,?,?,?,?)
ON CONFLICT (notice, webhook) DO UPDATE SET
    state = excluded.state, tries = excluded.tries, next_s = excluded.next_s, error = excluded.error
"""
_log = logging.getLogger("homeslot.webhooks")


class _Refused(Exception):
    """The server will never take this notice."""


class _NotNow(Exception):
    """This notice may be taken later."""


class Webhook:
    """Delivers the notices in `store` to one webhook, from the time it was first opened on.

    `store` is a connection of its own, `now_s` gives epoch s. Raises StoreError.
    """

    def __init__(
        self,
        store: SqliteStore,
        settings: WebhookSettings,
        now_s: Callable[[], int],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._store = store
        self._name = settings.name
        self._file = settings.file
        self._now_s = now_s
        self._timeout_s = timeout_s
        # Notices before its time are nobody's business.
        store.run(
            "INSERT OR IGNORE INTO webhook SELECT ?, coalesce(max(id), 0) FROM notice",
            (self._name,),
        )

    def deliver_due(self) -> int:
        """Send what is due now; returns how many went. What does not go never raises.

        Raises StoreError. Waits at most two timeouts for each notice.
        """
        now_s, sent = self._now_s(), 0
        for number, tries, *row in self._store.rows(_DUE, {"webhook": self._name, "now_s": now_s}):
            notice = Notice(*row)
            state, next_s, error = "sent", 0, ""
            try:
                self._send(notice)
                sent += 1
            except _Refused as refused:
                state, error = "dead", str(refused)
            except (OSError, http.client.HTTPException, _NotNow, ConfigError) as later:
                state, error = "pending", _said(later)
                next_s = self._now_s() + min(RETRY_S << min(tries, 16), RETRY_AT_MOST_S)
                if now_s - notice.created_s >= EXPIRES_S and tries:
                    state, error = "dead", "given up after three days without success"
            if error:
                level = logging.ERROR if state == "dead" else logging.WARNING
                _log.log(level, "webhook %s, notice %d: %s", self._name, number, error)
            self._store.run(_PUT, (number, self._name, state, tries + 1, next_s, error))
        return sent

    def _send(self, notice: Notice) -> None:
        address, secret = read_address(self._file)
        where = urlsplit(address)
        host, port = where.hostname or "", where.port
        if where.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        try:
            path = (where.path or "/") + (f"?{where.query}" if where.query else "")
            body = _body(notice)
            connection.request("POST", path, body, _headers(notice, body, secret, self._now_s()))
            answer = connection.getresponse()
        finally:
            connection.close()
        said = f"it answered {answer.status}"
        if 400 <= answer.status < 500 and answer.status not in _AGAIN:
            raise _Refused(said)
        if not 200 <= answer.status < 300:
            raise _NotNow(said)


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


def _headers(notice: Notice, body: bytes, secret: bytes, now_s: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "homeslot",
        "Homeslot-Id": notice.identity,
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


def _said(error: Exception) -> str:
    """What went wrong, without the address, which may hold a secret."""
    if isinstance(error, _NotNow):
        return str(error)
    if isinstance(error, ConfigError):
        return "its file cannot be used"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"it cannot be reached: {reason}"
