"""Backup and restore: whole or not at all, beside a running hub, and nothing foreign gets in."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from contextlib import closing

import pytest

from homeslot_hub.adapters import archive
from homeslot_hub.adapters.archive import CONFIGURATION, DATABASE, MANIFEST
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.lock import only_one
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.bootstrap import open_store
from homeslot_hub.service import chain

from .installation import CONFIG, Installation
from .reports import START_S, Reporter


@pytest.fixture
def filled(installed):
    """An installation with credentials, a CA and records."""
    Credentials(installed.settings.data).add_cart("cart-7")
    (installed.settings.data / "tls").mkdir()
    (installed.settings.data / "tls" / "ca.key").write_text("the key of the school's CA")
    cart = Reporter()
    installed.take(cart.now_s, cart.state(), cart.event("slot", 2, "empty"))
    return installed


@pytest.fixture
def backed_up(filled):
    """Its backup."""
    file = filled.folder / "homeslot.backup"
    filled.ok("backup", str(file))
    return file


def records(installation):
    with closing(open_store(installation.settings)) as store:
        return list(store.records())


def tree(folder):
    """Every file below `folder` with what is in it; SQLite's own side files come and go."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def packed(path, entries):
    """An archive with `entries`, and a manifest that agrees with them."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items()}
    said = {"format": 1, "made_s": START_S, "homeslot": "0", "head": "", "files": digests}
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)
        file.writestr(MANIFEST, json.dumps(said))
    return path


def entries(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if name != MANIFEST}


def test_a_backup_holds_everything_and_is_for_its_owner_alone(filled, backed_up):
    assert set(entries(backed_up)) == {
        *(DATABASE, CONFIGURATION, "tls/ca.key"),
        *(f"secrets/{name}" for name in ("hub", "hub-session", "desk", "identities.json")),
    }
    assert stat.S_IMODE(backed_up.stat().st_mode) == 0o600
    assert {path.name for path in filled.folder.iterdir()} == {
        *("homeslot.toml", "homeslot-data", "homeslot.backup"),
    }, "and nothing is left lying about"


def test_without_secrets_there_are_none(filled):
    file = filled.folder / "open.backup"
    out = filled.ok("backup", str(file), "--no-secrets")
    assert set(entries(file)) == {DATABASE, CONFIGURATION}
    assert "secrets are in it" not in out


def test_a_backup_beside_a_writer_is_as_of_its_last_commit(filled):
    file = filled.folder / "x.backup"
    before = records(filled)
    with closing(open_store(filled.settings)) as writer, writer.transaction():
        writer.count({"taken": 1})
        writer.set_clock("cart-7", 9, 0, START_S)
        filled.ok("backup", str(file))
    copy = filled.folder / "copy.db"
    copy.write_bytes(entries(file)[DATABASE])
    with closing(SqliteStore(copy)) as store:
        assert list(store.records()) == before
        assert chain.verify(store.records(), store.seals()).whole


def test_a_backup_replaces_nothing(filled, backed_up):
    before = backed_up.read_bytes()
    status, _, err = filled.run("backup", str(backed_up))
    assert status == 1
    assert "exists already" in err
    assert backed_up.read_bytes() == before


def test_a_damaged_database_is_no_backup(filled):
    with closing(open_store(filled.settings)) as store:
        page = store._rows("SELECT rootpage FROM sqlite_schema WHERE name = 'event'")[0][0]
    with filled.settings.database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    target = filled.folder / "x.backup"
    status, _, err = filled.run("backup", str(target))
    assert status == 1
    assert "damaged" in err
    assert not target.exists()


def test_files_elsewhere_that_no_backup_has_are_named(filled):
    (filled.folder / "word").write_text("secret\n")
    mail = 'host = "m.example"\nuser = "u"\npassword_file = "word"\nsender = "H <h@x.example>"'
    filled.config.write_text(f"[mail]\n{mail}\n{CONFIG}")
    out = filled.ok("backup", str(filled.folder / "x.backup"))
    assert f"Not in it, as it lies outside of the data folder: {filled.folder / 'word'}" in out


def test_a_backup_comes_back_on_another_machine(filled, backed_up, tmp_path, capsys):
    (tmp_path / "new #1 50%?").mkdir()
    other = Installation(tmp_path / "new #1 50%?", capsys)
    other.config.unlink()
    out = other.ok("restore", str(backed_up), "--yes")
    assert "schools   Lincoln, 2 carts" in out
    assert records(other) == records(filled)
    assert other.config.read_text() == filled.config.read_text()
    for name in ("secrets/hub", "secrets/identities.json", "tls/ca.key"):
        file = other.settings.data / name
        assert file.read_bytes() == (filled.settings.data / name).read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "chain whole" in other.ok("verify")


def test_a_restore_keeps_what_was_there_aside(filled, backed_up):
    before = records(filled)
    cart = Reporter("cart-8")
    filled.take(cart.now_s, cart.state())
    (filled.settings.data / "nats").mkdir()
    (filled.settings.data / "nats" / "queued").write_text("reports not yet taken in")
    later = records(filled)
    out = filled.ok("restore", str(backed_up), "--yes")
    assert records(filled) == before
    [aside] = filled.folder.glob("homeslot-data-before-*")
    assert f"What was there before is in {aside}" in out
    with closing(SqliteStore(aside / DATABASE)) as store:
        assert list(store.records()) == later
    assert (aside / "secrets" / "hub").exists()
    assert (filled.settings.data / "nats" / "queued").exists(), "the broker's is not ours"


def test_a_restore_without_secrets_leaves_those_that_are_there(filled):
    file = filled.folder / "open.backup"
    filled.ok("backup", str(file), "--no-secrets")
    secret = (filled.settings.data / "secrets" / "hub").read_text()
    assert "those that are here stay" in filled.ok("restore", str(file), "--yes")
    assert (filled.settings.data / "secrets" / "hub").read_text() == secret


def test_nothing_is_restored_under_a_running_hub(filled, backed_up):
    before = tree(filled.folder)
    with only_one(filled.settings.data):
        locked = tree(filled.folder)
        status, _, err = filled.run("restore", str(backed_up), "--yes")
        assert tree(filled.folder) == locked
    assert status == 1
    assert "serves" in err
    assert before.keys() <= locked.keys()


def test_nothing_is_restored_without_a_yes(filled, backed_up):
    before = tree(filled.folder / "homeslot-data" / "secrets")
    status, out, _ = filled.run("restore", str(backed_up))
    assert status == 1
    assert "Put it in place" in out
    assert tree(filled.folder / "homeslot-data" / "secrets") == before
    assert not list(filled.folder.glob("homeslot-data-before-*"))


def test_a_torn_backup_changes_nothing(filled, backed_up):
    whole = backed_up.read_bytes()
    before = tree(filled.folder / "homeslot-data")
    torn = filled.folder / "torn"
    for length in (0, 1, 100, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        torn.write_bytes(whole[:length])
        status, _, err = filled.run("restore", str(torn), "--yes")
        assert (status, "is torn" in err) == (1, True), (length, err)
    with archive.unpacked(backed_up, filled.config, lambda count: None) as found:
        unharmed = tree(found.staged)
    for place in range(40, len(whole), len(whole) // 25):
        torn.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with archive.unpacked(torn, filled.config, lambda count: None) as found:
                assert tree(found.staged) == unharmed
                assert found.settings == filled.settings
        except archive.ArchiveError:
            pass
    assert {
        path: data
        for path, data in tree(filled.folder / "homeslot-data").items()
        if path.name != "hub.lock"
    } == before


@pytest.mark.parametrize(
    "name",
    ["../evil", "/tmp/evil", "secrets/../../evil", "secrets/", "secrets/.x", "tls/a/b", "evil.py"],
)
def test_no_path_in_an_archive_leaves_the_folder(filled, backed_up, name):
    evil = packed(filled.folder / "evil.zip", {**entries(backed_up), name: b"x"})
    before = tree(filled.folder)
    status, _, err = filled.run("restore", str(evil), "--yes")
    assert status == 1
    assert f"it has a file {name}" in err
    assert tree(filled.folder) == before


def test_a_configuration_that_leads_the_data_elsewhere_is_not_followed(filled, backed_up):
    text = '[hub]\ndata = "../elsewhere"\n' + CONFIG
    files = {**entries(backed_up), CONFIGURATION: text.encode()}
    evil = packed(filled.folder / "evil.zip", files)
    status, _, err = filled.run("restore", str(evil), "--yes")
    assert status == 1
    assert "outside of" in err
    assert not (filled.folder.parent / "elsewhere").exists()


def newer(path):
    with closing(SqliteStore(path)) as store:
        store._run("INSERT INTO _sqlite_migrations VALUES (99, 'homeslot', '0099_later', '')")
        store._run("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: b"no database, but long enough" * 99, "is not a homeslot database"),
        (lambda folder: newer(folder / "n.db"), "was written by a newer homeslot (0099_later)"),
    ],
)
def test_a_database_that_is_none_or_newer_changes_nothing(filled, backed_up, change, message):
    files = {**entries(backed_up), DATABASE: change(filled.folder)}
    foreign = packed(filled.folder / "foreign.zip", files)
    before = tree(filled.folder)
    status, _, err = filled.run("restore", str(foreign), "--yes")
    assert status == 1
    assert message in err
    assert tree(filled.folder) == before


def test_what_is_no_backup_is_said_to_be_none(filled):
    file = filled.folder / "some.zip"
    with zipfile.ZipFile(file, "w") as other:
        other.writestr("readme", "hello")
    assert (
        f"{file} is no backup of homeslot: it has no {MANIFEST}"
        in filled.run("restore", str(file), "--yes")[2]
    )
    status, _, err = filled.run("restore", str(filled.folder / "none"), "--yes")
    assert status == 1
    assert "No such file" in err


def test_a_broken_configuration_in_a_backup_is_refused_as_one(filled, backed_up):
    files = {**entries(backed_up), CONFIGURATION: b"[broker]\nport = 'x'\n"}
    broken = packed(filled.folder / "broken.zip", files)
    status, _, err = filled.run("restore", str(broken), "--yes")
    assert status == 2
    assert "broker.port" in err


def test_a_restore_that_fails_on_the_way_puts_everything_back(filled, backed_up):
    filled.config.unlink()
    filled.config.mkdir()  # cannot be replaced by a file
    before = tree(filled.folder)
    status, _, _ = filled.run("restore", str(backed_up), "--yes")
    assert status == 1
    after = tree(filled.folder)
    after.pop(next(path for path in after if path.name == "hub.lock"))
    assert after == before
    assert not list(filled.folder.glob("homeslot-data-before-*"))
