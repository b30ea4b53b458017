"""`homeslot`: the hub's command line. Exit status 2 for a configuration that cannot be used."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console

from homeslot_hub.adapters.archive import ArchiveError
from homeslot_hub.adapters.broker_nats import BrokerError
from homeslot_hub.adapters.credentials import CredentialError
from homeslot_hub.adapters.desk import DeskError
from homeslot_hub.adapters.lock import Served
from homeslot_hub.bootstrap import open_calendars, opened_hub
from homeslot_hub.cli import (
    alert,
    backup,
    cables,
    census,
    doctor,
    gateway,
    history,
    lockdown,
    register,
    report,
    school_days,
    setup,
    tidy,
    trust,
    usage,
    verify,
    week,
)
from homeslot_hub.cli import update as updating
from homeslot_hub.cli.options import (
    DEFAULT,
    BadArgument,
    Config,
    SchoolName,
    day_of,
    moment_s,
    now_s,
    schools_called,
)
from homeslot_hub.config import ConfigError, Settings, load
from homeslot_hub.model import SchoolDay
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.alerts import IllegalEvent
from homeslot_hub.rules.lockdown import IllegalOrder
from homeslot_hub.server import Server
from homeslot_hub.service.digest import Digest
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import NoLongerKept, require
from homeslot_hub.service.ports import Store, StoreError
from homeslot_hub.service.register_sheets import RegisterError
from homeslot_hub.workers import ServerError

_log = logging.getLogger("homeslot.cli")
app = typer.Typer(
    help="Every device home in its slot by the bell.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cart_app = typer.Typer(help="Add a cart, give it a new secret, remove it.", no_args_is_help=True)
app.add_typer(cart_app, name="cart")
app.command()(gateway.gateway)
app.command()(verify.verify)
app.command()(history.history)
app.command()(census.census)
app.command()(week.week)
app.command()(cables.cables)
app.command()(usage.usage)
app.command()(tidy.tidy)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(doctor.doctor)
certificate_app = typer.Typer(help="The broker's TLS certificate.", no_args_is_help=True)
app.add_typer(certificate_app, name="certificate")

app.command("import")(register.take_in)
app.command("export")(register.give_out)
app.add_typer(register.app, name="register")
app.add_typer(alert.app, name="alert")
app.add_typer(lockdown.app, name="lockdown")

Controller = Annotated[str, typer.Argument(help="The controller's id: a-z, 0-9 and -.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (by default this program's) and exit."""
    try:
        app(arguments, prog_name="homeslot")
    except (ConfigError, BadArgument) as error:
        _fail(error, 2)
    except (
        ArchiveError,
        BrokerError,
        CredentialError,
        DeskError,
        RegisterError,
        Served,
        ServerError,
        StoreError,
        IllegalEvent,
        IllegalOrder,
        NoLongerKept,
        setup.Refused,
        OSError,
    ) as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> NoReturn:
    typer.echo(f"homeslot: {error}", err=True)
    raise SystemExit(status)


@app.command()
def init(
    config: Config = DEFAULT,
    school: Annotated[str, typer.Option(help="The school's name.")] = "Example School",
    zone: Annotated[
        str | None, typer.Option(help="Its time zone; this machine's by default.")
    ] = None,
    deadline: Annotated[str, typer.Option(help="When all must be home.")] = "17:00",
    coordinator: Annotated[
        str, typer.Option(help="Who gets the digest.")
    ] = "Rosa Diaz <rosa.diaz@school.example>",
    controller: Annotated[str, typer.Option(help="The first cart's controller id.")] = "cart-1",
    host: Annotated[
        str, typer.Option(help="This machine's address, where carts connect; with TLS.")
    ] = "127.0.0.1",
) -> None:
    """Write a commented configuration with one school and one cart; make credentials and a CA."""
    text = setup.example(
        name=school,
        zone=zone or setup.machine_zone(),
        deadline=deadline,
        coordinator=coordinator,
        controller=controller,
        host=host,
    )
    secret = setup.init(config, text, controller)
    settings = load(config)
    typer.echo(f"Wrote {config}: school {school}, time zone {settings.schools[0].zone.key}.")
    typer.echo(f"Made {settings.data} with the hub's own secret, and a CA for its broker.")
    if secret is None:
        typer.echo(f"{controller} has credentials already: homeslot cart renew {controller}")
    else:
        _show_secret(settings, controller, secret)
    typer.echo("Look through the file, then: homeslot serve")


