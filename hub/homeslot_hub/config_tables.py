"""The tables of the configuration file: each key once, its type, its default, what it allows.

The `description` of a key is what it allows, which a person reads when its value breaks it; its
`title` is what it does. `docs/configuration.md` is made from both.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, timedelta
from string import Formatter
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from homeslot.contract import MAX_SLOTS, is_cart_id
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
# Which entries of a calendar are about school days, in the words of those that publish them.
CLOSED = [
    *("no school", "no classes", "no students", "closed", "closure", "holiday", "holidays"),
    *("break", "recess", "vacation", "half term", "inset day", "*ferien", "*feiertag", "schulfrei"),
    *("vacances", "vacaciones"),
]
HALF_DAY = [
    *("half day", "half days", "early dismissal", "early release", "minimum day", "minimum days"),
    *("early closing", "early closure"),
]
IGNORE = [
    *("resume", "resumes", "reopen", "reopens"),
    *("return from", "return to", "returns from", "returns to"),
]
OFF = "off"
_CLOCK_OFF = 'the school\'s own clock as "21:00", or "off"'
T = TypeVar("T")


# What a value must be beyond its type. The message is the field's own `allowed` text.


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


def _text(allowed: str, high: int) -> Any:
    """A `Field` of 1..`high` printable characters."""
    return Field(min_length=1, max_length=high, description=allowed)


_NAME, _FILE = "1..80 printable characters", "the name of a file"
Name = Annotated[str, AfterValidator(_plain), _text(_NAME, 80)]
FileName = Annotated[str, AfterValidator(_plain), _text(_FILE, 1000)]
Host = Annotated[str, AfterValidator(_host), Field(description="a host name or an address")]
PersonText = Annotated[
    str, AfterValidator(_person), Field(description='a person as "Ann Lee <ann@school.example>"')
]
_CLOCK_TEXT = 'the school\'s own clock as "17:00", 00:00..23:59'
Clock = Annotated[
    str,
    AfterValidator(_clock),
    Field(description=_CLOCK_TEXT),
]
Dates = Annotated[
    list[Annotated[str, AfterValidator(_dates)]],
    Field(
        description='a list of dates as "2026-12-24", or "2026-12-28..2027-01-01" for all of them,'
        f" {DATES_AT_MOST} at most"
    ),
]
_WORDS = f'a list of words or phrases; "*ferien" is any word that ends so, "{EVERY}" every entry'
Words = Annotated[
    list[Annotated[str, AfterValidator(_phrase), _text("", 80)]], Field(description=_WORDS)
]
ClockOrOff = Annotated[str, AfterValidator(_clock_or_off)]
Seconds = Annotated[int, Field(ge=30, le=86400, description="30..86400 seconds")]


class Table(BaseModel):
    """What all tables have in common: no type is bent, and no key unknown."""

    model_config = ConfigDict(strict=True, extra="forbid")


class HubTable(Table):
    """[hub]: where things are kept, beside the file."""

    data: FileName = Field(
        default="homeslot-data", title="folder of database, digests and secrets, beside the file"
    )


class BrokerTable(Table):
    """[broker]."""

    kind: Literal["embedded", "external"] = Field(
        default="embedded",
        title="whose broker: the hub's own, or a Mosquitto of yours",
        description="embedded, external",
    )
    host: Host = Field(default="127.0.0.1", title="where it listens (embedded), or is (external)")
    port: int = Field(
        default=1883,
        ge=0,
        le=65535,
        title="its port for MQTT",
        description="0..65535, 0 takes a free one",
    )
    names: list[Host] = Field(
        default=[],
        title="what else carts call it by: its certificate bears these and `host`",
        description="a list of host names and addresses",
    )
    tls: bool | None = Field(
        default=None,
        title="whether it speaks TLS and nothing else; beyond loopback it does",
        description="true, or false when host is a loopback address",
    )
    ca_file: FileName | None = Field(
        default=None,
        title="the school's own CA; else homeslot makes one, `tls/ca.pem` in the data folder",
        description=_FILE,
    )
    certificate_file: FileName | None = Field(
        default=None, title="the broker's certificate, signed by that CA", description=_FILE
    )
    key_file: FileName | None = Field(
        default=None, title="the certificate's key, mode 0600", description=_FILE
    )
    user: Name | None = Field(
        default=None, title="external only: the hub's user name, else `hub`", description=_NAME
    )
    password_file: FileName | None = Field(
        default=None,
        title="external only, mode 0600; else the secret that homeslot made",
        description=_FILE,
    )
    nats_server: FileName | None = Field(
        default=None,
        title="embedded only: another nats-server than the one installed with homeslot",
        description=_FILE,
    )


class MailTable(Table):
    """[mail]."""

    host: Host = Field(title="the mail server")
    port: int = Field(
        default=587, ge=1, le=65535, title="its port for submission", description="1..65535"
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", title="how it is spoken to", description="starttls, tls, none"
    )
    user: Name | None = Field(
        default=None, title="where it asks for a login, with password_file", description=_NAME
    )
    password_file: FileName | None = Field(
        default=None, title="where it asks for a login, mode 0600", description=_FILE
    )
    ca_file: FileName | None = Field(
        default=None,
        title="who signed its certificate, where that is a CA of the school's",
        description=_FILE,
    )
    sender: PersonText = Field(title="whom digests come from")


def _public(text: str) -> str:
    address = urlsplit(_plain(text))  # ValueError for what it cannot take apart
    _must(text.isascii() and " " not in text and not address.query and not address.fragment, text)
    _must(address.username is None and address.password is None and address.port != 0, text)
    host = _host(address.hostname or "")
    _must(address.scheme == "https" or (address.scheme == "http" and is_loopback(host)), text)
    return text.rstrip("/")


class WebTable(Table):
    """[web]."""

    url: Annotated[str, AfterValidator(_public)] = Field(
        max_length=200,
        title="what its pages are reached by, as the links in mails have it",
        description="an https:// address, or http:// and a loopback address",
    )
    host: Host = Field(
        default="127.0.0.1",
        title="where it listens; what comes in over the network comes through a reverse proxy, or "
        "needs a certificate here",
    )
    port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        title="its port",
        description="0..65535, 0 takes a free one",
    )
    certificate_file: FileName | None = Field(
        default=None, title="its certificate, where it speaks TLS itself", description=_FILE
    )
    key_file: FileName | None = Field(
        default=None, title="the certificate's key, mode 0600", description=_FILE
    )
    links_days: int = Field(
        default=7,
        ge=1,
        le=31,
        title="how long the links of a mail hold",
        description="1..31 days",
    )


# What a payload of [mdm] may have between braces, and one that has all of it.
PAYLOAD_PARTS = ("id", "action", "tag", "number", "school")
PAYLOAD = {
    "id": "{id}",
    "action": "{action}",
    "asset_tag": "{tag}",
    "device": "{number}",
    "school": "{school}",
}


def _payload(text: str) -> str:
    parts = [part for part in Formatter().parse(text) if part[1] is not None]
    fits = all(name in PAYLOAD_PARTS and not (of or how) for _, name, of, how in parts)
    return _must(text.isprintable() and fits, text)


class MdmTable(Table):
    """[mdm]."""

    file: FileName = Field(
        title="mode 0600: the address of the device management, a secret on the second line"
    )
    lock: Name = Field(
        default="lock", title="what a lock-down is called there, as {action}", description=_NAME
    )
    unlock: Name = Field(
        default="unlock", title="what its end is called there, as {action}", description=_NAME
    )
    payload: dict[Name, Annotated[str, AfterValidator(_payload), _text("", 200)]] = Field(
        default=PAYLOAD,
        min_length=1,
        title="the JSON that is posted for each device",
        description="a [mdm.payload] table of texts, with "
        + ", ".join(f"{{{part}}}" for part in PAYLOAD_PARTS)
        + " in them",
    )


Bssid = Annotated[
    str,
    AfterValidator(lambda text: _must(_BSSID.fullmatch(text) is not None, text)),
    Field(description="the BSSID of an access point, as 02:00:5e:10:00:01"),
]


class ChannelTable(Table):
    """[[channel]]."""

    name: Name = Field(title="what the log and `homeslot status` call it")
    kind: Literal["webhook", "apprise"] = Field(
        title="how notices go: as signed JSON, or by Apprise", description="webhook, apprise"
    )
    file: FileName = Field(
        title="mode 0600: its address, and for a webhook a secret on the second line"
    )
    to: PersonText | None = Field(
        default=None,
        title="whose notices; without it everybody's",
        description='a person as "Ann Lee <ann@school.example>"',
    )


_DAYS_KEPT = "{}..4000 days, or 0 for ever"


def _days_kept(low: int) -> Any:
    def allowed(days: int) -> int:
        return _must(days == 0 or low <= days <= 4000, days)

    return AfterValidator(allowed)


class KeepTable(Table):
    """[keep]."""

    history_days: Annotated[int, _days_kept(35)] = Field(
        default=400,
        title="for how long everything that carts reported is kept",
        description=_DAYS_KEPT.format(35),
    )
    letters_days: Annotated[int, _days_kept(7)] = Field(
        default=100,
        title="for how long notices that are done with are kept; the text of digests for ever",
        description=_DAYS_KEPT.format(7),
    )
    refused_days: Annotated[int, _days_kept(1)] = Field(
        default=30,
        title="for how long refused messages and unknown controllers are kept",
        description=_DAYS_KEPT.format(1),
    )
    at: Clock = Field(default="02:30", title="when what is older is dropped, by the first school")


class CartTable(Table):
    """[[school.cart]]."""

    controller: Annotated[
        str,
        AfterValidator(lambda text: _must(is_cart_id(text) and text not in RESERVED, text)),
        Field(
            title="the controller's id and user name",
            description=f"1..32 of a-z, 0-9 and -, not {' or '.join(RESERVED)}",
        ),
    ]
    number: int = Field(
        ge=1, le=9999, title="its devices are number-slot", description="a whole number 1..9999"
    )
    room: Name = Field(title="where it belongs")
    teacher: PersonText = Field(title="who answers for it")
    slots: int = Field(
        default=30,
        ge=1,
        le=MAX_SLOTS,
        title="how many slots it has",
        description=f"a whole number 1..{MAX_SLOTS}",
    )
    spare: list[int] = Field(
        default=[],
        title="slots without a device of their own",
        description="a list of slot numbers, 1..slots of this cart",
    )
    lock: Literal["locked", "open"] = Field(
        default="locked", title="how its front must be", description="locked, open"
    )
    rotates: bool = Field(
        default=False, title="whether its shelves take turns in charging", description="true, false"
    )
    storage: list[Bssid] = Field(
        default=[],
        title="the access points its storage place hears: to be elsewhere at the deadline is said",
        description="a list of BSSIDs such as 02:00:5e:10:00:01",
    )
    deadline: Annotated[str, AfterValidator(_clock)] | None = Field(
        default=None,
        title="when its devices must be home, where that is earlier than the school's `deadline`",
        description=f"{_CLOCK_TEXT}, up to the school's deadline",
    )


class CalendarTable(Table):
    """[[school.calendar]]."""

    source: Annotated[
        str,
        AfterValidator(lambda text: _source(_plain(text))),
        Field(
            min_length=1,
            max_length=2000,
            title="where it is published, as ICS (iCalendar)",
            description="the name of a file, or an http://, https:// or webcal:// address "
            "without user name and password",
        ),
    ]
    name: Name | None = Field(
        default=None,
        title="what people are told of it; else its file, or its host without what is behind",
        description=_NAME,
    )
    closed: Words = Field(
        default=CLOSED, title="what an entry's title or category has when there is no school"
    )
    half_day: Words = Field(default=HALF_DAY, title="what it has when school ends early")
    ignore: Words = Field(
        default=IGNORE, title="what it has when it means neither, whatever else it has"
    )


class AlertsTable(Table):
    """[school.alerts]."""

    nudge_before_s: int = Field(
        default=1800,
        ge=0,
        le=14400,
        title="how long before the deadline teachers, and the carts' lights, say what is not home",
        description="0..14400 seconds, 0 is never",
    )
    late_after_s: int = Field(
        default=3600,
        ge=0,
        le=14400,
        title="how long after the deadline it is told what came home late",
        description="0..14400 seconds, 0 is never",
    )
    overnight: ClockOrOff = Field(
        default="21:00", title="when it is told what stays out overnight", description=_CLOCK_OFF
    )
    morning: ClockOrOff = Field(
        default="07:15",
        title="when it is told how many devices are charged, before the first bell; alarms end "
        "with it, or at 07:15",
        description=_CLOCK_OFF,
    )
    week: bool = Field(
        default=True,
        title="whether the last school day of a week ends with a summary",
        description="true, false",
    )
    quiet: Annotated[str, AfterValidator(_quiet)] = Field(
        default="22:00-06:00",
        title="when nothing is sent but the digest of the deadline, and alarms; it goes afterwards",
        description='the school\'s own clock as "22:00-06:00", or "off"',
    )
    dead_man_s: int = Field(
        default=900,
        ge=300,
        le=14400,
        title="how long a due deadline may stay unjudged before someone hears of it",
        description="300..14400 seconds",
    )
    alarm_after_s: int = Field(
        default=600,
        ge=0,
        le=14400,
        title="how long a cart may be open, unlocked or short of a device out of hours before an "
        "alarm is sent",
        description="0..14400 seconds, 0 is never",
    )
    alarm_breaks_quiet: bool = Field(
        default=True,
        title="whether an alarm is sent in the quiet hours too",
        description="true, false",
    )


class SchoolTable(Table):
    """[[school]]."""

    name: Name = Field(title="the school, as digests call it")
    zone: Annotated[
        str,
        AfterValidator(lambda text: _must(text in available_timezones(), text)),
        Field(title="whose clock it lives by", description="a time zone such as America/Chicago"),
    ]
    deadline: Clock = Field(default="17:00", title="when all must be home")
    half_day_deadline: Clock = Field(
        default="14:00",
        title="when all must be home on a half day, unless `deadline` is earlier still",
    )
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default=["mon", "tue", "wed", "thu", "fri"],
        min_length=1,
        title="its school days",
        description=f"a list of {', '.join(DAYS)}",
    )
    closed: Dates = Field(default=[], title="dates without school, whatever a calendar says")
    half_days: Dates = Field(default=[], title="half days, whatever a calendar says")
    coordinator: PersonText = Field(title="who gets the digest")
    principal: PersonText | None = Field(
        default=None,
        title="the school's principal",
        description='a person as "Ann Lee <ann@school.example>"',
    )
    it: PersonText | None = Field(
        default=None,
        title="who looks after its network and devices",
        description='a person as "Ann Lee <ann@school.example>"',
    )
    grace_s: int = Field(
        default=120,
        ge=0,
        le=3600,
        title="how long the hub waits for reports measured before the deadline",
        description="0..3600 seconds",
    )
    silent_after_s: Seconds = Field(default=900, title="a cart not heard for this long is silent")
    idle_after_s: Seconds = Field(
        default=900, title="a device that draws nothing for this long has its cable suspected"
    )
    calendar: list[CalendarTable] = Field(
        default=[], title="its calendars, see below", description="[[school.calendar]] tables"
    )
    alerts: AlertsTable = Field(
        default=AlertsTable(),
        title="what is sent besides the digest, and when, see below",
        description="a [school.alerts] table",
    )
    cart: list[CartTable] = Field(
        default=[], title="its carts, see below", description="[[school.cart]] tables"
    )


class RootTable(Table):
    """The whole file."""

    hub: HubTable = HubTable()
    broker: BrokerTable = BrokerTable()
    mail: MailTable | None = None
    web: WebTable | None = None
    mdm: MdmTable | None = None
    keep: KeepTable = KeepTable()
    channel: list[ChannelTable] = Field(
        default=[], description="[[channel]] tables, each name once"
    )
    school: list[SchoolTable] = Field(min_length=1, description="at least one [[school]] table")


TABLES: dict[str, type[Table]] = {
    "hub": HubTable,
    "broker": BrokerTable,
    "mail": MailTable,
    "web": WebTable,
    "mdm": MdmTable,
    "keep": KeepTable,
    "channel": ChannelTable,
    "school": SchoolTable,
    "calendar": CalendarTable,
    "cart": CartTable,
    "alerts": AlertsTable,
}
