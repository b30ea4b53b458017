"""A program: the hub of a configuration file, with a clock that starts at a given moment.

    python shifted_hub.py CONFIG EPOCH_S

The clock is an argument of the product's own Server; nothing in the product knows of this.
"""

import signal
import sys
import time
from pathlib import Path

from homeslot_hub.config import load
from homeslot_hub.server import Server


def main(config: Path, starts_s: int) -> None:
    began = time.monotonic()
    server = Server(
        load(config),
        lambda: starts_s + int(time.monotonic() - began),
        lambda day, digest: _say(f"judged {day.school.name} {day.day}"),
    )
    signal.signal(signal.SIGTERM, lambda *_: server.request_stop())
    with server:
        _say("Ctrl-C ends it")
        server.wait()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
