"""`homeslot init` and `homeslot cart …`: the configuration file, credentials, broker rules."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from zoneinfo import available_timezones

import tomlkit
from tomlkit.items import AoT, Table

from homeslot_hub.adapters import broker_mosquitto, certificates
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.files import replace_file
from homeslot_hub.config import ConfigError, Problem, Settings, is_loopback, load, parse


class Refused(Exception):
    """What was asked cannot be done here, and what to do instead."""


HALF_DAY_DEADLINE = "14:00"
_EXAMPLE = """\
# The configuration of homeslot. A broken one is refused with all that is wrong with it.

[hub]
data = "homeslot-data"  # database, digests and secrets; beside this file

[broker]
kind = "embedded"       # external: a Mosquitto of your own; see below
host = {host}      # the address the broker listens on: carts come in over the network only
                        # when this is the address of this machine there
port = {port}             # 0 takes a free one
# names = ["hub.school.example"]          # what else carts call this machine
# tls = true                              # always, unless host is a loopback address
#
# A certificate of the school's own, instead of the CA that homeslot made:
# ca_file = "school-ca.pem"
# certificate_file = "hub.pem"
# key_file = "hub.key"                    # chmod 600
#
# nats_server = "/opt/nats/nats-server"   # another one than that installed with homeslot
#
# kind = "external"
# host = "mqtt.school.example"
# user = "hub"
# password_file = "hub-password"          # chmod 600; else the secret that homeslot made

# Without mail the digests go to the terminal and to <data>/digests.
# [mail]
# host = "smtp.school.example"
# port = 587
# security = "starttls"                   # starttls, tls, none
# user = "homeslot"
# password_file = "mail-password"         # chmod 600
# ca_file = "school-ca.pem"               # where its certificate is by a CA of the school's
# sender = "Homeslot <homeslot@school.example>"

# With it, digests and letters have links to pages where one says "I am on it", or puts it off.
# [web]
# url = "https://homeslot.school.example"   # as the links have it; a reverse proxy's, most often
# host = "127.0.0.1"                        # where the hub itself listens
# port = 8080

# Whom to tell of devices to lock down that are missing overnight, once a person confirms it.
# [mdm]
# file = "mdm.webhook"    # chmod 600: its address, and a secret on the second line

# What is kept for how many days, 0 for ever; these are the defaults.
# [keep]
# history_days = 400                      # everything that carts reported
# letters_days = 100                      # notices; the text of digests stays for ever

[[school]]
name = {name}
zone = {zone}
deadline = {deadline}      # on the school's own clock
days = ["mon", "tue", "wed", "thu", "fri"]
closed = []             # dates without school: ["2026-12-24", "2026-12-28..2027-01-01"]
half_days = []          # dates on which school ends early, and the deadline of those
half_day_deadline = {half_day_deadline}
coordinator = {coordinator}  # gets the digest
grace_s = 120           # how long the hub waits for reports measured before the deadline
silent_after_s = 900    # a cart not heard for this long is silent
idle_after_s = 900      # a device that draws nothing this long has its cable suspected
# principal = "Pat Kim <pat.kim@school.example>"  # hears in the evening of what stays out
# it = "Ivo Tran <ivo.tran@school.example>"       # hears when a deadline was not judged

# What is sent besides the digest, and when; these are the defaults. "off" or 0 leaves a step out.
# [school.alerts]
# nudge_before_s = 1800   # to teachers and the carts' lights, before the deadline
# late_after_s = 3600     # what came home late
# overnight = "21:00"     # what is still missing
# morning = "07:15"       # what is charged
# week = true             # the week, behind its last deadline
# quiet = "22:00-06:00"   # nothing is mailed but the digest and alarms
# alarm_after_s = 600     # a cart is open, unlocked or emptied out of hours

# Calendars as ICS, where closed and half days are published; see them with: homeslot calendar
# [[school.calendar]]
# source = "https://district.example/calendar.ics"   # or the name of a file

