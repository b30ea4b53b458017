"""A backup: one ZIP file with the database, the configuration and, unless told otherwise, secrets.

Made beside a running hub: SQLite itself copies the database as of one moment (VACUUM INTO), and the
copy is checked before it is packed. `homeslot-backup.json` in it has the SHA-256 of each file, so
that a torn or foreign archive is known before anything is touched. The names that can be in an
archive are few and written here: no other is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlite_utils import Database

from homeslot import __version__
from homeslot_hub.adapters.files import replace_file
from homeslot_hub.adapters.store_schema import NAMES, migrations
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.config import ConfigError, Settings, load, parse
from homeslot_hub.service.chain import GENESIS
from homeslot_hub.service.ports import Head, StoreError

FORMAT = 1
MANIFEST = "homeslot-backup.json"
DATABASE = "homeslot.db"
CONFIGURATION = "homeslot.toml"
FOLDERS = ("secrets", "tls")
_NAME = re.compile(rf"{DATABASE}|{CONFIGURATION}|(?:{'|'.join(FOLDERS)})/\w[\w.-]{{0,80}}", re.A)
_LARGEST_MANIFEST = 1 << 20
_CHUNK = 1 << 20
# What zipfile raises where bytes are wrong: its own error, and those of what it is made of.
_TORN = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError),
)

Seen = Callable[[int], None]  # so many bytes more


class ArchiveError(Exception):
    """A backup cannot be made, or is none that can be restored here, and why. Nothing changed."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands in a backup: when and by which homeslot it was made, and each file's SHA-256.

    `head` is where the hash chain of the records ended.
    """

    format: int
    made_s: int
    homeslot: str
    head: str
    files: dict[str, str]

    @property
    def secrets(self) -> bool:
        """Whether it has the secrets."""
        return any(name.startswith("secrets/") for name in self.files)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup that was unpacked into the folder `staged` and found sound."""

    manifest: Manifest
    staged: Path
    settings: Settings


def make(settings: Settings, target: Path, now_s: int, secrets: bool, seen: Seen) -> Manifest:
    """Write a backup of `settings` to `target`, mode 0600, whole or not at all.

    Raises ArchiveError, StoreError or OSError.
    """
    if settings.source is None:
        raise ArchiveError("there is no configuration file to keep")
    if not settings.database.exists():
        raise ArchiveError(f"there is no {settings.database}: nothing has been recorded yet")
    if target.exists():
        raise ArchiveError(f"{target} exists already: a backup replaces nothing, name another file")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=f".{target.name}.") as at:
        copy = Path(at) / DATABASE
        with closing(SqliteStore(settings.database)) as store:
            store.copy_to(copy)
        head = _sound(copy)
        files = {DATABASE: copy, CONFIGURATION: settings.source}
        if secrets:
            files |= _secrets(settings.data)
        packed = Path(at) / "packed"
        digests = {}
        with _private(packed) as file, _writing(file) as archive:
            for name, path in files.items():
                with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as into:
                    digests[name] = _copy(source, into, seen)
            manifest = Manifest(FORMAT, now_s, __version__, head, digests)
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
        packed.replace(target)
    return manifest


def left_out(settings: Settings) -> list[Path]:
    """Files that the configuration names and no backup has: they lie outside the data folder."""
    broker, mail = settings.broker, settings.mail
    named = [broker.password_file, broker.ca_file, broker.certificate_file, broker.key_file]
    if mail is not None:
        named += [mail.password_file, mail.ca_file]
    if settings.web is not None:
        named += [settings.web.certificate_file, settings.web.key_file]
    named += [] if settings.mdm is None else [settings.mdm.file]
    return [path for path in named if path is not None]


@contextmanager
def unpacked(source: Path, config: Path, seen: Seen) -> Iterator[Unpacked]:
    """The backup `source`, checked whole, in a folder beside `config` that goes afterwards.

    Raises ArchiveError when it is torn, foreign, of a newer homeslot, or would leave the folder of
    `config`; ConfigError when its configuration cannot be used.
    """
    home = config.absolute().parent
    with tempfile.TemporaryDirectory(dir=home, prefix=".homeslot-restore.") as name:
        staged = Path(name)
        try:
            with zipfile.ZipFile(source) as archive:
                manifest = _manifest(source, archive)
                _extract(source, archive, manifest, staged, seen)
        except _TORN as error:
            raise ArchiveError(f"{source} is torn, or no backup at all: {error}") from None
        try:
            _sound(staged / DATABASE)
        except StoreError as error:
            raise ArchiveError(f"{source} has no sound database in it: {error}") from None
        yield Unpacked(manifest, staged, _settings(source, staged, config))


