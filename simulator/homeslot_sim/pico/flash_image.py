"""The file system a cart's Pico W ships with, block for block."""

from __future__ import annotations

import json
from typing import Any

from littlefs import LittleFS

# The Pico W's file system: 848 KiB at the end of its flash. Version 2.0 of the format is what
# MicroPython 1.27 writes.
BLOCK_SIZE = 4096
BLOCKS = 212
FORMAT = 0x00020000


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


def read(flash: bytes, name: str) -> bytes:
    """The content of file `name` of the file system `flash`."""
    files = LittleFS(block_size=BLOCK_SIZE, block_count=BLOCKS, mount=False)
    files.context.buffer[:] = flash
    files.mount()
    with files.open(name, "rb") as file:
        content: bytes = file.read()
    return content
