"""`homeslot backup` and `homeslot restore`: everything this hub is, in one file, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress

from homeslot_hub.adapters import archive
from homeslot_hub.adapters.lock import only_one
from homeslot_hub.cli.options import DEFAULT, Config, now_s
from homeslot_hub.config import load
from homeslot_hub.rules import words


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    config: Config = DEFAULT,
    secrets: Annotated[
        bool, typer.Option("--secrets/--no-secrets", help="With secrets and TLS keys, or without.")
    ] = True,
) -> None:
    """Write database, configuration and secrets to one file, beside a running hub."""
    settings = load(config)
    with _progress() as seen:
        manifest = archive.make(settings, file, now_s(), secrets, seen)
    size = file.stat().st_size
    typer.echo(f"Wrote {file}: {_size(size)}, records {manifest.head or 'without a chain'}.")
    if secrets:
        typer.echo("The hub's secrets are in it: keep it as safe as the hub.")
    for path in archive.left_out(settings):
        typer.echo(f"Not in it, as it lies outside of the data folder: {path}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that homeslot backup wrote.")],
    config: Config = DEFAULT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a backup in place. The hub must be stopped; what was there is kept in a folder aside."""
    with ExitStack() as opened:
        with _progress() as seen:
            found = opened.enter_context(archive.unpacked(file, config, seen))
        data = found.settings.data
        if data.exists():
            opened.enter_context(only_one(data))
        for line in _described(found):
            typer.echo(line)
        if not yes:
            typer.confirm(f"Put it in place in {data} and {config}?", abort=True)
        aside = archive.put(found, config, now_s())
        typer.echo(f"Restored. What was there before is in {aside}")
        typer.echo("Next: homeslot verify, homeslot doctor, homeslot serve")


def _described(found: archive.Unpacked) -> Iterator[str]:
    manifest, settings = found.manifest, found.settings
    made = datetime.fromtimestamp(manifest.made_s, UTC)
    carts = sum(len(school.carts) for school in settings.schools)
    names = words.listed([school.name for school in settings.schools])
    yield f"A backup of {made:%Y-%m-%d %H:%M} UTC, by homeslot {_printable(manifest.homeslot)}"
    yield f"  schools   {names}, {words.count(carts, 'cart')}"
    yield f"  records   {_printable(manifest.head)}"
    kept = "those that are here stay" if settings.data.exists() else "new ones will be made"
    yield f"  secrets   {'in it' if manifest.secrets else f'not in it: {kept}'}"


def _printable(text: object) -> str:
    return "".join(c for c in str(text)[:100] if c.isprintable())


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda count: None
        return
    with Progress("{task.description}", DownloadColumn(), console=console, transient=True) as bar:
        task = bar.add_task("files", total=None)
        yield lambda count: bar.advance(task, count)
