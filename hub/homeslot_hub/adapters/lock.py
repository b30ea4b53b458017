"""The lock on a data folder: one process serves it, and others can ask which."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeslot_hub.adapters.files import open_private


class Served(Exception):
    """Another process serves the data folder already, and which."""


def served_by(data: Path) -> str | None:
    """The number of the process that serves the data folder; None when none does."""
    try:
        with (data / "hub.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "?"
    except FileNotFoundError:
        pass
    return None


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this process. Raises Served when another serves it."""
    with open_private(data / "hub.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip() or "?"
            raise Served(f"process {pid} serves {data} already") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
