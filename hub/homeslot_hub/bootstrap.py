"""The one place where real things are built and wired: the hub's store, and the whole server.

A running server is a handful of threads. The writer owns the database: it takes batches from the
broker's connection (paho's thread), commits, acknowledges, sends the commands that follow, and
looks four times a second at what has come due and whether the configuration or the credentials have
changed. Delivery sends notices on a connection of its own, and so do each channel and the device
management's; the pages that links in mails lead to open one for each request; on one more, what is
no longer kept is dropped at night. Another reads the schools' calendars now and then; what they say
waits for the writer as a value. The broker's supervisor starts a dead nats-server again. An
unexpected error in any of them stops the server.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from homeslot_hub.adapters import broker_mosquitto, certificates
from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.broker_nats import BrokerError, NatsBroker, server_path
from homeslot_hub.adapters.calendars import Calendars
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import DESK, Credentials, Identity, link_key
from homeslot_hub.adapters.deliver import Deliverer, drop_files
from homeslot_hub.adapters.desk import Desk, DeskError
from homeslot_hub.adapters.files import open_private, stamp
from homeslot_hub.adapters.ingest import Ingest, Login, Received
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.mdm import Mdm
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.push import Channel, Sender
from homeslot_hub.adapters.push_apprise import AppriseSender
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.adapters.threads import watched
from homeslot_hub.adapters.webhooks import Webhook
from homeslot_hub.config import (
    ChannelSettings,
    ConfigError,
    MdmSettings,
    Settings,
    WebSettings,
    load,
    read_secret,
)
from homeslot_hub.model import Calendar, SchoolDay
from homeslot_hub.rules.keep import cuts_s, last_s
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.answers import Answers
from homeslot_hub.service.deadman import DeadMan
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.digest import Digest
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import Step, Tidy
from homeslot_hub.service.links import Links
from homeslot_hub.service.lockdowns import LockDowns
from homeslot_hub.service.ports import StoreError
from homeslot_hub.service.window import Window

_log = logging.getLogger("homeslot.server")
BATCH = 500  # messages in one commit at most
LOOK_S = 0.25
DEAD_MAN_LOOK_S = 30.0
CERTIFICATE_S = 3600.0
_DELIVER_S = 1.0
_CALENDARS_S = 1.0
_TIDY_S, _TIDY_PAUSE_S = 60.0, 0.05
_RETRY_S = (1.0, 30.0)
_LISTEN_S = 5.0
_END_S = 2.0  # how long a thread is waited for; a mail server may hold one up for longer
T = TypeVar("T")

NowS = Callable[[], int]
OnDay = Callable[[SchoolDay, Digest], None]


class ServerError(Exception):
    """The server cannot start, or had to stop, and why."""


def open_store(settings: Settings) -> SqliteStore:
    """The hub's database, made when there is none. Raises StoreError."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStore(settings.database)


def open_hub(settings: Settings, now_s: NowS) -> Hub:
    """A hub over its database, without any network. Raises StoreError."""
    return make_hub(settings, open_store(settings), now_s, known_calendars(settings, now_s))


def make_hub(
    settings: Settings,
    store: SqliteStore,
    now_s: NowS,
    calendars: Mapping[str, Calendar],
    links: Links | None = None,
) -> Hub:
    """A hub over `store`, with the register and the alerts in the same file.

    It knows `calendars`, by the name of the school, and puts `links` into its mails.
    """
    hub = Hub(
        settings.schools,
        store,
        now_s,
        register=SqliteRegister(store),
        alerts=SqliteAlerts(store),
        links=links,
        orders=None if settings.mdm is None else SqliteOrders(store),
    )
    hub.know(calendars)
    return hub


def open_calendars(settings: Settings, now_s: NowS) -> Calendars:
    """The calendars of the schools, as far as there are copies in the data folder."""
    return Calendars(settings.data / "calendars", now_s)


def known_calendars(settings: Settings, now_s: NowS) -> dict[str, Calendar]:
    """What is known of the schools' calendars without any network, files that changed included."""
    calendars = open_calendars(settings, now_s)
    for feed in calendars.due(settings.schools, network=False):
        calendars.read(feed)
    return calendars.known(settings.schools)


