"""Keys and bundles: what the bench makes of them, and what it refuses."""

import stat

import pytest

from homeslot.bundle import parse_keys
from homeslot_hardware import bundles, firmware
from homeslot_hardware.bundles import KeyProblem


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder with the keys `plain` and `locked` (passphrase `open`), and their public halves."""
    folder = tmp_path_factory.mktemp("keys")
    bundles.make_key(folder / "plain")
    bundles.make_key(folder / "locked", "open")
    return folder


def test_a_private_key_is_its_owners_only_and_never_overwritten(keys):
    for name in ("plain", "locked"):
        assert stat.S_IMODE((keys / name).stat().st_mode) == 0o600
        with pytest.raises(KeyProblem, match=f"{name} is there already"):
            bundles.make_key(keys / name)


def test_a_key_is_read_back_with_its_passphrase_and_not_without(keys):
    assert bundles.private_key(keys / "plain").key_size == 3072
    assert bundles.private_key(keys / "locked", "open").key_size == 3072
    for name, passphrase, why in (
        ("locked", "", "needs a passphrase"),
        ("locked", "shut", "the passphrase is wrong"),
        ("plain", "open", "needs no passphrase"),
        ("plain.pub", "", "is no private key"),
        ("none", "", "is no private key"),
    ):
        with pytest.raises(KeyProblem, match=why):
            bundles.private_key(keys / name, passphrase)


def test_a_cart_gets_one_or_two_public_keys(keys):
    both = [keys / "plain.pub", keys / "locked.pub"]
    moduli = [bundles.private_key(keys / "plain").public_key().public_numbers().n]
    assert parse_keys(bundles.key_file(both[:1])) == moduli
    assert len(parse_keys(bundles.key_file(both))) == 2
    for files, why in (
        ([], "one or two keys, not 0"),
        (both * 2, "one or two keys, not 4"),
        ([keys / "plain"], "is no public key"),
    ):
        with pytest.raises(KeyProblem, match=why):
            bundles.key_file(files)


def test_the_firmware_compiles_to_the_same_bytes_each_time_and_knows_its_version():
    folder = firmware.source()
    once = firmware.compiled(folder, firmware.BOOT_PACKAGES)
    assert once == firmware.compiled(folder, firmware.BOOT_PACKAGES)
    assert set(once) == {f"homeslot_boot/{name}.mpy" for name in ("__init__", "boot", "main")}
    assert firmware.version(folder).count(".") == 2


def test_what_does_not_compile_or_has_no_version_is_said(tmp_path):
    with pytest.raises(firmware.NoFirmware, match="no firmware in"):
        firmware.version(tmp_path)
    package = tmp_path / "homeslot"
    package.mkdir()
    (package / "__init__.py").write_text("match = (")
    with pytest.raises(firmware.NoFirmware, match=r"__init__\.py does not compile"):
        firmware.compiled(tmp_path)
    (package / "__init__.py").write_text("")
    with pytest.raises(firmware.NoFirmware, match="no __version__"):
        firmware.version(tmp_path)


def test_both_sides_of_a_flash_have_the_firmware_and_the_keys():
    laid = firmware.laid_out({"homeslot/x.mpy": b"x"}, {"homeslot_boot/y.mpy": b"y"}, b"[]")
    assert set(laid) == {
        "main.py",
        "homeslot_boot/y.mpy",
        *(f"{side}/{name}" for side in "ab" for name in ("homeslot/x.mpy", "keys.json")),
    }
