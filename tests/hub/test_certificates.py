"""The broker's certificate: made, renewed and checked, with the dates and names a school needs."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from homeslot_hub.adapters import certificates
from homeslot_hub.config import BrokerSettings, ConfigError

HUB = BrokerSettings(host="10.1.2.3", names=("hub.school.example",), tls=True)
NOW_S = 1795000000  # November 2026
DAY_S = 86400
CONTROLLERS_FIRST = datetime(2021, 1, 1, tzinfo=UTC)  # what a clock without a battery says


def server(data: Path) -> x509.Certificate:
    (one,) = x509.load_pem_x509_certificates((data / "tls" / "server.pem").read_bytes())
    return one


def authority(data: Path) -> x509.Certificate:
    (one,) = x509.load_pem_x509_certificates((data / "tls" / "ca.pem").read_bytes())
    return one


def test_a_broker_on_loopback_needs_none(tmp_path):
    assert certificates.provide(tmp_path, BrokerSettings(), NOW_S) is None
    assert not list(tmp_path.iterdir())


def test_the_certificate_is_by_the_ca_and_bears_every_name_of_the_broker(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    server(tmp_path).verify_directly_issued_by(authority(tmp_path))
    names = server(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hub.school.example", "localhost"]
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    assert list(addresses) == ["10.1.2.3", "127.0.0.1", "::1"]
    assert certificates.called(HUB) == ("hub.school.example", "10.1.2.3")


def test_a_controller_without_a_clock_finds_both_valid(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    for one in (authority(tmp_path), server(tmp_path)):
        assert one.not_valid_before_utc < CONTROLLERS_FIRST


def test_the_keys_are_for_their_owner_alone_and_the_ca_holds_none(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    folder = tmp_path / "tls"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {"ca.pem": 0o600, "ca.key": 0o600, "server.pem": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"PRIVATE" not in (folder / "ca.pem").read_bytes()


def test_nothing_is_made_twice(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    before = {file: file.read_bytes() for file in (tmp_path / "tls").iterdir()}
    certificates.provide(tmp_path, replace(HUB, names=()), NOW_S + DAY_S)
    assert {file: file.read_bytes() for file in (tmp_path / "tls").iterdir()} == before


@pytest.mark.parametrize(
    ("broker", "later_days"),
    [
        (replace(HUB, names=("other.example",)), 0),
        (HUB, certificates.SERVER_DAYS - certificates.RENEW_DAYS + 1),
    ],
    ids=["another name", "near its end"],
)
def test_a_certificate_that_will_not_do_is_made_anew_by_the_same_ca(tmp_path, broker, later_days):
    certificates.provide(tmp_path, HUB, NOW_S)
    ca, first = authority(tmp_path), server(tmp_path)
    certificates.provide(tmp_path, broker, NOW_S + later_days * DAY_S)
    assert authority(tmp_path) == ca
    assert server(tmp_path) != first
    server(tmp_path).verify_directly_issued_by(ca)


def test_a_mosquitto_is_not_given_another_one_behind_its_back_but_its_end_is_said(tmp_path):
    mosquitto = replace(HUB, kind="external")
    files = certificates.provide(tmp_path, mosquitto, NOW_S)
    first = server(tmp_path)
    late_s = NOW_S + (certificates.SERVER_DAYS - 10) * DAY_S
    assert certificates.provide(tmp_path, mosquitto, late_s) == files
    assert server(tmp_path) == first
    assert certificates.warning(files, NOW_S) is None
    said = certificates.warning(files, late_s)
    assert said == (
        f"the broker's certificate ends on {first.not_valid_after_utc:%Y-%m-%d}; "
        "without a new one no cart connects"
    )
    assert "has ended" in (certificates.warning(files, late_s + 11 * DAY_S) or "")


def test_no_certificate_outlives_its_ca(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    certificates.provide(tmp_path, HUB, NOW_S + (certificates.AUTHORITY_DAYS - 20) * DAY_S)
    assert server(tmp_path).not_valid_after_utc == authority(tmp_path).not_valid_after_utc


def test_a_ca_whose_key_is_lost_is_said_with_what_to_do(tmp_path):
    certificates.provide(tmp_path, HUB, NOW_S)
    (tmp_path / "tls" / "ca.key").unlink()
    certificates.provide(tmp_path, HUB, NOW_S)  # which is no matter yet
    with pytest.raises(ConfigError, match="restore it, or remove"):
        certificates.make(tmp_path, HUB, NOW_S, renew=True)


class Brought:
    """A school's own CA and certificate, from a hub of another one."""

    def __init__(self, folder: Path, names=("hub.school.example",)) -> None:
        certificates.make(folder, replace(HUB, host="127.0.0.1", names=names), NOW_S)
        self.ca = folder / "tls" / "ca.pem"
        self.server = folder / "tls" / "server.pem"
        self.broker = BrokerSettings(
            host="10.1.2.3",
            names=("hub.school.example",),
            tls=True,
            ca_file=self.ca,
            certificate_file=self.server,
            key_file=self.server,
        )


def test_what_the_school_brings_is_used_as_it_is(tmp_path):
    brought = Brought(tmp_path, ("hub.school.example", "10.1.2.3"))
    files = certificates.provide(tmp_path / "hub", brought.broker, NOW_S)
    assert files == certificates.TlsFiles(brought.ca, (brought.server, brought.server))
    assert not (tmp_path / "hub").exists()


def test_what_the_school_brings_must_fit_together(tmp_path):
    brought = Brought(tmp_path)
    with pytest.raises(ConfigError, match=r"valid for 10\.1\.2\.3 and signed by .* IP address"):
        certificates.provide(tmp_path, brought.broker, NOW_S)
    (tmp_path / "b").mkdir()
    other = Brought(tmp_path / "b")
    foreign = replace(brought.broker, host="127.0.0.1", ca_file=other.ca)
    with pytest.raises(ConfigError, match=r"unable to get local issuer|signature failure"):
        certificates.provide(tmp_path, foreign, NOW_S)
    with pytest.raises(ConfigError, match=r"cannot be used: with .*KEY_VALUES_MISMATCH"):
        key = tmp_path / "key.pem"
        key.touch(0o600)
        key.write_text(other.server.read_text().partition("-----BEGIN CERT")[0])
        certificates.provide(tmp_path, replace(brought.broker, key_file=key), NOW_S)
    brought.server.chmod(0o644)
    with pytest.raises(ConfigError, match="is open to others: chmod 600"):
        certificates.provide(tmp_path, brought.broker, NOW_S)
    with pytest.raises(ConfigError, match=r"cannot be read .*allowed a key as PEM"):
        none = replace(brought.broker, key_file=tmp_path / "none.pem")
        certificates.provide(tmp_path, none, NOW_S)


def test_of_a_broker_elsewhere_only_the_ca_is_looked_at(tmp_path):
    brought = Brought(tmp_path)
    external = BrokerSettings("external", "mqtt.school.example", tls=True, ca_file=brought.ca)
    files = certificates.provide(tmp_path, external, NOW_S)
    assert files == certificates.TlsFiles(brought.ca, None)
    assert files.readable == (brought.ca,)
    end = authority(tmp_path).not_valid_after_utc
    assert certificates.ends(files) == end
    assert certificates.warning(files, int((end - timedelta(days=9)).timestamp())) is not None
    brought.ca.write_text("no certificate")
    with pytest.raises(ConfigError, match="allowed certificates as PEM"):
        certificates.provide(tmp_path, external, NOW_S)
