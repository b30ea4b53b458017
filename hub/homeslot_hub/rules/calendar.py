"""When a school's day is due: school days, and deadlines over both changes of the clock.

A deadline is a wall-clock time (C8: "no later than 5pm"), and twice a year a wall clock skips an
hour or shows one twice. Here the deadline is the last moment at which someone who looks at the
clock on the wall is still in time: the second of two, and the moment of the jump when the clock
skips over the deadline.

What makes a date special is asked in this order: a date given by hand, then the school's calendar.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from homeslot_hub.model import Cart, School, SpecialDay

# A summer and more: no school that is one at all is closed for longer.
LOOK_DAYS = 400
BY_HAND = "the configuration"


def special_day(school: School, day: date) -> SpecialDay | None:
    """What is special about `day`; None where only the days of the week decide."""
    if day in school.closed:
        return SpecialDay("closed", "closed by hand", BY_HAND)
    if day in school.half_days:
        return SpecialDay("half day", "half day by hand", BY_HAND)
    return school.calendar.days.get(day)


def is_school_day(school: School, day: date) -> bool:
    """True when `day` is one of the school's days of the week, and nothing closes the school."""
    if day.weekday() not in school.days:
        return False
    special = special_day(school, day)
    return special is None or special.kind != "closed"


def deadline(school: School, day: date, cart: Cart | None = None) -> time:
    """The deadline on `day`, of the school or of one of its carts, as the school's wall shows it.

    On a half day it is the earlier one.
    """
    own = school.deadline if cart is None or cart.deadline is None else cart.deadline
    special = special_day(school, day)
    if special is not None and special.kind == "half day":
        return min(school.half_day_deadline, own)
    return own


def deadline_s(school: School, day: date, cart: Cart | None = None) -> int:
    """The deadline on `day`, of the school or of one of its carts, in epoch seconds."""
    wall = datetime.combine(day, deadline(school, day, cart))
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


def begins_s(school: School, day: date) -> int:
    """The first moment of `day` on the school's wall, in epoch seconds."""
    wall = datetime.combine(day, time(0), school.zone)
    return int(wall.astimezone(UTC).timestamp())


def school_day_of(school: School, at_s: int) -> date:
    """The date on the school's wall at `at_s`, a school day or not."""
    return _wall(school.zone, at_s).date()


def due_s(school: School, day: date) -> int:
    """When `day` can be judged: its deadline and the grace for reports on their way, epoch s."""
    return deadline_s(school, day) + school.grace_s


def last_due(school: School, now_s: int) -> date | None:
    """The latest school day whose deadline and grace have passed at `now_s`.

    None where there was none within LOOK_DAYS.
    """
    today = school_day_of(school, now_s)
    for back in range(LOOK_DAYS):
        day = today - timedelta(days=back)
        if is_school_day(school, day) and due_s(school, day) <= now_s:
            return day
    return None


def next_due_s(school: School, now_s: int) -> int | None:
    """The next moment after `now_s` at which a school day is due; None within LOOK_DAYS."""
    today = school_day_of(school, now_s)
    # A grace that goes past midnight leaves yesterday's to come.
    for ahead in range(-1, LOOK_DAYS):
        day = today + timedelta(days=ahead)
        if is_school_day(school, day) and due_s(school, day) > now_s:
            return due_s(school, day)
    return None


def _wall(zone: tzinfo, at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC).astimezone(zone).replace(tzinfo=None)
