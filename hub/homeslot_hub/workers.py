"""What a running server does beside its writer: each a loop in a thread of its own, on a connection
of its own, until the server is over. What cannot be done now is said, and tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.calendars import Calendars
from homeslot_hub.adapters.deliver import Deliverer
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.mdm import Mdm
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.push import Channel, Sender
from homeslot_hub.adapters.push_apprise import AppriseSender
from homeslot_hub.adapters.webhooks import Webhook
from homeslot_hub.bootstrap import NowS, calendared, make_hub, open_store, tidy
from homeslot_hub.config import ChannelSettings, MdmSettings, Settings, WebSettings
from homeslot_hub.model import Calendar
from homeslot_hub.rules.keep import last_s
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.answers import Answers
from homeslot_hub.service.deadman import DeadMan
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.links import Links
from homeslot_hub.service.lockdowns import LockDowns
from homeslot_hub.service.ports import StoreError
from homeslot_hub.service.window import Window

if TYPE_CHECKING:
    from homeslot_hub.adapters.web import Web

_log = logging.getLogger("homeslot.server")
DEAD_MAN_LOOK_S = 30.0
RETRY_S = 30.0
_DELIVER_S = 1.0
_CALENDARS_S = 1.0
_TIDY_S, _TIDY_PAUSE_S = 60.0, 0.05


class ServerError(Exception):
    """The server cannot start, or had to stop, and why."""


@dataclass
class Running:
    """What the threads of one server share.

    `settings`, and `known`, what is known of the schools' calendars by name, are replaced whole and
    never changed. `over` is set when the server is to end, `wake` when there is something to mail.
    """

    settings: Settings
    now_s: NowS
    known: Mapping[str, Calendar] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)


def deliver(running: Running) -> None:
    """Mail and file notices, and see that every deadline is judged."""
    settings = running.settings
    with closing(open_store(settings)) as outbox:
        deliverer = Deliverer(outbox, settings.data, settings.mail, running.now_s)
        dead_man = DeadMan(outbox, running.now_s())
        looked = -DEAD_MAN_LOOK_S
        while not running.over.is_set():
            running.wake.clear()
            pause_s = _DELIVER_S
            if time.monotonic() - looked >= DEAD_MAN_LOOK_S:
                _look_at_deadlines(running, dead_man, deliverer)
                looked = time.monotonic()
            try:
                deliverer.deliver_due()
            except (StoreError, OSError) as error:
                pause_s = RETRY_S
                _log.error("delivery failed: %s; trying again in %.0f s", error, pause_s)
            running.wake.wait(pause_s)


def _look_at_deadlines(running: Running, dead_man: DeadMan, deliverer: Deliverer) -> None:
    """Tell someone of a deadline that nobody has judged, past the store if need be."""
    for notice in dead_man.look(running.settings.schools, running.now_s()):
        if deliverer.mail_now(notice):
            dead_man.mailed(notice)


def read_calendars(running: Running, calendars: Calendars) -> None:
    """Read those that are due, and share what is known of all."""
    seen: object = None
    while not running.over.is_set():
        schools = running.settings.schools
        due = calendars.due(schools)
        if due:  # one at a time, so that what one says does not wait for a dead one
            calendars.read(due[0])
        now = schools, calendars.version
        if now != seen:
            seen = now
            running.known = calendars.known(schools)
        if not due:
            running.over.wait(_CALENDARS_S)


def tidy_nightly(running: Running) -> None:
    """Drop what is no longer kept, in small steps between which others write."""
    with closing(open_store(running.settings)) as store:
        kept = SqliteKeep(store)
        while not running.over.is_set():
            settings = running.settings
            zone = settings.schools[0].zone
            try:
                if kept.tidied().at_s < last_s(settings.keep.at, zone, running.now_s()):
                    known = calendared(settings, running.known)
                    for _ in tidy(known, store, running.now_s):
                        if running.over.wait(_TIDY_PAUSE_S):
                            return
                    if kept.tidied().stuck:
                        _log.error("%s", kept.tidied().stuck)
            except (StoreError, OSError) as error:
                _log.error("tidying failed: %s; trying again in %.0f s", error, _TIDY_S)
            running.over.wait(_TIDY_S)


def push(running: Running, settings: ChannelSettings) -> None:
    """Hand notices to one channel."""
    sender: Sender = (
        Webhook(settings.file) if settings.kind == "webhook" else AppriseSender(settings.file)
    )
    with closing(open_store(running.settings)) as store:
        channel: Channel | None = None
        while not running.over.is_set():
            pause_s = _DELIVER_S
            try:
                channel = channel or Channel(store, settings, sender, running.now_s)
                channel.deliver_due()
            except StoreError as error:
                pause_s = RETRY_S
                _log.error("channel %s: %s", settings.name, error)
            running.over.wait(pause_s)


def manage(running: Running, settings: MdmSettings) -> None:
    """Send the device management what was confirmed (C11)."""
    with closing(open_store(running.settings)) as store:

        def lock_downs() -> LockDowns:
            hub = make_hub(running.settings, store, running.now_s, running.known)
            return cast(LockDowns, hub.lock_downs)  # as there is an [mdm]

        orders, mdm = SqliteOrders(store), Mdm(settings, lock_downs, running.now_s)
        while not running.over.is_set():
            pause_s = _DELIVER_S
            try:
                if orders.due(running.now_s()):
                    mdm.deliver_due()
            except StoreError as error:
                pause_s = RETRY_S
                _log.error("device management: %s", error)
            running.over.wait(pause_s)


def pages(running: Running, settings: WebSettings, links: Links) -> Web:
    """The pages that `links` lead to, to be run. Raises ServerError where they cannot be."""
    from homeslot_hub.adapters.web import Web, WebError  # a web server: read where one is used

    @contextmanager
    def opened() -> Iterator[Window]:
        now_s = running.now_s()
        with closing(open_store(running.settings)) as store:
            hub = make_hub(running.settings, store, running.now_s, running.known)
            answers = Answers(hub.schools, AlertDesk(store, SqliteAlerts(store)), now_s)
            decisions = Decisions(hub.schools, hub.lock_downs, now_s)
            yield Window(links, answers, decisions, now_s)

    try:
        return Web(settings, opened)
    except WebError as error:
        raise ServerError(str(error)) from None
