"""The store in one SQLite file: sqlite-utils for schema and opening, plain SQL on the hot path.

Write-ahead log, synchronous=FULL: what a transaction has committed survives a power cut. One
connection for each thread that works at the same time: open one SqliteStore for each.
"""

from __future__ import annotations

import heapq
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from homeslot_hub.adapters.store_schema import CHAINED, NAMES, migrations
from homeslot_hub.service.chain import GENESIS, SEAL_RECORDS, link
from homeslot_hub.service.ports import (
    BEFORE_ALL,
    DeadLetter,
    Event,
    Head,
    Key,
    Latest,
    Notice,
    Observation,
    Record,
    Refused,
    Snapshot,
    StoreError,
    Stranger,
    Told,
)

BUSY_S = 10.0  # how long to wait for another process's transaction
KEPT_REFUSED = 200
KEPT_STRANGERS = 500

# Of a boot's clock readings that of its earliest message counts.
OFFSET = """(SELECT offset_s FROM clock c WHERE c.cart = {0}.cart AND c.boot = {0}.boot
        ORDER BY c.up_ms LIMIT 1)"""
_OBSERVATIONS = f"""
SELECT boot, seq, snap, up_ms, placed_s, kind, idx, value FROM (
    SELECT boot, seq, 0 AS snap, up_ms,
        coalesce(at_s, {OFFSET.format("e")} + up_ms / 1000) AS placed_s, kind, idx, value
    FROM event e WHERE cart = :cart AND (boot, seq) >= (:boot, :seq)
    UNION ALL
    SELECT boot, seq, 1, up_ms,
        coalesce(at_s, {OFFSET.format("s")} + up_ms / 1000), 'state', 0, words
    FROM snapshot s WHERE cart = :cart AND (boot, seq) >= (:boot, :seq)
)
WHERE placed_s <= :until_s AND (boot, seq, snap, up_ms) > (:boot, :seq, :snap, :up_ms)
ORDER BY boot, seq, snap, up_ms
"""  # noqa: S608  (constant)
# {0} is what is asked of an event, {1} of a snapshot. Both are found by their primary keys.
_TOLD = f"""
SELECT boot, seq, 0 AS snap, up_ms,
    coalesce(at_s, {OFFSET.format("e")} + up_ms / 1000) AS placed_s,
    kind, idx, value, was, current_ma, record
FROM event e WHERE cart = :cart AND (boot, seq) > (:boot, :seq) AND {{0}}
UNION ALL
SELECT boot, seq, 1, up_ms,
    coalesce(at_s, {OFFSET.format("s")} + up_ms / 1000) AS placed_s,
    'state', 0, words, '', NULL, record
FROM snapshot s WHERE cart = :cart AND (boot, seq) >= (:boot, :seq)
    AND (+boot, +seq, +up_ms) > (:boot, :seq, :up_ms) AND {{1}}
ORDER BY boot, seq, snap, up_ms
"""  # noqa: S608  (constant)
_ABOUT_SLOT = "kind = 'slot' AND idx = :slot"
# What is dropped from the chain and still there: it is on its way out, where the cart's base says
# so, and else somebody put it in.
_GOING = """record <= :through AND EXISTS (
    SELECT 1 FROM base b WHERE b.cart = {0}.cart AND {1}
)"""
_GONE = {
    "event": "({0}.boot, {0}.seq) <= (b.boot, b.seq)",
    "snapshot": "({0}.boot, {0}.seq, 1, {0}.up_ms) <= (b.boot, b.seq, b.snap, b.up_ms)",
    "clock": "{0}.boot < b.boot",
}
_MEASURED_AT = "placed_s IN (SELECT value FROM json_each(:times))"
_SPANS = f"""
SELECT from_s + offset_s AS from_s, to_s + offset_s AS to_s FROM (
    SELECT from_s, to_s, iif(boot = 0, 0, {OFFSET.format("s")}) AS offset_s
    FROM span s WHERE cart = :cart
) WHERE from_s + offset_s <= :until_s
"""  # noqa: S608  (constant)
_HEARD = f"SELECT max(min(to_s, :until_s)) FROM ({_SPANS})"  # noqa: S608  (constant)
_ADD = {
    table: f"INSERT OR IGNORE INTO {table} VALUES ({'?,' * len(columns.split(','))}?)"  # noqa: S608  (constant)
    for table, columns in CHAINED.items()
}
_NOTICE = (
    "school, day, rule, name, email, subject, text, html, created_s, id, tries, thread, after_s,"
    " expires_s"
)
_DEAD = f"""
SELECT {_NOTICE}, error FROM notice WHERE mail = 'dead'
UNION ALL
SELECT {_NOTICE}, said FROM (
    SELECT n.*, 'channel ' || p.channel || ': ' || p.error AS said
    FROM notice n JOIN push p ON p.notice = n.id WHERE p.state = 'dead'
)
ORDER BY id DESC
"""  # noqa: S608  (constant)
_END_OF_TIME_S = 1 << 62


