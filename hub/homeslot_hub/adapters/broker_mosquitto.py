"""Files for a Mosquitto that the school runs: passwords, rules, and a listener to include.

They are written to `<data>/mosquitto` and have to be handed to Mosquitto by whoever runs it
(`instructions`): its files belong to its own user. Needs Mosquitto 2.0 or later.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from homeslot.contract import ROOT
from homeslot_hub.adapters.broker_rules import (
    CART_KINDS,
    HUB_KINDS,
    MAX_IN_FLIGHT,
    MAX_PACKET_BYTES,
)
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import OWN, Identity, private_folder
from homeslot_hub.adapters.files import replace_file
from homeslot_hub.config import BrokerSettings, is_loopback

HOME = Path("/etc/mosquitto/homeslot")  # where Mosquitto is to find them
_CERTIFICATE, _KEY = "server.pem", "server.key"
_WRITTEN = "# Written by homeslot; changes are lost.\n"


def write(
    data: Path,
    identities: Sequence[Identity],
    broker: BrokerSettings,
    tls: TlsFiles | None,
    home: Path = HOME,
) -> bool:
    """Write all files for `identities`; whether any differs from before.

    `home` is where Mosquitto will read them; with `tls`, those files too.
    """
    files = {
        "passwd": passwords(identities),
        "acl": rules(),
        "homeslot.conf": listener(broker, tls, home),
    }
    if tls is not None and tls.listens is not None:
        for name, file in zip((_CERTIFICATE, _KEY), tls.listens, strict=True):
            files[name] = file.read_text()
    place = private_folder(folder(data))
    before = {name: (place / name).read_text() for name in files if (place / name).exists()}
    for name, text in files.items():
        replace_file(place / name, text)
    return before != files


def folder(data: Path) -> Path:
    """Where `write` puts the files of the hub at `data`."""
    return data / "mosquitto"


def passwords(identities: Sequence[Identity]) -> str:
    """The password file."""
    return "".join(f"{identity.name}:{identity.pbkdf2}\n" for identity in identities)


def rules() -> str:
    """The ACL file: the hub's rules, and for carts one pattern (`%u` is the cart) per kind."""
    lines = []
    for name in OWN:
        lines += [
            f"user {name}",
            *(f"topic write {ROOT}+/{kind}" for kind in HUB_KINDS),
            *(f"topic read {ROOT}+/{kind}" for kind in CART_KINDS),
            "",
        ]
    lines += [
        *(f"pattern write {ROOT}%u/{kind}" for kind in CART_KINDS),
        *(f"pattern read {ROOT}%u/{kind}" for kind in HUB_KINDS),
    ]
    return _WRITTEN + "\n".join(lines) + "\n"


def listener(broker: BrokerSettings, tls: TlsFiles | None, home: Path) -> str:
    """The configuration to include: on loopback, or with TLS on every interface."""
    address = f" {broker.host}" if is_loopback(broker.host) else ""
    encrypted = (
        ""
        if tls is None
        else "".join(
            f"{key} {home}/{name}\n"
            for key, name in (("certfile", _CERTIFICATE), ("keyfile", _KEY))
        )
    )
    return f"""{_WRITTEN}listener {broker.port}{address}
{encrypted}allow_anonymous false
password_file {home}/passwd
acl_file {home}/acl
# Or a cart could take the hub's session over by its client id.
use_username_as_clientid true
# What a hub that is down will find when it comes back; the defaults drop all but 1000 messages.
persistence true
autosave_interval 1
max_queued_messages 0
max_inflight_messages {MAX_IN_FLIGHT}
max_packet_size {MAX_PACKET_BYTES}
set_tcp_nodelay true
"""


def instructions(data: Path, tls: TlsFiles | None, home: Path = HOME) -> str:
    """What a person has to do after `write`, as commands."""
    place = folder(data)
    names = ["passwd", "acl"]
    own = ""
    if tls is not None and tls.listens is not None:
        names += [_CERTIFICATE, _KEY]
    elif tls is not None:
        own = f"beside them, as {_CERTIFICATE} and {_KEY}, its own certificate and key;\n"
    files = " ".join(str(place / name) for name in names)
    return f"""Hand these files to Mosquitto:
  sudo install -d -m 750 -g mosquitto {home}
  sudo install -m 640 -g mosquitto {files} {home}/
{own}and the first time, for the listener:
  sudo install -m 644 {place}/homeslot.conf /etc/mosquitto/conf.d/homeslot.conf
  sudo systemctl restart mosquitto
later this is enough, and drops nobody:
  sudo pkill -HUP -x mosquitto"""
