"""Channels besides mail: each notice once, tried again with growing pauses, for three days.

Each channel has a thread and a connection to the store of its own, so that one that hangs delays
nobody. What the other side refuses for good becomes a dead letter, like a mail's. What is in the
file of a channel, its address and its secrets, gets into no log and no store. The links of a mail
are its reader's own: a channel that is not that one person's gets the text without them.
"""

from __future__ import annotations

import http.client
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from homeslot_hub.adapters.deliver import EXPIRES_S, RETRY_AT_MOST_S, RETRY_S
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.config import ChannelSettings, ConfigError
from homeslot_hub.service.links import without_links
from homeslot_hub.service.ports import Notice

TIMEOUT_S = 20.0
_COLUMNS = "school, day, rule, name, email, subject, text, html, created_s"
_DUE = f"""
SELECT n.id, coalesce(p.tries, 0), {_COLUMNS}
FROM notice n LEFT JOIN push p ON p.notice = n.id AND p.channel = :channel
WHERE n.id > (SELECT after FROM channel WHERE name = :channel) AND n.email = coalesce(:to, n.email)
    AND max(n.created_s, n.after_s) <= :now_s AND (n.expires_s = 0 OR n.expires_s > :now_s)
    AND n.html <> ''  -- else it was emptied since: rules.keep
    AND (p.notice IS NULL OR (p.state = 'pending' AND p.next_s <= :now_s))
ORDER BY n.id
"""  # noqa: S608  (constant)
_PUT = """
INSERT INTO push (notice, channel, state, tries, next_s, error) VALUES (?,?,?,?,?,?)
ON CONFLICT (notice, channel) DO UPDATE SET
    state = excluded.state, tries = excluded.tries, next_s = excluded.next_s, error = excluded.error
"""
_log = logging.getLogger("homeslot.push")


class Refused(Exception):
    """The other side will never take this notice."""


class NotNow(Exception):
    """This notice may be taken later."""


class Sender(Protocol):
    """How a channel hands a notice over."""

    def send(self, notice: Notice, now_s: int) -> None:
        """Return when it is taken. Raises Refused, NotNow, OSError, HTTPException, ConfigError."""


class Channel:
    """Delivers the notices in `store` through `sender`, from the time it was first opened on.

    `store` is a connection of its own, `now_s` gives epoch s. Raises StoreError.
    """

    def __init__(
        self,
        store: SqliteStore,
        settings: ChannelSettings,
        sender: Sender,
        now_s: Callable[[], int],
    ) -> None:
        self._store = store
        self._settings = settings
        self._sender = sender
        self._now_s = now_s
        # Notices before its time are nobody's business.
        store.run(
            "INSERT OR IGNORE INTO channel SELECT ?, coalesce(max(id), 0) FROM notice",
            (settings.name,),
        )

    def deliver_due(self) -> int:
        """Send what is due now; returns how many went. What does not go never raises.

        Raises StoreError. Waits at most a few timeouts of the other side for each notice.
        """
        now_s, sent, name = self._now_s(), 0, self._settings.name
        asked = {"channel": name, "to": self._settings.to, "now_s": now_s}
        for number, tries, *row in self._store.rows(_DUE, asked):
            notice = Notice(*row)
            if self._settings.to is None:
                notice = replace(notice, text=without_links(notice.text))
            state, next_s, error = "sent", 0, ""
            try:
                self._sender.send(notice, self._now_s())
                sent += 1
            except Refused as refused:
                state, error = "dead", str(refused)
            except (OSError, http.client.HTTPException, NotNow, ConfigError) as later:
                state, error = "pending", said(later)
                next_s = self._now_s() + pause_s(tries)
                if now_s - notice.created_s >= EXPIRES_S and tries:
                    state, error = "dead", "given up after three days without success"
            if error:
                level = logging.ERROR if state == "dead" else logging.WARNING
                _log.log(level, "channel %s, notice %d: %s", name, number, error)
            self._store.run(_PUT, (number, name, state, tries + 1, next_s, error))
        return sent


def pause_s(tries: int) -> int:
    """How long to wait after so many tries and one more that failed."""
    return min(RETRY_S << min(tries, 16), RETRY_AT_MOST_S)


def said(error: Exception) -> str:
    """What went wrong, without the address, which may hold a secret."""
    if isinstance(error, NotNow):
        return str(error)
    if isinstance(error, ConfigError):
        return "its file cannot be used"
    reason = getattr(error, "strerror", None) or type(error).__name__
    return f"it cannot be reached: {reason}"
