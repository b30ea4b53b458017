"""How the bench shows what it found: a table on a terminal, tabs between cells elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console
from rich.table import Table


def rows(columns: tuple[str, ...], cells: Sequence[tuple[str, ...]]) -> None:
    """Show `cells` under their `columns`."""
    console = Console()
    if not console.is_terminal:
        for row in [columns, *cells]:
            typer.echo("\t".join(row))
        return
    table = Table(*columns)
    for row in cells:
        table.add_row(*row)
    console.print(table)
