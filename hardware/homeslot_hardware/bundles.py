"""Makes and signs bundles (`homeslot.bundle` says what one is), and the keys they are signed with.

RSA-3072 with PKCS #1 v1.5 and SHA-256: what MicroPython can check, with nothing but big integers.
A signature of it is a function of key and message, so the same input makes the same bundle.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from homeslot.bundle import (
    KEY_BYTES,
    MAGIC,
    MAX_DATA_BYTES,
    MAX_MANIFEST_BYTES,
    BadBundle,
    Manifest,
)

TRUSTED = 2  # keys of a cart: one in use, and one that can replace it
_EXPONENT = 65537


class KeyProblem(Exception):
    """A key that cannot be used, and why."""


def make_key(file: Path, passphrase: str = "") -> Path:
    """Make a private key in `file`, for its owner only, and its public one beside it (`.pub`).

    Returns the latter. Raises KeyProblem when there is such a file already.
    """
    key = rsa.generate_private_key(_EXPONENT, 8 * KEY_BYTES)
    locked = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    public = file.with_name(file.name + ".pub")
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as private:
            private.write(key.private_bytes(encoding, form, locked))
        with public.open("xb") as beside:
            spki = serialization.PublicFormat.SubjectPublicKeyInfo
            beside.write(key.public_key().public_bytes(encoding, spki))
    except FileExistsError as error:
        raise KeyProblem(f"{error.filename} is there already") from None
    return public


def private_key(file: Path, passphrase: str = "") -> rsa.RSAPrivateKey:
    """The private key in `file`. Raises KeyProblem."""
    try:
        key = serialization.load_pem_private_key(
            file.read_bytes(), passphrase.encode() if passphrase else None
        )
    except TypeError:
        wrong = "no passphrase: it has none" if passphrase else "a passphrase"
        raise KeyProblem(f"{file} needs {wrong}") from None
    except (OSError, ValueError) as error:
        raise KeyProblem(f"{file} is no private key, or the passphrase is wrong: {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != 8 * KEY_BYTES:
        raise KeyProblem(f"{file} is not an RSA-3072 key")
    return key


def key_file(files: Sequence[Path]) -> bytes:
    """The public keys in `files` as a cart keeps them. Raises KeyProblem."""
    if not 1 <= len(files) <= TRUSTED:
        raise KeyProblem(f"a cart trusts one or two keys, not {len(files)}")
    moduli = []
    for file in files:
        try:
            key = serialization.load_pem_public_key(file.read_bytes())
        except (OSError, ValueError) as error:
            raise KeyProblem(f"{file} is no public key: {error}") from None
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size != 8 * KEY_BYTES:
            raise KeyProblem(f"{file} is not an RSA-3072 key")
        if key.public_numbers().e != _EXPONENT:
            raise KeyProblem(f"{file} has another exponent than {_EXPONENT}")
        moduli.append(f"{key.public_numbers().n:x}")
    return json.dumps(moduli).encode()


def make(
    files: Mapping[str, bytes],
    version: str,
    boards: Sequence[str],
    layout: int,
    key: rsa.RSAPrivateKey,
) -> bytes:
    """The bundle of `files` (content by path on a side) for `boards`, signed with `key`.

    Raises BadBundle when no cart would take it.
    """
    data = sum(map(len, files.values()))
    head = {"version": version, "boards": sorted(boards), "boot": layout, "data": data}
    lines: list[object] = [head]
    lines += [[path, len(files[path]), _sha256(files[path])] for path in sorted(files)]
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode()
    if len(text) > MAX_MANIFEST_BYTES or data > MAX_DATA_BYTES:
        raise BadBundle(
            f"has {len(text)} bytes of manifest and {data} of files, "
            f"allowed {MAX_MANIFEST_BYTES} and {MAX_DATA_BYTES}"
        )
    list(Manifest(text).files())
    signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    ordered = b"".join(files[path] for path in sorted(files))
    return MAGIC + len(text).to_bytes(2, "big") + signature + text + ordered


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
