"""The commands that look: which carts there are, what is wrong with one, what its slots do now."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.live import Live

from homeslot.app.scan import HELD
from homeslot_hardware import boards
from homeslot_hardware.bench import desk, ports, show, watch
from homeslot_hardware.bench.client import Body, Client
from homeslot_hardware.bench.diagnosis import Fault, Heard, at_rest, diagnose, diagnose_bank
from homeslot_hardware.bench.options import WAIT_S, Port, Wait, cart_at, name
from homeslot_hardware.bench.problems import BadInput, BenchError, Refused

app = typer.Typer()
FIND_S = 3.0  # a cart that does not scan just now answers within a tenth of that
FAULTS = 3  # exit status: something is wrong with the cart
Adapter = Literal["mcp2221", "ft232h", "pi"]
Slot = Annotated[int, typer.Argument(min=1, help="Number of the slot, from 1.")]


@app.command()
def find(
    port: Annotated[
        list[str] | None, typer.Argument(help="Ports to ask instead of the boards on USB.")
    ] = None,
    wait: Wait = FIND_S,
) -> None:
    """List the boards on USB, and ask each whether it is a cart. Exit status 1: none is."""
    found = [ports.Port(p, "", "") for p in port] if port else ports.candidates()
    rows, carts = [], 0
    for at in found:
        try:
            with cart_at(at.name, wait) as client:
                hello = client.hello()
        except BenchError as error:
            rows.append(
                (at.name, at.serial_number, "", "", str(error).removeprefix(at.name + ": "))
            )
        else:
            carts += 1
            said = f"homeslot {hello['firmware']}{_condition(hello)}"
            rows.append((at.name, at.serial_number, name(hello), hello["board"], said))
    show.rows(("port", "serial number", "cart", "board", "what it says"), rows)
    if not carts:
        raise typer.Exit(1)


@app.command()
def scan(
    port: Port = None,
    wait: Wait = WAIT_S,
    board: Annotated[
        str | None, typer.Option(help="Board to compare with: a name or a file; the cart's own.")
    ] = None,
    adapter: Annotated[
        Adapter | None, typer.Option(help="Scan a bank, or a whole bus, on this I2C adapter.")
    ] = None,
    bank: Annotated[
        int | None, typer.Option(min=1, help="With --adapter: which bank of the board it is.")
    ] = None,
) -> None:
    """Ask every chip, and say which wire to look at where one is silent. Exit status 3: faults.

    With --adapter no cart is needed: a bare bank on an MCP2221, an FT232H or a Raspberry Pi.
    """
    if adapter is not None:
        if board is None:
            raise BadInput(f"--adapter needs --board: {', '.join(boards.names())}, or a file")
        _scan_desk(desk.open_bus(adapter), boards.load(board), bank)
        return
    with cart_at(port, wait) as client:
        board = board or _board_of(client)
        loaded = boards.load(board)
        reply = client.ask("scan")
    heard = _heard(reply["chips"])
    _show_heard(loaded, heard)
    show.rows(("input", "level"), sorted((n, str(level)) for n, level in reply["pins"].items()))
    _judge([*diagnose(loaded, heard), *at_rest(loaded, reply["pins"])])


@app.command("watch")
def watch_slots(
    port: Port = None,
    wait: Wait = WAIT_S,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long, else with Ctrl-C.")
    ] = None,
) -> None:
    """Show the slots as they change: a table on a terminal, else a line for each change."""
    ends_s = None if seconds is None else time.monotonic() + seconds
    console = Console()
    with cart_at(port, wait) as client:
        said = client.report()
        title = f"{name(said['hello'])} ({said['hello']['board']})"
        if "state" not in said:
            raise Refused("the cart is in safe mode and senses nothing: restart it, or flash it")
        state = said["state"]
        try:
            if console.is_terminal:
                with Live(watch.picture(title, state), console=console) as live:
                    for state in _states(client, every, ends_s):
                        live.update(watch.picture(title, state))
            else:
                _say(watch.told(state))
                for now in _states(client, every, ends_s):
                    _say(watch.changes(state, now))
                    state = now
        except KeyboardInterrupt:
            return  # that is how a watch ends


@app.command()
def identify(
    slot: Slot,
    port: Port = None,
    wait: Wait = WAIT_S,
    seconds: Annotated[int, typer.Option(min=0, max=3600, help="For how long; 0 ends it.")] = 30,
) -> None:
    """Let the cart show which slot is meant, by its light."""
    with cart_at(port, wait) as client:
        client.ask("identify", slot=slot, for_s=seconds)
    typer.echo(
        f"slot {slot}: shown for {seconds} s" if seconds else f"slot {slot}: no longer shown"
    )


@app.command()
def selftest(port: Port = None, wait: Wait = WAIT_S) -> None:
    """Let the cart test itself: chips, pins, memory, flash, network. Exit status 3: it failed."""
    with cart_at(port, wait) as client:
        reply = client.answer("selftest")
    _say(reply.get("lines", ()))
    if not reply["ok"]:
        typer.echo(reply["why"], err=True)
        raise typer.Exit(FAULTS if "lines" in reply else 1)


@app.command()
def logs(
    port: Port = None,
    wait: Wait = WAIT_S,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print what the cart has lately told people."""
    with cart_at(port, wait) as client:
        reply = client.ask("logs")
        _say(reply["lines"])
        client.on_text = typer.echo
        try:
            while follow:
                client.messages()
        except KeyboardInterrupt:
            return


