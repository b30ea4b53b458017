"""Files that are replaced whole or not at all, and how to see that one was."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

Stamp = tuple[int, int]


def stamp(path: Path) -> Stamp | None:
    """A value that differs whenever `path` has been written anew; None while there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def open_private(path: Path) -> IO[str]:
    """`path` for reading and appending, made readable by its owner only when there is none."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+")


def replace_file(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Make `content` (text as UTF-8) that of `path`, with permissions `mode`, durably.

    Whoever reads it, after a power cut too, finds the old or the new content. Raises OSError.
    """
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 until it is whole
    temporary = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
