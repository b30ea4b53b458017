"""Threads that cannot die unnoticed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

Failed = Callable[[BaseException], None]


def watched(name: str, work: Callable[[], None], failed: Failed) -> threading.Thread:
    """A thread `name`, not yet started, that does `work` and calls `failed` with what ended it.

    The exception goes on from there, so that its traceback is printed as for any thread.
    """

    def run() -> None:
        try:
            work()
        finally:
            error = sys.exc_info()[1]
            if error is not None:
                failed(error)

    return threading.Thread(target=run, name=name, daemon=True)
