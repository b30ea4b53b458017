"""The tables of the configuration file: each key once, its type, its default, what it allows.

The `description` of a key is the sentence a person reads when its value breaks it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, cast
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from homeslot.contract import MAX_SLOTS, is_cart_id

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RESERVED = ("hub", "sys")  # names of the hub's own at the broker: no cart may bear them
PERSON = re.compile(r"([^<>@,;\"]{1,80}) <([^<>@\s,;\"]{1,64}@[A-Za-z0-9.-]{1,190})>")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right: the key, its value as a person may read it, what is allowed."""

    key: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key} {self.value}: {self.allowed}"


# What a value must be beyond its type. The message is the field's own `allowed` text.


def _must(holds: bool, value: T) -> T:
    if not holds:
        raise ValueError
    return value


def _plain(text: str) -> str:
    # A name goes into the subject and the addresses of a mail: no line's end may get there.
    return _must(text.isprintable() and text == text.strip(), text)


def _person(text: str) -> str:
    return _must(PERSON.fullmatch(_plain(text)) is not None, text)


def _text(allowed: str, high: int) -> Any:
    """A `Field` of 1..`high` printable characters."""
    return Field(min_length=1, max_length=high, description=allowed)


Name = Annotated[str, AfterValidator(_plain), _text("1..80 printable characters", 80)]
FileName = Annotated[str, AfterValidator(_plain), _text("the name of a file", 1000)]
Host = Annotated[
    str,
    AfterValidator(lambda text: _must(re.fullmatch(r"[A-Za-z0-9.:-]+", text) is not None, text)),
    Field(description="a host name or an address"),
]
PersonText = Annotated[
    str, AfterValidator(_person), Field(description='a person as "Ann Lee <ann@school.example>"')
]
Seconds = Annotated[int, Field(ge=30, le=86400, description="30..86400 seconds")]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class HubTable(_Table):
    """[hub]: where things are kept, beside the file."""

    data: FileName = "homeslot-data"


class BrokerTable(_Table):
    """[broker]."""

    kind: Literal["embedded", "external"] = Field(
        default="embedded", description="embedded, external"
    )
    host: Host = "127.0.0.1"
    port: int = Field(default=1883, ge=0, le=65535, description="0..65535, 0 takes a free one")
    user: Name | None = None
    password_file: FileName | None = None
    ca_file: FileName | None = None
    nats_server: FileName | None = None


class MailTable(_Table):
    """[mail]."""

    host: Host
    port: int = Field(default=587, ge=1, le=65535, description="1..65535")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="starttls, tls, none"
    )
    user: Name | None = None
    password_file: FileName | None = None
    sender: PersonText


class CartTable(_Table):
    """[[school.cart]]."""

    controller: Annotated[
        str,
        AfterValidator(lambda text: _must(is_cart_id(text) and text not in RESERVED, text)),
        Field(description=f"1..32 of a-z, 0-9 and -, not {' or '.join(RESERVED)}"),
    ]
    number: int = Field(ge=1, le=9999, description="a whole number 1..9999")
    room: Name
    teacher: PersonText
    slots: int = Field(default=30, ge=1, le=MAX_SLOTS, description=f"a whole number 1..{MAX_SLOTS}")
    spare: list[int] = Field(
        default=[], description="a list of slot numbers, 1..slots of this cart"
    )
    lock: Literal["locked", "open"] = Field(default="locked", description="locked, open")
    rotates: bool = Field(default=False, description="true, false")


class SchoolTable(_Table):
    """[[school]]."""

    name: Name
    zone: Annotated[
        str,
        AfterValidator(lambda text: _must(text in available_timezones(), text)),
        Field(description="a time zone such as America/Chicago"),
    ]
    deadline: Annotated[
        str,
        AfterValidator(lambda text: _must(_CLOCK.fullmatch(text) is not None, text)),
        Field(description='the school\'s own clock as "17:00", 00:00..23:59'),
    ] = "17:00"
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default=["mon", "tue", "wed", "thu", "fri"],
        min_length=1,
        description=f"a list of {', '.join(DAYS)}",
    )
    coordinator: PersonText
    grace_s: int = Field(default=120, ge=0, le=3600, description="0..3600 seconds")
    silent_after_s: Seconds = 900
    idle_after_s: Seconds = 900
    cart: list[CartTable] = Field(default=[], description="[[school.cart]] tables")


class RootTable(_Table):
    """The whole file."""

    hub: HubTable = HubTable()
    broker: BrokerTable = BrokerTable()
    mail: MailTable | None = None
    school: list[SchoolTable] = Field(min_length=1, description="at least one [[school]] table")


_TABLES: dict[str, type[_Table]] = {
    "hub": HubTable,
    "broker": BrokerTable,
    "mail": MailTable,
    "school": SchoolTable,
    "cart": CartTable,
}


def told(error: ValidationError) -> Iterator[Problem]:
    """Each of pydantic's findings in our words."""
    for found in error.errors(include_url=False):
        where = found["loc"]
        table: type[_Table] = RootTable
        for part in where[:-1]:
            table = _TABLES.get(str(part), table)
        # An entry of a plain list is judged by the list's own sentence.
        names = [part for part in where if isinstance(part, str)]
        name = names[-1] if names else ""
        field = table.model_fields.get(name)
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
    controllers: dict[object, str] = {}
    for s, school in enumerate(_tables(raw.get("school")), 1):
        yield from _twice(names, school.get("name"), f"school[{s}].name")
        numbers: dict[object, str] = {}
        for c, cart in enumerate(_tables(school.get("cart")), 1):
            key = f"school[{s}].cart[{c}]"
            yield from _twice(controllers, cart.get("controller"), f"{key}.controller")
            yield from _twice(numbers, cart.get("number"), f"{key}.number")
            slots, spare = cart.get("slots", 30), cart.get("spare")
            if isinstance(slots, int) and isinstance(spare, list):
                for i, slot in enumerate(spare, 1):
                    if isinstance(slot, int) and not 1 <= slot <= slots:
                        yield Problem(f"{key}.spare[{i}]", f"is {slot}", f"allowed 1..{slots}")
    broker = raw.get("broker")
    if isinstance(broker, dict):
        external = broker.get("kind") == "external"
        for name in ("nats_server",) if external else ("user", "password_file", "ca_file"):
            if name in broker:
                kind = "embedded" if external else "external"
                yield Problem(f"broker.{name}", "is not used here", f'only with kind = "{kind}"')
        if external and broker.get("port") == 0:
            yield Problem("broker.port", "is 0", "allowed 1..65535 for an external broker")
    mail = raw.get("mail")
    if isinstance(mail, dict) and ("user" in mail) != ("password_file" in mail):
        yield Problem("mail.user", "and password_file stand alone", "allowed both or neither")


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


def _key(where: tuple[int | str, ...]) -> str:
    """`school[1].cart[2].number`: entries are counted from 1, as a person reads the file."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).lstrip(".")


def _shown(value: object) -> str:
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    shown = "".join(c if c.isprintable() else "?" for c in shown)
    return shown if len(shown) <= 60 else shown[:57] + "..."
