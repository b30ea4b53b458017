"""`homeslot lockdown`: what the device management is told, once a named person confirms it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from homeslot_hub.bootstrap import opened_hub
from homeslot_hub.cli import report
from homeslot_hub.cli.alert import Who, Why, check_said
from homeslot_hub.cli.options import DEFAULT, BadArgument, Config, SchoolName, now_s, schools_called
from homeslot_hub.config import load
from homeslot_hub.rules import words
from homeslot_hub.rules.lockdown import WORDS, Order
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.lockdowns import Decided, LockDowns, UnknownOrder

app = typer.Typer(
    help="Lock-downs of devices that are missing overnight: list, confirm, withdraw.",
    no_args_is_help=True,
)
Numbers = Annotated[
    list[int], typer.Argument(help="Their numbers, as `homeslot lockdown list` has.")
]


@app.command("list")
def list_orders(
    config: Config = DEFAULT,
    school: SchoolName = None,
    whole: Annotated[bool, typer.Option("--all", help="What is over too.")] = False,
) -> None:
    """What waits for a person, or for the device management; and which devices are locked."""
    with _opened(config) as (hub, lock_downs):
        for one in schools_called(hub.schools, school):
            orders = lock_downs.orders(one.name)
            unlocked = {(o.day, o.cart, o.slot) for o in orders if _is(o, "unlock", "sent")}
            shown = [
                order
                for order in orders
                if whole
                or order.open
                or (
                    _is(order, "lock", "sent")
                    and (order.day, order.cart, order.slot) not in unlocked
                )
            ]
            if not shown:
                typer.echo(f"{one.name}: no lock-down is prepared, and no device locked.")
                continue
            at_s = now_s()
            rows = tuple(
                (
                    *(str(order.id), order.device, order.tag, WORDS[order.action], order.day),
                    order.state + (f": {order.error}" if order.error else ""),
                    f"{order.who}: {order.why}" if order.who else "",
                )
                for order in shown
            )
            heads = ("number", "device", "tag", "what", "evening", "state", "by whom, why")
            title = f"{one.name}, {words.clock(one.zone, at_s, 0)}"
            report.show([report.Grid(title, heads, rows, frozenset({0}))], Console())


@app.command()
def confirm(
    numbers: Numbers,
    who: Who,
    why: Why,
    config: Config = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Have devices locked, or unlocked, by the device management. One that is home is not locked.

    Exit status 1 when one was not.
    """
    check_said(who, why)
    with _opened(config) as (_, lock_downs):
        if not yes:
            named = ", ".join(
                f"{order.action} {order.device} (tag {order.tag})"
                for order in (lock_downs.order(number) for number in numbers)
            )
            typer.confirm(f"Send to the device management: {named}?", abort=True)
        done = lock_downs.confirm(numbers, who, why, now_s())
    _tell(done)
    if done.refused:
        raise typer.Exit(1)


@app.command()
def withdraw(numbers: Numbers, who: Who, why: Why, config: Config = DEFAULT) -> None:
    """Have nothing sent about these devices; one that is locked already is unlocked."""
    check_said(who, why)
    with _opened(config) as (_, lock_downs):
        _tell(lock_downs.withdraw(numbers, who, why, now_s()))


@contextmanager
def _opened(config: Config) -> Iterator[tuple[Hub, LockDowns]]:
    settings = load(config)
    with opened_hub(settings, now_s) as (hub, _):
        if hub.lock_downs is None:
            raise BadArgument(f"{config} has no [mdm]: there is no device management to be told")
        try:
            yield hub, hub.lock_downs
        except UnknownOrder as unknown:
            raise BadArgument(str(unknown)) from None


def _tell(done: Decided) -> None:
    for order in done.orders:
        sent = "; a running homeslot serve sends it" if order.state == "confirmed" else ""
        typer.echo(f"{WORDS[order.action].capitalize()} of {order.device}: {order.state}{sent}.")
    for refused in done.refused:
        typer.echo(refused)


def _is(order: Order, action: str, state: str) -> bool:
    return (order.action, order.state) == (action, state)
