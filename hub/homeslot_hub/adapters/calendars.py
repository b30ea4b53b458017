"""The calendars of schools: read now and then, kept in the data folder, given out as values.

Reading is a child process's work (calendar_reader), which is ended when it takes too long. What it
read is kept in one file for each source, whole or not at all. When a source is dead or what it
says is no calendar, the copy stays: a school goes by the last that was good.
"""

from __future__ import annotations

import hashlib
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import msgspec

from homeslot_hub.adapters import calendar_reader
from homeslot_hub.adapters.calendar_reader import Answer, Request, Row
from homeslot_hub.adapters.files import Stamp, replace_file, stamp
from homeslot_hub.config_values import is_address
from homeslot_hub.model import Calendar, Entry, Feed, School, SpecialDay
from homeslot_hub.rules import closures
from homeslot_hub.rules.closures import Reading

REFRESH_S = 4 * 3600
RETRY_S = 900  # after a try that failed
BACK_DAYS, AHEAD_DAYS = 365, 400
# What a server says is unchanged is had anew all the same, before the end of its span comes near.
SPAN_GOOD_DAYS = 30
_READER = (sys.executable, "-I", "-m", calendar_reader.__name__)
_log = logging.getLogger("homeslot.calendars")


class Kept(msgspec.Struct, frozen=True):
    """What is kept of one source. Times are epoch seconds, `read_s` null until it was read once.

    `rows` and `passed_over` are of the last good reading, which looked up to `last`; `error` is of
    the last try, empty when it went well.
    """

    tried_s: int
    read_s: int | None = None
    error: str = ""
    etag: str = ""
    modified: str = ""
    stamp: Stamp | None = None  # of the file that was read
    last: date = date.min
    rows: tuple[Row, ...] = ()
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of one source, and the stamp of the file it is kept in."""

    kept: Kept
    entries: tuple[Entry, ...]
    stamp: Stamp | None


class Calendars:
    """The calendars that feeds publish, with their copies in `folder`.

    `now_s` gives epoch s. `refresh_s` is how often a source is read, `retry_s` after it failed;
    `timeout_s`, `total_s` and `cpu_s` are calendar_reader's. `due` and `read` are for one thread,
    all else for any.
    """

    def __init__(
        self,
        folder: Path,
        now_s: Callable[[], int],
        *,
        refresh_s: int = REFRESH_S,
        retry_s: int = RETRY_S,
        timeout_s: float = 20.0,
        total_s: int = 60,
        cpu_s: int = 30,
    ) -> None:
        self._folder = folder
        self._now_s = now_s
        self._refresh_s = refresh_s
        self._retry_s = retry_s
        self._limits = (timeout_s, total_s, cpu_s)
        #: Grows whenever a copy is another one than before.
        self.version = 0
        self._copies: dict[str, Copy] = {}
        self._found: dict[tuple[Feed, tzinfo], tuple[Copy, dict[date, SpecialDay]]] = {}
        self._lock = threading.Lock()  # so that no child begins once it is stopped
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()

    def known(self, schools: Iterable[School]) -> dict[str, Calendar]:
        """What is known for each school that has feeds, by its name. Reads copies, nothing else."""
        return {
            school.name: closures.together(
                self._reading(feed, school.zone) for feed in school.feeds
            )
            for school in schools
            if school.feeds
        }

    def passed_over(self, feed: Feed) -> tuple[str, ...]:
        """What nobody could make sense of in a feed when it was last read, each with its line."""
        copy = self._copy(feed.source)
        return () if copy is None else copy.kept.passed_over

    def due(self, schools: Iterable[School], *, network: bool = True) -> list[Feed]:
        """One feed of each source that is to be read now, the longest untried first.

        Without `network`, of files alone.
        """
        feeds = {feed.source: feed for school in schools for feed in school.feeds}
        due = [
            (0 if copy is None else copy.kept.tried_s, feed)
            for source, feed in feeds.items()
            if (network or not is_address(source))
            and self._is_due(source, copy := self._copy(source))
        ]
        return [feed for _, feed in sorted(due, key=lambda one: one[0])]

    def read(self, feed: Feed) -> None:
        """Read the source of a feed. Never raises for what source, server or disk do."""
        source, now_s = feed.source, self._now_s()
        copy = self._copy(source)
        kept = Kept(now_s) if copy is None else copy.kept
        today = datetime.fromtimestamp(now_s, UTC).date()
        last = today + timedelta(days=AHEAD_DAYS)
        conditional = kept.last >= last - timedelta(days=SPAN_GOOD_DAYS)
        seen = None if is_address(source) else _stamp(source)  # before: a later change is read too
        answer = self.ask(
            Request(
                source,
                is_address(source),
                today - timedelta(days=BACK_DAYS),
                last,
                kept.etag if conditional else "",
                kept.modified if conditional else "",
                *self._limits,
            )
        )
        if answer is None:
            return  # told to stop
        if answer.error:
            new = msgspec.structs.replace(kept, tried_s=now_s, error=answer.error, stamp=seen)
            if kept.error != answer.error:
                _log.warning("the calendar %s: %s", feed.label, answer.error)
        elif not answer.changed:
            new = msgspec.structs.replace(kept, tried_s=now_s, read_s=now_s, error="")
        else:
            new = Kept(
                now_s,
                now_s,
                "",
                answer.etag,
                answer.modified,
                seen,
                last,
                answer.rows,
                answer.passed_over,
            )
            _log.info("read the calendar %s: %d entries", feed.label, len(new.rows))
        self._keep(feed, new)

    def stop(self) -> None:
        """End the reading that goes on, and begin no other."""
        with self._lock:
            self._stopped.set()
            if self._child is not None:
                self._child.kill()

    def _reading(self, feed: Feed, zone: tzinfo) -> Reading:
        copy = self._copy(feed.source)
        if copy is None:
            return Reading(feed.label)
        # The schools of a district share a calendar, and looking through it takes a while.
        found = self._found.get((feed, zone))
        if found is None or found[0] is not copy:
            found = copy, closures.special_days(zone, feed, copy.entries)
            self._found[feed, zone] = found
        return Reading(feed.label, found[1], copy.kept.read_s, copy.kept.error)

    def _is_due(self, source: str, copy: Copy | None) -> bool:
        if copy is None:
            return True
        kept = copy.kept
        if not is_address(source) and _stamp(source) != kept.stamp:
            return True
        pause_s = self._retry_s if kept.error else self._refresh_s
        # Not within the pause: neither before it, by a clock that was set back, nor after.
        return not kept.tried_s <= self._now_s() < kept.tried_s + pause_s

    def ask(self, request: Request) -> Answer | None:
        """The answer of a reader in a process of its own; None when this was stopped meanwhile."""
        with self._lock:
            if self._stopped.is_set():
                return None
            try:
                child = self._child = subprocess.Popen(  # noqa: S603  (this very program)
                    _READER,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C is for the hub
                )
            except OSError as error:
                return Answer(error=f"cannot be read: its reader does not start: {error.strerror}")
        try:
            # It ends itself after total_s; a machine that is asleep or busy may take it longer.
            out, _ = child.communicate(msgspec.json.encode(request), request.total_s + 10)
        except subprocess.TimeoutExpired:
            child.kill()
            out, _ = child.communicate()
        with self._lock:
            self._child = None
            if self._stopped.is_set() or child.returncode == -signal.SIGTERM:
                return None  # so ends, with the hub, what a service manager stops
        try:
            return msgspec.json.decode(out, type=Answer)
        except msgspec.MsgspecError:
            pass
        if child.returncode < 0:
            return Answer(error="takes too long to read")
        return Answer(error=f"cannot be read: its reader failed with status {child.returncode}")

    def _copy(self, source: str) -> Copy | None:
        """The copy of `source`, from its file where that is new to us."""
        path = self._path(source)
        known, now = self._copies.get(source), _stamp(path)
        if now is None or (known is not None and known.stamp == now):
            return known
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
            copy = Copy(kept, calendar_reader.entries(kept.rows), now)
        except (OSError, ValueError):  # msgspec's own is a ValueError too
            return known
        self._take(source, copy)
        return copy

    def _keep(self, feed: Feed, kept: Kept) -> None:
        path = self._path(feed.source)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, msgspec.json.encode(kept).decode())
        except OSError as error:
            _log.error("no copy of the calendar %s can be kept: %s", feed.label, error.strerror)
        # Whatever lies there now is not taken for news: it is this copy, or an older one.
        entries = calendar_reader.entries(kept.rows)
        self._take(feed.source, Copy(kept, entries, _stamp(path)))

    def _take(self, source: str, copy: Copy) -> None:
        self._copies[source] = copy
        self.version += 1

    def _path(self, source: str) -> Path:
        return self._folder / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.json"


def _stamp(path: str | Path) -> Stamp | None:
    """See files.stamp; None too where one may not look."""
    try:
        return stamp(Path(path))
    except OSError:
        return None
