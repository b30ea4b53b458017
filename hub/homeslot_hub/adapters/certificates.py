"""TLS at the broker: the school's certificate authority (CA), the broker's certificate, their end.

A school that brings its own names three files. For every other one a CA is made once, and with it a
certificate for the broker, in `<data>/tls`: `ca.pem` is what each cart has to be given, and the
only file here that is no secret. The certificate is made again, by the same CA, when it nears its
end or the broker gets another name; carts notice nothing.

Keys are of the curve P-256, the cheapest for a controller. What is made here is valid from 2020 on,
because the clock of a controller that was just switched on says 2021 (ports/rp2/main.c), and what
lies in its future is refused.
"""

from __future__ import annotations

import base64
import ipaddress
import secrets
import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from homeslot_hub.adapters.credentials import private_folder
from homeslot_hub.adapters.files import replace_file
from homeslot_hub.config import ANYWHERE, BrokerSettings, ConfigError, Problem

VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
AUTHORITY_DAYS = 20 * 365  # longer than a cart: a new CA means a visit to each of them
SERVER_DAYS = 2 * 365
RENEW_DAYS = 30  # before its end, what is ours is renewed and what is the school's is warned of
HERE = ("localhost", "127.0.0.1", "::1")  # how the hub itself calls its broker


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The CA that whoever connects to the broker trusts, and what the broker listens with (PEM).

    `listens` is its certificate and its key, which may be one file; None for a broker elsewhere
    that has a certificate of its own.
    """

    ca: Path
    listens: tuple[Path, Path] | None

    @property
    def readable(self) -> tuple[Path, ...]:
        """The files with certificates that we can look at."""
        return (self.ca, *(self.listens or ())[:1])


def files(data: Path, broker: BrokerSettings) -> TlsFiles | None:
    """Where the files for `broker` are, or would be; None where it speaks plain."""
    if not broker.tls:
        return None
    if broker.ca_file is None:
        server = data / "tls" / "server.pem"
        return TlsFiles(data / "tls" / "ca.pem", (server, server))
    if broker.certificate_file is None or broker.key_file is None:
        return TlsFiles(broker.ca_file, None)
    return TlsFiles(broker.ca_file, (broker.certificate_file, broker.key_file))


def provide(data: Path, broker: BrokerSettings, now_s: int) -> TlsFiles | None:
    """As `files`, made or made anew where they are ours, and checked where they are not.

    An external broker's certificate is not renewed by itself: a person has to hand it over. Raises
    ConfigError when files that the school brings do not fit together.
    """
    found = files(data, broker)
    if found is not None and broker.ca_file is None:
        make(data, broker, now_s)
    elif found is not None and found.listens is not None:
        _, key = found.listens
        if stat.S_IMODE(_mode(key)) & 0o077:
            raise _broken(key, "is open to others", f"chmod 600 {key}")
        for name in called(broker):
            rehearse(found.ca, *found.listens, name)
    elif found is not None:
        _certificates(found.ca)
    return found


def make(data: Path, broker: BrokerSettings, now_s: int, *, renew: bool = False) -> None:
    """Make our own CA and certificate for `broker` where need be; with `renew` a new certificate.

    The CA is made once: all carts would have to be given another one.
    """
    folder = private_folder(data / "tls")
    ca, ca_key, server = folder / "ca.pem", folder / "ca.key", folder / "server.pem"
    now = datetime.fromtimestamp(now_s, UTC)
    if not ca.exists():
        _make_authority(ca, ca_key, now)
    names = list(dict.fromkeys([*called(broker), *HERE]))
    lasts = now + timedelta(days=RENEW_DAYS if broker.kind == "embedded" else 0)
    if renew or not _serves(server, ca, names, lasts):
        issue(server, ca, ca_key, names, now)


def called(broker: BrokerSettings) -> tuple[str, ...]:
    """The names and addresses carts call `broker` by; the first is what they are told."""
    own = () if broker.host in ANYWHERE else (broker.host,)
    return tuple(dict.fromkeys([*broker.names, *own])) or HERE


def ends(tls: TlsFiles) -> datetime:
    """When the first of CA and certificate is valid no longer. Raises ConfigError."""
    return min(one.not_valid_after_utc for file in tls.readable for one in _certificates(file))


def ders(file: Path) -> list[str]:
    """Each certificate in `file` as DER in base64. Raises ConfigError."""
    return [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in _certificates(file)]


def warning(tls: TlsFiles | None, now_s: int) -> str | None:
    """What a person has to know of `tls` by now; None while there is time. Raises ConfigError."""
    if tls is None:
        return None
    end = ends(tls)
    left = end - datetime.fromtimestamp(now_s, UTC)
    if left > timedelta(days=RENEW_DAYS):
        return None
    when = "has ended" if left <= timedelta(0) else "ends"
    return f"the broker's certificate {when} on {end:%Y-%m-%d}; without a new one no cart connects"


def rehearse(ca: Path, certificate: Path, key: Path, name: str) -> None:
    """Let a client that trusts `ca` greet a server with this certificate, by `name`, in memory.

    Raises ConfigError with the reason why they would not come together.
    """
    try:
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(certificate, key)
        client_side = ssl.create_default_context(cafile=str(ca))
    except OSError as error:  # SSLError is one; it says no file's name
        raise _broken(certificate, "cannot be used", f"with {key} and {ca}: {error}") from None
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(down, up, server_hostname=name)
    server = server_side.wrap_bio(up, down, server_side=True)
    try:
        # Two rounds each: hello and answer, key and finish.
        for side in (client, server, client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLCertVerificationError as error:
        asked = f"it must be valid for {name} and signed by {ca}: {error.verify_message}"
        raise _broken(certificate, "is refused", asked) from None


def _make_authority(ca: Path, ca_key: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"homeslot {secrets.token_hex(4)}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    replace_file(ca_key, _pem(key))
    # Last: while it is not there, nobody can have been told to trust it.
    replace_file(ca, certificate.public_bytes(Encoding.PEM).decode())


def issue(server: Path, ca: Path, ca_key: Path, names: Sequence[str], now: datetime) -> None:
    """Write a new key and a certificate for `names`, by the CA, to the one file `server`."""
    authority, *_ = _certificates(ca)
    try:
        signing = load_pem_private_key(ca_key.read_bytes(), None)
    except (OSError, ValueError) as error:
        asked = f"restore it, or remove {ca} too and give every cart the new one"
        raise _broken(ca_key, f"cannot be read ({error})", asked) from None
    assert isinstance(signing, ec.EllipticCurvePrivateKey)  # noqa: S101  (made above)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "homeslot broker")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(min(now + timedelta(days=SERVER_DAYS), authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()),
            critical=False,
        )
        .sign(signing, hashes.SHA256())
    )
    # One file: key and certificate are replaced together or not at all.
    replace_file(server, _pem(key) + certificate.public_bytes(Encoding.PEM).decode())


def _serves(server: Path, ca: Path, names: Sequence[str], until: datetime) -> bool:
    """Whether the certificate in `server` is by `ca`, for all `names`, and lasts beyond `until`."""
    if not server.exists():
        return False
    certificate, *_ = _certificates(server)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return (
        certificate.issuer == _certificates(ca)[0].subject
        and set(alternatives.value) >= {_general(name) for name in names}
        and certificate.not_valid_after_utc > until
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _broken(file, f"cannot be read ({error})", "allowed certificates as PEM") from None


def _mode(file: Path) -> int:
    try:
        return file.stat().st_mode
    except OSError as error:
        raise _broken(file, f"cannot be read ({error.strerror})", "allowed a key as PEM") from None


def _broken(file: Path, value: str, allowed: str) -> ConfigError:
    return ConfigError(file, [Problem("the file", value, allowed)])
