"""The values that a configuration file may have: what each must be beyond its type.

A value that breaks its rule is refused with the `description` of its key: see config_tables.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, timedelta
from string import Formatter
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from homeslot.contract import is_cart_id
from homeslot_hub.rules.closures import EVERY, plain

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  (where to listen: every interface; no name to call)
RESERVED = ("hub", "desk")  # names of the hub's own at the broker: no cart may bear them
# RFC 5322, 3.2.3: what mail programs take without quoting. A local part beyond ASCII is SMTPUTF8's,
# which the mail servers of schools rarely speak.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?!.{{191}}){_LABEL}(?:\.{_LABEL})*"
PERSON = re.compile(rf"([^<>@,;\"]{{1,80}}) <((?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN})>")
_BSSID = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_ISO_DATE = r"(20[2-9]\d-\d\d-\d\d)"
_DATES = re.compile(rf"{_ISO_DATE}(?:\.\.{_ISO_DATE})?")
DATES_AT_MOST = 400  # from the first to the last of "2026-12-28..2027-01-01"
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)")
OFF = "off"
# What a payload of [mdm] may have between braces.
PAYLOAD_PARTS = ("id", "action", "tag", "number", "school")
# What a value must be, for a person: of those that may be missing the table says it again.
A_NAME, A_FILE = "1..80 printable characters", "the name of a file"
A_PERSON = 'a person as "Ann Lee <ann@school.example>"'
A_CLOCK = 'the school\'s own clock as "17:00", 00:00..23:59'
T = TypeVar("T")


def _must(holds: bool, value: T) -> T:
    if not holds:
        raise ValueError
    return value


def _plain(text: str) -> str:
    # A name goes into the subject and the addresses of a mail: no line's end may get there.
    return _must(text.isprintable() and text == text.strip(), text)


def _host(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        _must(re.fullmatch(_DOMAIN, text) is not None, text)
    return text


def is_loopback(host: object) -> bool:
    """Whether `host` is this machine, and nobody else's to reach."""
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return host == "localhost"


def _person(text: str) -> str:
    return _must(PERSON.fullmatch(_plain(text)) is not None, text)


def is_address(source: str) -> bool:
    """Whether a calendar's source is an address, and not the name of a file."""
    return _ADDRESS.fullmatch(source) is not None


def _source(text: str) -> str:
    if not is_address(text):
        return text
    # webcal:// is how calendar programs write the https:// of a calendar that is subscribed to.
    text = re.sub("^webcal:", "https:", text, flags=re.IGNORECASE)
    address = urlsplit(text)  # ValueError for what it cannot take apart
    _must(address.scheme in ("http", "https") and text.isascii() and " " not in text, text)
    _must(address.username is None and address.password is None, text)
    _host(address.hostname or "")
    return _must(address.port != 0, text)


def dates(text: str) -> list[date]:
    """The dates of "2026-12-24" or "2026-12-28..2027-01-01". Raises ValueError."""
    found = _DATES.fullmatch(text)
    first, last = found.groups() if found else ("", "")
    start = date.fromisoformat(first)
    days = (date.fromisoformat(last or first) - start).days
    _must(0 <= days < DATES_AT_MOST, days)
    return [start + timedelta(days=ahead) for ahead in range(days + 1)]


def _dates(text: str) -> str:
    dates(text)
    return text


def _phrase(text: str) -> str:
    parts = _plain(text).split()
    _must(text == EVERY or all(plain(part.replace(EVERY, "")) for part in parts), text)
    return text


def _clock(text: str) -> str:
    return _must(_CLOCK.fullmatch(text) is not None, text)


def _clock_or_off(text: str) -> str:
    return _must(text == OFF or _CLOCK.fullmatch(text) is not None, text)


def _quiet(text: str) -> str:
    times = text.split("-")
    clocks = len(times) == 2 and all(_CLOCK.fullmatch(part) for part in times)
    return _must(text == OFF or (clocks and times[0] != times[1]), text)