@contextmanager
def opened_hub(settings: Settings, now_s: NowS) -> Iterator[tuple[Hub, SqliteStore]]:
    """A hub over its database, and that, to be asked and then closed. Raises StoreError."""
    with closing(open_store(settings)) as store:
        yield make_hub(settings, store, now_s, known_calendars(settings, now_s)), store


def tidy(settings: Settings, store: SqliteStore, now_s: NowS) -> Iterator[Step]:
    """Drop what is older than [keep] says, a small transaction for each step that comes out.

    Raises StoreError, and OSError for files that cannot be deleted.
    """
    yield from Tidy(store, SqliteKeep(store), settings.schools, settings.keep, now_s).run()
    cut_s = cuts_s(settings.keep, now_s())["letters_days"]
    if cut_s:
        count = drop_files(settings.data, datetime.fromtimestamp(cut_s, UTC).date())
        if count:
            yield Step("files of notices", count)


def calendared(settings: Settings, known: Mapping[str, Calendar]) -> Settings:
    """The settings with what is `known` of the schools' calendars, by name."""
    schools = (
        replace(school, calendar=known.get(school.name, school.calendar))
        for school in settings.schools
    )
    return replace(settings, schools=tuple(schools))


def open_alerts(settings: Settings) -> tuple[SqliteStore, AlertDesk]:
    """The database, to be closed by the caller, and what a person does with its alerts."""
    store = open_store(settings)
    return store, AlertDesk(store, SqliteAlerts(store))


def open_desk(settings: Settings, cart: str, kinds: Sequence[str]) -> Desk:
    """A connection beside that of the running hub, to the cart with id `cart`. Raises DeskError."""
    if not settings.broker.port:
        raise DeskError("broker.port is 0, any free one: name one to find the broker by")
    tls = certificates.files(settings.data, settings.broker)
    credentials = Credentials(settings.data)
    shown = login(settings, settings.broker.port, credentials, tls)
    if settings.broker.password_file is None:  # else the broker is the school's, and so are names
        shown = replace(shown, user=DESK, secret=read_secret(credentials.desk_secret_file))
    return Desk(shown, cart, kinds)


def login(settings: Settings, port: int, credentials: Credentials, tls: TlsFiles | None) -> Login:
    """How the hub presents itself to the broker, which listens on `port`."""
    broker = settings.broker
    # An address that means "every interface" is where to listen, not where to connect.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(broker.host, broker.host)  # noqa: S104
    return Login(
        host,
        port,
        broker.user,
        read_secret(broker.password_file or credentials.hub_secret_file),
        credentials.hub_client_id,
        None if tls is None else tls.ca,
        certificates.called(broker)[0],
    )


