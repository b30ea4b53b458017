"""What `homeslot-sim score` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from homeslot_sim.score.score import Score, score

HEADINGS = ("true", "false", "missed", "late", "duplicate", "unknown")


def run(days: int, carts: int, seed: int, replay: int, console: Console) -> Score:
    """Live them all, with progress where `console` is a terminal."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {
            "days": progress.add_task("Days lived", total=days),
            "replayed": progress.add_task("Days again at register level", total=replay or None),
        }
        tell: Callable[[str, int], None] = lambda what, done: progress.update(  # noqa: E731
            bars[what], completed=done
        )
        return score(days, carts, seed, replay, tell)


def table(found: Score, drawn: bool) -> Table:
    """A row for each kind of alert, `drawn` with lines or plain."""
    lines = box.HEAVY_HEAD if drawn else None
    shown = Table(title="Alerts against the truth", title_justify="left", box=lines)
    shown.add_column("alert")
    for heading in HEADINGS:
        shown.add_column(
            "unknown rightly said" if heading == "unknown" else heading, justify="right"
        )
    for finding, counts in found.tally.as_json().items():
        shown.add_row(finding.replace("_", " "), *(str(counts[name]) for name in HEADINGS))
    return shown


def write_cases(found: Score, folder: Path) -> None:
    """A scenario file for each cart's day of which something wrong was said. Raises OSError."""
    for case in found.cases:
        if case.scenario is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / case.name).write_text(case.scenario, "utf-8")


def write_json(found: Score, file: Path, days: int, carts: int, seed: int) -> None:
    """Everything as JSON. Raises OSError."""
    value = {
        "days": days,
        "carts": carts,
        "seed": seed,
        "judged": found.tally.judged,
        "replayed": found.replayed,
        "right": found.right,
        "alerts": found.tally.as_json(),
        "cases": [
            {
                "cart": case.cart,
                "day": case.day.isoformat(),
                "wrong": case.words,
                "file": case.scenario and case.name,
            }
            for case in found.cases
        ],
    }
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