def _public(text: str) -> str:
    address = urlsplit(_plain(text))  # ValueError for what it cannot take apart
    _must(text.isascii() and " " not in text and not address.query and not address.fragment, text)
    _must(address.username is None and address.password is None and address.port != 0, text)
    host = _host(address.hostname or "")
    _must(address.scheme == "https" or (address.scheme == "http" and is_loopback(host)), text)
    return text.rstrip("/")


def _payload(text: str) -> str:
    parts = [part for part in Formatter().parse(text) if part[1] is not None]
    fits = all(name in PAYLOAD_PARTS and not (of or how) for _, name, of, how in parts)
    return _must(text.isprintable() and fits, text)


def _days_kept(low: int) -> AfterValidator:
    return AfterValidator(lambda days: _must(days == 0 or low <= days <= 4000, days))


def _cart_id(text: str) -> str:
    return _must(is_cart_id(text) and text not in RESERVED, text)


def _bssid(text: str) -> str:
    return _must(_BSSID.fullmatch(text) is not None, text)


def _zone(text: str) -> str:
    return _must(text in available_timezones(), text)


def _text(high: int, allowed: str = "") -> Any:
    """A `Field` of 1..`high` printable characters."""
    return Field(min_length=1, max_length=high, description=allowed)


Name = Annotated[str, AfterValidator(_plain), _text(80, A_NAME)]
FileName = Annotated[str, AfterValidator(_plain), _text(1000, A_FILE)]
Host = Annotated[str, AfterValidator(_host), Field(description="a host name or an address")]
PersonText = Annotated[str, AfterValidator(_person), Field(description=A_PERSON)]
CartId = Annotated[
    str,
    AfterValidator(_cart_id),
    Field(description=f"1..32 of a-z, 0-9 and -, not {' or '.join(RESERVED)}"),
]
Bssid = Annotated[
    str,
    AfterValidator(_bssid),
    Field(description="the BSSID of an access point, as 02:00:5e:10:00:01"),
]
Zone = Annotated[
    str, AfterValidator(_zone), Field(description="a time zone such as America/Chicago")
]
Clock = Annotated[str, AfterValidator(_clock), Field(description=A_CLOCK)]
ClockOrOff = Annotated[
    str,
    AfterValidator(_clock_or_off),
    Field(description='the school\'s own clock as "21:00", or "off"'),
]
Quiet = Annotated[
    str,
    AfterValidator(_quiet),
    Field(description='the school\'s own clock as "22:00-06:00", or "off"'),
]
Seconds = Annotated[int, Field(ge=30, le=86400, description="30..86400 seconds")]
Port = Annotated[int, Field(ge=0, le=65535, description="0..65535, 0 takes a free one")]
Dates = Annotated[
    list[Annotated[str, AfterValidator(_dates)]],
    Field(
        description='a list of dates as "2026-12-24", or "2026-12-28..2027-01-01" for all of them,'
        f" {DATES_AT_MOST} at most"
    ),
]
Words = Annotated[
    list[Annotated[str, AfterValidator(_phrase), _text(80)]],
    Field(
        description='a list of words or phrases; "*ferien" is any word that ends so, '
        f'"{EVERY}" every entry'
    ),
]
CalendarSource = Annotated[
    str,
    AfterValidator(lambda text: _source(_plain(text))),
    _text(
        2000,
        "the name of a file, or an http://, https:// or webcal:// address without user name and "
        "password",
    ),
]
PublicUrl = Annotated[
    str,
    AfterValidator(_public),
    Field(max_length=200, description="an https:// address, or http:// and a loopback address"),
]
Payload = Annotated[
    dict[Name, Annotated[str, AfterValidator(_payload), _text(200)]],
    Field(
        min_length=1,
        description="a [mdm.payload] table of texts, with "
        + ", ".join(f"{{{part}}}" for part in PAYLOAD_PARTS)
        + " in them",
    ),
]
_KEPT = "{}..4000 days, or 0 for ever"
HistoryDays = Annotated[int, _days_kept(35), Field(description=_KEPT.format(35))]
LettersDays = Annotated[int, _days_kept(7), Field(description=_KEPT.format(7))]
RefusedDays = Annotated[int, _days_kept(1), Field(description=_KEPT.format(1))]
