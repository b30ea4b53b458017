"""The commands that change a cart: its settings, whole or one by one. Secrets are never shown."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from homeslot.core.settings import SECRETS, SETTINGS
from homeslot_hardware.bench import papers, show
from homeslot_hardware.bench.client import Body
from homeslot_hardware.bench.options import WAIT_S, Port, Wait, Yes, await_cart, cart_at, name
from homeslot_hardware.bench.papers import Values
from homeslot_hardware.bench.ports import choose
from homeslot_hardware.bench.problems import BadInput

app = typer.Typer()
# What is asked for, in this order, when nothing else says it.
ASKED = ("cart", "secret", "host", "port", "wifi_ssid", "wifi_key")
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Where they stand, - for stdin: JSON, or what `homeslot cart add` showed.",
    ),
]


@app.command()
def settings(
    change: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What to change.")
    ] = None,
    port: Port = None,
    wait: Wait = WAIT_S,
) -> None:
    """List the cart's settings, or change some; it starts again where they ask for that.

    Secrets are not typed here: see `provision`.
    """
    given = _pairs(change or [])
    at = choose(port)
    with cart_at(at, wait) as client:
        hello = client.report()["hello"]
    now = hello["settings"]
    if not given:
        show.rows(("setting", "value", "default", "allowed"), _rows(now))
        return
    changed = list(papers.differences(now, given))
    _give(at, wait, given, hello)
    show.rows(("setting", "was", "is"), changed)


@app.command()
def provision(
    source: From = None,
    ca: Annotated[
        str | None, typer.Option("--ca", metavar="FILE", help="CA of the hub's broker, for TLS.")
    ] = None,
    port: Port = None,
    wait: Wait = WAIT_S,
    yes: Yes = False,
) -> None:
    """Tell a cart who it is and where its hub is; what is not given is asked for.

    Secrets are read from a prompt, a file or stdin, never from the command line.
    """
    given, named = papers.read(source) if source else ({}, None)
    # It goes first: a setting for TLS without its CA would leave the cart without a link.
    file = ca or named
    certificate = papers.ca(file) if file else None
    at = choose(port)
    with cart_at(at, wait) as client:
        hello = client.report()["hello"]
        now = hello["settings"]
        if source != papers.STDIN and sys.stdin.isatty():
            given |= _asked(now, given)
        if not given and certificate is None:
            raise BadInput("nothing is given: --from FILE, --from -, or a terminal to ask at")
        _confirm_other(now, given, yes)
        if certificate is not None:
            client.ask("ca", data=certificate)
    called = _give(at, wait, given, hello)
    typer.echo(f"{called}: provisioned")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    port: Port = None,
    wait: Wait = WAIT_S,
    yes: Yes = False,
) -> None:
    """Write the cart's settings to a file, all but its secrets."""
    if file.exists() and not yes:
        typer.confirm(f"Replace {file}?", abort=True)
    with cart_at(port, wait) as client:
        hello = client.report()["hello"]
    papers.write(file, hello)
    typer.echo(f"{name(hello)}: {len(hello['settings'])} settings in {file}, no secrets")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file of `backup`.")],
    source: From = None,
    port: Port = None,
    wait: Wait = WAIT_S,
    yes: Yes = False,
) -> None:
    """Give a cart the settings of a backup. Its secrets stay where they still fit.

    They do not where the backup is of another cart or another Wi-Fi: those are asked for, or stand
    in the file of --from.
    """
    then, _ = papers.read(str(file))
    if source:
        then |= {key: value for key, value in papers.read(source)[0].items() if key in SECRETS}
    at = choose(port)
    with cart_at(at, wait) as client:
        hello = client.report()["hello"]
        now = hello["settings"]
        due = papers.secrets_due(now, then)
        if due and not sys.stdin.isatty():
            raise BadInput(f"{file}: another {' and '.join(due)} is needed with it: --from FILE")
        then |= {secret: _prompt(secret, None) for secret in due}
        changed = list(papers.differences(now, then))
        if not changed:
            typer.echo("the cart has these settings already")
            return
        show.rows(("setting", "now", "then"), changed)
        if not yes:
            typer.confirm("Change them?", abort=True)
    called = _give(at, wait, {what: then[what] for what, _, _ in changed}, hello)
    typer.echo(f"{called}: restored")


@app.command()
def restart(port: Port = None, wait: Wait = WAIT_S) -> None:
    """Start the cart again, and wait until it is back."""
    at = choose(port)
    with cart_at(at, wait) as client:
        boot = client.report()["hello"]["boot"]
        client.ask("restart")
    typer.echo(f"{name(await_cart(at, wait, boot))}: back")


def _pairs(change: list[str]) -> Values:
    named = {}
    for pair in change:
        key, sign, text = pair.partition("=")
        if not sign:
            raise BadInput(f"{pair}: allowed is NAME=VALUE")
        if key in SECRETS:
            # Whoever is on this computer can read what was typed on a command line.
            raise BadInput(f"{key} is a secret: homeslot-bench provision asks for it")
        named[key] = text
    return papers.checked("settings", papers.parse("settings", named))


def _rows(now: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (
            key,
            "not shown" if key in SECRETS else str(now.get(key, "")),
            str(default),
            f"{low}..{high} {unit}".rstrip(),
        )
        for key, default, low, high, unit in SETTINGS
    ]


def _asked(now: Mapping[str, Any], given: Values) -> Values:
    """What is not `given`, from the person at the terminal."""
    answers = {key: _prompt(key, now.get(key)) for key in ASKED if key not in given}
    answers = {key: text for key, text in answers.items() if text != ""}
    return papers.checked("answers", papers.parse("answers", answers))


def _prompt(key: str, now: object) -> str:
    if key in SECRETS:
        said = f"{key} (not shown, empty: as it is)"
        return str(typer.prompt(said, default="", hide_input=True, show_default=False))
    return str(typer.prompt(key, default="" if now is None else str(now)))


def _confirm_other(now: Mapping[str, Any], given: Mapping[str, Any], yes: bool) -> None:
    is_called, shall_be = now.get("cart"), given.get("cart")
    if is_called and shall_be and is_called != shall_be and not yes:
        if not sys.stdin.isatty():
            raise BadInput(f"this is {is_called}: to make it {shall_be} say --yes")
        typer.confirm(f"This is {is_called}. Make it {shall_be}?", abort=True)


def _give(port: str, wait_s: float, values: Values, hello: Body) -> str:
    """Have the cart that said `hello` keep `values`, all or none, and run on them; its name."""
    restart = False
    if values:
        with cart_at(port, wait_s) as client:
            restart = bool(client.ask("settings", settings=values).get("restart"))
            if restart:
                client.ask("restart")
    if restart:
        hello = await_cart(port, wait_s, hello["boot"])
    return name({"settings": {**hello["settings"], **values}})
