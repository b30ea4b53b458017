"""A program that reads one calendar for the hub and ends: `python -m …calendar_reader`.

What a calendar and its server may do to a reader is not to be foreseen: a rule that never comes to
an end, a megabyte that needs gigabytes, an answer of a byte a minute. So this runs in a process of
its own, with an end to its time and its memory. It takes a Request on standard input and says an
Answer on standard output, both as JSON.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import sys
from datetime import date, datetime
from pathlib import Path

import msgspec

from homeslot_hub.adapters import ics
from homeslot_hub.adapters.http_get import GetError, get
from homeslot_hub.model import Entry

BYTES_AT_MOST = 5_000_000
_MEMORY_AT_MOST = 1 << 30

Row = tuple[str, str, str, tuple[str, ...]]  # an Entry: start and end as ISO 8601


class Request(msgspec.Struct, frozen=True):
    """What to read: an absolute path or an address, for a span of days; `etag` and `modified` of
    the copy there is. `timeout_s` for each wait, `total_s` (real) and `cpu_s` for the whole."""

    source: str
    address: bool
    first: date
    last: date
    etag: str = ""
    modified: str = ""
    timeout_s: float = 20.0
    total_s: int = 60
    cpu_s: int = 30


class Answer(msgspec.Struct, frozen=True):
    """What was read. `error` says why it was not; `changed` is false where the copy still holds."""

    error: str = ""
    changed: bool = True
    etag: str = ""
    modified: str = ""
    rows: tuple[Row, ...] = ()
    passed_over: tuple[str, ...] = ()


def main() -> None:
    """Read one request, answer it. Ended by a signal when it takes too long."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    signal.alarm(request.total_s)
    os.nice(5)  # the hub comes first
    resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_s, request.cpu_s))
    with contextlib.suppress(OSError, ValueError):  # not every system has this one
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_AT_MOST, _MEMORY_AT_MOST))
    sys.stdout.buffer.write(msgspec.json.encode(answer(request)))


def answer(request: Request) -> Answer:
    """What `request` asks for. Bounded in what it loads, not in what that makes it work."""
    try:
        if request.address:
            document = get(
                request.source,
                request.etag,
                request.modified,
                bytes_at_most=BYTES_AT_MOST,
                timeout_s=request.timeout_s,
                total_s=request.total_s,
            )
            data, etag, modified = document.body, document.etag, document.modified
            if data is None:
                return Answer(changed=False, etag=etag, modified=modified)
        else:
            data, etag, modified = _file(Path(request.source)), "", ""
        found = ics.contents(data, request.first, request.last)
    except (GetError, ics.IcsError) as error:
        return Answer(error=str(error))
    except OSError as error:
        return Answer(error=f"cannot be read: {error.strerror}")
    except MemoryError:
        return Answer(error=f"takes more than {_MEMORY_AT_MOST >> 20} MB to read")
    rows = tuple(
        (e.start.isoformat(), e.end.isoformat(), e.summary, e.categories) for e in found.entries
    )
    return Answer("", True, etag, modified, rows, found.passed_over)


def entries(rows: tuple[Row, ...]) -> tuple[Entry, ...]:
    """The entries of an answer. Raises ValueError for what is none of ours."""
    return tuple(
        Entry(_moment(start), _moment(end), summary, categories)
        for start, end, summary, categories in rows
    )


def _file(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ics.IcsError("is no file")
    with path.open("rb") as file:
        data = file.read(BYTES_AT_MOST + 1)
    if len(data) > BYTES_AT_MOST:
        raise ics.IcsError(f"is larger than {BYTES_AT_MOST} bytes")
    return data


def _moment(text: str) -> date:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


if __name__ == "__main__":
    main()
