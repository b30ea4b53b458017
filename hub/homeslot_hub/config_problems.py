"""What is wrong with a configuration file, in words: key, value, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import available_timezones

from pydantic import ValidationError

from homeslot_hub.config_tables import TABLES, RootTable, Table
from homeslot_hub.config_values import ANYWHERE, is_loopback
from homeslot_hub.rules import words


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: the key, its value as a person may read it, what is allowed."""

    key: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key} {self.value}: {self.allowed}"


def told(error: ValidationError) -> Iterator[Problem]:
    """Each of pydantic's findings in our words."""
    for found in error.errors(include_url=False):
        where = found["loc"]
        table: type[Table] = RootTable
        for part in where[:-1]:
            table = TABLES.get(str(part), table)
        # An entry of a list, or of a table of any keys, is judged by the whole's own sentence.
        names = [part for part in where if isinstance(part, str)]
        name = names[-1] if names else ""
        known = [name for name in names if name in table.model_fields]
        field = table.model_fields[known[-1]] if known else None
        if found["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, table.model_fields, 1)
            allowed = f"did you mean {near[0]}?" if near else ", ".join(table.model_fields)
            yield Problem(_key(where), "is not a key here", allowed)
        elif found["type"] == "missing":
            yield Problem(_key(where), "is missing", f"allowed {_allowed(field)}")
        else:
            allowed = f"allowed {_allowed(field)}"
            if name == "zone":
                allowed += "".join(f", did you mean {z}?" for z in _near_zones(found["input"]))
            yield Problem(_key(where), f"is {_shown(found['input'])}", allowed)


def _near_zones(value: object) -> list[str]:
    return difflib.get_close_matches(str(value), available_timezones(), 1)


def _allowed(field: Any) -> str:
    if field is None or field.description is None:
        return "a table"
    return cast(str, field.description)


def across(raw: dict[str, Any]) -> Iterator[Problem]:
    """What no single value shows: names given twice, slots beyond the cart, keys of another kind.

    Reads the raw tables and passes over what is malformed: that has been said already.
    """
    names: dict[object, str] = {}
    files: dict[str, tuple[str, str]] = {}
    controllers: dict[object, str] = {}
    for s, school in enumerate(_tables(raw.get("school")), 1):
        yield from _twice(names, school.get("name"), f"school[{s}].name")
        yield from _same_files(files, school.get("name"), f"school[{s}].name")
        yield from _early(school, school, f"school[{s}].half_day_deadline")
        sources: dict[object, str] = {}
        for c, calendar in enumerate(_tables(school.get("calendar")), 1):
            key = f"school[{s}].calendar[{c}].source"
            yield from _twice(sources, calendar.get("source"), key)
        numbers: dict[object, str] = {}
        for c, cart in enumerate(_tables(school.get("cart")), 1):
            key = f"school[{s}].cart[{c}]"
            yield from _twice(controllers, cart.get("controller"), f"{key}.controller")
            yield from _twice(numbers, cart.get("number"), f"{key}.number")
            yield from _early(school, cart, f"{key}.deadline")
            slots, spare = cart.get("slots", 30), cart.get("spare")
            if isinstance(slots, int) and isinstance(spare, list):
                for i, slot in enumerate(spare, 1):
                    if isinstance(slot, int) and not 1 <= slot <= slots:
                        yield Problem(f"{key}.spare[{i}]", f"is {slot}", f"allowed 1..{slots}")
    channels: dict[object, str] = {}
    for c, channel in enumerate(_tables(raw.get("channel")), 1):
        yield from _twice(channels, channel.get("name"), f"channel[{c}].name")
    broker = raw.get("broker")
    if isinstance(broker, dict):
        external = broker.get("kind") == "external"
        for name in ("nats_server",) if external else ("user", "password_file"):
            if name in broker:
                kind = "embedded" if external else "external"
                yield Problem(f"broker.{name}", "is not used here", f'only with kind = "{kind}"')
        if external and broker.get("port") == 0:
            yield Problem("broker.port", "is 0", "allowed 1..65535 for an external broker")
        yield from _tls(broker, external)
    yield from _web(raw.get("web"))
    mail = raw.get("mail")
    if isinstance(mail, dict) and ("user" in mail) != ("password_file" in mail):
        yield Problem("mail.user", "and password_file stand alone", "allowed both or neither")


def speaks_tls(broker: dict[str, Any]) -> bool:
    """Whether a [broker] table means TLS: as it says, else beyond loopback or with a CA."""
    said = broker.get("tls")
    if isinstance(said, bool):
        return said
    return broker.get("ca_file") is not None or not is_loopback(broker.get("host", "localhost"))


def _tls(broker: dict[str, Any], external: bool) -> Iterator[Problem]:
    host, ca, pair = broker.get("host"), "ca_file" in broker, ("certificate_file", "key_file")
    if not speaks_tls(broker):
        if not is_loopback(host or "localhost"):
            yield Problem("broker.tls", "is false", "allowed only when host is a loopback address")
        for name in ("ca_file", *pair):
            if name in broker:
                yield Problem(f"broker.{name}", "is not used here", "only with tls = true")
        return
    for name in pair:
        if name not in broker and (any(n in broker for n in pair) or (ca and not external)):
            yield Problem(f"broker.{name}", "is missing", "allowed all of the school's or none")
    if any(name in broker for name in pair) and not ca:
        yield Problem("broker.ca_file", "is missing", "allowed who signed the certificate")
    if host in ANYWHERE and not broker.get("names"):
        asked = f"allowed what carts call this machine, as host is {host}"
        yield Problem("broker.names", "is empty", asked)


def _web(web: object) -> Iterator[Problem]:
    if not isinstance(web, dict):
        return
    pair = ("certificate_file", "key_file")
    for name in pair:
        if name not in web and any(other in web for other in pair):
            yield Problem(f"web.{name}", "is missing", "allowed both or neither")
    host = web.get("host", "127.0.0.1")
    if not is_loopback(host) and not any(name in web for name in pair):
        asked = "allowed a loopback address behind a reverse proxy, or with a certificate"
        yield Problem("web.host", f"is {_shown(host)}", asked)


def _early(school: dict[str, Any], table: dict[str, Any], key: str) -> Iterator[Problem]:
    """A deadline of a part of the school's, in `table`, that is later than the school's own."""
    own, whole = table.get(key.rpartition(".")[2]), school.get("deadline", "17:00")
    # As texts, "14:00" before "17:00": what is no such text has been said already.
    if isinstance(own, str) and isinstance(whole, str) and own > whole:
        allowed = f"allowed up to the school's deadline, {_shown(whole)}"
        yield Problem(key, f"is {_shown(own)}", allowed)


def _tables(value: object) -> list[dict[str, Any]]:
    # One empty table stands for each malformed one, so that the counting stays right.
    entries = value if isinstance(value, list) else []
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _twice(seen: dict[object, str], value: object, key: str) -> Iterator[Problem]:
    if not isinstance(value, str | int):
        return
    first = seen.setdefault(value, key)
    if first != key:
        yield Problem(key, f"is {_shown(value)}", f"{first} is the same; allowed once")


def _same_files(seen: dict[str, tuple[str, str]], name: object, key: str) -> Iterator[Problem]:
    """Two names that differ, but not in the names of the files of their digests."""
    if not isinstance(name, str):
        return
    first, first_key = seen.setdefault(words.slug(name), (name, key))
    if first != name:
        allowed = f"{first_key}, {_shown(first)}, would write the same files; choose another name"
        yield Problem(key, f"is {_shown(name)}", allowed)


def _key(where: tuple[int | str, ...]) -> str:
    """`school[1].cart[2].number`: entries are counted from 1, as a person reads the file."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).lstrip(".")


def _shown(value: object) -> str:
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    shown = "".join(c if c.isprintable() else "?" for c in shown)
    return shown if len(shown) <= 60 else shown[:57] + "..."