class SqliteStore:
    """The Store and Outbox ports on the SQLite file `path`, made (mode 0600) when missing.

    Raises StoreError when the file cannot be opened, is no database, is damaged, or was written
    by a newer homeslot.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Only when missing: closing a descriptor of a database that this process has open
            # elsewhere would drop that one's locks too (SQLite, How To Corrupt, section 2.2).
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            pass
        except OSError as error:
            raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error
        with self._errors():
            # One thread at a time, not always the same: the program opens, the writer works.
            connection = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        self._connection = connection
        # Where the chain ends, inside a transaction that has added to the history.
        self._end: tuple[int, bytes] | None = None
        try:
            with self._errors():
                self._prepare()
        except StoreError:
            connection.close()
            raise

    def _prepare(self) -> None:
        if not self.path.stat().st_size:
            # What is dropped can be given back to the disk. An older file stays level.
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            self._connection.execute("PRAGMA journal_mode = WAL")
        db = Database(self._connection)
        newer = {migration.name for migration in migrations.applied(db)} - set(NAMES)
        if newer:
            raise StoreError(
                f"{self.path}: was written by a newer homeslot ({', '.join(sorted(newer))}); "
                "use that version, or another data folder"
            )
        if migrations.pending(db):
            # In one transaction, so that of two programs that start together only one migrates.
            with self.transaction():
                migrations.apply(db)

    def close(self) -> None:
        """Close the file. What was not committed is dropped."""
        self._connection.close()

    def copy_to(self, path: Path) -> None:
        """Copy everything as of this moment to a new file `path`, beside whoever writes."""
        self._run("VACUUM INTO ?", (str(path),))

    def damage(self) -> str:
        """What is wrong with the file, by SQLite's quick check; empty when nothing is."""
        said: str = self._rows("PRAGMA quick_check(1)")[0][0]
        return "" if said == "ok" else said

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See Store."""
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._seal()
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself rolls back a full disk
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._end = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """See Store."""
        with self._errors():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_said(error)}") from error

    def _run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        try:
            return self._connection.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_said(error)}") from error

    def _run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_said(error)}") from error

    def _rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {_said(error)}") from error

    # For the modules beside this one that keep tables of their own in the same file.
    run, run_many, rows = _run, _run_many, _rows

    def add_record(self, table: str, row: tuple[Any, ...]) -> bool:
        """Add to the history and the chain; False when the key is there already."""
        return self._add(table, row)

    # History

    def add_event(self, event: Event) -> bool:
        """See Store."""
        return self._add("event", event)

    def add_snapshot(self, snapshot: Snapshot) -> bool:
        """See Store."""
        return self._add("snapshot", snapshot)

    def missing(self, cart: str, boot: int, seq: int, span: int) -> int:
        """See Store."""
        kept_boot, kept_seq, *_ = self.base(cart)
        if boot <= kept_boot:  # of what is no longer kept nobody knows what is missing
            span = max(0, min(span, seq - kept_seq)) if boot == kept_boot else 0
        here = self._rows(
            "SELECT count(*) FROM event WHERE cart = ? AND boot = ? AND seq > ? AND seq <= ?",
            (cart, boot, seq - span, seq),
        )
        return span - int(here[0][0])

    def has_unplaced(self, cart: str, boot: int) -> bool:
        """See Store."""
        found = self._rows(
            "SELECT EXISTS (SELECT 1 FROM event WHERE cart = ?1 AND boot = ?2 AND at_s IS NULL)"
            " OR EXISTS (SELECT 1 FROM snapshot WHERE cart = ?1 AND boot = ?2 AND at_s IS NULL)",
            (cart, boot),
        )
        return bool(found[0][0])

    def set_clock(self, cart: str, boot: int, up_ms: int, offset_s: int) -> None:
        """See Store."""
        self._add("clock", (cart, boot, up_ms, offset_s))

    def clocks(self, cart: str) -> dict[int, tuple[int, int]]:
        """See Store."""
        rows = self._rows(
            "SELECT boot, min(up_ms), offset_s FROM clock WHERE cart = ? GROUP BY boot", (cart,)
        )
        return {boot: (up_ms, offset_s) for boot, up_ms, offset_s in rows}

    def observations(self, cart: str, after: Key, until_s: int | None) -> Iterator[Observation]:
        """See Store."""
        boot, seq, snap, up_ms = after
        values = {"cart": cart, "boot": boot, "seq": seq, "snap": snap, "up_ms": up_ms}
        values["until_s"] = _END_OF_TIME_S if until_s is None else until_s
        return map(Observation._make, self._rows(_OBSERVATIONS, values))

    def told(self, cart: str, slot: int | None) -> Iterator[Told]:
        """See Store."""
        about = "true" if slot is None else _ABOUT_SLOT
        return self._told(_TOLD.format(about, "true"), cart, {"slot": slot})

    def told_at(self, cart: str, times: Collection[int]) -> Iterator[Told]:
        """See Store."""
        values = {"times": json.dumps(sorted(times))}
        return self._told(_TOLD.format(_MEASURED_AT, _MEASURED_AT), cart, values)

    def _told(self, sql: str, cart: str, values: Mapping[str, Any]) -> Iterator[Told]:
        boot, seq, snap, up_ms = self.base(cart)
        behind = {"cart": cart, "boot": boot, "seq": seq, "up_ms": up_ms if snap else -1}
        return map(Told._make, self._rows(sql, {**behind, **values}))

    # The chain

    def head(self) -> Head:
        """See Store."""
        if self._end is not None:
            return Head(*self._end)
        rows = self._rows("SELECT record, digest FROM seal ORDER BY record DESC LIMIT 1")
        return Head(*rows[0]) if rows else GENESIS

    def seals(self) -> list[Head]:
        """See Store."""
        return [Head(*row) for row in self._rows("SELECT record, digest FROM seal ORDER BY record")]

    def records(self) -> Iterator[Record]:
        """See Store."""
        return heapq.merge(*map(self._records_of, CHAINED), key=attrgetter("number"))

    def _records_of(self, table: str) -> Iterator[Record]:
        going = "record <= :through"
        if table in _GONE:
            going = _GOING.format(table, _GONE[table].format(table))
        sql = f"SELECT record, {CHAINED[table]} FROM {table} WHERE NOT ({going}) ORDER BY record"  # noqa: S608 constant
        with self._errors():
            for number, *row in self._connection.execute(sql, {"through": self.anchor().records}):
                yield Record(number, table, tuple(row))

    def _add(self, table: str, row: tuple[Any, ...]) -> bool:
        """Add a record to the history and the chain; False when its key is there already."""
        if not self._connection.in_transaction:
            with self.transaction():
                return self._add(table, row)
        records, before = self._end or self.head()
        number = records + 1
        if self._run(_ADD[table], (*row, number)) == 0:
            return False
        self._end = number, link(before, table, row)
        if number % SEAL_RECORDS == 0:
            self._seal()
        return True

    def _seal(self) -> None:
        """Keep the digest where the chain ends now, as the newest seal, which moves along."""
        if self._end is None:
            return
        full = (self._end[0] - 1) // SEAL_RECORDS * SEAL_RECORDS
        self._run("DELETE FROM seal WHERE record > ?", (full,))
        self._run("INSERT INTO seal VALUES (?,?)", self._end)

    # What is no longer kept

    def anchor(self) -> Head:
        """See Store."""
        rows = self._rows("SELECT through, digest FROM dropped ORDER BY through DESC LIMIT 1")
        return Head(rows[0][0], bytes.fromhex(rows[0][1])) if rows else GENESIS

    def kept_since_s(self) -> int:
        """See Store."""
        since_s: int = self._rows("SELECT since_s FROM kept")[0][0]
        return since_s

    def base(self, cart: str) -> Key:
        """See Store."""
        rows = self._rows("SELECT boot, seq, snap, up_ms FROM base WHERE cart = ?", (cart,))
        return rows[0] if rows else BEFORE_ALL

    # Checkpoints

    def checkpoint(self, cart: str, before: Key | None, until_s: int | None) -> bytes | None:
        """See Store."""
        key = (_END_OF_TIME_S, 0, 0, 0) if before is None else before
        rows = self._rows(
            "SELECT picture FROM checkpoint WHERE cart = ? AND (boot, seq, snap, up_ms) < (?,?,?,?)"
            " AND through_s <= ? ORDER BY boot DESC, seq DESC, snap DESC, up_ms DESC LIMIT 1",
            (cart, *key, _END_OF_TIME_S if until_s is None else until_s),
        )
        if not rows:
            rows = self._rows(
                "SELECT picture FROM base WHERE cart = ? AND through_s <= ?",
                (cart, _END_OF_TIME_S if until_s is None else until_s),
            )
        return rows[0][0] if rows else None

    def add_checkpoint(self, cart: str, key: Key, through_s: int, picture: bytes) -> None:
        """See Store."""
        self._run(
            "INSERT OR REPLACE INTO checkpoint VALUES (?,?,?,?,?,?,?)",
            (cart, *key, through_s, picture),
        )

    def drop_checkpoints(self, cart: str, key: Key) -> None:
        """See Store."""
        self._run(
            "DELETE FROM checkpoint WHERE cart = ? AND (boot, seq, snap, up_ms) >= (?,?,?,?)",
            (cart, *key),
        )

    # Heard

    def spans(self, cart: str) -> dict[int, tuple[int, int]]:
        """See Store."""
        rows = self._rows(
            "SELECT boot, max(from_s), to_s FROM span WHERE cart = ? GROUP BY boot", (cart,)
        )
        return {boot: (from_s, to_s) for boot, from_s, to_s in rows}

    def put_spans(self, spans: Mapping[tuple[str, int, int], int]) -> None:
        """See Store."""
        self._run_many(
            "INSERT INTO span VALUES (?,?,?,?)"
            " ON CONFLICT (cart, boot, from_s) DO UPDATE SET to_s = excluded.to_s",
            [(*where, to_s) for where, to_s in spans.items()],
        )

    def merge_span(self, cart: str, boot: int, moment_s: int, gap_s: int) -> None:
        """See Store."""
        near = "cart = ? AND boot = ? AND from_s <= ? AND to_s >= ?"
        values = (cart, boot, moment_s + gap_s, moment_s - gap_s)
        rows = self._rows(f"SELECT from_s, to_s FROM span WHERE {near}", values)  # noqa: S608 constant
        self._run(f"DELETE FROM span WHERE {near}", values)  # noqa: S608 constant
        from_s = min((row[0] for row in rows), default=moment_s)
        to_s = max((row[1] for row in rows), default=moment_s)
        self._run(
            "INSERT INTO span VALUES (?,?,?,?)",
            (cart, boot, min(from_s, moment_s), max(to_s, moment_s)),
        )

    def heard(self, cart: str, until_s: int) -> int | None:
        """See Store."""
        heard_s: int | None = self._rows(_HEARD, {"cart": cart, "until_s": until_s})[0][0]
        return heard_s

    def heard_spans(self, cart: str, until_s: int) -> list[tuple[int, int]]:
        """See Store."""
        return self._rows(f"{_SPANS} ORDER BY 1, 2", {"cart": cart, "until_s": until_s})

    # For people to look at

    def put_latest(self, rows: Iterable[Latest]) -> None:
        """See Store."""
        self._run_many(
            "INSERT INTO latest VALUES (?,?,?,?,?,?) ON CONFLICT (cart, kind) DO UPDATE SET"
            " boot = excluded.boot, up_ms = excluded.up_ms, at_s = excluded.at_s,"
            " payload = excluded.payload",
            rows,
        )

    def latest(self, cart: str) -> dict[str, Latest]:
        """See Store."""
        rows = self._rows("SELECT * FROM latest WHERE cart = ?", (cart,))
        return {latest.kind: latest for latest in map(Latest._make, rows)}

    def add_refused(self, refused: Iterable[Refused]) -> None:
        """See Store."""
        rows = [(r.arrived_s, r.topic, r.reason, r.payload) for r in refused]
        if rows:
            self._run_many(
                "INSERT INTO refused (arrived_s, topic, reason, payload) VALUES (?,?,?,?)", rows
            )
            self._run(
                "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?",
                (KEPT_REFUSED,),
            )

    def refused(self) -> list[Refused]:
        """See Store."""
        rows = self._rows("SELECT arrived_s, topic, reason, payload FROM refused ORDER BY id DESC")
        return [Refused(*row) for row in rows]

    def add_strangers(self, messages: Mapping[str, int], now_s: int) -> int:
        """See Store."""
        unlisted = 0
        room = KEPT_STRANGERS - self._rows("SELECT count(*) FROM stranger")[0][0]
        for controller, count in messages.items():
            if self._run(
                "UPDATE stranger SET last_s = ?, messages = messages + ? WHERE controller = ?",
                (now_s, count, controller),
            ):
                continue
            if room > 0:
                room -= 1
                values = (controller, now_s, now_s, count)
                self._run("INSERT INTO stranger VALUES (?,?,?,?)", values)
            else:
                unlisted += count
        return unlisted

    def strangers(self) -> list[Stranger]:
        """See Store."""
        return [Stranger(*row) for row in self._rows("SELECT * FROM stranger ORDER BY controller")]

    def count(self, counts: Mapping[str, int]) -> None:
        """See Store."""
        self._run_many(
            "INSERT INTO counter VALUES (?,?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
            counts.items(),
        )

    def counts(self) -> dict[str, int]:
        """See Store."""
        return dict(self._rows("SELECT name, n FROM counter"))

    # The due table and the outbox

    def opened_s(self, school: str, now_s: int) -> int:
        """See Store. A moment that the clock has since been set back before does not count."""
        rows = self._rows("SELECT opened_s FROM school WHERE name = ?", (school,))
        if rows and rows[0][0] <= now_s:
            opened_s: int = rows[0][0]
            return opened_s
        self._run("INSERT OR REPLACE INTO school VALUES (?,?)", (school, now_s))
        return now_s

    def known_since_s(self, school: str) -> int | None:
        """See Store."""
        rows = self._rows("SELECT opened_s FROM school WHERE name = ?", (school,))
        return rows[0][0] if rows else None

    def is_settled(self, school: str, day: str, rule: str) -> bool:
        """See Store."""
        where = "school = ? AND day = ? AND rule = ?"
        return bool(self._rows(f"SELECT 1 FROM due WHERE {where}", (school, day, rule)))  # noqa: S608 constant

    def settle(
        self, school: str, day: str, rule: str, deadline_s: int, judged_s: int | None
    ) -> bool:
        """See Store."""
        values = (school, day, rule, deadline_s, judged_s)
        return self._run("INSERT OR IGNORE INTO due VALUES (?,?,?,?,?)", values) == 1

    def add_notice(self, notice: Notice) -> None:
        """See Store."""
        n = notice
        self._run(
            "INSERT INTO notice"
            " (school, day, rule, name, email, subject, text, html, created_s, next_s, thread,"
            " after_s, expires_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
            " ON CONFLICT (school, day, rule, email) DO NOTHING",
            (
                *(n.school, n.day, n.rule, n.name, n.email, n.subject, n.text, n.html),
                *(n.created_s, max(n.created_s, n.after_s), n.thread, n.after_s, n.expires_s),
            ),
        )

    def pending_notices(self) -> int:
        """See Store."""
        count: int = self._rows(
            "SELECT count(*) FROM notice WHERE filed_s IS NULL OR mail = 'pending'"
        )[0][0]
        return count

    def dead_letters(self) -> list[DeadLetter]:
        """See Store."""
        rows = self._rows(_DEAD)
        return [DeadLetter(Notice(*row[:-1]), row[-1]) for row in rows]

    def notices_to_file(self) -> list[Notice]:
        """See Outbox."""
        return self._notices("filed_s IS NULL", ())

    def set_filed(self, notice: Notice, now_s: int) -> None:
        """See Outbox."""
        self._run("UPDATE notice SET filed_s = ? WHERE id = ?", (now_s, notice.id))

    def notices_to_mail(self, now_s: int) -> list[Notice]:
        """See Outbox."""
        return self._notices("mail = 'pending' AND next_s <= ?", (now_s,))

    def set_mailed(self, notice: Notice, now_s: int) -> None:
        """See Outbox."""
        self._run(
            "UPDATE notice SET mail = 'sent', mailed_s = ?, tries = tries + 1 WHERE id = ?",
            (now_s, notice.id),
        )

    def set_unmailed(self, notice: Notice) -> None:
        """See Outbox."""
        self._run("UPDATE notice SET mail = 'none' WHERE id = ?", (notice.id,))

    def put_off(self, notice: Notice, next_s: int, error: str) -> None:
        """See Outbox."""
        self._run(
            "UPDATE notice SET tries = tries + 1, next_s = ?, error = ? WHERE id = ?",
            (next_s, error, notice.id),
        )

    def bury(self, notice: Notice, error: str) -> None:
        """See Outbox."""
        self._run(
            "UPDATE notice SET mail = 'dead', tries = tries + 1, error = ? WHERE id = ?",
            (error, notice.id),
        )

    def _notices(self, where: str, values: Sequence[Any]) -> list[Notice]:
        rows = self._rows(f"SELECT {_NOTICE} FROM notice WHERE {where} ORDER BY id", values)  # noqa: S608 constant
        return [Notice(*row) for row in rows]


def _said(error: sqlite3.Error) -> str:
    """What went wrong, for a person: the common cases in words, with SQLite's own behind them."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    said = {
        sqlite3.SQLITE_BUSY: "is held by another program",
        sqlite3.SQLITE_LOCKED: "is held by another program",
        sqlite3.SQLITE_NOTADB: "is not a homeslot database",
        sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a copy",
        sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
        sqlite3.SQLITE_READONLY: "may not be written",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    }
    return f"{said[primary]} ({error})" if primary in said else str(error)