@app.command()
def serve(config: Config = DEFAULT) -> None:
    """Run the hub, with its broker unless another is configured, until Ctrl-C or SIGTERM."""
    settings = load(config)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    server = Server(settings, now_s, announce)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.request_stop())
    with server:
        broker = settings.broker
        carts = sum(len(school.carts) for school in settings.schools)
        schools = words.count(len(settings.schools), "school")
        typer.echo(f"homeslot serves {schools} with {words.count(carts, 'cart')}")
        tls = ", TLS" if broker.tls else ""
        typer.echo(f"  broker    {broker.kind}{tls}, {broker.host}:{server.port}")
        typer.echo(f"  database  {settings.database}")
        mail = "" if settings.mail is None else f", and by mail through {settings.mail.host}"
        typer.echo(f"  digests   {settings.digests}{mail}")
        if settings.web is not None:
            where = f"{settings.web.host}:{server.web_port}"
            typer.echo(f"  pages     {settings.web.url}, here {where}")
        typer.echo("Ctrl-C ends it; nothing is lost meanwhile.")
        server.wait()
        _say("homeslot stops")


def announce(day: SchoolDay, digest: Digest) -> None:
    """Show the digest of a day that was just judged."""
    _say(f"\n{digest.subject}\n\n{digest.text}")


def _say(text: str) -> None:
    try:
        typer.echo(text)
    except (OSError, UnicodeError) as error:
        # A terminal that is gone, or cannot write a name, is no reason to end: files and mail go.
        _log.warning("nothing can be shown here: %s", error)


@app.command()
def status(config: Config = DEFAULT) -> None:
    """How every cart stands now, as a table, and what else needs a look."""
    with _opened(config) as (hub, _):
        report.show(report.status_parts(hub.status()), Console())


@app.command()
def refused(config: Config = DEFAULT) -> None:
    """The last messages that broke the contract: when, topic, reason, and what they said."""
    with _opened(config) as (hub, _):
        report.show(report.refused_parts(hub.status()), Console())


@app.command()
def check(
    at: Annotated[
        str,
        typer.Option("--at", help="17:00 (today, on the school's clock) or 2026-11-20T17:00."),
    ],
    config: Config = DEFAULT,
    school: SchoolName = None,
) -> None:
    """The verdict on every cart as of a time, with reasons and evidence. Changes nothing."""
    with _opened(config) as (hub, store):
        for one in schools_called(hub.schools, school):
            require(store, one, moment_s(at, one))
            judged = hub.judge(one, moment_s(at, one))
            report.show(report.check_parts(judged), Console())


@app.command()
def digest(
    on: Annotated[
        str | None, typer.Option("--date", help="The school day, as 2026-11-20; today by default.")
    ] = None,
    config: Config = DEFAULT,
    school: SchoolName = None,
) -> None:
    """The digest of a school day as it would be sent, by what is known now. Sends nothing."""
    with _opened(config) as (hub, store):
        for one in schools_called(hub.schools, school):
            day = calendar.school_day_of(one, now_s()) if on is None else day_of(on)
            if not calendar.is_school_day(one, day):
                typer.echo(f"{one.name}: {day} is no school day", err=True)
                continue
            require(store, one, calendar.deadline_s(one, day))
            # As it was, or would have been, worked out in time.
            judged = hub.judge_day(one, day, calendar.due_s(one, day))
            report.show(report.digest_parts(hub.digest(judged)), Console())


@app.command("calendar")
def show_calendar(
    config: Config = DEFAULT,
    school: SchoolName = None,
    start: Annotated[
        str | None, typer.Option("--from", help="The first day, as 2026-11-20; today by default.")
    ] = None,
    days: Annotated[int, typer.Option(help="How many days.")] = 30,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Read the calendars anew first, from the network too.")
    ] = False,
) -> None:
    """School days, closed days, half days with their deadlines, who says so, and what is wrong."""
    settings = load(config)
    schools = schools_called(settings.schools, school)
    first = None if start is None else day_of(start, "--from")
    if not 1 <= days <= calendar.LOOK_DAYS:
        raise BadArgument(f"--days is {days}: allowed 1..{calendar.LOOK_DAYS}")
    calendars = open_calendars(settings, now_s)
    if refresh:
        for feed in dict.fromkeys(feed for one in schools for feed in one.feeds):
            typer.echo(f"Reading the calendar {feed.label}", err=True)
            calendars.read(feed)
    for feed in calendars.due(schools, network=False):
        calendars.read(feed)
    known = calendars.known(schools)
    for one in schools:
        at_s = now_s()
        told = replace(one, calendar=known.get(one.name, one.calendar))
        passed_over = {feed.label: calendars.passed_over(feed) for feed in one.feeds}
        from_day = first or calendar.school_day_of(one, at_s)
        report.show(school_days.calendar_parts(told, from_day, days, at_s, passed_over), Console())


