"""The register's tables in the hub's SQLite file, on the connection of its store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import msgspec

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.register import Change, Past, Touched, Version
from homeslot_hub.service.register_tables import KINDS, Key, Kind, Row

_CHANGE = (
    "SELECT id, at_s, who, what, source,"
    " (SELECT count(*) FROM register_row WHERE change = id) FROM register_change"
)
# max() makes SQLite take the other columns from the row that has the maximum.
_ROWS = """
SELECT cells FROM (
    SELECT cells, max(change) FROM register_row
    WHERE kind = :kind {} GROUP BY school, key
) WHERE cells IS NOT NULL
"""
_OF_SCHOOL = "AND school = :school"
_AS_OF = "AND change IN (SELECT id FROM register_change WHERE at_s <= :at_s)"
_BEFORE = """
SELECT cells FROM register_row b
WHERE b.kind = r.kind AND b.school = r.school AND b.key = r.key AND b.change < r.change
ORDER BY b.change DESC LIMIT 1
"""
_TAKE_BACK = f"""
INSERT INTO register_row (kind, school, key, change, cells)
SELECT kind, school, key, ?, ({_BEFORE}) FROM register_row r WHERE change = ?
"""  # noqa: S608 constant
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class SqliteRegister:
    """The RegisterStore port over `store`. Every method may raise StoreError."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def transaction(self) -> AbstractContextManager[None]:
        """See RegisterStore."""
        return self._store.transaction()

    def version(self, at_s: int) -> Version:
        """See RegisterStore."""
        found = self._store.rows(
            "SELECT count(*), coalesce(max(id), 0) FROM register_change WHERE at_s <= ?", (at_s,)
        )
        count, last = found[0]
        return count, last

    def schools_between(self, known: Version, known_s: int, at_s: int) -> frozenset[str]:
        """See RegisterStore."""
        found = self._store.rows(
            "SELECT DISTINCT school FROM register_row WHERE change IN"
            " (SELECT id FROM register_change WHERE at_s <= ? AND (id > ? OR at_s > ?))",
            (max(known_s, at_s), known[1], min(known_s, at_s)),
        )
        return frozenset(school for (school,) in found)

    def rows(self, kind: Kind, school: str | None = None, at_s: int | None = None) -> list[Row]:
        """See RegisterStore."""
        asked = (_OF_SCHOOL * (school is not None), _AS_OF * (at_s is not None))
        sql = _ROWS.format(" ".join(asked))
        values = {"kind": kind.name, "school": school, "at_s": at_s}
        return [_row(kind, cells) for (cells,) in self._store.rows(sql, values)]

    def history(self, kind: Kind, key: Key) -> list[Past]:
        """See RegisterStore."""
        found = self._store.rows(
            "SELECT change, at_s, cells FROM register_row JOIN register_change ON id = change"
            " WHERE kind = ? AND school = ? AND key = ? ORDER BY change DESC",
            (kind.name, _school(kind, key), _text(key)),
        )
        return [
            Past(change, at_s, None if cells is None else _row(kind, cells))
            for change, at_s, cells in found
        ]

    def add_change(
        self, at_s: int, who: str, what: str, source: str, touched: Iterable[Touched]
    ) -> Change:
        """See RegisterStore."""
        change = self._begin(at_s, who, what, source)
        self._store.run_many(
            "INSERT INTO register_row (kind, school, key, change, cells) VALUES (?,?,?,?,?)",
            (
                (kind.name, _school(kind, key), _text(key), change, _cells(after))
                for kind, key, _, after in touched
            ),
        )
        return self._change(change)

    def take_back(self, change: Change, at_s: int, who: str) -> Change:
        """See RegisterStore."""
        taken = self._begin(at_s, who, "undo", f"change {change.id}: {change.what}")
        self._store.run(
            _TAKE_BACK,
            (taken, change.id),
        )
        return self._change(taken)

    def changes(self, most: int) -> list[Change]:
        """See RegisterStore."""
        return [
            Change(*row) for row in self._store.rows(f"{_CHANGE} ORDER BY id DESC LIMIT ?", (most,))
        ]

    def touched(self, change: int) -> Iterator[Touched]:
        """See RegisterStore."""
        found = self._store.rows(
            f"SELECT kind, key, ({_BEFORE}), cells FROM register_row r"  # noqa: S608 constant
            " WHERE change = ? ORDER BY kind, school, key",
            (change,),
        )
        for name, key, *versions in found:
            kind = KINDS[name]
            before, after = (None if cells is None else _row(kind, cells) for cells in versions)
            yield Touched(kind, _decode(key), before, after)

    def _begin(self, at_s: int, who: str, what: str, source: str) -> int:
        self._store.run(
            "INSERT INTO register_change (at_s, who, what, source) VALUES (?,?,?,?)",
            (at_s, who, what, source),
        )
        change: int = self._store.rows("SELECT max(id) FROM register_change")[0][0]
        return change

    def _change(self, change: int) -> Change:
        return Change(*self._store.rows(f"{_CHANGE} WHERE id = ?", (change,))[0])


def _school(kind: Kind, key: Key) -> str:
    return key[0] if kind.of_school else ""


def _text(texts: Iterable[str]) -> str:
    return _encode(tuple(texts)).decode()


def _cells(row: Row | None) -> str | None:
    return None if row is None else _text(row)


def _row(kind: Kind, cells: str) -> Row:
    """A row as it was kept; columns that are younger, always the last, have their default."""
    row = _decode(cells)
    if len(row) < len(kind.columns):
        row += tuple(column.default or "" for column in kind.columns[len(row) :])
    return row
