"""The whole hub as one process: its broker, and the threads that take in, judge and tell.

The writer owns the database: it takes batches from the broker's connection (paho's thread),
commits, acknowledges, sends the commands that follow, and looks four times a second at what has
come due and whether the configuration or the credentials have changed. What `workers` has runs
beside it: delivery, calendars, tidying, and where they are wanted channels, the device management
and pages. The broker's supervisor starts a dead nats-server again. An unexpected error in any of
them stops the server.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TypeVar

from homeslot_hub import workers
from homeslot_hub.adapters import broker_mosquitto, certificates
from homeslot_hub.adapters.broker_nats import BrokerError, NatsBroker, server_path
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import Credentials, Identity, link_key
from homeslot_hub.adapters.files import stamp
from homeslot_hub.adapters.ingest import Ingest, Received
from homeslot_hub.adapters.lock import only_one
from homeslot_hub.adapters.threads import watched
from homeslot_hub.bootstrap import NowS, login, make_hub, open_calendars, open_store
from homeslot_hub.config import ConfigError, Settings, WebSettings, load
from homeslot_hub.model import Calendar, SchoolDay
from homeslot_hub.service.digest import Digest
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.links import Links
from homeslot_hub.service.ports import StoreError
from homeslot_hub.workers import ServerError

_log = logging.getLogger("homeslot.server")
BATCH = 500  # messages in one commit at most
LOOK_S = 0.25
CERTIFICATE_S = 3600.0
_RETRY_S = (1.0, workers.RETRY_S)
_LISTEN_S = 5.0
_END_S = 2.0  # how long a thread is waited for; a mail server may hold one up for longer
T = TypeVar("T")

OnDay = Callable[[SchoolDay, Digest], None]


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
        self._running = workers.Running(settings, now_s)
        self._now_s = now_s
        self._over = self._running.over
        self._on_day = on_day
        self._opened = ExitStack()  # what stop() has to close, last opened first
        self._failure: BaseException | None = None
        self._broker: NatsBroker | None = None
        self._carts_admitted = False
        self._tls: TlsFiles | None = None
        self._links: Links | None = None
        self._web_port: int | None = None
        self._certificate_s = certificate_s
        self._step_from = 0.0
        self._told: Mapping[str, Calendar] = {}  # what the hub knows of the calendars

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self._running.settings

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

        Raises ServerError, Served, BrokerError, StoreError or ConfigError; nothing runs on then.
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
        self._running.wake.set()
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
        running = self._running
        self._run("delivery", partial(workers.deliver, running))
        self._run("calendars", partial(workers.read_calendars, running, self._calendars))
        self._run("tidying", partial(workers.tidy_nightly, running))
        self._opened.callback(self._calendars.stop)
        for channel in settings.channels:
            self._run(f"channel {channel.name}", partial(workers.push, running, channel))
        if settings.mdm is not None:
            self._run("device management", partial(workers.manage, running, settings.mdm))
        if settings.web is not None and self._links is not None:
            self._serve_pages(settings.web, self._links)
        self._run("writer", self._write)
        self._let_carts_in()

    def _serve_pages(self, settings: WebSettings, links: Links) -> None:
        web = workers.pages(self._running, settings, links)
        self._web_port = web.port
        self._run("pages", web.run)
        self._opened.callback(web.stop)

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
        known = self._calendars.known(self.settings.schools)
        self._told = self._running.known = known
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
        known = self._running.known
        if known is not self._told:
            self._told = known
            self.hub.know(known)
        # A clock that was ahead at the start and is set back must not put judging off.
        self._judge_from_s = min(self._judge_from_s, self._now_s() + self._grace_s())
        if self._now_s() < self._judge_from_s:
            return
        for day in self._kept(self.hub.tick):
            self._running.wake.set()
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
            self._running.settings = replace(self.settings, schools=settings.schools)
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
