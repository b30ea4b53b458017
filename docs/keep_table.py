"""The table of what is kept, in `docs/running.md`, made from the hub's own for its cog block."""

from __future__ import annotations

from homeslot_hub.model import Keep
from homeslot_hub.rules.keep import POLICIES


def policies() -> str:
    """Each kind of thing: for how long it is kept unless told otherwise, and what is left of it."""
    lines = ["| what | kept for | then there is left |", "| --- | --- | --- |"]
    for policy in POLICIES:
        days = getattr(Keep(), policy.key) if policy.key else 0
        kept = f"{days} days (`{policy.key}`)" if days else "ever"
        lines.append(f"| {policy.what} | {kept} | {policy.then} |")
    return "\n".join(lines)