# One of these for each cart; `homeslot cart add` writes them and makes the credentials.
[[school.cart]]
controller = {controller}    # the controller's id and user name: a-z, 0-9, -
number = 1              # devices are called number-slot: 1-12
room = "Room 1"
teacher = "Ann Lee <ann.lee@school.example>"
slots = 30
spare = []              # slots without a device of their own
lock = "locked"         # open: the front may stay open
rotates = false         # true: its shelves take turns in charging
"""


def example(
    *,
    name: str,
    zone: str,
    deadline: str,
    coordinator: str,
    controller: str,
    host: str = "127.0.0.1",
) -> str:
    """A commented configuration with one school and one cart.

    The port is that of custom: 1883 for MQTT, 8883 for MQTT in TLS.
    """
    values = {
        "name": name,
        "zone": zone,
        "deadline": deadline,
        # As text: a deadline that is no time of day is refused with the rest of the file.
        "half_day_deadline": min(deadline, HALF_DAY_DEADLINE),
        "coordinator": coordinator,
        "controller": controller,
        "host": host,
    }
    # TOML reads JSON's strings.
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    return _EXAMPLE.format(port=1883 if is_loopback(host) else 8883, **quoted)


def init(path: Path, text: str, controller: str) -> str | None:
    """Write `text` to `path`, make the CA and the first credentials; the cart's secret.

    None when the data folder there has credentials for it already. Raises ConfigError for a text
    that is no configuration, Refused where there is one.
    """
    if path.exists():
        raise Refused(f"{path} exists already; it was left as it is")
    settings = parse(text, path)
    credentials = Credentials(settings.data)
    certificates.make(settings.data, settings.broker, int(time.time()))
    known = controller in credentials.carts()
    secret = None if known else credentials.add_cart(controller)
    replace_file(path, text, 0o644)
    return secret


def machine_zone(
    environment: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")
) -> str:
    """The time zone this machine is set to, by name; UTC when it does not say."""
    said = environment.get("TZ", "").lstrip(":")
    linked = str(localtime.resolve()).partition("/zoneinfo/")[2]
    zones = available_timezones()
    return next((name for name in (said, linked) if name in zones), "UTC")


def add_cart(path: Path, school: str | None, cart: Mapping[str, object]) -> str:
    """Add `cart` (keys of [[school.cart]]) to the file and make its credentials; its secret.

    Raises ConfigError when the file with it would not be valid, or there is no such school;
    CredentialError when the controller has credentials already.
    """
    settings = load(path)
    document = tomlkit.parse(path.read_text("utf-8"))
    table = _school(path, document, settings, school)
    entry = tomlkit.table()
    for key, value in cart.items():
        entry.add(key, cast(Any, value))
    entry.add(tomlkit.nl())
    carts = table.get("cart")
    if not isinstance(carts, AoT):
        table["cart"] = carts = tomlkit.aot()
    carts.append(entry)
    text = tomlkit.dumps(document)
    settings = parse(text, path)
    credentials = Credentials(settings.data)
    controller = str(cart["controller"])
    secret = credentials.add_cart(controller)
    try:
        _save(path, text)
    except OSError:
        credentials.remove_cart(controller)
        raise
    return secret


def remove_cart(path: Path, controller: str) -> None:
    """Take a cart out of the file and its credentials away. Its history stays.

    Raises Refused when neither knows it.
    """
    settings = load(path)
    document = tomlkit.parse(path.read_text("utf-8"))
    found = False
    for school in cast(AoT, document["school"]):
        carts = school.get("cart", [])
        for i, cart in reversed(list(enumerate(carts))):
            if cart["controller"] == controller:
                del carts[i]
                found = True
        if isinstance(carts, AoT) and not len(carts):
            del school["cart"]
    text = tomlkit.dumps(document)
    parse(text, path)
    credentials = Credentials(settings.data)
    if not found and controller not in credentials.carts():
        raise Refused(f"there is no cart {controller}")
    if controller in credentials.carts():
        credentials.remove_cart(controller)
    if found:
        _save(path, text)


def renew_cart(settings: Settings, controller: str) -> str:
    """Give a configured cart a new secret; the old one stops working. Raises Refused."""
    if controller not in {cart.controller for s in settings.schools for cart in s.carts}:
        raise Refused(f"there is no cart {controller}; homeslot cart add makes one")
    credentials = Credentials(settings.data)
    if controller in credentials.carts():
        return credentials.renew_cart(controller)
    return credentials.add_cart(controller)


def hand_over(settings: Settings) -> str:
    """Make the broker know the credentials; what is left for a person to do."""
    if settings.broker.kind == "embedded":
        return "A running homeslot serve takes it up at once."
    identities = Credentials(settings.data).identities()
    tls = certificates.provide(settings.data, settings.broker, int(time.time()))
    broker_mosquitto.write(settings.data, identities, settings.broker, tls)
    return broker_mosquitto.instructions(settings.data, tls)


def provision(settings: Settings, controller: str, secret: str) -> str:
    """What a technician has to tell the controller, by the names of its own settings."""
    broker = settings.broker
    tls = certificates.provide(settings.data, broker, int(time.time()))
    told = {
        "host": certificates.called(broker)[0] if tls else broker.host,
        "port": broker.port or "as homeslot serve says",
        "tls": 0 if tls is None else 1,
        "cart": controller,
        "secret": secret,
    }
    lines = [f"  {name:<8}{value}" for name, value in told.items()]
    if tls is not None:
        lines.append(f"  {'ca.pem':<8}the file {tls.ca}, which is no secret")
    return "\n".join(lines)


def renew_certificate(settings: Settings) -> str:
    """Make the broker a new certificate by the same CA; what is left for a person to do.

    Raises Refused where the certificate is not of homeslot's making.
    """
    if not settings.broker.tls:
        raise Refused("the broker speaks without TLS: it has no certificate")
    if settings.broker.ca_file is not None:
        raise Refused(
            f"the certificate is the school's own, by {settings.broker.ca_file}: "
            "put a new one in its place, and a running homeslot serve takes it up"
        )
    certificates.make(settings.data, settings.broker, int(time.time()), renew=True)
    return hand_over(settings)


def certificate_told(settings: Settings) -> str:
    """The broker's certificate, for a person."""
    tls = certificates.provide(settings.data, settings.broker, int(time.time()))
    if tls is None:
        return "The broker speaks without TLS, to this machine alone."
    names = ", ".join(certificates.called(settings.broker))
    return (
        f"The broker is {names}, by its certificate, until {certificates.ends(tls):%Y-%m-%d}.\n"
        f"What carts need to know it by is {tls.ca}."
    )


def certificate_warning(settings: Settings) -> str | None:
    """That the broker's certificate nears its end. None while it lasts, or is not made yet."""
    tls = certificates.files(settings.data, settings.broker)
    if tls is None or not all(file.exists() for file in tls.readable):
        return None
    return certificates.warning(tls, int(time.time()))


def _school(
    path: Path, document: tomlkit.TOMLDocument, settings: Settings, name: str | None
) -> Table:
    names = [school.name for school in settings.schools]
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        said = "is missing" if name is None else f'is "{name}"'
        raise ConfigError(path, [Problem("--school", said, f"allowed {', '.join(names)}")])
    return cast(AoT, document["school"])[names.index(name)]


def _save(path: Path, text: str) -> None:
    """Replace the configuration, with the mode it has, and where it is when `path` is a link."""
    path = path.resolve()
    replace_file(path, text, stat.S_IMODE(path.stat().st_mode))
