"""`homeslot-bench keygen` and `bundle`."""

import shutil

import pytest

from homeslot.bundle import parse_keys
from homeslot.sender import Sender
from homeslot_hardware import bundles, firmware


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    file = tmp_path_factory.mktemp("keys") / "key"
    bundles.make_key(file)
    return file


@pytest.fixture
def source(tmp_path):
    """A firmware of two files, version 0.2.0."""
    for package in firmware.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text('__version__ = "0.2.0"\n')
    return tmp_path


def test_the_same_source_and_key_make_the_same_bundle(key, source, tmp_path, run):
    made = []
    for name in ("one", "two"):
        out = tmp_path / name
        done = run("bundle", "--key", key, "--source", source, "--out", out)
        assert done.status == 0
        made.append(out.read_bytes())
    assert made[0] == made[1]
    sender = Sender(made[0])
    assert sender.version == "0.2.0"
    assert "pico-w-30" in sender.boards
    assert "0.2.0 for pico-2-w-30, pico-w-30, w5500-evb-pico-30, 2 files" in done.out


def test_a_bundle_is_for_the_boards_named_and_carries_the_keys_to_trust(key, source, tmp_path, run):
    out = tmp_path / "out"
    public = key.with_name("key.pub")
    what = ["--board", "pico-w-30", "--trust", public, "--trust", public, "--out", out]
    assert run("bundle", "--key", key, "--source", source, *what).status == 0
    assert Sender(out.read_bytes()).boards == ["pico-w-30"]
    files = out.read_bytes()
    assert len(parse_keys(files[files.rindex(b'["') :])) == 2


def test_what_is_wrong_is_said_and_no_bundle_is_left(key, source, tmp_path, run):
    out = tmp_path / "out"
    shutil.copy(key.with_name("key.pub"), tmp_path / "public")
    for why, *arguments in (
        ("is no private key", "--key", tmp_path / "public", "--source", source),
        ("needs no passphrase", "--key", key, "--source", source, "--passphrase", "x"),
        ("no firmware in", "--key", key, "--source", tmp_path / "none"),
        ("is no public key", "--key", key, "--source", source, "--trust", key),
        ("no-such-board", "--key", key, "--source", source, "--board", "no-such-board"),
    ):
        done = run("bundle", "--out", out, *arguments)
        assert done.status == 2
        assert why in done.err
        assert not out.exists()


def test_a_key_is_made_once(tmp_path, run):
    done = run("keygen", tmp_path / "key")
    assert done.status == 0
    assert "key.pub" in done.out
    done = run("keygen", tmp_path / "key")
    assert done.status == 2
    assert "is there already" in done.err


def test_a_file_that_is_no_bundle_is_not_sent(tmp_path, run):
    (tmp_path / "x").write_bytes(b"PK")
    done = run("update", tmp_path / "x", "--port", tmp_path / "none")
    assert done.status == 2
    assert "is not a bundle" in done.err
