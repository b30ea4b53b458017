"""Board files: find them, read them, and refuse what no cart should run on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from homeslot_hardware.lint import Finding, lint

_SHIPPED = files(__package__).joinpath("boards")
_SUFFIX = ".json"


class BoardError(ValueError):
    """A board file that cannot be used: `where` it is, and each of its `findings`."""

    def __init__(self, where: str, findings: Iterable[Finding | str]) -> None:
        self.where = where
        self.findings = tuple(findings)
        super().__init__("\n".join(f"{where}: {finding}" for finding in self.findings))


def names() -> list[str]:
    """Names of the boards that come with homeslot."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in _SHIPPED.iterdir()
        if entry.name.endswith(_SUFFIX) and not entry.name.endswith(".schema.json")
    )


def load(name_or_path: str | Path) -> dict[str, Any]:
    """The board of that name or in that file, fit for `homeslot.board.Board`.

    Raises BoardError naming file, key, value and what would be right, for all errors at once.
    """
    board = read(name_or_path)
    errors = [finding for finding in lint(board) if finding.level == "error"]
    if errors or not isinstance(board, dict):
        raise BoardError(str(name_or_path), errors)
    return board


def read(name_or_path: str | Path) -> object:
    """The JSON of a board, unjudged. Raises BoardError when there is no such board or no JSON."""
    where = str(name_or_path)
    text = _text(where)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        problem = f"line {error.lineno} column {error.colno}: {error.msg}"
    except (ValueError, RecursionError) as error:
        problem = str(error)
    raise BoardError(where, [f"is not JSON: {problem}"])


def _text(where: str) -> str:
    if where in names():
        return _SHIPPED.joinpath(where + _SUFFIX).read_text("utf-8")
    try:
        return Path(where).read_text("utf-8")
    except FileNotFoundError:
        known = ", ".join(names())
        raise BoardError(where, [f"no such file, and no board of that name: {known}"]) from None
    except OSError as error:
        raise BoardError(where, [f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise BoardError(where, [f"is not UTF-8 at byte {error.start}"]) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"{twice!r} is there twice")
    return members


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")
