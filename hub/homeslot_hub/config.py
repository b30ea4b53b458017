"""The hub's configuration: one TOML file, checked whole, every error said at once.

The keys are declared in config_tables. Secrets never stand in this file: it names files that only
their owner may read (`read_secret`).
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from homeslot_hub.config_problems import Problem, across, speaks_tls, told
from homeslot_hub.config_tables import (
    PAYLOAD,
    AlertsTable,
    CalendarTable,
    CartTable,
    MailTable,
    MdmTable,
    RootTable,
    SchoolTable,
    WebTable,
)
from homeslot_hub.config_values import (
    ANYWHERE,
    DAYS,
    OFF,
    PERSON,
    dates,
    is_address,
    is_loopback,
)
from homeslot_hub.model import Cart, Feed, Keep, Person, School, Steps

__all__ = [
    "ANYWHERE",
    "BrokerSettings",
    "ChannelSettings",
    "ConfigError",
    "MailSettings",
    "MdmSettings",
    "Problem",
    "Settings",
    "WebSettings",
    "is_loopback",
    "load",
    "parse",
    "read_lines",
    "read_secret",
]


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the broker is. `port` 0: the embedded broker takes a free one.

    `names` are what carts call it by, besides `host`; with `tls` its certificate bears them all.
    `password_file` is None where the hub's own generated secret is used, `nats_server` where the
    one installed beside this program is used, and the three files of TLS where homeslot makes its
    own (`ca_file` alone: where a broker elsewhere has its own).
    """

    kind: Literal["embedded", "external"] = "embedded"
    host: str = "127.0.0.1"
    port: int = 1883
    names: tuple[str, ...] = ()
    tls: bool = False
    user: str = "hub"
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    nats_server: Path | None = None


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server digests leave by. `password_file` is None where it asks for no login.

    `ca_file` is None where its certificate is signed by one of those this machine trusts.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None
    password_file: Path | None
    sender: Person
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """A way notices go besides mail: `name` for people, `file` with its address and secrets.

    `to` is the address of the one person whose notices go there, None: everybody's.
    """

    name: str
    kind: Literal["webhook", "apprise"]
    file: Path
    to: str | None = None


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The pages that the links in mails lead to: reached by `url`, whose links hold `links_s`.

    They listen on `host`; `port` 0 takes a free one. Both files are None without TLS of their own.
    """

    url: str
    host: str = "127.0.0.1"
    port: int = 8080
    certificate_file: Path | None = None
    key_file: Path | None = None
    links_s: int = 7 * 86400


@dataclass(frozen=True, slots=True)
class MdmSettings:
    """The device management that locks devices down. `file` has its address and a secret.

    `lock` and `unlock` are what it calls the two; `payload` has the texts of the JSON it is sent,
    with parts of PAYLOAD_PARTS between braces.
    """

    file: Path
    lock: str = "lock"
    unlock: str = "unlock"
    payload: Mapping[str, str] = field(default_factory=lambda: dict(PAYLOAD))


@dataclass(frozen=True, slots=True)
class Settings:
    """One hub. `source` is the file it was read from, None where a program made it."""

    data: Path
    schools: tuple[School, ...]
    broker: BrokerSettings = BrokerSettings()
    mail: MailSettings | None = None
    source: Path | None = None
    channels: tuple[ChannelSettings, ...] = ()
    web: WebSettings | None = None
    mdm: MdmSettings | None = None
    keep: Keep = field(default_factory=Keep)

    @property
    def database(self) -> Path:
        """The file with everything the hub knows."""
        return self.data / "homeslot.db"

    @property
    def digests(self) -> Path:
        """The folder every digest is written to."""
        return self.data / "digests"


class ConfigError(Exception):
    """The configuration cannot be used: `problems` are all that is wrong with `where`."""

    def __init__(self, where: Path, problems: Iterable[Problem]) -> None:
        self.where = where
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        count = len(self.problems)
        super().__init__(f"{where} cannot be used, things to put right: {count}{lines}")


def load(path: Path) -> Settings:
    """The checked settings in the TOML file `path`. Raises ConfigError with all that is wrong."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(path, [Problem("the file", "is not text", "allowed UTF-8")]) from None
    except OSError as error:
        problem = Problem("the file", f"cannot be read ({error.strerror})", "try homeslot init")
        raise ConfigError(path, [problem]) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Settings:
    """The checked settings in `text`, which stands or is to stand in `path`. Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, [Problem("the file", "is not TOML", str(error))]) from None
    problems: list[Problem] = []
    root: RootTable | None = None
    try:
        root = RootTable.model_validate(raw)
    except ValidationError as error:
        problems += told(error)
    problems += across(raw)
    if problems or root is None:
        raise ConfigError(path, problems)
    return _settings(root, path)


def read_secret(path: Path) -> str:
    """The secret in `path`, without the line's end.

    Raises ConfigError when it cannot be read, is empty, or others may read it.
    """
    secret = _private(path).strip("\r\n")
    if not secret or not secret.isprintable():
        raise ConfigError(path, [Problem("the file", "holds no secret", "allowed one line")])
    return secret


def read_lines(path: Path) -> list[str]:
    """The lines of a file with secrets. Raises ConfigError as read_secret does."""
    lines = _private(path).splitlines()
    if not lines or not all(line.isprintable() for line in lines):
        raise ConfigError(path, [Problem("the file", "holds no secret", "allowed lines of text")])
    return lines


def _private(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            asked = f"others may not read a secret: chmod 600 {path}"
            raise ConfigError(path, [Problem("the file", "is open to others", asked)])
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, [Problem("the file", "cannot be read", str(error))]) from None


def _settings(root: RootTable, path: Path) -> Settings:
    home = path.absolute().parent
    broker = root.broker
    return Settings(
        data=home / root.hub.data,
        broker=BrokerSettings(
            kind=broker.kind,
            host=broker.host,
            port=broker.port,
            names=tuple(broker.names),
            tls=speaks_tls(broker.model_dump()),
            user=broker.user or "hub",
            password_file=_beside(home, broker.password_file),
            ca_file=_beside(home, broker.ca_file),
            certificate_file=_beside(home, broker.certificate_file),
            key_file=_beside(home, broker.key_file),
            nats_server=_beside(home, broker.nats_server),
        ),
        mail=None if root.mail is None else _mail(root.mail, home),
        web=None if root.web is None else _web(root.web, home),
        mdm=None if root.mdm is None else _mdm(root.mdm, home),
        schools=tuple(_school(school, home) for school in root.school),
        source=path.absolute(),
        channels=tuple(
            ChannelSettings(
                channel.name,
                channel.kind,
                home / Path(channel.file).expanduser(),
                None if channel.to is None else _person(channel.to).email,
            )
            for channel in root.channel
        ),
        keep=Keep(
            root.keep.history_days,
            root.keep.letters_days,
            root.keep.refused_days,
            time.fromisoformat(root.keep.at),
        ),
    )


def _beside(home: Path, name: str | None) -> Path | None:
    return None if name is None else home / Path(name).expanduser()


def _mail(mail: MailTable, home: Path) -> MailSettings:
    return MailSettings(
        host=mail.host,
        port=mail.port,
        security=mail.security,
        user=mail.user,
        password_file=_beside(home, mail.password_file),
        sender=_person(mail.sender),
        ca_file=_beside(home, mail.ca_file),
    )


def _web(web: WebTable, home: Path) -> WebSettings:
    return WebSettings(
        url=web.url,
        host=web.host,
        port=web.port,
        certificate_file=_beside(home, web.certificate_file),
        key_file=_beside(home, web.key_file),
        links_s=web.links_days * 86400,
    )


def _mdm(mdm: MdmTable, home: Path) -> MdmSettings:
    return MdmSettings(home / Path(mdm.file).expanduser(), mdm.lock, mdm.unlock, dict(mdm.payload))


def _school(school: SchoolTable, home: Path) -> School:
    return School(
        name=school.name,
        zone=ZoneInfo(school.zone),
        coordinator=_person(school.coordinator),
        carts=tuple(_cart(cart) for cart in school.cart),
        deadline=time.fromisoformat(school.deadline),
        days=frozenset(DAYS.index(day) for day in school.days),
        grace_s=school.grace_s,
        silent_after_s=school.silent_after_s,
        idle_after_s=school.idle_after_s,
        half_day_deadline=time.fromisoformat(school.half_day_deadline),
        closed=_all_dates(school.closed),
        half_days=_all_dates(school.half_days),
        feeds=tuple(_feed(calendar, home) for calendar in school.calendar),
        principal=None if school.principal is None else _person(school.principal),
        it=None if school.it is None else _person(school.it),
        steps=_steps(school.alerts),
    )


def _all_dates(texts: Iterable[str]) -> frozenset[date]:
    return frozenset(day for text in texts for day in dates(text))


def _feed(calendar: CalendarTable, home: Path) -> Feed:
    source = label = calendar.source
    if is_address(source):
        address = urlsplit(source)
        # Private addresses of calendars have their secret anywhere behind the host.
        label = f"{address.scheme}://{address.netloc}/…"
    else:
        source = str(home / Path(source).expanduser())
    return Feed(
        source=source,
        label=calendar.name or label,
        closed=tuple(calendar.closed),
        half_day=tuple(calendar.half_day),
        ignore=tuple(calendar.ignore),
    )


def _steps(alerts: AlertsTable) -> Steps:
    quiet = None
    if alerts.quiet != OFF:
        begins, ends = map(time.fromisoformat, alerts.quiet.split("-"))
        quiet = begins, ends
    return Steps(
        nudge_before_s=alerts.nudge_before_s,
        late_after_s=alerts.late_after_s,
        overnight=_clock_or_off(alerts.overnight),
        morning=_clock_or_off(alerts.morning),
        week=alerts.week,
        quiet=quiet,
        dead_man_s=alerts.dead_man_s,
        alarm_after_s=alerts.alarm_after_s,
        alarm_breaks_quiet=alerts.alarm_breaks_quiet,
    )


def _clock_or_off(text: str) -> time | None:
    return None if text == OFF else time.fromisoformat(text)


def _cart(cart: CartTable) -> Cart:
    return Cart(
        controller=cart.controller,
        number=cart.number,
        room=cart.room,
        teacher=_person(cart.teacher),
        slots=cart.slots,
        spare=frozenset(cart.spare),
        lock=cart.lock,
        rotates=cart.rotates,
        storage=frozenset(cart.storage),
        deadline=None if cart.deadline is None else time.fromisoformat(cart.deadline),
    )


def _person(text: str) -> Person:
    name, email = PERSON.fullmatch(text).groups()  # type: ignore[union-attr]  # checked: a PersonText
    return Person(name, email)
