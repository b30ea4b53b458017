"""The file system a cart's Pico W ships with, block for block."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from littlefs import LittleFS

# The Pico W's file system: 848 KiB at the end of its flash. Version 2.0 of the format is what
# MicroPython 1.27 writes.
BLOCK_SIZE = 4096
BLOCKS = 212
FORMAT = 0x00020000

Data = bytes | bytearray | memoryview


def image(files: dict[str, bytes], board: dict[str, Any], settings: dict[str, Any]) -> bytes:
    """The file system with `files`, board.json and settings.json, block for block."""
    flash = LittleFS(
        block_size=BLOCK_SIZE,
        block_count=BLOCKS,
        disk_version=FORMAT,
        prog_size=256,
        read_size=32,
        lookahead_size=32,
    )
    texts = {"board.json": json.dumps(board), "settings.json": json.dumps(settings)}
    for name, content in {**files, **{name: t.encode() for name, t in texts.items()}}.items():
        folder = name.rpartition("/")[0]
        if folder:
            flash.makedirs(folder, exist_ok=True)
        with flash.open(name, "wb") as file:
            file.write(content)
    flash.unmount()
    return bytes(flash.context.buffer)


class Image:
    """The Files port on a copy of `flash`, a file system as `image` makes it.

    Raises OSError where littlefs does.
    """

    def __init__(self, flash: bytes) -> None:
        self._files = LittleFS(block_size=BLOCK_SIZE, block_count=BLOCKS, mount=False)
        self._files.context.buffer[:] = flash
        self._files.mount()

    def names(self) -> list[str]:
        """The names of all files and folders at the top."""
        return list(self._files.listdir("/"))

    def tree(self, folder: str) -> dict[str, bytes]:
        """The content of every file in `folder` and below, by path."""
        found = {}
        for root, _, names in self._files.walk(folder):
            for name in names:
                path = f"{root}/{name}".lstrip("/")
                found[path] = self._read(path, 0, -1)
        return found

    def read(self, name: str) -> bytes | None:
        """The content of file `name`; None when there is none."""
        try:
            return self._read(name, 0, -1)
        except FileNotFoundError:
            return None

    def read_at(self, name: str, at: int, count: int) -> bytes:
        """Up to `count` bytes from byte `at` on; b"" when there is none."""
        try:
            return self._read(name, at, count)
        except FileNotFoundError:
            return b""

    def write(self, name: str, data: Data) -> None:
        """Replace file `name`."""
        with self._files.open(name, "wb") as file:
            file.write(bytes(data))

    def append(self, name: str, data: Data) -> None:
        """Add to the end of file `name`."""
        with self._files.open(name, "ab") as file:
            file.write(bytes(data))

    def remove(self, name: str) -> None:
        """Delete file `name`; nothing happens when there is none."""
        with suppress(FileNotFoundError):
            self._files.remove(name)

    def _read(self, name: str, at: int, count: int) -> bytes:
        with self._files.open(name, "rb") as file:
            file.seek(at)
            content: bytes = file.read(count)
        return content


def read(flash: bytes, name: str) -> bytes:
    """The content of file `name` of the file system `flash`; b"" when there is none."""
    return Image(flash).read(name) or b""
