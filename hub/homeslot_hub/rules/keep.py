"""What is kept for how long, and what becomes of it then: one table for the hub and its documents.

Theory of operation. What a person or another system was told, and what decides, stays for ever.
What only says how it came to that is dropped once it is older than the configured number of days;
0 days is for ever. A day of which the history is dropped leaves one row for each cart: how much
each of its devices was used (rules.usage). Old means measured, written or last heard so long ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from homeslot_hub.model import Keep

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Policy:
    """One kind of thing: `key` of [keep] says for how many days it stays, empty: for ever.

    `then` is what is left of it.
    """

    what: str
    key: str
    then: str


POLICIES: tuple[Policy, ...] = (
    Policy(
        "the history: events, snapshots, clock readings, when carts were heard",
        "history_days",
        "how much each device was used on each school day; where the chain of records was cut",
    ),
    Policy(
        "notices that are delivered or given up, and their files",
        "letters_days",
        "who was sent which step when, and what became of it; the text of the digests, and the "
        "`.txt` of all in `digests/`",
    ),
    Policy("refused messages, unknown controllers", "refused_days", "their number"),
    Policy("alerts with their history", "", ""),
    Policy("deadlines: when each was judged, or that it was missed", "", ""),
    Policy("the register with all its changes", "", ""),
    Policy("the latest message of each kind from each cart", "", ""),
)

# What is dropped, and by which key.
DROPPED = {
    "records": "history_days",
    "notices": "letters_days",
    "refused messages": "refused_days",
    "unknown controllers": "refused_days",
}


def cuts_s(keep: Keep, now_s: int) -> Mapping[str, int]:
    """By key: before when things of that kind are dropped, epoch s; 0 where nothing is.

    Always a midnight (UTC), so that looking again on the same day changes nothing.
    """
    today_s = now_s // DAY_S * DAY_S
    days = {
        "history_days": keep.history_days,
        "letters_days": keep.letters_days,
        "refused_days": keep.refused_days,
    }
    return {key: max(0, today_s - of * DAY_S) if of else 0 for key, of in days.items()}


def last_s(at: time, zone: ZoneInfo, now_s: int) -> int:
    """The latest moment up to `now_s` (epoch s) at which the wall in `zone` showed `at`."""
    today = datetime.fromtimestamp(now_s, zone).date()
    for back in range(2):
        wall = datetime.combine(today - timedelta(days=back), at, zone)
        moment_s = int(wall.astimezone(UTC).timestamp())
        if moment_s <= now_s:
            break
    return moment_s
