"""The tables of alerts in `docs/running.md`, made from the hub's own. Used by its cog blocks."""

from __future__ import annotations

from homeslot_hub.rules.alerts import EVENTS, HIDES, STATES
from homeslot_hub.rules.steps import STEPS


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
