"""What `homeslot-sim score` prints and writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from homeslot_sim.score.score import Score, score
from homeslot_sim.score.tally import DEADLINE

HEADINGS = ("true", "false", "missed", "late", "duplicate", "unknown")
PARTS = {
    "deadline": "At the deadline",
    "nudge": "Before it, to the teachers (nudge)",
    "corrected": "Corrected after it",
    "late: still wrong": "An hour after it: still wrong",
    "overnight: still wrong": "In the evening: still wrong",
    "right again": "Right again",
    "morning": "In the morning: how each device stands",
    "late": "An hour after it",
    "overnight": "In the evening",
    "week": "At the end of the week",
}


def run(days: int, carts: int, seed: int, replay: int, console: Console) -> Score:
    """Live them all, with progress where `console` is a terminal."""
    logging.getLogger("homeslot").setLevel(logging.ERROR)  # calendars are torn on purpose
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bars = {
            "days": progress.add_task("Days lived", total=days),
            "replayed": progress.add_task("Days again at register level", total=replay or None),
        }
        tell: Callable[[str, int], None] = lambda what, done: progress.update(  # noqa: E731
            bars[what], completed=done
        )
        return score(days, carts, seed, replay, tell)


def tables(found: Score, drawn: bool) -> Iterator[Table]:
    """A table for each part of the day, with a row for each kind of alert in it.

    `drawn` with lines or plain.
    """
    lines = box.HEAVY_HEAD if drawn else None
    for part, title in PARTS.items():
        rows = found.tally.as_json(part)
        if part != DEADLINE:
            rows = {finding: row for finding, row in rows.items() if any(row.values())}
        if not rows:
            continue
        shown = Table(title=title, title_justify="left", box=lines)
        shown.add_column("", min_width=14)
        for heading in HEADINGS:
            shown.add_column(
                "unknown rightly said" if heading == "unknown" else heading, justify="right"
            )
        for finding, counts in rows.items():
            values = [str(counts[name]) for name in HEADINGS]
            if counts["unjudged"]:
                values[0] = f"{counts['unjudged']} not judged"
            shown.add_row(finding.replace("_", " "), *values)
        yield shown


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
        "parts": {part: found.tally.as_json(part) for part in PARTS if part != DEADLINE},
        "cases": [
            {
                "cart": case.cart,
                "day": case.day.isoformat(),
                "moment": case.moment,
                "wrong": case.words,
                "file": case.scenario and case.name,
            }
            for case in found.cases
        ],
    }
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
