"""The simulator's command line."""

from __future__ import annotations

import shutil
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from homeslot_sim.play import OUTPUTS, Outcome, Runtime, play
from homeslot_sim.runtimes import NoRuntime
from homeslot_sim.runtimes.micropython import interpreter
from homeslot_sim.scenario import Scenario, ScenarioError, load

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The slot simulator: school days with carts in software, and the real hub behind them.",
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)
DEMO = "five-oclock.scenario"


def main() -> None:
    """Run the command line."""
    app()


@app.callback()
def _simulator() -> None:
    """Make Typer keep the commands as commands."""


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="The scenario: a text file, see `verbs`.")],
    runtime: Annotated[
        Runtime,
        typer.Option(
            help="cpython: virtual time. micropython: the real interpreter and sockets. "
            "pico: emulated Pico Ws, minutes (needs homeslot\\[pico] in a checkout)."
        ),
    ] = "cpython",
    out: Annotated[
        Path | None, typer.Option(help="Folder for what comes of it [default: FILE's name].")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the table at the end.")] = False,
    tls: Annotated[
        bool, typer.Option("--tls", help="The carts reach the hub by TLS; not on cpython.")
    ] = False,
) -> None:
    """Play a scenario and lay what the hub said beside the truth.

    Exit status 0 when they agree, 1 when not, 2 when the scenario, a value or the runtime cannot
    be used.
    """
    if runtime == "micropython" and interpreter() is None:
        _refuse("--runtime micropython: is not installed here; pip install 'homeslot[micropython]'")
    try:
        scenario = load(file)
    except ScenarioError as error:
        _refuse(str(error))
    folder = _fresh(out or Path(file.stem))
    try:
        outcome = _play(scenario, runtime, folder, quiet, tls)
    except NoRuntime as error:
        _refuse(str(error))
    _show(scenario, outcome, folder)
    raise typer.Exit(0 if outcome.agree else 1)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for what comes of it.")] = Path("demo-out"),
) -> None:
    """A school day with seven carts, in about a minute: what goes wrong, and what the hub says."""
    runtime: Runtime = "micropython"
    if interpreter() is None:
        runtime = "cpython"
        console.print("No MicroPython here: the carts run the same firmware on CPython.")
    else:
        console.print("The carts run their firmware on the real MicroPython interpreter.")
    with as_file(files("homeslot_sim") / "scenarios" / DEMO) as file:
        scenario = load(file)
    folder = _fresh(out)
    outcome = _play(scenario, runtime, folder, quiet=False)
    typer.echo()
    typer.echo(outcome.digest)
    _show(scenario, outcome, folder)
    raise typer.Exit(0 if outcome.agree else 1)


@app.command()
def score(
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days to live.")] = 10,
    carts: Annotated[int, typer.Option(min=1, max=1000, help="Carts, ten to a school.")] = 20,
    seed: Annotated[int, typer.Option(help="Decides every habit and fault.")] = 1,
    replay: Annotated[
        int, typer.Option(min=0, help="Cart-days to live again at register level, 30 s each.")
    ] = 3,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for everything as JSON.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for a scenario of each day that was judged wrongly.")
    ] = Path("score-out"),
) -> None:
    """Live random school days, and count the hub's alerts against what was so. See docs/score.md.

    Exit status 0 when no alert was missed, false or told twice, 1 when one was, 2 when a value or
    a file cannot be used.
    """
    from homeslot_sim.score import command

    began = time.monotonic()
    found = command.run(days, carts, seed, replay, console)
    try:
        command.write_cases(found, out)
        if json_file is not None:
            command.write_json(found, json_file, days, carts, seed)
    except OSError as error:
        _refuse(f"{error.filename}: cannot be written: {error.strerror or error}")
    for table in command.tables(found, console.is_terminal):
        console.print(table)
    tally = found.tally
    typer.echo(
        f"{tally.cart_days} cart-days, {tally.judged} of them with a deadline, {found.replayed} "
        f"lived again at register level, {time.monotonic() - began:.0f} s."
    )
    for case in found.cases:
        where = out / case.name if case.scenario else f"{case.day}, no scenario"
        typer.echo(f"{where}: {'; '.join(case.words)}")
    typer.echo("All alerts are right." if found.right else f"{len(found.cases)} days are not.")
    raise typer.Exit(0 if found.right else 1)


@app.command()
def scenario() -> None:
    """Print the demo's scenario, as an example to write your own from."""
    text = (files("homeslot_sim") / "scenarios" / DEMO).read_text(encoding="utf-8")
    typer.echo(text, nl=False)


def _play(
    scenario: Scenario, runtime: Runtime, folder: Path, quiet: bool, tls: bool = False
) -> Outcome:
    began = time.monotonic()

    def say(line: str) -> None:
        if not quiet:
            typer.echo(f"{time.monotonic() - began:5.1f} s  {line}")

    say(f"{scenario.school}, {scenario.day:%A %d %B %Y}, {len(scenario.carts)} carts")
    return play(scenario, runtime, folder, say, tls)


def _show(scenario: Scenario, outcome: Outcome, folder: Path) -> None:
    table = Table(title="Truth against what the hub said", title_justify="left")
    for heading in ("cart", "what was so", "what the hub said", "agree"):
        table.add_column(heading)
    for row in outcome.rows:
        table.add_row(str(row.cart), row.true, row.said, "yes" if row.agree else "NO")
    console.print(table)
    wrong = sum(not row.agree for row in outcome.rows)
    rows = f"{len(outcome.rows)} rows"
    typer.echo(f"{rows}, all agree." if not wrong else f"{rows}, {wrong} do not agree.")
    typer.echo(f"Files: {', '.join(OUTPUTS)} in {folder}/")


def _fresh(folder: Path) -> Path:
    """An empty folder for the outputs; one of an earlier run is replaced, anything else refused."""
    if folder.exists():
        known = folder.is_dir() and (folder / "truth.json").exists()
        if not known and (not folder.is_dir() or any(folder.iterdir())):
            _refuse(f"--out {folder}: is not empty and not of an earlier run; name another folder")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    except OSError as error:
        _refuse(f"--out {folder}: cannot be made anew: {error.strerror or error}")
    return folder


def _refuse(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(2)
