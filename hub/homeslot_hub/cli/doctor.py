"""`homeslot doctor`: looks at everything here that can be wrong. Exit status 1: something is."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from homeslot_hub import bootstrap
from homeslot_hub.adapters import certificates, deliver, lock
from homeslot_hub.adapters.desk import DeskError
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.cli.options import DEFAULT, Config, now_s
from homeslot_hub.config import ConfigError, Settings, load
from homeslot_hub.rules import calendar, words
from homeslot_hub.service import doctor as look
from homeslot_hub.service.doctor import Check
from homeslot_hub.service.due import RULE
from homeslot_hub.service.ports import StoreError

MAIL_S = 10.0
_FAR_S = 1 << 40
_NOBODY = "doctor"  # a cart that there need not be, to ask the broker for
_STYLES = {"ok": "green", "look": "yellow", "bad": "bold red"}


def doctor(config: Config = DEFAULT) -> None:
    """Look at everything here that can be wrong, a line for each, and say what to do about it.

    ok: all is well. look: a person should look at it. bad: it does not work; the exit status is 1.
    Changes nothing, and sends no mail.
    """
    console = Console()
    levels = set()
    for check in examined(config):
        levels.add(check.level)
        line = Text.assemble((f"{check.level:<6}", _STYLES[check.level]), f"{check.name}: ")
        console.print(line.append(check.said), soft_wrap=True, highlight=False)
        if check.todo:
            console.print(Text(f"      {check.todo}"), soft_wrap=True, highlight=False)
    if "bad" in levels:
        raise typer.Exit(1)


def examined(config: Path) -> Iterator[Check]:
    """The checks, one after the other."""
    try:
        settings = load(config)
    except ConfigError as error:
        yield Check("configuration", "bad", str(error), "put it right, then homeslot doctor again")
        return
    schools = words.count(len(settings.schools), "school")
    count = words.count(sum(len(school.carts) for school in settings.schools), "cart")
    yield Check("configuration", "ok", f"{config}: {schools}, {count}")
    yield _tried("secrets", lambda: look.private(_modes(settings)))
    yield _tried("disk", lambda: look.disk(shutil.disk_usage(_there(settings.data)).free))
    pid = lock.served_by(settings.data)
    yield look.hub(pid)
    yield _broker(settings, pid is not None)
    yield _tried("certificate", lambda: look.certificate(_days_left(settings)))
    mail = settings.mail
    yield look.mail(
        None if mail is None else mail.host,
        None if mail is None else deliver.probe(mail, MAIL_S),
    )
    yield from _database(settings)


def _tried(name: str, work: Callable[[], Check]) -> Check:
    try:
        return work()
    except (OSError, StoreError, ConfigError) as error:
        return Check(name, "bad", str(error), "put it right, then homeslot doctor again")


def _database(settings: Settings) -> Iterator[Check]:
    """The checks that need the database; none is made here."""
    path = settings.database
    if not path.exists():
        yield Check("database", "look", f"there is no {path} yet", "homeslot serve makes it")
        return
    try:
        with closing(SqliteStore(path)) as store:
            yield look.database(store.damage(), path.stat().st_size, store.head().short)
            days, zone = settings.keep.history_days, settings.schools[0].zone
            yield look.tidied(SqliteKeep(store).tidied(), days, now_s(), zone)
            yield from _recorded(settings, store)
    except StoreError as error:
        yield Check("database", "bad", str(error), "docs/running.md: backup and restore")


def _recorded(settings: Settings, store: SqliteStore) -> Iterator[Check]:
    moment_s = now_s()
    known = bootstrap.known_calendars(settings, lambda: moment_s)
    hub = bootstrap.make_hub(settings, store, lambda: moment_s, known)
    status = hub.status()
    names = [cart.controller for school in settings.schools for cart in school.carts]
    # Not as of now: a clock that was set back hides what was heard after its time.
    heard = [at_s for name in names if (at_s := store.heard(name, _FAR_S)) is not None]
    yield look.clock(moment_s, max(heard, default=None), settings.schools[0])
    yield look.carts(status.carts)
    yield look.strangers(status.strangers, moment_s)
    yield look.refused(status.refused, moment_s)
    yield look.letters(status.dead, moment_s)
    waiting = {n.id: n for n in (*store.notices_to_file(), *store.notices_to_mail(_FAR_S))}
    yield look.waiting(waiting.values(), moment_s)
    if hub.lock_downs is not None:
        yield look.lock_downs([o for s in hub.schools for o in hub.lock_downs.orders(s.name)])
    for school in hub.schools:
        day = calendar.last_due(school, moment_s)
        done = day is not None and store.is_settled(school.name, day.isoformat(), RULE)
        opened_s = store.known_since_s(school.name)
        yield look.judged(school, opened_s, day, done, moment_s)


def _modes(settings: Settings) -> Iterator[tuple[str, int]]:
    """Every file that is or holds a secret, with its permissions."""
    broker, mail, data = settings.broker, settings.mail, settings.data
    named = [data, settings.database, broker.password_file, broker.key_file]
    named += [] if mail is None else [mail.password_file]
    named += [] if settings.web is None else [settings.web.key_file]
    named += [] if settings.mdm is None else [settings.mdm.file]
    named += [path for folder in ("secrets", "tls") for path in sorted((data / folder).glob("*"))]
    for path in named:
        if path is not None and path.exists():
            yield str(path), stat.S_IMODE(path.stat().st_mode)


def _there(path: Path) -> Path:
    """`path`, or the nearest folder above it that is there."""
    return path if path.exists() else _there(path.parent)


def _broker(settings: Settings, runs: bool) -> Check:
    broker = settings.broker
    where = f"the {broker.kind} broker at {broker.host}:{broker.port}"
    stopped = broker.kind == "embedded" and not runs
    if not broker.port:
        todo = "name one as port under [broker], and carts can find it too"
        return Check("broker", "look", "it takes any free port, where nobody finds it", todo)
    error = None
    if not stopped:
        try:
            with bootstrap.open_desk(settings, _NOBODY, ("link",)):
                pass
        except (DeskError, ConfigError, OSError) as failed:
            error = str(failed)
    return look.broker(where, error, stopped)


def _days_left(settings: Settings) -> int | None:
    tls = certificates.files(settings.data, settings.broker)
    if tls is None or not all(file.exists() for file in tls.readable):
        return None
    return (certificates.ends(tls) - datetime.fromtimestamp(now_s(), UTC)).days
