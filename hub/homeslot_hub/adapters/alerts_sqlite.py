"""The tables of alerts in the hub's SQLite file, on the connection of its store."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from msgspec.json import Decoder

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.service.alert_book import Change
from homeslot_hub.service.ports import DIGEST, Notice

_COLUMNS = tuple(field.name for field in fields(Alert) if field.name != "id")
_NUMBERS, _ADDRESSES = frozenset({"slots", "hides", "flips"}), frozenset({"told", "closed"})
_DECODERS: tuple[tuple[int, Any], ...] = (  # by the place of their columns
    *((_COLUMNS.index(name), Decoder(tuple[int, ...])) for name in _NUMBERS),
    *((_COLUMNS.index(name), Decoder(frozenset[str])) for name in _ADDRESSES),
)
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM alert"  # noqa: S608 constant
_INSERT = (
    f"INSERT INTO alert ({', '.join(_COLUMNS)}, open)"  # noqa: S608 constant
    f" VALUES ({', '.join('?' * (len(_COLUMNS) + 1))}) RETURNING id"
)
_UPDATE = f"UPDATE alert SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, open = ? WHERE id = ?"  # noqa: S608 constant


class SqliteAlerts:
    """The AlertStore port over `store`. Every method may raise StoreError."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def active(self, school: str, day: str) -> list[Alert]:
        """See AlertStore."""
        return self._alerts(
            "WHERE school = ?1 AND open UNION " + _SELECT + " WHERE school = ?1 AND day = ?2",
            (school, day),
        )

    def opened(self, school: str, first: str, last: str) -> list[Alert]:
        """See AlertStore."""
        return self._alerts("WHERE school = ? AND day BETWEEN ? AND ?", (school, first, last))

    def alert(self, number: int) -> Alert | None:
        """See AlertStore."""
        found = self._alerts("WHERE id = ?", (number,))
        return found[0] if found else None

    def put(self, alert: Alert, changes: Iterable[Change]) -> Alert:
        """See AlertStore."""
        values = [_stored(name, getattr(alert, name)) for name in _COLUMNS]
        values.append(int(not alert.over))
        if alert.id:
            self._store.run(_UPDATE, (*values, alert.id))
            number = alert.id
        else:
            number = self._store.rows(_INSERT, values)[0][0]
        self.note(number, changes)
        return Alert(**{name: getattr(alert, name) for name in _COLUMNS}, id=number)

    def note(self, number: int, changes: Iterable[Change]) -> None:
        """See AlertStore."""
        self._store.run_many(
            "INSERT INTO alert_change (alert, at_s, what, who, why) VALUES (?,?,?,?,?)",
            [(number, one.at_s, one.what, one.who, one.why) for one in changes],
        )

    def history(self, number: int) -> list[Change]:
        """See AlertStore."""
        rows = self._store.rows(
            "SELECT at_s, what, who, why FROM alert_change WHERE alert = ? ORDER BY id", (number,)
        )
        return [Change(*row) for row in rows]

    def deadlines(self, school: str, first: str, last: str) -> tuple[int, int]:
        """See AlertStore."""
        rows = self._store.rows(
            "SELECT count(judged_s), count(*) - count(judged_s) FROM due"
            " WHERE school = ? AND rule = ? AND day BETWEEN ? AND ?",
            (school, DIGEST, first, last),
        )
        judged, missed = rows[0]
        return judged, missed

    def digest(self, school: str, day: str, email: str) -> Notice | None:
        """See AlertStore."""
        rows = self._store.rows(
            "SELECT school, day, rule, name, email, subject, text, html, created_s FROM notice"
            " WHERE school = ? AND day = ? AND rule = ? AND email = ?",
            (school, day, DIGEST, email),
        )
        return Notice(*rows[0]) if rows else None

    def _alerts(self, where: str, values: Sequence[Any]) -> list[Alert]:
        rows = self._store.rows(f"{_SELECT} {where} ORDER BY id", values)
        return [_alert(number, row) for number, *row in rows]


def _alert(number: int, row: list[Any]) -> Alert:
    for place, decoder in _DECODERS:
        row[place] = decoder.decode(row[place])
    row.append(number)  # the last of the fields
    return Alert(*row)


def _stored(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        return json.dumps(value)
    return json.dumps(sorted(value)) if name in _ADDRESSES else value
