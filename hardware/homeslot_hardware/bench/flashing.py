"""`flash`: the firmware onto a board, beside what runs there; the switch to it is the last step.

The flash has two sides (`homeslot_boot`). What is written goes to the one that does not run, and
only what is not there already. Then every file is read back, and one small file, replaced whole or
not at all, says which side runs. A board without homeslot gets the side first, then what starts it,
and `main.py`, which makes it start by itself, last. So wherever it ends, the board is as it was or
new, never between; and to flash it again goes on where it ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from homeslot_hardware import boards, bundles, firmware
from homeslot_hardware.bench.onboard import Onboard, differing, onboard_soon
from homeslot_hardware.bench.options import (
    WAIT_S,
    Port,
    Wait,
    Yes,
    await_cart,
    cart_at,
    name,
)
from homeslot_hardware.bench.ports import choose
from homeslot_hardware.bench.problems import BadInput, BenchError, NoCart

app = typer.Typer()
SIDES = ("a", "b")
BOOT = "homeslot_boot"
# A trial that was begun and not confirmed has failed, and its side does not run. Done twice, it is
# so for one that was only ordered too.
_WHICH = """
from homeslot_boot.boot import Boot
from homeslot_boot.main import Root
for _ in range(2):
 _boot = Boot(Root())
 _boot.begin(True)
 if not _boot.trial: break
"""
_TRY = "_boot.order_trial({version!r})"
_STAY = "_boot = Boot(Root())\n_boot.begin(True)\n_boot.confirm()"


@app.command()
def flash(
    board: Annotated[
        str | None, typer.Option(help="Board file to put on it; needed where there is none yet.")
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(help="Public key of the bundles it shall trust, at most two."),
    ] = None,
    for_good: Annotated[
        bool,
        typer.Option("--for-good", help="Not on trial: for a desk where it cannot reach its hub."),
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--source", help="Folder of the firmware; this program's own by default."),
    ] = None,
    port: Port = None,
    wait: Wait = WAIT_S,
    yes: Yes = False,
) -> None:
    """Put this firmware on a board that has MicroPython, with homeslot or without.

    A cart that had homeslot tries it: it goes back by itself unless the new firmware reaches its
    hub within ten minutes.
    """
    try:
        source = folder or firmware.source()
        version = firmware.version(source)
        typer.echo(f"compiling homeslot {version}")
        side = firmware.compiled(source)
        start = firmware.compiled(source, firmware.BOOT_PACKAGES)
        keys = bundles.key_file(key) if key else None
    except firmware.NoFirmware as error:
        raise BenchError(str(error)) from None
    except bundles.KeyProblem as error:
        raise BadInput(str(error)) from None
    board_file = None if board is None else json.dumps(boards.load(board)).encode()
    at = choose(port)
    _ask_first(at, wait, version, yes)
    with onboard_soon(at, wait) as opened:
        tried = put(opened, side, start, board_file, keys, version, for_good, _progress)
        opened.leave()
    typer.echo("written and read back; starting it")
    hello = await_cart(at, wait)
    if hello["firmware"] != version:
        raise NoCart(f"{at}: homeslot {hello['firmware']} runs, not {version}: see logs")
    typer.echo(f"{name(hello)}: homeslot {version} runs on {hello['board']}")
    if tried:
        typer.echo("on trial: it stays when it has reached its hub, within ten minutes")


def put(
    board: Onboard,
    side: Mapping[str, bytes],
    start: Mapping[str, bytes],
    board_file: bytes | None,
    keys: bytes | None,
    version: str,
    for_good: bool,
    progress: Callable[[Iterable[tuple[str, bytes]], Onboard], None],
) -> bool:
    """Write what is missing and switch; whether the new side is on trial.

    `side` and `start` are content by path, `keys` and `board_file` None to leave what is there.
    Raises BadInput for a board that has no board file and is given none.
    """
    there = board.ask("_os.listdir('/')")
    if board_file is None and "board.json" not in there:
        raise BadInput(
            f"there is no board.json on it yet: --board, one of {', '.join(boards.names())}"
        )
    has_homeslot = BOOT in there and "main.py" in there
    target, now = SIDES[0], ""
    if has_homeslot:
        board.run(_WHICH)
        now, target = board.ask("(_boot.side, _boot.other)")
    if keys is None and now:
        keys = board.read(f"/{now}/{firmware.KEYS}")
    wanted = {f"/{target}/{path}": content for path, content in side.items()}
    if keys is not None:
        wanted[f"/{target}/{firmware.KEYS}"] = keys
    # Before its own side is whole a new board is not to start.
    steps = [wanted]
    if not has_homeslot:
        steps.append({f"/{path}": content for path, content in start.items()})
    if board_file is not None:
        steps.append({"/board.json": board_file})
    if not has_homeslot:
        if "boot.json" in there:
            board.remove("/boot.json")
        steps.append({"/main.py": firmware.MAIN})
    lies = board.hashes(target)
    for path in set(lies) - set(wanted):
        board.remove(path)
    for step in steps:
        progress([(path, step[path]) for path in differing(step, lies)], board)
    wrong = differing(wanted, board.hashes(target))
    if wrong:
        raise NoCart(f"{wrong[0]} reads back otherwise than it was written: is the flash worn?")
    if has_homeslot:
        board.run(_TRY.format(version=version))
        if for_good:
            board.run(_STAY)
    return has_homeslot and not for_good


def _ask_first(port: str, wait_s: float, version: str, yes: bool) -> None:
    """Ask the person. A cart that runs is then stopped with Ctrl-C: one asked to start again in the
    REPL would do so after a broken-off flash, and stay there."""
    try:
        with cart_at(port, wait_s) as client:
            hello = client.report()["hello"]
            _confirm(f"{name(hello)} runs homeslot {hello['firmware']}", version, yes)
    except NoCart as error:
        _confirm(str(error), version, yes)


def _confirm(found: str, version: str, yes: bool) -> None:
    if not yes:
        typer.confirm(f"{found}. Put homeslot {version} on it?", abort=True)


def _progress(files: Iterable[tuple[str, bytes]], board: Onboard) -> None:
    """Write `files`, with a bar on a terminal and a line for each elsewhere."""
    listed = list(files)
    console = Console()
    if not console.is_terminal:
        for path, content in listed:
            board.write(path, content, lambda count: None)
            typer.echo(f"{path}\t{len(content)} bytes")
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("writing", total=sum(len(content) for _, content in listed))
        for path, content in listed:
            progress.update(task, description=path)
            board.write(path, content, lambda count: progress.update(task, advance=count))
