"""The tables of `docs/configuration.md`, made from the hub's own. Used by its cog blocks."""

from __future__ import annotations

import json

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from homeslot_hub.config_tables import TABLES, Table


def keys(table: str) -> str:
    """Every key of one table of the file: what it does, what it allows, what it is by default."""
    lines = ["| key | what it does | allowed | default |", "| --- | --- | --- | --- |"]
    for name, field in TABLES[table].model_fields.items():
        if field.title is None or field.description is None:
            raise ValueError(f"[{table}] {name}: config_tables does not say what it does or allows")
        cells = (f"`{name}`", field.title, field.description, _default(field))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be there"
    if field.default is None or isinstance(field.default, Table):
        return ""
    return f"`{json.dumps(field.default)}`"
