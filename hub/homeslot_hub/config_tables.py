"""The tables of the configuration file: each key once, its type, its default, what it allows.

The `description` of a key is what it allows, which a person reads when its value breaks it; its
`title` is what it does. `docs/configuration.md` is made from both.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from homeslot.contract import MAX_SLOTS
from homeslot_hub.config_values import (
    A_CLOCK,
    A_FILE,
    A_NAME,
    A_PERSON,
    DAYS,
    Bssid,
    CalendarSource,
    CartId,
    Clock,
    ClockOrOff,
    Dates,
    FileName,
    HistoryDays,
    Host,
    LettersDays,
    Name,
    Payload,
    PersonText,
    Port,
    PublicUrl,
    Quiet,
    RefusedDays,
    Seconds,
    Words,
    Zone,
)

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
# What the device management is posted, unless [mdm.payload] says otherwise.
PAYLOAD = {
    "id": "{id}",
    "action": "{action}",
    "asset_tag": "{tag}",
    "device": "{number}",
    "school": "{school}",
}


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
    port: Port = Field(default=1883, title="its port for MQTT")
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
        description=A_FILE,
    )
    certificate_file: FileName | None = Field(
        default=None, title="the broker's certificate, signed by that CA", description=A_FILE
    )
    key_file: FileName | None = Field(
        default=None, title="the certificate's key, mode 0600", description=A_FILE
    )
    user: Name | None = Field(
        default=None, title="external only: the hub's user name, else `hub`", description=A_NAME
    )
    password_file: FileName | None = Field(
        default=None,
        title="external only, mode 0600; else the secret that homeslot made",
        description=A_FILE,
    )
    nats_server: FileName | None = Field(
        default=None,
        title="embedded only: another nats-server than the one installed with homeslot",
        description=A_FILE,
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
        default=None, title="where it asks for a login, with password_file", description=A_NAME
    )
    password_file: FileName | None = Field(
        default=None, title="where it asks for a login, mode 0600", description=A_FILE
    )
    ca_file: FileName | None = Field(
        default=None,
        title="who signed its certificate, where that is a CA of the school's",
        description=A_FILE,
    )
    sender: PersonText = Field(title="whom digests come from")


class WebTable(Table):
    """[web]."""

    url: PublicUrl = Field(title="what its pages are reached by, as the links in mails have it")
    host: Host = Field(
        default="127.0.0.1",
        title="where it listens; what comes in over the network comes through a reverse proxy, or "
        "needs a certificate here",
    )
    port: Port = Field(default=8080, title="its port")
    certificate_file: FileName | None = Field(
        default=None, title="its certificate, where it speaks TLS itself", description=A_FILE
    )
    key_file: FileName | None = Field(
        default=None, title="the certificate's key, mode 0600", description=A_FILE
    )
    links_days: int = Field(
        default=7,
        ge=1,
        le=31,
        title="how long the links of a mail hold",
        description="1..31 days",
    )


class MdmTable(Table):
    """[mdm]."""

    file: FileName = Field(
        title="mode 0600: the address of the device management, a secret on the second line"
    )
    lock: Name = Field(default="lock", title="what a lock-down is called there, as {action}")
    unlock: Name = Field(default="unlock", title="what its end is called there, as {action}")
    payload: Payload = Field(default=PAYLOAD, title="the JSON that is posted for each device")


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
        description=A_PERSON,
    )


class KeepTable(Table):
    """[keep]."""

    history_days: HistoryDays = Field(
        default=400,
        title="for how long everything that carts reported is kept",
    )
    letters_days: LettersDays = Field(
        default=100,
        title="for how long notices that are done with are kept; the text of digests for ever",
    )
    refused_days: RefusedDays = Field(
        default=30,
        title="for how long refused messages and unknown controllers are kept",
    )
    at: Clock = Field(default="02:30", title="when what is older is dropped, by the first school")


class CartTable(Table):
    """[[school.cart]]."""

    controller: CartId = Field(title="the controller's id and user name")
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
    deadline: Clock | None = Field(
        default=None,
        title="when its devices must be home, where that is earlier than the school's `deadline`",
        description=f"{A_CLOCK}, up to the school's deadline",
    )


class CalendarTable(Table):
    """[[school.calendar]]."""

    source: CalendarSource = Field(title="where it is published, as ICS (iCalendar)")
    name: Name | None = Field(
        default=None,
        title="what people are told of it; else its file, or its host without what is behind",
        description=A_NAME,
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
    overnight: ClockOrOff = Field(default="21:00", title="when it is told what stays out overnight")
    morning: ClockOrOff = Field(
        default="07:15",
        title="when it is told how many devices are charged, before the first bell; alarms end "
        "with it, or at 07:15",
    )
    week: bool = Field(
        default=True,
        title="whether the last school day of a week ends with a summary",
        description="true, false",
    )
    quiet: Quiet = Field(
        default="22:00-06:00",
        title="when nothing is sent but the digest of the deadline, and alarms; it goes afterwards",
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
    zone: Zone = Field(title="whose clock it lives by")
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
        description=A_PERSON,
    )
    it: PersonText | None = Field(
        default=None,
        title="who looks after its network and devices",
        description=A_PERSON,
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