def _condition(hello: Body) -> str:
    """What is to be known of a cart before anything is asked of it."""
    if hello.get("safe"):
        return ", in safe mode"
    return ", on trial" if hello.get("trial") else ""


def _board_of(client: Client) -> str:
    board = str(client.report()["hello"]["board"])
    if board not in boards.names():
        raise BadInput(f"the cart's board {board} does not come with homeslot: say --board FILE")
    return board


def _states(client: Client, every_s: float, ends_s: float | None) -> Iterable[Body]:
    """A snapshot now and again, until `ends_s` of time.monotonic."""
    due_s = time.monotonic() + every_s
    while ends_s is None or time.monotonic() < ends_s:
        client.messages()
        if time.monotonic() >= due_s:
            due_s = time.monotonic() + every_s
            yield client.report()["state"]


def _heard(chips: Mapping[str, str]) -> Heard:
    """A cart's reply to `scan`: addresses in hex by `bus` and channel, or that it is held down."""
    answered = {
        key: None if text == HELD else frozenset(int(word, 16) for word in text.split())
        for key, text in chips.items()
    }
    trunk = answered.pop("bus")
    return Heard(trunk, {int(channel): found for channel, found in answered.items()})


def _scan_desk(bus: desk.Bus, board: dict[str, Any], bank: int | None) -> None:
    """Scan a bank, or the bus of a whole cart, on an adapter."""
    mux = int(board["mux"]["address"], 16)
    banks = board["banks"]
    heard = desk.hear(bus, mux)
    faults: list[Fault] = []
    read: list[desk.Reading] = []
    if heard.behind:
        _show_heard(board, heard)
        faults += diagnose(board, heard)
        places = [
            (b, desk.behind_mux(bus, mux, of["channel"]), heard.behind.get(of["channel"]))
            for b, of in enumerate(banks)
        ]
    else:
        if bank is None and len(banks) > 1:
            raise BadInput(f"no mux answers, so this is a bare bank: which? --bank 1..{len(banks)}")
        b = (bank or 1) - 1
        if b >= len(banks):
            raise BadInput(f"--bank is {bank}: the board has 1..{len(banks)}")
        faults += diagnose_bank(board, b, heard.trunk)
        places = [(b, bus, heard.trunk)]
    for b, place, answered in places:
        if answered:
            faults += desk.strangers(place, board, b, answered)
            read += desk.readings(place, board, b, answered, lambda ms: time.sleep(ms / 1000))
    words = {True: "closed", False: "open", None: "-"}
    show.rows(
        ("slot", "switch", "mA", "mV"),
        [(str(r.slot), words[r.closed], _shown(r.current_ma), _shown(r.supply_mv)) for r in read],
    )
    _judge(faults)


def _show_heard(board: dict[str, Any], heard: Heard) -> None:
    rows = [("before the mux", _hex(heard.trunk))]
    for channel, addresses in sorted(heard.behind.items()):
        at = [f", bank {b + 1}" for b, of in enumerate(board["banks"]) if of["channel"] == channel]
        own = None if addresses is None else addresses - (heard.trunk or frozenset())
        if at or own:
            rows.append((f"channel {channel}{''.join(at)}", _hex(own)))
    show.rows(("where", "addresses that answer"), rows)


def _judge(faults: list[Fault]) -> None:
    """Say each fault and end with their exit status; or that there is none."""
    if not faults:
        typer.echo("every chip of the board file answers")
        return
    for fault in faults:
        typer.echo(f"{fault.where}: {fault.what}", err=True)
        for look in fault.look:
            typer.echo(f"  look at {look}", err=True)
    raise typer.Exit(FAULTS)


def _hex(addresses: frozenset[int] | None) -> str:
    if addresses is None:
        return "held low"
    return " ".join(f"0x{address:02x}" for address in sorted(addresses)) or "none"


def _shown(value: int | None) -> str:
    return "-" if value is None else str(value)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
