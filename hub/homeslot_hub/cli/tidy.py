"""`homeslot tidy`: drop what is older than [keep] says, which a running hub does each night."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from homeslot_hub import bootstrap
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.cli.options import DEFAULT, Config, Yes, now_s
from homeslot_hub.config import Settings, load
from homeslot_hub.rules.keep import DROPPED, cuts_s


def tidy(
    config: Config = DEFAULT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be dropped, and drop nothing.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Drop what is older than [keep] says, beside a running hub or without one.

    A running hub does the same each night. What is left of it: docs/running.md. Exit status 1:
    something was not dropped, because it is not as the hub kept it.
    """
    settings = load(config)
    with closing(bootstrap.open_store(settings)) as store:
        kept = SqliteKeep(store)
        older = kept.older(cuts_s(settings.keep, now_s()))
        _show(settings, older)
        if dry_run:
            typer.echo("Nothing was dropped: this was a dry run.")
            return
        if any(older.values()) and not yes:
            typer.confirm("Drop them?", abort=True)
        known = bootstrap.known_calendars(settings, now_s)
        done: Counter[str] = Counter()
        with Console(stderr=True).status("Tidying"):
            for step in bootstrap.tidy(bootstrap.calendared(settings, known), store, now_s):
                done[step.what] += step.done
        stuck = kept.tidied().stuck
    for what, count in done.items():
        if what:
            typer.echo(f"Dropped: {count} {what}." if "bytes" not in what else f"{count} {what}.")
    if stuck:
        typer.echo(f"homeslot: {stuck}", err=True)
        raise typer.Exit(1)


def _show(settings: Settings, older: dict[str, int]) -> None:
    """What is older than it is kept, a line for each kind of thing."""
    cuts = cuts_s(settings.keep, now_s())
    for what, count in older.items():
        cut_s = cuts[DROPPED[what]]
        before = f"{datetime.fromtimestamp(cut_s, UTC):%Y-%m-%d}"
        typer.echo(f"{count} {what} from before {before}" if cut_s else f"{what}: kept for ever")
