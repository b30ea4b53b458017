"""Chat, SMS and 250 other services by Apprise: a notice's subject and text to one address.

Apprise has no time-out of its own: it works in a thread that is waited for so long and no longer.
While one hangs the next is not begun.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from homeslot_hub.adapters.push import NotNow
from homeslot_hub.config import read_secret
from homeslot_hub.service.ports import Notice

TIMEOUT_S = 60.0


class AppriseSender:
    """The Sender that notifies the address in `file`."""

    def __init__(self, file: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._file = file
        self._timeout_s = timeout_s
        self._working: threading.Thread | None = None
        # What it logs has addresses in it, and they hold secrets. What failed is said by us.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

    def send(self, notice: Notice, now_s: int) -> None:
        """See Sender."""
        if self._working is not None and self._working.is_alive():
            raise NotNow("it still hangs on the one before")
        address = read_secret(self._file)
        taken: list[bool] = []
        self._working = threading.Thread(
            target=lambda: taken.append(_notify(address, notice)),
            name="apprise",
            daemon=True,
        )
        self._working.start()
        self._working.join(self._timeout_s)
        if self._working.is_alive():
            raise NotNow(f"no answer within {self._timeout_s:.0f} s")
        if taken != [True]:
            raise NotNow("the service did not take it, or its address is none of Apprise's")


def _notify(address: str, notice: Notice) -> bool:
    import apprise  # 250 services: read when one is used

    services = apprise.Apprise()
    if not services.add(address):
        return False
    # Its failure is an object that is falsy and neither False nor None.
    return bool(services.notify(title=notice.subject, body=notice.text))
