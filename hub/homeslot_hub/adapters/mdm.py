"""The school's device management: each confirmed order as signed JSON, by webhooks.post.

What it does not take now is tried again with growing pauses for three days. What it refuses for
good, or then, is given up: `homeslot lockdown list` and the pages show it, and a person may confirm
it again. A crash between its yes and our record sends the order again, with the same Homeslot-Id.
"""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable

from homeslot_hub.adapters.deliver import EXPIRES_S
from homeslot_hub.adapters.push import TIMEOUT_S, NotNow, Refused, pause_s, said
from homeslot_hub.adapters.webhooks import post
from homeslot_hub.config import ConfigError, MdmSettings
from homeslot_hub.rules.lockdown import Order
from homeslot_hub.service.lockdowns import LockDowns, identity

GIVEN_UP = "given up after three days without success"
_log = logging.getLogger("homeslot.mdm")


class Mdm:
    """Sends what is confirmed. `now_s` gives epoch s.

    `lock_downs` makes them anew: a hub remembers what it has read of a cart, and what counts is
    where a device is now.
    """

    def __init__(
        self,
        settings: MdmSettings,
        lock_downs: Callable[[], LockDowns],
        now_s: Callable[[], int],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._settings = settings
        self._make = lock_downs
        self._now_s = now_s
        self._timeout_s = timeout_s

    def deliver_due(self) -> int:
        """Send what is due now; returns how many went. Raises StoreError.

        What does not go never raises. Waits at most for the time-out of each.
        """
        sent, tried = 0, set[int]()
        while True:
            # Asked for anew each time: what was withdrawn, or came home, while another hung, is not
            # sent.
            lock_downs = self._make()
            due = [order for order in lock_downs.due(self._now_s()) if order.id not in tried]
            if not due:
                return sent
            tried.add(due[0].id)
            sent += self._deliver(lock_downs, due[0])

    def _deliver(self, lock_downs: LockDowns, order: Order) -> bool:
        name = identity(order)
        try:
            body = json.dumps(payload(self._settings, order)).encode()
            post(self._settings.file, name, body, self._now_s(), self._timeout_s)
        except Refused as refused:
            self._give_up(lock_downs, order, str(refused))
            return False
        except (OSError, http.client.HTTPException, NotNow, ConfigError) as later:
            now_s = self._now_s()
            if order.tries and now_s - order.confirmed_s >= EXPIRES_S:
                self._give_up(lock_downs, order, GIVEN_UP)
                return False
            wait_s = pause_s(order.tries)
            lock_downs.put_off(order, now_s + wait_s, said(later))
            _log.warning("order %d is put off for %d s: %s", order.id, wait_s, said(later))
            return False
        lock_downs.taken(order, self._now_s())
        return True

    def _give_up(self, lock_downs: LockDowns, order: Order, error: str) -> None:
        lock_downs.refused(order, error, self._now_s())
        _log.error("order %d is given up: %s", order.id, error)


def payload(settings: MdmSettings, order: Order) -> dict[str, str]:
    """What the device management is sent about `order`."""
    parts = {
        "id": identity(order),
        "action": settings.lock if order.action == "lock" else settings.unlock,
        "tag": order.tag,
        "number": order.device,
        "school": order.school,
    }
    return {name: text.format_map(parts) for name, text in settings.payload.items()}