@app.command()
def update(
    controller: Controller,
    bundle: Annotated[Path, typer.Argument(help="The bundle, of homeslot-bench bundle.")],
    config: Config = DEFAULT,
) -> None:
    """Bring new firmware to a cart, and see whether it proves itself. Exit status 0: it did."""
    updating.update(load(config), controller, bundle)


@cart_app.command("add")
def cart_add(
    controller: Controller,
    number: Annotated[int, typer.Option(help="The cart's number in the school.")],
    room: Annotated[str, typer.Option(help="Where it belongs.")],
    teacher: Annotated[str, typer.Option(help='Who answers for it: "Ann Lee <ann@x.example>".')],
    config: Config = DEFAULT,
    school: SchoolName = None,
    slots: Annotated[int, typer.Option(help="How many slots it has.")] = 30,
    lock: Annotated[Literal["locked", "open"], typer.Option(help="The front's policy.")] = "locked",
    rotates: Annotated[
        bool, typer.Option("--rotates", help="Its shelves take turns in charging.")
    ] = False,
    deadline: Annotated[
        str | None, typer.Option(help="Its own, as 15:30, where earlier than the school's.")
    ] = None,
) -> None:
    """Add a cart to the configuration, make its credentials, show its secret once."""
    cart: dict[str, object] = {
        "controller": controller,
        "number": number,
        "room": room,
        "teacher": teacher,
        "slots": slots,
        "lock": lock,
        "rotates": rotates,
    }
    if deadline is not None:
        cart["deadline"] = deadline
    secret = setup.add_cart(config, school, cart)
    settings = load(config)
    typer.echo(f"Added cart {number} ({controller}) to {config}.")
    _show_secret(settings, controller, secret)
    typer.echo(setup.hand_over(settings))


@cart_app.command("renew")
def cart_renew(controller: Controller, config: Config = DEFAULT) -> None:
    """Give a cart a new secret, shown once. The old one stops working."""
    settings = load(config)
    _show_secret(settings, controller, setup.renew_cart(settings, controller))
    typer.echo(setup.hand_over(settings))


@cart_app.command("remove")
def cart_remove(
    controller: Controller,
    config: Config = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a cart and its credentials; it is put out at once. Its history stays."""
    if not yes:
        typer.confirm(f"Remove {controller}?", abort=True)
    setup.remove_cart(config, controller)
    typer.echo(f"Removed {controller}.")
    typer.echo(setup.hand_over(load(config)))


@certificate_app.command("show")
def certificate_show(config: Config = DEFAULT) -> None:
    """Until when the broker's certificate lasts, for whom it is, and the CA that carts need."""
    typer.echo(setup.certificate_told(load(config)))


@certificate_app.command("renew")
def certificate_renew(config: Config = DEFAULT) -> None:
    """Make the broker a new certificate by the same CA. Carts need nothing new."""
    settings = load(config)
    left = setup.renew_certificate(settings)
    typer.echo(setup.certificate_told(settings))
    typer.echo(left)


@certificate_app.command("give")
def certificate_give(
    controller: Controller,
    ca: Annotated[
        list[Path] | None, typer.Option("--ca", help="A CA as PEM; several, to replace one.")
    ] = None,
    config: Config = DEFAULT,
) -> None:
    """Have a cart that is online trust other CAs than before; without --ca the hub's own."""
    trust.give(load(config), controller, ca or [])
    typer.echo(f"{controller} trusts them from its next connection on.")


def _show_secret(settings: Settings, controller: str, secret: str) -> None:
    typer.echo(f"For the controller of {controller}, shown this once:")
    typer.echo(setup.provision(settings, controller, secret))


@contextmanager
def _opened(config: Path) -> Iterator[tuple[Hub, Store]]:
    """A hub over the database of `config`, and that, to be asked; says if its certificate nears its
    end."""
    settings = load(config)
    with opened_hub(settings, now_s) as opened:
        yield opened
    warning = setup.certificate_warning(settings)
    if warning is not None:
        typer.echo(f"homeslot: {warning}", err=True)
