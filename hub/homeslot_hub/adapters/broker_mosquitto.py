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
from homeslot_hub.adapters.credentials import Identity, private_folder
from homeslot_hub.adapters.files import replace_file

HOME = Path("/etc/mosquitto/homeslot")  # where Mosquitto is to find them
_WRITTEN = "# Written by homeslot; changes are lost.\n"


def write(data: Path, identities: Sequence[Identity], port: int, home: Path = HOME) -> bool:
    """Write all three files for `identities`, the hub first; whether any differs from before.

    `home` is where Mosquitto will read them.
    """
    files = {
        "passwd": passwords(identities),
        "acl": rules(identities[0].name),
        "homeslot.conf": listener(port, home),
    }
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


def rules(hub: str) -> str:
    """The ACL file: the hub's rules, and for carts one pattern (`%u` is the cart) per kind."""
    lines = [
        f"user {hub}",
        *(f"topic write {ROOT}+/{kind}" for kind in HUB_KINDS),
        *(f"topic read {ROOT}+/{kind}" for kind in CART_KINDS),
        "",
        *(f"pattern write {ROOT}%u/{kind}" for kind in CART_KINDS),
        *(f"pattern read {ROOT}%u/{kind}" for kind in HUB_KINDS),
    ]
    return _WRITTEN + "\n".join(lines) + "\n"


def listener(port: int, home: Path) -> str:
    """The configuration to include. TLS belongs here before carts connect over a network."""
    return f"""{_WRITTEN}listener {port} 127.0.0.1
allow_anonymous false
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


def instructions(data: Path, home: Path = HOME) -> str:
    """What a person has to do after `write`, as commands."""
    place = folder(data)
    return f"""Hand these files to Mosquitto:
  sudo install -d -m 750 -g mosquitto {home}
  sudo install -m 640 -g mosquitto {place}/passwd {place}/acl {home}/
and the first time, for the listener:
  sudo install -m 644 {place}/homeslot.conf /etc/mosquitto/conf.d/homeslot.conf
  sudo systemctl restart mosquitto
later this is enough, and drops nobody:
  sudo pkill -HUP -x mosquitto"""
