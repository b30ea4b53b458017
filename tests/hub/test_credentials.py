"""The hub's and the carts' credentials on disk. That real brokers take them: test_confinement."""

from __future__ import annotations

import base64
import hashlib
import stat
from pathlib import Path

import bcrypt
import pytest

from homeslot_hub.adapters.credentials import CredentialError, Credentials, Identity
from homeslot_hub.config import ConfigError, read_secret


def matches(identity: Identity, secret: str) -> bool:
    """Whether `secret` is the one behind both of the identity's hashes."""
    _, kind, rounds, salt, key = identity.pbkdf2.split("$")
    assert kind == "7"
    ours = hashlib.pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(salt), int(rounds))
    by_bcrypt = bcrypt.checkpw(secret.encode(), identity.bcrypt.encode())
    assert by_bcrypt == (ours == base64.b64decode(key))
    return by_bcrypt


def test_the_hub_has_an_identity_from_the_start_and_keeps_it(tmp_path: Path) -> None:
    first = Credentials(tmp_path / "data")
    again = Credentials(tmp_path / "data")
    hub, desk = again.identities()
    assert (hub.name, desk.name) == ("hub", "desk")
    assert matches(hub, read_secret(again.hub_secret_file))
    assert matches(desk, read_secret(again.desk_secret_file))
    assert first.hub_client_id == again.hub_client_id
    assert len(again.hub_client_id) > 40, "as hard to guess as a secret"


def test_a_carts_secret_is_told_once_and_kept_only_as_hashes(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    secret = credentials.add_cart("c7")
    assert len(secret) == 43
    _, cart, _ = credentials.identities()
    assert matches(cart, secret)
    assert not matches(cart, secret[:-1])
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or secret not in path.read_text()


def test_everything_is_for_its_owners_eyes(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "data")
    credentials.add_cart("c7")
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        allowed = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path


def test_secrets_others_may_read_are_refused(tmp_path: Path) -> None:
    Credentials(tmp_path)
    (tmp_path / "secrets" / "identities.json").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        Credentials(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]]", "[3]", '[{"name": "hub"}]', '[{"x": 1}]'])
def test_damaged_secrets_are_said_and_can_be_made_anew(tmp_path: Path, text: str) -> None:
    Credentials(tmp_path).add_cart("c7")
    path = tmp_path / "secrets" / "identities.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="is damaged"):
        Credentials(tmp_path)
    path.unlink()
    assert Credentials(tmp_path).carts() == ()


def test_a_renewed_secret_replaces_the_old_one(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    old, new = credentials.add_cart("c7"), credentials.renew_cart("c7")
    _, cart, _ = credentials.identities()
    assert matches(cart, new)
    assert not matches(cart, old)


def test_a_removed_cart_is_gone_and_may_come_back(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.add_cart("c7")
    credentials.remove_cart("c7")
    assert credentials.carts() == ()
    credentials.add_cart("c7")
    assert credentials.carts() == ("c7",)


def test_what_makes_no_sense_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.add_cart("c7")
    before = credentials.identities()
    with pytest.raises(CredentialError, match="c7 has credentials already"):
        credentials.add_cart("c7")
    for change in (credentials.renew_cart, credentials.remove_cart):
        for name in ("c8", "hub"):
            with pytest.raises(CredentialError, match=f"{name} has no credentials"):
                change(name)
    for name in ("hub", "desk", "Cart", "a/b", "", "+"):
        with pytest.raises(ValueError, match="not a controller id"):
            credentials.add_cart(name)
    assert credentials.identities() == before


def test_a_running_hub_sees_that_somebody_else_has_changed_them(tmp_path: Path) -> None:
    running = Credentials(tmp_path)
    before = running.stamp()
    Credentials(tmp_path)
    assert running.stamp() == before
    Credentials(tmp_path).add_cart("c7")
    assert running.stamp() != before
    assert running.carts() == ("c7",)
