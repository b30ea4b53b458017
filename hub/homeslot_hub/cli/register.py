"""`homeslot import`, `export` and `register …`: what changes daily, devices and people."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from homeslot_hub.adapters import sheets, spreadsheets
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.sheets import Sheet
from homeslot_hub.bootstrap import open_store
from homeslot_hub.cli import report
from homeslot_hub.cli.options import DEFAULT, BadArgument, Config, SchoolName, Yes
from homeslot_hub.config import Settings, load
from homeslot_hub.rules import words
from homeslot_hub.rules.register import AWAY_STATES
from homeslot_hub.service import register_plan as planning
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import Change, Touched, state_since_s
from homeslot_hub.service.register_export import tables as exported
from homeslot_hub.service.register_plan import Plan
from homeslot_hub.service.register_sheets import Carts, Draft, Problem, RegisterError, draft, given
from homeslot_hub.service.register_tables import KINDS, Kind, Row

app = typer.Typer(
    help="Devices and people: what is recorded of them, and how to change it.",
    no_args_is_help=True,
)
Device = Annotated[str, typer.Argument(help="The device's number, as 7-12.")]
KindName = Annotated[str, typer.Argument(metavar="TABLE", help=", ".join(KINDS))]
Pairs = Annotated[list[str], typer.Argument(metavar="COLUMN=VALUE…", help="As state=lost.")]
_PROGRESS_EVERY = 500


def take_in(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="CSV, XLSX, or a folder of an export.")
    ],
    config: Config = DEFAULT,
    kind: Annotated[
        str | None, typer.Option("--kind", help=f"What it holds: {', '.join(KINDS)}.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
) -> None:
    """Take lists of devices and people into the register: all of it or, if a row is wrong, nothing.

    A column that a file does not have, and a row that it does not have, stay as they are.
    """
    if kind is not None:
        _kind(kind)
    settings, plan = load(config), Plan()
    with _progress() as seen:
        drafts = _drafts(files, settings, kind, plan, seen)
    with _opened(settings) as register:
        if dry_run:
            planning.complete(plan, drafts, register, settings.schools)
            _show(plan, each=True)
            if plan.problems:
                raise RegisterError(plan.problems)
            typer.echo("Nothing was changed: this was a dry run.")
            return
        with register.transaction():
            planning.complete(plan, drafts, register, settings.schools)
            names = ", ".join(file.name for file in files)
            change = planning.keep(plan, register, _now_s(), _who(), "import", names)
    _show(plan, each=False)
    _say_kept(change)


def give_out(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made when missing.")],
    config: Config = DEFAULT,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="One workbook, register.xlsx.")] = False,
    yes: Yes = False,
) -> None:
    """Write the whole register, schools and carts too, as CSV files that `import` reads back."""
    settings = load(config)
    with _opened(settings) as register:
        pages = [Sheet(*table) for table in exported(register, settings.schools)]
    names = ["register.xlsx"] if xlsx else [f"{page.title}.csv" for page in pages]
    there = [name for name in names if (folder / name).exists()]
    if there and not yes:
        typer.confirm(f"Replace {words.listed(there)} in {folder}?", abort=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if xlsx:
        sheets.write_xlsx(folder / names[0], *pages)
    else:
        for page in pages:
            sheets.write_csv(folder / f"{page.title}.csv", page)
    for page in pages:
        typer.echo(f"{page.title}: {words.count(len(page.rows), 'row')}")
    typer.echo(f"Wrote {words.listed(names)} to {folder}.")


@app.command("list")
def list_(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help=", ".join(KINDS))
    ] = tables.DEVICES.name,
    config: Config = DEFAULT,
    school: SchoolName = None,
    cart: Annotated[int | None, typer.Option("--cart", help="Of this cart only.")] = None,
) -> None:
    """What is recorded, as a table."""
    kind, settings = _kind(table), load(config)
    names = [one.name for one in settings.schools]
    if school is not None and school not in names:
        raise BadArgument(f"--school is {school}: allowed {', '.join(names)}")
    if cart is not None and not kind.of_school:
        raise BadArgument(f"--cart is {cart}: the rows of {kind.name} belong to no cart")
    with _opened(settings) as register:
        rows = register.rows(kind, school if kind.of_school else None)
        rows = sorted(
            (row for row in rows if cart is None or row[1] == str(cart)), key=tables.order
        )
        heads = tuple(column.name for column in kind.columns)
        shown = tuple(rows)
        if kind.has_number:
            heads = ("school", "device", *heads[3:])
            shown = tuple((row[0], kind.called(row), *row[3:]) for row in rows)
        if kind is tables.DEVICES:
            heads = (*heads, "since")
            since = [_away_since(register, row) for row in rows]
            shown = tuple((*row, text) for row, text in zip(shown, since, strict=True))
    title = f"{kind.name.capitalize()}: {words.count(len(shown), 'row')}"
    report.show([report.Grid(title, heads, shown)], Console())


@app.command("set")
def set_(
    device: Device, values: Pairs, config: Config = DEFAULT, school: SchoolName = None
) -> None:
    """Record what is known of a device: tag=…, kind=…, state=in repair (or lost, loaner, …)."""
    said = _pairs(values, tables.DEVICES)
    _record(config, tables.DEVICES, _of(device, school) | said, "set")


@app.command()
def retire(device: Device, config: Config = DEFAULT, school: SchoolName = None) -> None:
    """Record that a device is retired. Its history stays."""
    _record(config, tables.DEVICES, _of(device, school) | {"state": "retired"}, "retire")


@app.command()
def swap(
    device: Device,
    other: Annotated[str, typer.Argument(help="The other one's, or an empty place.")],
    config: Config = DEFAULT,
    school: SchoolName = None,
) -> None:
    """Record that two devices have changed their places: tags, kinds, states and exemptions."""
    settings, plan = load(config), Plan()
    carts = Carts(settings.schools)
    with _opened(settings) as register, register.transaction():
        here, there = (_place(text, school, carts, plan) for text in (device, other))
        if here == there:
            raise BadArgument(f"{device} and {other} are one and the same place")
        planning.swap(plan, here, there, register)
        change = planning.keep(plan, register, _now_s(), _who(), "swap", "")
    _show(plan, each=True)
    _say_kept(change)


@app.command()
def exempt(
    device: Device,
    until: Annotated[str, typer.Option(help="It is to be home at the deadline of this day.")],
    why: Annotated[str, typer.Option(help="The reason, without a student's name.")],
    by: Annotated[str, typer.Option(help="Who authorised it.")],
    config: Config = DEFAULT,
    school: SchoolName = None,
) -> None:
    """Let a device be away until a day's deadline. On a substitute's day that does not count."""
    said = {"until": until, "why": why, "by": by}
    _record(config, tables.EXEMPTIONS, _of(device, school) | said, "exempt")


@app.command()
def substitute(
    teacher: Annotated[str, typer.Argument(help="The teacher's address.")],
    date: Annotated[str, typer.Argument(help="The day, as 2026-11-20.")],
    config: Config = DEFAULT,
) -> None:
    """Record a day on which a substitute stands in for a teacher: no device may be out."""
    _record(config, tables.SUBSTITUTES, {"teacher": teacher, "date": date}, "substitute")


@app.command()
def add(table: KindName, values: Pairs, config: Config = DEFAULT) -> None:
    """Add one row to a table, or change it: add teachers email=lee@x.example name="Ann Lee"."""
    kind = _kind(table)
    _record(config, kind, _pairs(values, kind), "add")


@app.command()
def remove(
    table: KindName,
    key: Annotated[list[str], typer.Argument(help="What names the row, as 7-12.")],
    config: Config = DEFAULT,
    school: SchoolName = None,
    yes: Yes = False,
) -> None:
    """Take one row out of a table: remove exemptions 7-12, remove substitutes lee@x 2026-11-20."""
    kind, plan = _kind(table), Plan()
    with _opened(load(config)) as register:
        row = planning.named(kind, key, school, register)
        if not yes:
            typer.confirm(f"Remove {kind.called(row)} from {kind.name}?", abort=True)
        with register.transaction():
            planning.remove(plan, kind, kind.key(row), register)
            change = planning.keep(plan, register, _now_s(), _who(), "remove", "")
    _show(plan, each=True)
    _say_kept(change)


@app.command()
def history(device: Device, config: Config = DEFAULT, school: SchoolName = None) -> None:
    """All that was ever recorded of a device by this number, the newest first."""
    with _opened(load(config)) as register:
        row = planning.named(tables.DEVICES, [device], school, register)
        changes = {change.id: change for change in register.changes(-1)}
        past = register.history(tables.DEVICES, tables.DEVICES.key(row))
    rows = tuple(
        (
            *(_moment(one.at_s), changes[one.change].who, changes[one.change].what),
            *(("", "", "removed") if one.row is None else one.row[3:]),
        )
        for one in past
    )
    heads = ("recorded", "who", "by", "tag", "kind", "state")
    report.show([report.Grid(f"{device} of {row[0]}", heads, rows)], Console())


@app.command()
def changes(
    config: Config = DEFAULT,
    last: Annotated[int, typer.Option(help="How many.", min=1)] = 20,
) -> None:
    """The last changes of the register, the newest first."""
    with _opened(load(config)) as register:
        found = register.changes(last)
    rows = tuple((str(c.id), _moment(c.at_s), c.who, c.what, c.source, str(c.rows)) for c in found)
    heads = ("change", "recorded", "who", "what", "from", "rows")
    report.show([report.Grid("Changes", heads, rows, frozenset({0, 5}))], Console())


@app.command()
def undo(config: Config = DEFAULT, yes: Yes = False) -> None:
    """Take back the last change, an import or a single row. Done twice it takes itself back."""
    with _opened(load(config)) as register:
        found = register.changes(1)
        if not found:
            typer.echo("There is nothing to take back.")
            return
        last = found[0]
        if not yes:
            typer.confirm(f"Take back {_told(last)}?", abort=True)
        with register.transaction():
            if register.changes(1) != found:
                problem = Problem("undo", 0, "", "another change was made", "look again")
                raise RegisterError([problem])
            change = register.take_back(last, _now_s(), _who())
    _say_kept(change)


def _away_since(register: SqliteRegister, row: Row) -> str:
    """Since when a device is recorded as away (N8); empty while it is in service."""
    if tables.device(row).state not in AWAY_STATES:
        return ""
    since_s = state_since_s(register, row, _now_s())
    return "" if since_s is None else _moment(since_s)


def _record(config: Path, kind: Kind, said: dict[str, str], what: str) -> None:
    """Record one row that was named on the command line."""
    settings, plan = load(config), Plan()
    with _opened(settings) as register, register.transaction():
        drafts = given(kind, kind.name, said, Carts(settings.schools), plan)
        planning.complete(plan, drafts, register, settings.schools)
        change = planning.keep(plan, register, _now_s(), _who(), what, "")
    _show(plan, each=True)
    _say_kept(change)


def _drafts(
    files: Sequence[Path],
    settings: Settings,
    kind: str | None,
    plan: Plan,
    seen: Callable[[], None],
) -> list[Draft]:
    carts, drafts = Carts(settings.schools), []
    for file in files:
        try:
            sheets, notes = spreadsheets.read(file, kind is not None and not file.is_dir())
            plan.notes += notes
            for sheet in sheets:
                drafts += draft(sheet, carts, kind, plan, seen)
        except RegisterError as error:
            plan.problems += error.problems
    return drafts


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    """Shows on a terminal how many rows were read; what it gives is called for each."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed} rows read"), BarColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        count = 0

        def seen() -> None:
            nonlocal count
            count += 1
            if count % _PROGRESS_EVERY == 0:
                bar.update(task, completed=count)

        yield seen
        bar.update(task, completed=count)