def put(found: Unpacked, config: Path, now_s: int) -> Path:
    """Put what was unpacked in place; what was there is kept in the folder that is returned.

    The hub must not run. Raises OSError; everything is then as it was before.
    """
    data = found.settings.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    moment = f"{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}"
    aside = Path(tempfile.mkdtemp(dir=data.parent, prefix=f"{data.name}-before-{moment}-"))
    done: list[tuple[Path, Path]] = []

    def move(here: Path, there: Path) -> None:
        here.rename(there)
        done.append((here, there))

    try:
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", *FOLDERS):
            stays = name in FOLDERS and not (found.staged / name).exists()
            if (data / name).exists() and not stays:
                move(data / name, aside / name)
        for name in (DATABASE, *FOLDERS):
            if (found.staged / name).exists():
                move(found.staged / name, data / name)
        if config.exists():
            shutil.copy2(config, aside / CONFIGURATION)
        replace_file(config.resolve(), (found.staged / CONFIGURATION).read_bytes(), 0o644)
    except BaseException:
        for here, there in reversed(done):
            there.rename(here)
        with suppress(OSError):
            (aside / CONFIGURATION).unlink(missing_ok=True)
            aside.rmdir()
        raise
    return aside


def _secrets(data: Path) -> dict[str, Path]:
    return {
        f"{folder}/{path.name}": path
        for folder in FOLDERS
        for path in sorted((data / folder).glob("*"))
        if path.is_file() and _NAME.fullmatch(f"{folder}/{path.name}") and path.name != "lock"
    }


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    """A new file for its owner's eyes, on the disk when the block has ended."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _writing(file: IO[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3)


def _copy(source: IO[bytes], into: IO[bytes], seen: Seen) -> str:
    """Copy to the end; the SHA-256 of it."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        into.write(chunk)
        seen(len(chunk))
    return digest.hexdigest()


def _sound(database: Path) -> str:
    """The head of the chain in a database that is whole and of a schema we know.

    Raises StoreError. It is not migrated, and nothing is written beside it.
    """
    try:
        place = f"{database.absolute().as_uri()}?immutable=1"  # nobody else has this file
        with closing(sqlite3.connect(place, uri=True)) as connection:
            said = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise StoreError(f"{database.name} is damaged: {said}")
            applied = {one.name for one in migrations.applied(Database(connection))}
            if not applied:
                raise StoreError(f"{database.name} is not a homeslot database")
            if not applied <= set(NAMES):
                newer = ", ".join(sorted(applied - set(NAMES)))
                raise StoreError(f"{database.name} was written by a newer homeslot ({newer})")
            if NAMES[1] not in applied:
                return ""
            last = "SELECT record, digest FROM seal ORDER BY record DESC LIMIT 1"
            head = connection.execute(last).fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{database.name} is not a homeslot database ({error})") from None
    return (GENESIS if head is None else Head(*head)).short


def _manifest(source: Path, archive: zipfile.ZipFile) -> Manifest:
    """The manifest of an archive in which nothing is that does not belong there."""
    names = [entry.filename for entry in archive.infolist()]
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise ArchiveError(f"{source} is no backup of homeslot: it has no {MANIFEST}")
    try:
        said = json.loads(archive.read(MANIFEST))
        manifest = Manifest(**said)
        files = {str(name): str(digest) for name, digest in manifest.files.items()}
        datetime.fromtimestamp(manifest.made_s, UTC)
    except (ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise ArchiveError(f"{source} is no backup of homeslot: {MANIFEST} says nothing") from None
    if manifest.format != FORMAT:
        raise ArchiveError(f"{source} is of a newer homeslot ({manifest.homeslot})")
    for name in names:
        if name != MANIFEST and not _NAME.fullmatch(name):
            shown = "".join(c if " " <= c <= "~" else "?" for c in name[:80])
            raise ArchiveError(f"{source} is no backup of homeslot: it has a file {shown}")
    if sorted(names) != sorted([*files, MANIFEST]) or not {DATABASE, CONFIGURATION} <= set(files):
        raise ArchiveError(f"{source} is torn: what is in it is not what {MANIFEST} says")
    return manifest


def _extract(
    source: Path, archive: zipfile.ZipFile, manifest: Manifest, staged: Path, seen: Seen
) -> None:
    needed = sum(entry.file_size for entry in archive.infolist())
    free = shutil.disk_usage(staged).free
    if needed > free:
        raise ArchiveError(f"{source} needs {needed} bytes here, and {free} are free")
    for name, digest in manifest.files.items():
        path = staged / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with archive.open(name) as packed, _private(path) as into:
            found = _copy(packed, into, seen)
        if found != digest:
            raise ArchiveError(f"{source} is torn: {name} is not what was packed")


def _settings(source: Path, staged: Path, config: Path) -> Settings:
    """What the configuration in the archive says where it will stand."""
    try:
        text = (staged / CONFIGURATION).read_text("utf-8")
    except UnicodeDecodeError:
        raise ArchiveError(f"{source} is torn: {CONFIGURATION} is not text") from None
    settings = parse(text, config)
    home = config.absolute().parent.resolve()
    if settings.data.resolve().is_relative_to(home) and settings.data.resolve() != home:
        return settings
    with suppress(ConfigError):
        if load(config).data == settings.data:
            return settings
    raise ArchiveError(
        f"{source} keeps its data in {settings.data}, outside of {home}: if that is meant, write "
        f"it as data under [hub] into a {config} first"
    )
