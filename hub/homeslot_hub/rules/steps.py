"""The steps of a school's day: when each is due, for how long, and what quiet hours do to it.

A step stands in the due table once per (school, day, step), like the deadline itself, whatever
restarts, changes of the clock and jumps of it do. It is due from its moment on and for its window;
a step whose window has passed unseen is recorded as missed and never sent: a nudge after the
deadline helps nobody. The deadline has no window: it is judged however late, and cannot be off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from homeslot_hub.model import MORNING, School
from homeslot_hub.rules import calendar

StepName = Literal["morning", "nudge", "late", "overnight", "week"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Its window ends `window_s` after its moment, a nudge's at the deadline.

    `judged`: it waits until the day has been judged, as it speaks of what the digest said.
    """

    window_s: int
    judged: bool
    to: str
    what: str


# In the order of a day.
STEPS: dict[StepName, Step] = {
    "morning": Step(
        4 * 3600,
        False,
        "coordinator",
        "before the first bell: how many devices are charged, which not, what is not known (C10)",
    ),
    "nudge": Step(
        4 * 3600,
        False,
        "each teacher, and the cart's own light",
        "before the deadline: what of their own carts is not right; nothing when all is home",
    ),
    "late": Step(
        6 * 3600,
        True,
        "coordinator",
        "after the deadline: what came home late, and what reports that came late correct",
    ),
    "overnight": Step(
        8 * 3600,
        True,
        "coordinator, principal",
        "in the evening: what is still missing, and what a lock-down is prepared for (C11)",
    ),
    "week": Step(
        3 * 86400,
        True,
        "coordinator",
        "behind the deadline of the week's last school day: the week in a few lines",
    ),
}


def moment_s(step: StepName, school: School, day: date) -> int | None:
    """When `step` of `day` is due, in epoch s; None where the school wants none, or that day."""
    plan, deadline_s = school.steps, calendar.deadline_s(school, day)
    if step == "nudge":
        return deadline_s - plan.nudge_before_s if plan.nudge_before_s else None
    if step == "late":
        # Not before the deadline itself has been judged.
        return deadline_s + max(plan.late_after_s, school.grace_s) if plan.late_after_s else None
    if step == "week":
        return deadline_s + school.grace_s if plan.week and _ends_week(school, day) else None
    if step == "morning":
        if plan.morning is None:
            return None
        at_s = _wall_s(school, day, plan.morning)
        return at_s if at_s < deadline_s else None
    if plan.overnight is None:
        return None
    at_s = _wall_s(school, day, plan.overnight)
    if at_s <= deadline_s:  # it is meant to be past midnight
        at_s = _wall_s(school, day + timedelta(days=1), plan.overnight)
    return max(at_s, deadline_s + school.grace_s)


def until_s(step: StepName, school: School, day: date) -> int:
    """When it is too late for `step` of `day`, in epoch s. It must not be off."""
    at_s = moment_s(step, school, day)
    if at_s is None:
        raise ValueError(f"{step} of {school.name} is off on {day}")
    end_s = at_s + STEPS[step].window_s
    if STEPS[step].judged:
        return end_s
    return min(end_s, calendar.deadline_s(school, day))


def begins_s(school: School, day: date) -> int:
    """When the school day `day` begins for its carts, in epoch s: its morning, wanted or not."""
    morning_s = _wall_s(school, day, school.steps.morning or MORNING)
    return min(morning_s, calendar.deadline_s(school, day))


def quiet_until_s(school: School, now_s: int) -> int | None:
    """When the quiet hours that `now_s` lies in end, in epoch s; None when it lies in none."""
    if school.steps.quiet is None:
        return None
    begins, ends = school.steps.quiet
    today = calendar.school_day_of(school, now_s)
    for day in (today - timedelta(days=1), today):
        end = day if begins < ends else day + timedelta(days=1)
        from_s, to_s = _wall_s(school, day, begins), _wall_s(school, end, ends)
        if from_s <= now_s < to_s:
            return to_s
    return None


def _ends_week(school: School, day: date) -> bool:
    """Whether no school day is left in the week (Monday to Sunday) of `day`."""
    rest = (day + timedelta(days=ahead) for ahead in range(1, 7 - day.weekday()))
    return not any(calendar.is_school_day(school, later) for later in rest)


def _wall_s(school: School, day: date, at: time) -> int:
    # Of two moments the first; one that the wall skips is an hour later (PEP 495).
    return int(datetime.combine(day, at, school.zone).timestamp())
