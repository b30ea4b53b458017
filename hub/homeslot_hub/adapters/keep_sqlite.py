"""What is no longer kept, in the hub's SQLite file: the KeepStore port over its store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, groupby

from homeslot_hub.adapters.store_schema import CHAINED
from homeslot_hub.adapters.store_sqlite import OFFSET, SqliteStore
from homeslot_hub.rules.keep import DROPPED
from homeslot_hub.rules.usage import UsageDay
from homeslot_hub.service.keep import Tidied
from homeslot_hub.service.picture import Picture, encode_picture
from homeslot_hub.service.ports import BEFORE_ALL, DIGEST, Dropped, Head, Key, Observation, Record

# Each cart once: it is found behind the one before it, by the primary key.
_CARTS = """
WITH RECURSIVE found(cart) AS (
    SELECT min(cart) FROM {0}
    UNION ALL
    SELECT (SELECT min(cart) FROM {0} WHERE cart > found.cart) FROM found WHERE cart IS NOT NULL
)
SELECT cart FROM found WHERE cart IS NOT NULL
"""
# What is placed on the clock, in the order in which both primary keys have it.
_AHEAD = f"""
SELECT boot, seq, 0 AS snap, up_ms, coalesce(at_s, {OFFSET.format("e")} + up_ms / 1000) AS placed_s,
    kind, idx, value
FROM event e WHERE cart = :cart AND (boot, seq) > (:boot, :seq)
    AND coalesce(at_s, {OFFSET.format("e")}) IS NOT NULL
UNION ALL
SELECT boot, seq, 1, up_ms, coalesce(at_s, {OFFSET.format("s")} + up_ms / 1000), 'state', 0, words
FROM snapshot s WHERE cart = :cart AND (boot, seq) >= (:boot, :seq)
    AND (+boot, +seq, +up_ms) > (:boot, :seq, :up_ms)
    AND coalesce(at_s, {OFFSET.format("s")}) IS NOT NULL
