"""When a school's day is due: deadlines on the school's own clock, over both changes of the clock.

A deadline is a wall-clock time (C8: "no later than 5pm"), and twice a year a wall clock skips an
hour or shows one twice. Here the deadline is the last moment at which someone who looks at the
clock on the wall is still in time: the second of two, and the moment of the jump when the clock
skips over the deadline.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from homeslot_hub.model import School


def deadline_s(school: School, day: date) -> int:
    """The deadline of `school` on `day`, in epoch seconds."""
    wall = datetime.combine(day, school.deadline)
    first_s = int(wall.replace(tzinfo=school.zone, fold=0).timestamp())
    second_s = int(wall.replace(tzinfo=school.zone, fold=1).timestamp())
    if first_s <= second_s:  # equal on all days but one: then the clock shows it twice
        return second_s
    # Skipped (PEP 495: then fold=1 is the earlier): find the jump, the first second past `wall`.
    early_s, late_s = second_s, first_s
    while late_s - early_s > 1:
        middle_s = (early_s + late_s) // 2
        if _wall(school.zone, middle_s) < wall:
            early_s = middle_s
        else:
            late_s = middle_s
    return late_s


def school_day_of(school: School, at_s: int) -> date:
    """The date on the school's wall at `at_s`, a school day or not."""
    return _wall(school.zone, at_s).date()


def is_school_day(school: School, day: date) -> bool:
    """True when `day` is one of the school's days of the week."""
    return day.weekday() in school.days


def last_due(school: School, now_s: int) -> date | None:
    """The latest school day whose deadline and grace have passed at `now_s`; None without days."""
    today = school_day_of(school, now_s)
    for back in range(8):  # today's may be still to come, and a week before it is the same weekday
        day = today - timedelta(days=back)
        if is_school_day(school, day) and deadline_s(school, day) + school.grace_s <= now_s:
            return day
    return None


def _wall(zone: tzinfo, at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC).astimezone(zone).replace(tzinfo=None)
