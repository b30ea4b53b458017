"""`homeslot alert`: what is wrong and not yet over; taking it on, or putting it off for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from homeslot_hub.bootstrap import open_alerts
from homeslot_hub.cli import report
from homeslot_hub.cli.options import DEFAULT, BadArgument, Config, SchoolName
from homeslot_hub.config import Settings, load
from homeslot_hub.model import School
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.alerts import Alert, acknowledge, give_back, snooze
from homeslot_hub.service.alert_book import (
    SNOOZE_AT_MOST_S,
    TEXT_AT_MOST,
    AlertDesk,
    UnknownAlert,
    is_text,
)
from homeslot_hub.service.digest import TAGS

app = typer.Typer(
    help="Alerts: list them, take them on, put them off, see what became of one.",
    no_args_is_help=True,
)
Numbers = Annotated[list[int], typer.Argument(help="Their numbers, as `homeslot alert list` has.")]
Who = Annotated[str, typer.Option(help="Who you are.")]
Why = Annotated[str, typer.Option(help="Why, for whoever reads it later. Of no student.")]


@app.command("list")
def list_alerts(
    config: Config = DEFAULT,
    school: SchoolName = None,
    today: Annotated[
        bool, typer.Option("--today", help="Those of today that are over too.")
    ] = False,
) -> None:
    """What is wrong and not yet over, as far as someone was told of it."""
    with _opened(config) as (settings, desk):
        for one in _schools(settings, school):
            now_s = int(time.time())
            day = calendar.school_day_of(one, now_s).isoformat()
            alerts = [alert for alert in desk.active(one.name, day) if today or not alert.over]
            if alerts:
                report.show([_grid(one, alerts, now_s)], Console())
            else:
                typer.echo(f"{one.name}: no alert is open.")


@app.command("ack")
def ack(numbers: Numbers, who: Who, why: Why, config: Config = DEFAULT) -> None:
    """Take alerts on: they are not repeated any more, and that they are over is still told."""
    check_said(who, why)
    _act(config, numbers, lambda alert, school: acknowledge(alert, who, why), who, why)


@app.command("snooze")
def snooze_alerts(
    numbers: Numbers,
    who: Who,
    why: Why,
    until: Annotated[
        str, typer.Option(help="Until when, as 2026-11-20T07:00 on the school's clock.")
    ],
    config: Config = DEFAULT,
) -> None:
    """Put alerts off until a time, at most 31 days: then they speak again by themselves."""
    check_said(who, why)
    _act(
        config,
        numbers,
        lambda alert, school: snooze(alert, who, why, _until_s(until, school)),
        who,
        why,
    )


@app.command("back")
def back(numbers: Numbers, who: Who, why: Why, config: Config = DEFAULT) -> None:
    """Give alerts back that were taken on or put off: they speak again."""
    check_said(who, why)
    _act(config, numbers, lambda alert, school: give_back(alert), who, why, "given back")


@app.command("history")
def history(
    number: Annotated[int, typer.Argument(help="Its number.")], config: Config = DEFAULT
) -> None:
    """What has happened to one alert: when, what, by whom and why."""
    with _opened(config) as (settings, desk):
        alert = desk.alert(number)
        school = _school_of(settings, alert)
        now_s = int(time.time())
        rows = tuple(
            (_clock(school, change.at_s, now_s), change.what, change.who, change.why)
            for change in desk.history(number)
        )
        title = f"Alert {number}, {school.name}, opened on {alert.day}: {_what(alert)}"
        report.show([report.Grid(title, ("when", "what", "who", "why"), rows)], Console())


@contextmanager
def _opened(config: Config) -> Iterator[tuple[Settings, AlertDesk]]:
    settings = load(config)
    store, desk = open_alerts(settings)
    with closing(store):
        try:
            yield settings, desk
        except UnknownAlert as unknown:
            raise BadArgument(str(unknown)) from None


def _act(
    config: Config,
    numbers: list[int],
    act: Callable[[Alert, School], Alert],
    who: str,
    why: str,
    what: str = "",
) -> None:
    with _opened(config) as (settings, desk):
        changed = desk.act(
            numbers,
            lambda alert: act(alert, _school_of(settings, alert)),
            int(time.time()),
            who,
            why,
            what,
        )
        for alert in changed:
            until = ""
            if alert.until_s is not None:
                school = _school_of(settings, alert)
                until = f" until {_clock(school, alert.until_s, int(time.time()))}"
            typer.echo(f"Alert {alert.id}, {_what(alert)}: {what or alert.state}{until}.")


def _school_of(settings: Settings, alert: Alert) -> School:
    for school in settings.schools:
        if school.name == alert.school:
            return school
    raise BadArgument(f"alert {alert.id} is of {alert.school}, which is not configured any more")


def _schools(settings: Settings, name: str | None) -> list[School]:
    found = [school for school in settings.schools if name in (None, school.name)]
    if not found:
        names = ", ".join(school.name for school in settings.schools)
        raise BadArgument(f"--school is {name}: allowed {names}")
    return found


def check_said(who: str, why: str) -> None:
    """Whether `--who` and `--why` say something. Raises BadArgument."""
    for key, text in (("--who", who), ("--why", why)):
        if not is_text(text):
            raise BadArgument(f"{key} is {text!a}: allowed 1..{TEXT_AT_MOST} printable characters")


def _until_s(text: str, school: School) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadArgument(f"--until is {text}: allowed a time such as 2026-11-20T07:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=school.zone)
    until_s, now_s = int(moment.timestamp()), int(time.time())
    if not now_s < until_s <= now_s + SNOOZE_AT_MOST_S:
        raise BadArgument(f"--until is {text}: allowed a time within the next 31 days")
    return until_s


def _grid(school: School, alerts: list[Alert], now_s: int) -> report.Grid:
    rows = tuple(
        (
            str(alert.id),
            _what(alert),
            "" if alert.since_s is None else _clock(school, alert.since_s, now_s),
            alert.day,
            _state(school, alert, now_s),
            words.slot_numbers(alert.hides) if alert.hides else "",
            f"{alert.who}: {alert.why}" if alert.who else "",
        )
        for alert in alerts
    )
    heads = ("number", "what", "since", "opened on", "state", "hides", "by whom, why")
    title = f"{school.name}, {words.clock(school.zone, now_s, 0)}"
    return report.Grid(title, heads, rows, frozenset({0}))


def _state(school: School, alert: Alert, now_s: int) -> str:
    if alert.flapping(now_s):
        return f"comes and goes, {alert.state} now"
    if alert.hidden_by:
        return f"{alert.state}, hidden by {alert.hidden_by}"
    if alert.until_s is not None:
        return f"{alert.state} until {_clock(school, alert.until_s, now_s)}"
    if alert.resolved_s is not None:
        return f"{alert.state} at {_clock(school, alert.resolved_s, now_s)}"
    return alert.state


def _what(alert: Alert) -> str:
    tag = TAGS[alert.finding][0].lower()
    if alert.subject.startswith("slot "):
        return f"{words.devices(alert.cart, alert.slots)} {tag}"
    return f"cart {alert.cart} {alert.subject} {tag}".replace("  ", " ")


def _clock(school: School, moment_s: int, now_s: int) -> str:
    return words.clock(school.zone, moment_s, now_s)