ORDER BY boot, seq, snap, up_ms LIMIT :most
"""  # noqa: S608 constant
_HISTORY = ("event", "snapshot", "clock")
# What of a cart lies at or before its base, by the primary key.
_BEHIND = {
    "event": "cart = :cart AND (boot, seq) <= (:boot, :seq)",
    "snapshot": "cart = :cart AND (boot, seq, up_ms) <= (:boot, :seq, :up_ms)",
    "clock": "cart = :cart",  # what is still of use comes into the chain anew
}
_UNPLACED = """cart = :cart AND at_s IS NULL
    AND NOT EXISTS (SELECT 1 FROM clock c WHERE c.cart = {0}.cart AND c.boot = {0}.boot)"""
_KEYS = {
    "event": ("cart", "boot", "seq"),
    "snapshot": ("cart", "boot", "seq", "up_ms"),
    "clock": ("cart", "boot", "up_ms"),
}
_OLDER = {
    "records": ("event WHERE at_s", "snapshot WHERE at_s"),
    "notices": ("notice WHERE html <> '' AND created_s",),
    "refused messages": ("refused WHERE arrived_s",),
    "unknown controllers": ("stranger WHERE last_s",),
}
_LETTERS = f"""
UPDATE notice SET html = '', text = iif(rule = '{DIGEST}', text, '') WHERE id IN (
    SELECT id FROM notice WHERE created_s < ? AND html <> '' AND filed_s IS NOT NULL
        AND mail <> 'pending'
        AND NOT EXISTS (SELECT 1 FROM push WHERE notice = id AND state = 'pending')
    LIMIT ?
)
"""  # noqa: S608 constant
_SPARE = 10  # a tenth of the file may lie empty: tomorrow's reports go there
_PAGES_AT_ONCE = 500


class SqliteKeep:
    """The KeepStore port over `store`. Every method may raise StoreError."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def keep_from(self, since_s: int) -> None:
        """See KeepStore."""
        self._store.run("UPDATE kept SET since_s = ?", (since_s,))

    def set_tidied(self, tidied: Tidied) -> None:
        """See KeepStore."""
        self._store.run("UPDATE kept SET tidied_s = ?, stuck = ?", tidied)

    def tidied(self) -> Tidied:
        """See KeepStore."""
        return Tidied(*self._store.rows("SELECT tidied_s, stuck FROM kept")[0])

    def older(self, cuts_s: Mapping[str, int]) -> dict[str, int]:
        """See KeepStore."""
        return {
            what: sum(
                self._store.rows(f"SELECT count(*) FROM {where} < ?", (cuts_s[key],))[0][0]  # noqa: S608 constant
                for where in _OLDER[what]
            )
            for what, key in DROPPED.items()
        }

    def carts(self) -> list[str]:
        """See KeepStore."""
        rows = chain.from_iterable(self._store.rows(_CARTS.format(table)) for table in _HISTORY)
        return sorted({cart for (cart,) in rows})

    def ahead(self, cart: str, after: Key, most: int) -> list[Observation]:
        """See KeepStore."""
        boot, seq, snap, up_ms = after
        values = {"cart": cart, "boot": boot, "seq": seq, "up_ms": up_ms if snap else -1}
        rows = self._store.rows(_AHEAD, values | {"most": most})
        return [Observation._make(row) for row in rows]

    def move_base(self, cart: str, picture: Picture, cut_s: int) -> None:
        """See KeepStore."""
        self._store.run(
            "INSERT OR REPLACE INTO base VALUES (?,?,?,?,?,?,?)",
            (cart, *picture.key, picture.through_s, encode_picture(picture)),
        )
        self._store.run(
            "DELETE FROM checkpoint WHERE cart = ? AND (boot, seq, snap, up_ms) <= (?,?,?,?)",
            (cart, *picture.key),
        )
        clocks = {0: (0, 0), **self._store.clocks(cart)}
        for boot, (_, offset_s) in clocks.items():
            # The last one that has ended says when the cart was last heard.
            ended = "cart = ?1 AND boot = ?2 AND to_s < ?3"
            self._store.run(
                f"DELETE FROM span WHERE {ended}"  # noqa: S608 constant
                f" AND to_s < (SELECT max(to_s) FROM span WHERE {ended})",
                (cart, boot, cut_s - offset_s),
            )
        self._store.run(
            "DELETE FROM span WHERE cart = ? AND boot <> 0 AND boot < ?", (cart, picture.key[0])
        )

    def put_days(self, cart: str, days: Sequence[UsageDay]) -> None:
        """See KeepStore."""
        self._store.run_many(
            "INSERT OR REPLACE INTO cart_day VALUES (?,?,?,?,?,?)",
            [
                (cart, one.day.isoformat(), one.span_s, *map(_text, lists))
                for one in days
                for lists in [(one.known_s, one.out_s, one.taken)]
            ],
        )

    def days(self, cart: str, first: date, last: date) -> list[UsageDay]:
        """See RolledUp."""
        rows = self._store.rows(
            "SELECT day, span_s, known_s, out_s, taken FROM cart_day"
            " WHERE cart = ? AND day BETWEEN ? AND ? ORDER BY day",
            (cart, first.isoformat(), last.isoformat()),
        )
        return [
            UsageDay(date.fromisoformat(day), span_s, *map(_numbers, lists))
            for day, span_s, *lists in rows
        ]

    def droppable(self, through: int) -> list[Record]:
        """See KeepStore."""
        values = {"from": self._store.anchor().records, "through": through}
        found = [
            Record(number, table, tuple(row))
            for cart in self.carts()
            for table, where in self._may_go(cart)
            for number, *row in self._store.rows(
                f"SELECT record, {CHAINED[table]} FROM {table}"  # noqa: S608 constant
                f" WHERE {where} AND record > :from AND record <= :through",
                values | self._behind(cart),
            )
        ]
        said = f"SELECT record, {CHAINED['dropped']} FROM dropped"  # noqa: S608 constant
        rows = self._store.rows(f"{said} WHERE record > :from AND record <= :through", values)
        found += [Record(number, "dropped", tuple(row)) for number, *row in rows]
        return sorted(found, key=lambda record: record.number)

    def _may_go(self, cart: str) -> Iterator[tuple[str, str]]:
        if self._store.base(cart) != BEFORE_ALL:
            yield "event", _BEHIND["event"]
            yield "snapshot", _BEHIND["snapshot"]
        yield "clock", _BEHIND["clock"]
        for table in ("event", "snapshot"):
            ahead = _BEHIND[table].replace("<=", ">")
            yield table, f"{ahead} AND {_UNPLACED.format(table)}"

    def _behind(self, cart: str) -> dict[str, str | int]:
        boot, seq, snap, up_ms = self._store.base(cart)
        return {"cart": cart, "boot": boot, "seq": seq, "up_ms": up_ms if snap else -1}

    def seals(self, through: int) -> list[Head]:
        """See KeepStore."""
        rows = self._store.rows("SELECT record, digest FROM seal WHERE record <= ?", (through,))
        return [Head(*row) for row in rows]

    def release(self, dropped: Dropped, records: Sequence[Record]) -> None:
        """See KeepStore."""
        bases: dict[str, Key] = {}
        for record in records:
            cart, boot, *rest = record.row
            if record.table not in _KEYS or (
                record.table != "clock" and record.measured_s is not None
            ):
                continue
            base = bases.get(cart) or bases.setdefault(cart, self._store.base(cart))
            keys = _KEYS[record.table]
            if record.table == "clock":
                goes = boot >= base[0]
            else:
                snap = int(record.table == "snapshot")
                goes = (boot, rest[0], snap, rest[1]) > base
            if not goes:
                continue  # with all that lies at or before the base
            where = " AND ".join(f"{key} = ?" for key in keys)
            self._store.run(
                f"DELETE FROM {record.table} WHERE {where}",  # noqa: S608 constant
                record.row[: len(keys)],
            )
            if record.table == "clock":
                self._store.add_record("clock", record.row)
        self._store.run("DELETE FROM seal WHERE record <= ?", (dropped.through,))
        self._store.add_record("dropped", dropped)

    def delete_released(self, cart: str, most: int) -> int:
        """See KeepStore."""
        values = self._behind(cart) | {"through": self._store.anchor().records}
        deleted = 0
        for table in _HISTORY:
            keys = ", ".join(_KEYS[table])
            where = _BEHIND[table] if table != "clock" else f"{_BEHIND[table]} AND boot < :boot"
            deleted += self._store.run(
                f"DELETE FROM {table} WHERE ({keys}) IN (SELECT {keys} FROM {table}"  # noqa: S608 constant
                f" WHERE {where} AND record <= :through LIMIT :most)",
                values | {"most": most - deleted},
            )
        return deleted

    def drop_letters(self, before_s: int, most: int) -> int:
        """See KeepStore."""
        return self._store.run(_LETTERS, (before_s, most))

    def drop_refused(self, before_s: int) -> int:
        """See KeepStore."""
        return self._store.run(
            "DELETE FROM refused WHERE arrived_s < ?", (before_s,)
        ) + self._store.run("DELETE FROM stranger WHERE last_s < ?", (before_s,))

    def give_back(self) -> int:
        """See KeepStore."""
        [[pages, free, size]] = self._store.rows(
            "SELECT page_count, freelist_count, page_size FROM pragma_page_count,"
            " pragma_freelist_count, pragma_page_size"
        )
        if free <= pages // _SPARE + _PAGES_AT_ONCE:
            return 0
        self._store.rows(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        after: int = self._store.rows("PRAGMA page_count")[0][0]
        given: int = (pages - after) * size
        return given


def _text(numbers: Sequence[int]) -> str:
    """`61200x29 1800`: most slots have most of a day in common."""
    runs = ((number, sum(1 for _ in run)) for number, run in groupby(numbers))
    return " ".join(f"{number}x{length}" if length > 1 else f"{number}" for number, length in runs)


def _numbers(text: str) -> tuple[int, ...]:
    runs = (run.partition("x") for run in text.split())
    return tuple(int(number) for number, _, length in runs for _ in range(int(length or 1)))