def _show(plan: Plan, each: bool) -> None:
    """What a plan changes: counts for each table, and each row where that was asked for."""
    for note in plan.notes:
        typer.echo(note)
    for kind in KINDS.values():
        added, changed, same = plan.count(kind)
        if added or changed or same:
            typer.echo(f"{kind.name}: {added} added, {changed} changed, {same} unchanged")
        if each:
            for one in plan.touched:
                if one.kind is kind:
                    typer.echo(f"  {_difference(one)}")


def _difference(touched: Touched) -> str:
    kind, key, before, after = touched
    name = f"{kind.called(key)} of {key[0]}" if kind.has_number else kind.called(key)
    names = [column.name for column in kind.columns]
    if after is None:
        return f"{name}: removed"
    if before is None:
        rest = zip(names[kind.keys :], after[kind.keys :], strict=True)
        return ", ".join([f"{name}: new", *(f"{n} {t}" for n, t in rest if t)])
    parts = zip(names, before, after, strict=True)
    now = (f"{n} {b or 'empty'} -> {a or 'empty'}" for n, b, a in parts if b != a)
    return f"{name}: {', '.join(now)}"


def _say_kept(change: Change | None) -> None:
    if change is None:
        typer.echo("Nothing to change.")
    else:
        rows = words.count(change.rows, "row")
        typer.echo(
            f"Recorded, {rows}, as change {change.id}; `homeslot register undo` takes it back."
        )


