"""The tables of `docs/register.md`, made from the hub's own. Used by its cog blocks."""

from __future__ import annotations

from homeslot_hub.service.register_tables import KINDS, columns_of


def kinds() -> str:
    """Every table of the register: what it holds and which columns name a row."""
    lines = ["| table | what it holds | a row is named by |", "| --- | --- | --- |"]
    for kind in KINDS.values():
        named = ", ".join(f"`{column.name}`" for column in kind.columns[: kind.keys])
        lines.append(f"| [`{kind.name}`](#{kind.name}) | {kind.meaning} | {named} |")
    return "\n".join(lines)


def columns(name: str) -> str:
    """Every column of one table: what it means, what it allows, and what else it may be called."""
    lines = ["| column | what it is | allowed | also called |", "| --- | --- | --- | --- |"]
    for column in columns_of(KINDS[name]):
        allowed = column.allowed
        if column.default == "" and "empty" not in allowed:
            allowed += ", or empty"
        elif column.default:
            allowed += f"; `{column.default}` when empty"
        cells = (f"`{column.name}`", column.meaning, allowed, ", ".join(column.also))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
