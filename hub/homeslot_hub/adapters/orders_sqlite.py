"""The table of orders to the device management in the hub's SQLite file, beside its store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.rules.lockdown import Order

_COLUMNS = tuple(field.name for field in fields(Order) if field.name != "id")
_SELECT = f"SELECT {', '.join(_COLUMNS)}, id FROM lockdown"  # noqa: S608 constant
_INSERT = (
    f"INSERT INTO lockdown ({', '.join(_COLUMNS)})"  # noqa: S608 constant
    f" VALUES ({', '.join('?' * len(_COLUMNS))}) RETURNING id"
)
_UPDATE = f"UPDATE lockdown SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"  # noqa: S608 constant


class SqliteOrders:
    """The OrderStore port over `store`. Every method may raise StoreError."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def orders(self, school: str) -> list[Order]:
        """See OrderStore."""
        return self._orders("WHERE school = ?", (school,))

    def order(self, number: int) -> Order | None:
        """See OrderStore."""
        found = self._orders("WHERE id = ?", (number,))
        return found[0] if found else None

    def put(self, order: Order) -> Order:
        """See OrderStore."""
        values = [getattr(order, name) for name in _COLUMNS]
        if order.id:
            self._store.run(_UPDATE, (*values, order.id))
            return order
        return replace(order, id=self._store.rows(_INSERT, values)[0][0])

    def due(self, now_s: int) -> list[Order]:
        """See OrderStore."""
        return self._orders("WHERE state = 'confirmed' AND next_s <= ?", (now_s,))

    def _orders(self, where: str, values: Sequence[Any]) -> list[Order]:
        return [Order(*row) for row in self._store.rows(f"{_SELECT} {where} ORDER BY id", values)]
