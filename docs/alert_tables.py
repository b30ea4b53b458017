"""The tables of alerts in the pages for coordinators and for who runs a hub, made from its own.

Used by their cog blocks.
"""

from __future__ import annotations

import re

from remarks import remarks

from homeslot_hub import model
from homeslot_hub.rules.alerts import EVENTS, HIDES, STATES
from homeslot_hub.rules.steps import STEPS
from homeslot_hub.service.digest import TAGS

RULED = re.compile(r"(?:([CN][CN0-9, ]+): )?(.+)")  # the numbers of rules, and what follows


def tags() -> str:
    """Every word that a mail says of what is wrong, and what is meant."""
    meaning = remarks(model, "Finding")
    lines = ["| the mail says | that is | [rule](rules.md) |", "| --- | --- | --- |"]
    for finding, (tag, _) in TAGS.items():
        rule, meant = RULED.findall(meaning[finding])[0]
        lines.append(f"| **{tag}** | {meant} | {rule} |")
    return "\n".join(lines)


def steps() -> str:
    """Every step of a day: to whom, about what, and for how long it is still of use."""
    lines = ["| step | to | about | too late after |", "| --- | --- | --- | --- |"]
    for name, step in STEPS.items():
        until = "the deadline" if not step.judged and name == "nudge" else _hours(step.window_s)
        lines.append(f"| `{name}` | {step.to} | {step.what} | {until} |")
    return "\n".join(lines)


def states() -> str:
    """What becomes of an alert, by what happens to it; empty where it cannot happen."""
    lines = [f"| state | {' | '.join(EVENTS)} |", "| --- " * (len(EVENTS) + 1) + "|"]
    for state, row in STATES.items():
        cells = (f"`{row[event]}`" if event in row else "" for event in EVENTS)
        lines.append(f"| `{state}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def hides() -> str:
    """Which finding hides which."""
    lines = ["| cause | hides |", "| --- | --- |"]
    lines += [
        f"| `{cause}` | {', '.join(f'`{name}`' for name in sorted(hidden))} |"
        for cause, hidden in HIDES.items()
    ]
    return "\n".join(lines)


def _hours(seconds: int) -> str:
    hours = seconds // 3600
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"
