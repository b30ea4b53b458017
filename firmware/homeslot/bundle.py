"""A bundle: a firmware to install, signed. Read in pieces, believed when its signature is right.

    "HSB1"      4 bytes
    length      of the manifest, 2 bytes, most significant first
    signature   384 bytes: RSA-3072, PKCS #1 v1.5 (RFC 8017, 8.2), SHA-256, of the manifest
    manifest    lines of JSON: {"version", "boards", "boot", "data"}, then [path, size, sha256] each
    data        the files, one after another as the manifest has them

`boot` is the lowest layout of the flash it can run from (homeslot_boot), `data` the bytes of all
files. What is signed names what is not: the data is held against the manifest file by file.
"""

import hashlib
import json

from homeslot import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    File = tuple[str, int, str]  # path below its side, size in bytes, sha256 in hex

MAGIC = b"HSB1"
KEY_BYTES = 384
HEAD_BYTES = 4 + 2 + KEY_BYTES
MAX_MANIFEST_BYTES = 12288
MAX_DATA_BYTES = 400000  # two sides, a journal and the rest share 848 KiB
MAX_PATH = 64
_EXPONENT = const(65537)
# DER of DigestInfo with SHA-256 (RFC 8017, 9.2, note 1); the digest follows.
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


class BadBundle(ValueError):
    """A bundle that is not to be installed; its text says why."""


class Manifest:
    """What a bundle holds: the firmware's `version` for the `boards` named, on boot `layout`."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        head = _json(self._line(0))
        try:
            self.version: str = head["version"]
            self.boards: "list[str]" = head["boards"]
            self.layout: int = head["boot"]
            self.data: int = head["data"]
        except (TypeError, KeyError):
            raise BadBundle("the manifest lacks version, boards, boot or data")
        if (
            not isinstance(self.boards, list)
            or type(self.layout) is not int
            or type(self.data) is not int
            or not 0 < self.data <= MAX_DATA_BYTES
        ):
            raise BadBundle("the manifest's boards, boot or data cannot be")
        numbers(self.version)

    def files(self) -> "Iterator[File]":
        """Each file in order. Raises BadBundle at one that cannot be."""
        at = len(self._line(0)) + 1
        left = self.data
        while at < len(self._text):
            line = self._line(at)
            at += len(line) + 1
            entry = _json(line)
            if not isinstance(entry, list) or len(entry) != 3:
                raise BadBundle("the manifest has a line that is not [path, size, sha256]")
            path, size, digest = entry
            if not _is_path(path) or not isinstance(digest, str) or len(digest) != 64:
                raise BadBundle("the manifest names a file %s" % repr(path)[:MAX_PATH])
            if type(size) is not int or not 0 < size <= left:
                raise BadBundle("the manifest gives %s a size of %s" % (path, repr(size)[:20]))
            left -= size
            yield path, size, digest
        if left:
            raise BadBundle("the manifest's files are %d bytes short" % left)

    def has(self, path: str) -> bool:
        """Whether a file is at `path`."""
        return ('\n["%s",' % path).encode() in self._text

    def check(self, board: str, version: str, layout: int) -> None:
        """Raise BadBundle unless it is for `board`, newer than `version`, and fits `layout`."""
        if board not in self.boards:
            raise BadBundle("is for %s, this is %s" % (", ".join(map(str, self.boards)), board))
        if self.layout > layout:
            raise BadBundle("needs boot layout %d, this is %d" % (self.layout, layout))
        if numbers(self.version) <= numbers(version):
            raise BadBundle("has %s, this cart runs %s already" % (self.version, version))

    def _line(self, at: int) -> bytes:
        end = self._text.find(b"\n", at)
        return self._text[at : end if end >= 0 else len(self._text)]


class Head:
    """Collects a bundle's first bytes, until its manifest is whole."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._pieces: "list[bytes]" = []  # of the manifest
        self._length = 0
        self._left = 0

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return len(self._head) + self._length - self._left

    @property
    def wants(self) -> int:
        """Bytes that are known to be wanted from here; 0 when the manifest is whole."""
        return HEAD_BYTES - len(self._head) + self._left

    def take(self, data: "bytes | memoryview") -> None:
        """Take the next bytes, at most `wants` of them. Raises BadBundle for what is no bundle."""
        if len(self._head) == HEAD_BYTES:
            self._pieces.append(bytes(data))
            self._left -= len(data)
            return
        self._head.extend(data)
        if self._head[:4] != MAGIC[: len(self._head)]:
            raise BadBundle("is not a bundle")
        if len(self._head) == HEAD_BYTES:
            self._length = self._left = self._head[4] << 8 | self._head[5]
            if not 0 < self._length <= MAX_MANIFEST_BYTES:
                raise BadBundle("has a manifest of %d bytes" % self._length)

    def manifest(self, keys: "Sequence[int]") -> Manifest:
        """The manifest, signed with one of `keys` (moduli). Raises BadBundle."""
        text = b"".join(self._pieces)
        self._pieces = []
        digest = hashlib.sha256(text).digest()
        if not any(signed(digest, self._head[6:], key) for key in keys):
            raise BadBundle("is not signed by a key this cart trusts")
        return Manifest(text)


def signed(digest: bytes, signature: "bytes | bytearray", modulus: int) -> bool:
    """Whether `signature` is that of the SHA-256 `digest` under the public key `modulus`.

    The padding is made and compared whole (RFC 8017, 8.2.2): there is nothing to parse, so nothing
    to forge by a lax parser. A third of a second on an RP2040.
    """
    number = int.from_bytes(signature, "big")
    if number >= modulus:
        return False
    filler = b"\xff" * (KEY_BYTES - 3 - len(_DIGEST_INFO) - len(digest))
    wanted = b"\x00\x01" + filler + b"\x00" + _DIGEST_INFO + digest
    return pow(number, _EXPONENT, modulus) == int.from_bytes(wanted, "big")


def parse_keys(data: "bytes | None") -> "list[int]":
    """The moduli in a `keys.json`: a JSON list of numbers in hex. Raises BadBundle."""
    try:
        moduli = [int(key, 16) for key in _json(data or b"")]
    except (TypeError, ValueError):  # BadBundle is one
        moduli = []
    if not moduli or any(m >> (8 * KEY_BYTES - 1) != 1 for m in moduli):
        raise BadBundle("cannot be checked: this cart's keys.json has no RSA-3072 keys")
    return moduli


def numbers(version: str) -> "list[int]":
    """1.12.3 as [1, 12, 3]. Raises BadBundle for what is not such a version."""
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 3 or not all(_is_number(part) for part in parts):
        raise BadBundle("has a version that is not like 1.2.3")
    return [int(part) for part in parts]


def _is_number(text: str) -> bool:
    return 0 < len(text) < 6 and all("0" <= c <= "9" for c in text)


def _is_path(path: object) -> bool:
    if not isinstance(path, str) or not 0 < len(path) <= MAX_PATH:
        return False
    return all(
        part and part[0] != "." and all(c in "abcdefghijklmnopqrstuvwxyz0123456789_." for c in part)
        for part in path.split("/")
    )


def _json(line: bytes) -> "Any":
    try:
        return json.loads(line.decode())
    except (ValueError, RuntimeError, MemoryError):
        raise BadBundle("the manifest is not JSON")
