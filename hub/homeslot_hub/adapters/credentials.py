"""Who may speak to the broker: one identity for the hub, one for its desk, one for each cart; and
the key of the links in mails.

Everything lies in `<data>/secrets`, a 0700 folder of 0600 files, each replaced whole or not at
all. A cart's secret is shown once, when it is made, and kept only as what the brokers compare it
with. The hub has to present its own secret, so that one is kept as it is.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import bcrypt

from homeslot.contract import is_cart_id
from homeslot_hub.adapters.files import Stamp, open_private, replace_file, stamp
from homeslot_hub.config import ConfigError, Problem, read_secret
from homeslot_hub.config_values import RESERVED

HUB = "hub"
# What a person does to a cart while the hub runs has a connection, and so a name, of its own:
# Mosquitto is told to let each name in once.
DESK = "desk"
OWN = (HUB, DESK)
# Every secret here is 256 random bits, out of reach of any guessing: the slow hashes that passwords
# need would only make a thousand carts slow to come back after a power cut.
_BCRYPT_ROUNDS = 4
_PBKDF2_ROUNDS = 101  # mosquitto_passwd's own


class CredentialError(Exception):
    """A cart that has, or has not, credentials already."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One user of the broker: its name, and its secret's hash for either broker."""

    name: str
    bcrypt: str
    pbkdf2: str


class Credentials:
    """The identities under `data`. The hub's own is made when there is none.

    Raises ConfigError when others may read the secrets, or they are damaged.
    """

    def __init__(self, data: Path) -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = private_folder(data / "secrets")
        self._identities = self.folder / "identities.json"
        with self._edit() as identities:
            if HUB not in identities:
                secret = new_secret()
                # The session's name is as secret as the password: nats-server lets anyone who
                # knows it take the session over, with all that is queued in it.
                replace_file(self.folder / "hub-session", f"hub-{new_secret()}\n")
                replace_file(self.folder / HUB, secret + "\n")
                identities[HUB] = hashed(HUB, secret)
            if DESK not in identities:
                secret = new_secret()
                replace_file(self.desk_secret_file, secret + "\n")
                identities[DESK] = hashed(DESK, secret)

    @property
    def hub_secret_file(self) -> Path:
        """The file with the hub's own secret."""
        return self.folder / HUB

    @property
    def desk_secret_file(self) -> Path:
        """The file with the desk's secret."""
        return self.folder / DESK

    @property
    def hub_client_id(self) -> str:
        """The MQTT client id of the hub, for good: its session hangs on it."""
        return read_secret(self.folder / "hub-session")

    def identities(self) -> tuple[Identity, ...]:
        """Everyone the broker shall let in: the hub first, its desk last, the carts between."""
        known = self._read()
        carts = (known[name] for name in sorted(known) if name not in OWN)
        return (known[HUB], *carts, known[DESK])

    def carts(self) -> tuple[str, ...]:
        """The controllers that have credentials."""
        return tuple(identity.name for identity in self.identities()[1:-1])

    def stamp(self) -> Stamp | None:
        """A value that differs whenever the identities have been written anew."""
        return stamp(self._identities)

    def add_cart(self, controller: str) -> str:
        """Make credentials for a cart that has none; its secret, for the only time.

        Raises CredentialError when it has some already, ValueError for what is no controller id.
        """
        if not is_cart_id(controller) or controller in RESERVED:
            raise ValueError(f"{controller!r} is not a controller id")
        return self._put(controller, exists=False)

    def renew_cart(self, controller: str) -> str:
        """Replace a cart's secret; the old one stops working. Raises CredentialError if unknown."""
        return self._put(controller, exists=True)

    def remove_cart(self, controller: str) -> None:
        """Let a cart in no longer. Raises CredentialError when it has no credentials."""
        with self._edit() as identities:
            if controller in OWN or identities.pop(controller, None) is None:
                raise CredentialError(f"{controller} has no credentials")

    def _put(self, controller: str, *, exists: bool) -> str:
        secret = new_secret()
        with self._edit() as identities:
            if controller in OWN or (controller in identities) != exists:
                raise CredentialError(
                    f"{controller} has {'no credentials' if exists else 'credentials already'}"
                )
            identities[controller] = hashed(controller, secret)
        return secret

    def _read(self) -> dict[str, Identity]:
        if not self._identities.exists():
            return {}
        text = read_secret(self._identities)
        try:
            return {entry["name"]: Identity(**entry) for entry in json.loads(text)}
        except (ValueError, TypeError, KeyError):
            asked = "restore it from a copy, or remove it and renew each cart's secret"
            raise ConfigError(
                self._identities, [Problem("the file", "is damaged", asked)]
            ) from None

    @contextmanager
    def _edit(self) -> Iterator[dict[str, Identity]]:
        """The identities by name, to be changed; written when the block ends and they differ."""
        with open_private(self.folder / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self._read()
            after = dict(before)
            yield after
            if after != before:
                entries = [asdict(after[name]) for name in sorted(after)]
                replace_file(self._identities, json.dumps(entries))


def link_key(data: Path) -> str:
    """The key that the links in mails are signed with, made when there is none.

    Without the file a new one is made, and no link of before holds any more. Raises ConfigError.
    """
    path = private_folder(data / "secrets") / "links"
    if not path.exists():
        replace_file(path, new_secret() + "\n")
    return read_secret(path)


def new_secret() -> str:
    """256 random bits in 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)


def hashed(name: str, secret: str) -> Identity:
    """The identity `name` with `secret`, as bcrypt (nats-server) and as mosquitto's `$7$`.

    `$7$` is PBKDF2 with SHA-512, written rounds, salt, hash: mosquitto 2.0, password_mosq.c.
    """
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _PBKDF2_ROUNDS)
    return Identity(
        name,
        bcrypt.hashpw(secret.encode(), bcrypt.gensalt(_BCRYPT_ROUNDS)).decode(),
        f"$7${_PBKDF2_ROUNDS}${_base64(salt)}${_base64(key)}",
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def private_folder(folder: Path) -> Path:
    """`folder`, made if need be, closed to everyone but its owner."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    return folder
