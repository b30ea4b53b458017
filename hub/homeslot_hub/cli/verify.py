"""`homeslot verify`: whether the history is as the hub kept it. Exit status 1: it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from homeslot_hub.bootstrap import open_store
from homeslot_hub.cli.options import DEFAULT, BadArgument, Config
from homeslot_hub.config import Settings, load
from homeslot_hub.model import School
from homeslot_hub.rules import words
from homeslot_hub.service import chain
from homeslot_hub.service.chain import Break, Verified

_SHOWN_BREAKS = 20
_SHOWN_CARTS = 8
_SHOWN_RUNS = 5


def verify(
    config: Config = DEFAULT,
    head: Annotated[
        str | None,
        typer.Option(help="A head noted elsewhere, as N:HEX; the foot of each digest has one."),
    ] = None,
) -> None:
    """Walk along the hash chain of the history: has anybody edited it behind the hub's back?

    Exit status 0: everything is as it was kept. 1: it is not, and where.
    """
    noted = None if head is None else chain.parse_head(head)
    if head is not None and noted is None:
        raise BadArgument(f"--head is {head}: allowed N:HEX, with at least 16 digits of HEX")
    settings = load(config)
    console = Console()
    with closing(open_store(settings)) as store, store.frozen():
        seals, anchor, since_s = store.seals(), store.anchor(), store.kept_since_s()
        with _progress(console, seals[-1].records - anchor.records if seals else 0) as seen:
            found = chain.verify(store.records(), seals, noted, seen, anchor)
    if anchor.records:
        before = words.clock(settings.schools[0].zone, since_s, 0)
        console.print(
            f"Records 1 to {anchor.records} are no longer kept: measured before {before}. "
            f"The chain begins at {anchor.short}.",
            soft_wrap=True,
            highlight=False,
        )
    if found.noted_past and noted is not None:
        console.print(
            f"Of the noted head of record {noted[0]} nothing can be said: it is one of those.",
            soft_wrap=True,
            highlight=False,
        )
        noted = None
    for line in lines(found, settings, noted):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if not found.whole:
        raise typer.Exit(1)


def lines(found: Verified, settings: Settings, noted: tuple[int, str] | None) -> list[str]:
    """What was found, for a person: one line when all is well, else each break, the first first."""
    counted = f"{words.count(found.records, 'record')} in {words.count(found.seals, 'seal')}"
    if found.whole:
        told = f", and holds the noted head of record {noted[0]}" if noted is not None else ""
        return [f"{counted}, chain whole{told}, head {found.head}"]
    said = [f"{counted}, chain BROKEN in {words.count(len(found.breaks), 'place')}"]
    for one in found.breaks[:_SHOWN_BREAKS]:
        said += _break(one, settings)
    more = len(found.breaks) - _SHOWN_BREAKS
    if more > 0:
        said.append(f"and {words.count(more, 'place')} more")
    return [*said, f"Keep {settings.database} as it is, and compare it with your backups."]


def _break(found: Break, settings: Settings) -> list[str]:
    if found.kinds == ("head",):
        return [
            f"  The noted head does not fit: the first {found.first} records are not those that "
            "were there when it was noted. The chain may have been computed anew."
        ]
    said = {
        "changed": "something in it was changed",
        "missing": f"{_runs(found.missing)} missing",
        "added": f"{_numbers(found.added)} not kept by the hub",
    }
    what = " and ".join(said[kind] for kind in found.kinds)
    return [
        f"  The seal of records {found.first} to {max(found.first, found.last)} does not fit: "
        f"{what}.",
        f"    It concerns {_concerned(found, settings)}.",
    ]


def _runs(missing: tuple[tuple[int, int], ...]) -> str:
    shown = [str(a) if a == b else f"{a} to {b}" for a, b in missing[:_SHOWN_RUNS]]
    if len(missing) > _SHOWN_RUNS:
        shown.append("more")
    many = len(missing) > 1 or any(a != b for a, b in missing)
    return f"{'records' if many else 'record'} {words.listed(shown)} {'are' if many else 'is'}"


def _numbers(added: tuple[int, ...]) -> str:
    shown = [str(number) for number in added[:_SHOWN_RUNS]]
    if len(added) > _SHOWN_RUNS:
        shown.append("more")
    many = len(added) > 1
    return f"{'records' if many else 'record'} {words.listed(shown)} {'were' if many else 'was'}"


def _concerned(found: Break, settings: Settings) -> str:
    """Whose records stand there and when they were measured, on the clock of their school."""
    owners = {cart.controller: school for school in settings.schools for cart in school.carts}
    shown = list(found.carts[:_SHOWN_CARTS])
    more = len(found.carts) - len(shown)
    shown += [words.count(more, "cart more", "carts more")] * bool(more)
    carts = words.listed(shown) or "carts of which no record is left there"
    if found.from_s is None or found.to_s is None:
        return carts
    school: School = owners.get(found.carts[0], settings.schools[0])
    times = [words.clock(school.zone, at_s, 0) for at_s in (found.from_s, found.to_s)]
    return f"{carts}, measured {' to '.join(dict.fromkeys(times))}"


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    if not console.is_terminal:
        yield lambda count: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("records", total=total)
        yield lambda count: progress.update(task, completed=count)