def _told(change: Change) -> str:
    source = f" of {change.source}" if change.source else ""
    rows = words.count(change.rows, "row")
    made = f"{_moment(change.at_s)} by {change.who}"
    return f"change {change.id} ({change.what}{source}, {rows}, {made})"


def _moment(at_s: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_s))


def _of(device: str, school: str | None) -> dict[str, str]:
    return {"number": device} | ({"school": school} if school else {})


def _place(device: str, school: str | None, carts: Carts, plan: Plan) -> tuple[str, ...]:
    """The key of a device's place, which the configuration has. Raises RegisterError."""
    found = given(tables.DEVICES, tables.DEVICES.name, _of(device, school), carts, plan)
    if not found:
        raise RegisterError(plan.problems)
    said = found[0].said
    return said["school"], said["cart"], said["slot"]


def _pairs(values: Sequence[str], kind: Kind) -> dict[str, str]:
    names = [column.name for column in tables.columns_of(kind)]
    found = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or name not in names:
            raise BadArgument(f"{text}: allowed COLUMN=VALUE with {', '.join(names)}")
        found[name] = value
    return found


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise BadArgument(f"{name}: allowed {', '.join(KINDS)}")
    return KINDS[name]


@contextmanager
def _opened(settings: Settings) -> Iterator[SqliteRegister]:
    with closing(open_store(settings)) as store:
        yield SqliteRegister(store)


def _now_s() -> int:
    return int(time.time())


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "unknown"
