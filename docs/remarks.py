"""What the entries of a table mean: read from the comments beside them.

The tables of the firmware say it there, once, so that it takes no memory on a cart.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from collections.abc import Iterator
from types import ModuleType


def remarks(module: ModuleType, table: str, key: str | None = None) -> dict[str, str]:
    """The comment beside each entry of `table` (or of its part `key`), by the entry's name.

    An entry is an item of a dict, named by its key, or a line of a tuple or a Literal, named by its
    first word.
    Tables named within `table` belong to it. Raises ValueError for an entry without a comment.
    """
    source = inspect.getsource(module)
    said = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found: dict[str, str] = {}
    for name, line in _entries(_tables(source), table, key):
        if line not in said:
            raise ValueError(f"{module.__name__}, line {line}: no comment says what {name} is")
        found[name] = said[line]
    return found


def _tables(source: str) -> dict[str, ast.expr]:
    """What is assigned to each name of a module."""
    tables = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            tables[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            tables[node.target.id] = node.value
    return tables


def _entries(
    tables: dict[str, ast.expr], table: str, key: str | None
) -> Iterator[tuple[str, int | None]]:
    """Name and last line of each entry."""
    value = tables[table]
    if isinstance(value, ast.Subscript):  # a Literal
        value = value.slice
    if isinstance(value, ast.Dict):
        named = {
            name.value: item
            for name, item in zip(value.keys, value.values, strict=True)
            if isinstance(name, ast.Constant)
        }
        if key is None:
            yield from ((name, item.end_lineno) for name, item in named.items())
            return
        value = named[key]
    for part in [value.left, value.right] if isinstance(value, ast.BinOp) else [value]:
        if isinstance(part, ast.Name):
            yield from _entries(tables, part.id, None)
        elif isinstance(part, ast.Tuple):
            first: dict[int | None, str] = {}
            for element in part.elts:
                if isinstance(element, ast.Tuple) and element.elts:
                    element = element.elts[0]
                if isinstance(element, ast.Constant) and isinstance(element.value, str):
                    first.setdefault(element.end_lineno, element.value)
            yield from ((name, line) for line, name in first.items())