class Server:
    """Broker, ingest, rules and delivery, running in threads of this process.

    `now_s` is the clock of everything that is measured or due. `on_day` is called, from the
    writer's thread, with each school day when it has been judged. Where `settings` came from a
    file, that file is taken up again when it changes; a broken one is said and passed over. The end
    of the broker's certificate is looked at every `certificate_s`.
    """

    def __init__(
        self,
        settings: Settings,
        now_s: NowS,
        on_day: OnDay | None = None,
        certificate_s: float = CERTIFICATE_S,
    ) -> None:
        self.settings = settings
        self._now_s = now_s
        self._on_day = on_day
        self._opened = ExitStack()  # what stop() has to close, last opened first
        self._over = threading.Event()
        self._wake_delivery = threading.Event()
        self._failure: BaseException | None = None
        self._broker: NatsBroker | None = None
        self._carts_admitted = False
        self._tls: TlsFiles | None = None
        self._links: Links | None = None
        self._web_port: int | None = None
        self._certificate_s = certificate_s
        self._step_from = 0.0

    @property
    def port(self) -> int:
        """The port carts connect to, once started."""
        return self.settings.broker.port if self._broker is None else self._broker.port

    @property
    def web_port(self) -> int | None:
        """The port of the pages, once started; None where there are none."""
        return self._web_port

    def start(self) -> None:
        """Return when carts can connect.

        Raises ServerError, BrokerError, StoreError or ConfigError; nothing runs on then.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, within about five seconds. What is not yet handled waits for the next
        start."""
        self._over.set()
        self._wake_delivery.set()
        self._opened.close()

    def request_stop(self) -> None:
        """Make `wait` return; may be called from a signal handler."""
        self._over.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Return when a stop was requested, or after `timeout_s`.

        Raises ServerError when a thread failed.
        """
        self._over.wait(timeout_s)
        if self._failure is not None:
            raise ServerError(f"stopped by an error: {self._failure!r}") from self._failure

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        settings = self.settings
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._opened.enter_context(only_one(settings.data))
        self.credentials = Credentials(settings.data)
        self._tls = certificates.provide(settings.data, settings.broker, int(time.time()))
        self._looked_at_certificate = time.monotonic()
        self._stamps = self._read_stamps()
        self._store = open_store(settings)
        self._opened.callback(self._store.close)
        self._calendars = open_calendars(settings, self._now_s)
        if settings.web is not None:
            self._links = Links(settings.web.url, link_key(settings.data), settings.web.links_s)
        #: The hub as the writer's thread uses it; elsewhere only once the server has stopped.
        self.hub = self._make_hub()
        # A hub that comes back gives carts the same grace to hand in what they have kept.
        self._judge_from_s = self._now_s() + self._grace_s()
        self._start_broker()
        self._ingest = Ingest(login(settings, self.port, self.credentials, self._tls), self._now_s)
        self._ingest.start()
        self._opened.callback(self._ingest.stop)
        self._run("delivery", self._deliver)
        self._run("calendars", self._read_calendars)
        self._run("tidying", self._tidy)
        self._opened.callback(self._calendars.stop)
        for channel in settings.channels:
            self._run(f"channel {channel.name}", partial(self._push, channel))
        if settings.mdm is not None:
            self._run("device management", partial(self._manage, settings.mdm))
        if settings.web is not None and self._links is not None:
            self._serve_pages(settings.web, self._links)
        self._run("writer", self._write)
        self._let_carts_in()

    def _start_broker(self) -> None:
        settings = self.settings
        broker = settings.broker
        for controller in sorted(_configured(settings) - set(self.credentials.carts())):
            _log.warning("cart %s has no credentials: homeslot cart renew %s", *[controller] * 2)
        if broker.kind == "external":
            self._tell_mosquitto()
            return
        self._broker = NatsBroker(
            settings.data,
            broker.host,
            broker.port,
            self._admitted,
            server_path(broker.nats_server),
            self._fail,
            self._tls,
        )
        self._broker.start()
        self._opened.callback(self._broker.stop)

    def _admitted(self) -> Sequence[Identity]:
        # A broker keeps nothing for a hub it has never seen: the first time, carts have to wait
        # until the hub listens, or what they say before would be taken from them and lost.
        identities = self.credentials.identities()
        return identities if self._carts_admitted else identities[:1]

    def _let_carts_in(self) -> None:
        listening = self._ingest.wait_listening(_LISTEN_S)
        if self._broker is None:
            return  # that broker is not ours to wait for; ingest says what is wrong and tries on
        if not listening:
            raise ServerError("the hub cannot listen to its own broker; see its log")
        self._carts_admitted = True
        self._broker.reload()

    def _make_hub(self) -> Hub:
        for school in self.settings.schools:
            # From now on this school's days are ours, though none is judged for a while yet.
            self._store.opened_s(school.name, self._now_s())
        self._known = self._told = known = self._calendars.known(self.settings.schools)
        return make_hub(self.settings, self._store, self._now_s, known, self._links)

    def _grace_s(self) -> int:
        return max(school.grace_s for school in self.settings.schools)

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = watched(name, work, self._fail)
        thread.start()
        self._opened.callback(thread.join, _END_S)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._over.set()

    def _deliver(self) -> None:
        settings = self.settings
        with closing(open_store(settings)) as outbox:
            deliverer = Deliverer(outbox, settings.data, settings.mail, self._now_s)
            dead_man = DeadMan(outbox, self._now_s())
            looked = -DEAD_MAN_LOOK_S
            while not self._over.is_set():
                self._wake_delivery.clear()
                pause_s = _DELIVER_S
                if time.monotonic() - looked >= DEAD_MAN_LOOK_S:
                    self._look_at_deadlines(dead_man, deliverer)
                    looked = time.monotonic()
                try:
                    deliverer.deliver_due()
                except (StoreError, OSError) as error:
                    pause_s = _RETRY_S[1]
                    _log.error("delivery failed: %s; trying again in %.0f s", error, pause_s)
                self._wake_delivery.wait(pause_s)

    def _read_calendars(self) -> None:
        seen: object = None
        while not self._over.is_set():
            schools = self.settings.schools
            due = self._calendars.due(schools)
            if due:  # one at a time, so that what one says does not wait for a dead one
                self._calendars.read(due[0])
            now = schools, self._calendars.version
            if now != seen:
                seen = now
                self._known = self._calendars.known(schools)
            if not due:
                self._over.wait(_CALENDARS_S)

    def _tidy(self) -> None:
        """Each night, in small steps between which others write."""
        settings = self.settings
        with closing(open_store(settings)) as store:
            kept = SqliteKeep(store)
            while not self._over.is_set():
                zone = self.settings.schools[0].zone
                try:
                    if kept.tidied().at_s < last_s(settings.keep.at, zone, self._now_s()):
                        known = calendared(self.settings, self._known)
                        for _ in tidy(known, store, self._now_s):
                            if self._over.wait(_TIDY_PAUSE_S):
                                return
                        if kept.tidied().stuck:
                            _log.error("%s", kept.tidied().stuck)
                except (StoreError, OSError) as error:
                    _log.error("tidying failed: %s; trying again in %.0f s", error, _TIDY_S)
                self._over.wait(_TIDY_S)

    def _push(self, settings: ChannelSettings) -> None:
        sender: Sender = (
            Webhook(settings.file) if settings.kind == "webhook" else AppriseSender(settings.file)
        )
        with closing(open_store(self.settings)) as store:
            channel: Channel | None = None
            while not self._over.is_set():
                pause_s = _DELIVER_S
                try:
                    channel = channel or Channel(store, settings, sender, self._now_s)
                    channel.deliver_due()
                except StoreError as error:
                    pause_s = _RETRY_S[1]
                    _log.error("channel %s: %s", settings.name, error)
                self._over.wait(pause_s)

    def _manage(self, settings: MdmSettings) -> None:
        """Send the device management what was confirmed."""
        with closing(open_store(self.settings)) as store:

            def lock_downs() -> LockDowns:
                hub = make_hub(self.settings, store, self._now_s, self._known)
                return cast(LockDowns, hub.lock_downs)  # as there is an [mdm]

            orders, mdm = SqliteOrders(store), Mdm(settings, lock_downs, self._now_s)
            while not self._over.is_set():
                pause_s = _DELIVER_S
                try:
                    if orders.due(self._now_s()):
                        mdm.deliver_due()
                except StoreError as error:
                    pause_s = _RETRY_S[1]
                    _log.error("device management: %s", error)
                self._over.wait(pause_s)

    def _serve_pages(self, settings: WebSettings, links: Links) -> None:
        from homeslot_hub.adapters.web import Web, WebError  # a web server: read where one is used

        @contextmanager
        def opened() -> Iterator[Window]:
            now_s = self._now_s()
            with closing(open_store(self.settings)) as store:
                hub = make_hub(self.settings, store, self._now_s, self._known)
                answers = Answers(hub.schools, AlertDesk(store, SqliteAlerts(store)), now_s)
                decisions = Decisions(hub.schools, hub.lock_downs, now_s)
                yield Window(links, answers, decisions, now_s)

        try:
            web = Web(settings, opened)
        except WebError as error:
            raise ServerError(str(error)) from None
        self._web_port = web.port
        self._run("pages", web.run)
        self._opened.callback(web.stop)

    def _look_at_deadlines(self, dead_man: DeadMan, deliverer: Deliverer) -> None:
        """Tell someone of a deadline that nobody has judged, past the store if need be."""
        for notice in dead_man.look(self.settings.schools, self._now_s()):
            if deliverer.mail_now(notice):
                dead_man.mailed(notice)

    # The writer's thread

    def _write(self) -> None:
        looked = time.monotonic()
        while not self._over.is_set():
            batch = self._ingest.batch(BATCH, LOOK_S)
            if batch:
                self._take(batch)
            if time.monotonic() - looked >= LOOK_S:
                looked = time.monotonic()
                self._look()

    def _take(self, batch: Sequence[Received]) -> None:
        messages = [received.message for received in batch]
        commands = self._kept(lambda: self.hub.take(messages))
        if not self._over.is_set():
            self._ingest.acknowledge(batch)
            self._ingest.publish(commands)

    def _kept(self, work: Callable[[], list[T]]) -> list[T]:
        """What `work` returns, tried until the store can keep it; nothing when stopped meanwhile.

        A full disk is no reason to end: the broker keeps what is not acknowledged.
        """
        pause_s = _RETRY_S[0]
        while True:
            try:
                return work()
            except StoreError as error:
                _log.error("%s; trying again in %.0f s", error, pause_s)
            if self._over.wait(pause_s):
                return []
            pause_s = min(2 * pause_s, _RETRY_S[1])

    def _look(self) -> None:
        self._ingest.check()
        if time.monotonic() - self._looked_at_certificate >= self._certificate_s:
            self._look_at_certificate()
        stamps = self._read_stamps()
        if stamps != self._stamps:
            self._stamps = stamps
            self._take_up()
        known = self._known
        if known is not self._told:
            self._told = known
            self.hub.know(known)
        # A clock that was ahead at the start and is set back must not put judging off.
        self._judge_from_s = min(self._judge_from_s, self._now_s() + self._grace_s())
        if self._now_s() < self._judge_from_s:
            return
        for day in self._kept(self.hub.tick):
            self._wake_delivery.set()
            if self._on_day is not None:
                self._on_day(day, self.hub.digest(day))
        self._step()

    def _step(self) -> None:
        """Run the steps of the day. What is wrong with one keeps nobody from reporting."""
        if time.monotonic() < self._step_from:
            return
        try:
            self._ingest.publish(self.hub.step())
        except StoreError as error:
            self._step_from = time.monotonic() + _RETRY_S[1]
            _log.error("a step of the day failed: %s; trying again in %.0f s", error, _RETRY_S[1])

    def _read_stamps(self) -> tuple[object, ...]:
        source = self.settings.source
        seen = () if self._tls is None else self._tls.readable
        return (
            self.credentials.stamp(),
            None if source is None else stamp(source),
            *(stamp(file) for file in seen),
        )

    def _take_up(self) -> None:
        """Take up what `homeslot cart add` and its like have changed, and a renewed certificate,
        dropping nobody."""
        settings = self.settings
        try:
            if settings.source is not None:
                settings = load(settings.source)
            if self._broker is not None:
                self._broker.reload()
            else:
                self._tell_mosquitto()
        except ConfigError as error:
            _log.error("%s\nthe hub goes on with what it had before", error)
            return
        except (BrokerError, OSError) as error:
            _log.error("the broker does not know of the change: %s", error)
        if replace(settings, schools=()) != replace(self.settings, schools=()):
            _log.warning("changes outside of [[school]] need a restart of the hub")
        if settings.schools != self.settings.schools:
            self.settings = replace(self.settings, schools=settings.schools)
            made = self._kept(lambda: [self._make_hub()])
            if made:
                self.hub = made[0]
                _log.info("taken up: %d carts", len(_configured(settings)))

    def _tell_mosquitto(self) -> None:
        settings, tls = self.settings, self._tls
        if broker_mosquitto.write(
            settings.data, self.credentials.identities(), settings.broker, tls
        ):
            _log.warning("%s", broker_mosquitto.instructions(settings.data, tls))

    def _look_at_certificate(self) -> None:
        """Renew our own certificate before its end; say it when one that is not ours nears it.

        TLS is judged by the machine's own clock, whatever time it is at school.
        """
        self._looked_at_certificate = time.monotonic()
        now_s = int(time.time())
        try:
            self._tls = certificates.provide(self.settings.data, self.settings.broker, now_s)
            said = certificates.warning(self._tls, now_s)
        except (ConfigError, OSError) as error:
            said = str(error)
        if said is not None:
            _log.warning("%s", said)


def _configured(settings: Settings) -> set[str]:
    return {cart.controller for school in settings.schools for cart in school.carts}


def served_by(data: Path) -> str | None:
    """The number of the process that serves the data folder; None when none does."""
    try:
        with (data / "hub.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "?"
    except FileNotFoundError:
        pass
    return None


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this process. Raises ServerError when another serves it."""
    with open_private(data / "hub.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "?"
            raise ServerError(f"process {pid} serves {data} already") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
