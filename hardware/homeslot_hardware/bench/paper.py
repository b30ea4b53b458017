"""What a board file says, on paper: its pins, its wiring, its parts, and what is wrong with it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from homeslot_hardware import boards
from homeslot_hardware import parts as parts_list
from homeslot_hardware.bench import show
from homeslot_hardware.controllers import header_pin
from homeslot_hardware.harness import drawings
from homeslot_hardware.lint import lint as findings_of
from homeslot_hardware.lint import schema

app = typer.Typer()
Board = Annotated[str, typer.Argument(help="Name of a board that comes with homeslot, or a file.")]


@app.command("boards")
def list_boards() -> None:
    """List the boards that come with homeslot."""
    rows = []
    for name in boards.names():
        board = boards.load(name)
        slots = sum(bank["slots"] for bank in board["banks"])
        rows.append((name, str(slots), board["controller"], board["title"]))
    show.rows(("board", "slots", "controller", "what it is"), rows)


@app.command()
def lint(board: Board) -> None:
    """Say everything that is wrong with a board file. Exit status 0: usable, 2: not."""
    findings = findings_of(boards.read(board))
    for finding in findings:
        typer.echo(f"{finding.level}: {board}: {finding}", err=True)
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(2)
    typer.echo(f"{board}: usable")


@app.command()
def pins(board: Board) -> None:
    """Show what is wired to which pin of the controller, in the order of its GP numbers."""
    show.rows(("GP", "pin", "line", "what it is"), pin_rows(boards.load(board)))


@app.command()
def harness(
    board: Board,
    drawing: Annotated[str, typer.Argument(help="Which drawing: bus, lines, bank-1 …")] = "bus",
) -> None:
    """Print a wiring drawing as WireViz source: `wireviz` makes the picture of it."""
    drawn = drawings(boards.load(board))
    if drawing not in drawn:
        raise boards.BoardError(board, [f"has no drawing {drawing}: {', '.join(drawn)}"])
    typer.echo(drawn[drawing], nl=False)


@app.command()
def parts(
    board: Board,
    breakouts: Annotated[
        bool, typer.Option("--breakouts", help="The chips on ready-made boards.")
    ] = False,
) -> None:
    """List what to buy for one cart, with estimates of what it costs in US dollars."""
    show.rows(parts_list.COLUMNS, parts_list.rows(parts_list.parts(boards.load(board), breakouts)))


def pin_rows(board: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """(GP number, pin of the 40-pin header, name, meaning) of each line `board` uses."""
    lines = []
    for part, lines_of in (("i2c", ("sda", "scl")), ("pins", tuple(board["pins"]))):
        described = schema()["properties"][part]["properties"]
        lines += [(board[part][line], line, described[line]["description"]) for line in lines_of]
    return [(f"GP{gp}", str(header_pin(gp)), line, meaning) for gp, line, meaning in sorted(lines)]
