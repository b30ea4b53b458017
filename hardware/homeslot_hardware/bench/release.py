"""Keys, bundles, and a bundle to the cart on the cable: `keygen`, `bundle` and `update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from homeslot.bundle import BadBundle
from homeslot.sender import Sender
from homeslot_hardware import boards, bundles, firmware
from homeslot_hardware.bench.options import WAIT_S, Port, Wait, await_cart, cart_at, name
from homeslot_hardware.bench.ports import choose
from homeslot_hardware.bench.problems import BadInput, Refused

app = typer.Typer()
LAYOUT = 1  # of the flash: what this firmware needs (homeslot_boot.boot)
ASKED = "-"
Passphrase = Annotated[
    str,
    typer.Option(
        envvar="HOMESLOT_PASSPHRASE", help=f"Of the private key; {ASKED} asks for it. None at all."
    ),
]


@app.command()
def keygen(
    key: Annotated[Path, typer.Argument(help="Where the private key goes; the public one: .pub")],
    passphrase: Passphrase = "",
) -> None:
    """Make a key to sign bundles with. Carts are given the public half, at most two of them."""
    try:
        public = bundles.make_key(key, _passphrase(passphrase, confirm=True))
    except (bundles.KeyProblem, OSError) as error:
        raise BadInput(str(error)) from None
    typer.echo(f"{key}: the private key; who has it can put any firmware on every cart")
    typer.echo(f"{public}: for the carts: homeslot-bench flash --key {public}")


@app.command()
def bundle(
    key: Annotated[Path, typer.Option(help="Private key to sign with.")],
    out: Annotated[Path | None, typer.Option(help="homeslot-VERSION.bundle by default.")] = None,
    board: Annotated[
        list[str] | None, typer.Option(help="Board it is for; all that come with homeslot.")
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option(help="Public key to trust from then on, at most two; as before by default."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Folder of the firmware; this program's own by default.")
    ] = None,
    passphrase: Passphrase = "",
) -> None:
    """Compile the firmware and sign it. The same source and key make the same bytes."""
    try:
        folder = source or firmware.source()
        version = firmware.version(folder)
        names = [boards.load(name)["id"] for name in board or boards.names()]
        signer = bundles.private_key(key, _passphrase(passphrase))
        files = firmware.compiled(folder)
        if trust:
            files[firmware.KEYS] = bundles.key_file(trust)
        made = bundles.make(files, version, names, LAYOUT, signer)
        target = out or Path(f"homeslot-{version}.bundle")
        target.write_bytes(made)
    except (firmware.NoFirmware, bundles.KeyProblem, BadBundle, OSError) as error:
        raise BadInput(str(error)) from None
    typer.echo(f"{target}: {version} for {', '.join(names)}, {len(files)} files, {len(made)} bytes")


@app.command()
def update(
    file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The bundle to install.")],
    port: Port = None,
    wait: Wait = WAIT_S,
) -> None:
    """Bring a bundle to the cart on the cable, which then tries it.

    It goes back by itself unless the new firmware reaches its hub within ten minutes.
    """
    try:
        sender = Sender(file.read_bytes())
    except (OSError, BadBundle) as error:
        raise BadInput(f"{file}: {error}") from None
    where = choose(port)
    console = Console()
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    with cart_at(where, wait) as client, progress:
        hello = client.report()["hello"]
        typer.echo(f"{name(hello)} runs {hello['firmware']} and gets {sender.version}")
        bar = progress.add_task("", total=sender.size)
        try:
            while not sender.done:
                sender.answered(client.ask("update", **sender.arguments()))
                progress.update(bar, completed=sender.offset)
        except BadBundle as error:
            raise BadInput(f"{file}: {error}") from None
    hello = await_cart(where, wait, hello["boot"])
    if hello["firmware"] != sender.version:
        raise Refused(f"{name(hello)} went back to {hello['firmware']}")
    typer.echo(f"{name(hello)} tries {sender.version}: it stays when it has reached its hub")


def _passphrase(given: str, *, confirm: bool = False) -> str:
    if given != ASKED:
        return given
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))
