"""Settings on paper: what `homeslot cart add` shows, a JSON file, a backup."""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homeslot.core.settings import SECRETS, SETTINGS, problems
from homeslot_hardware.bench.client import Body
from homeslot_hardware.bench.problems import BadInput

Values = dict[str, Any]  # int or str by the name of the setting
STDIN = "-"
OTHER_NAMES = {"user": "cart"}  # what the hub calls them
CA = "ca.pem"  # no setting, but named beside them: the file with the CA of the hub's broker
_CA_SAID = re.compile("the file (.+), which is no secret")
_CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)
MAX_CA = 2048  # characters of base64, see `data` of a `cmd` in the contract
# Which secret is another one when this setting is.
SECRET_OF = {"cart": "secret", "wifi_ssid": "wifi_key"}


def read(where: str) -> tuple[Values, str | None]:
    """The settings in the file `where`, "-" for stdin, and the file with the CA where one is named.

    The file is JSON, or what `homeslot cart add` shows. Raises BadInput for one that is neither, or
    has settings no cart takes.
    """
    text = _text(where)
    if text.lstrip().startswith("{"):
        given = _json(where, text)
        return checked(where, given.get("settings", given)), None
    # The hub's words are prose at the margin and pairs of a name and a value below it.
    pairs = [line.split(None, 1) for line in text.splitlines() if line[:1].isspace()]
    named = {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}
    if not named:
        raise BadInput(f"{where}: neither JSON nor what homeslot cart add shows")
    said = _CA_SAID.fullmatch(named.pop(CA, ""))
    return checked(where, parse(where, named)), said.group(1) if said else None


def ca(file: str) -> str:
    """The CA certificates of the PEM in `file` as a cart takes them: base64, commas between.

    Raises BadInput.
    """
    found = ["".join(body.split()) for body in _CERTIFICATE.findall(_text(file))]
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for body in found:
            context.load_verify_locations(cadata=base64.b64decode(body, validate=True))
    except (ValueError, OSError):
        found = []
    if not found or len(",".join(found)) > MAX_CA:
        raise BadInput(f"{file}: is no certificate in PEM of at most {MAX_CA} characters")
    return ",".join(found)


def parse(where: str, named: Mapping[str, str]) -> Values:
    """Settings as a person writes them. Raises BadInput for a number that is none."""
    values: Values = {}
    for given, text in named.items():
        name = OTHER_NAMES.get(given, given)
        values[name] = text
        if isinstance(defaults().get(name), int):
            try:
                values[name] = int(text)
            except ValueError:
                raise BadInput(f"{where}: {name} is {text}, allowed is a number") from None
    return values


def checked(where: str, values: object) -> Values:
    """`values`, if a cart takes them all. Raises BadInput with a line for each that it does not."""
    if not isinstance(values, dict):
        raise BadInput(f"{where}: the settings are no JSON object")
    found = problems(values)
    if found:
        raise BadInput("\n".join(f"{where}: {problem}" for problem in found))
    return values


def write(file: Path, hello: Body) -> None:
    """Write the settings of the cart that said `hello` to `file`; it never said its secrets."""
    kept = {name: hello[name] for name in ("board", "firmware", "settings")}
    try:
        file.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from None


def defaults() -> Values:
    """The default of every setting by its name."""
    return {row[0]: row[1] for row in SETTINGS}


def secrets_due(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Secrets that go with the settings `then`, and not with those `now` on the cart."""
    return [
        secret
        for name, secret in SECRET_OF.items()
        if then.get(name) and then[name] != now.get(name) and secret not in then
    ]


def differences(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """(setting, value now, value then) of all that would change; secrets are not shown."""
    for name, value in then.items():
        if name in SECRETS:
            yield name, "not shown", "not shown"
        elif now.get(name) != value:
            yield name, str(now.get(name, "")), str(value)


def _text(where: str) -> str:
    try:
        return sys.stdin.read() if where == STDIN else Path(where).read_text("utf-8")
    except OSError as error:
        raise BadInput(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: is not UTF-8 at byte {error.start}") from None


def _json(where: str, text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadInput(f"{where}: is not a JSON object")
    return given
