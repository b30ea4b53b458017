"""The whole: live the days, judge each alert of the hub, and live some days again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from homeslot_sim.hub import LongHub
from homeslot_sim.score.cut import scenario_text
from homeslot_sim.score.district import District, Finished, Place
from homeslot_sim.score.knowable import truth
from homeslot_sim.score.plan import START, DaySaid, SchoolPlan, district
from homeslot_sim.score.replay import Day, at_register_level, differences
from homeslot_sim.score.tally import LATE_S, Tally, Wrong

# A commit waits for the disk, and here are more of them than a hub makes in years: the database is
# kept in memory where the system offers that.
IN_MEMORY = Path("/dev/shm")  # noqa: S108


@dataclass(frozen=True, slots=True)
class Case:
    """One cart's day of which something wrong was said."""

    cart: int
    day: date
    words: tuple[str, ...]  # what was wrong
    scenario: str | None  # text of a scenario file; None of a day that was never judged

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"cart-{self.cart}-{self.day}.scenario"


@dataclass
class Score:
    """What came of it. `replayed` cart-days were lived again at register level."""

    tally: Tally = field(default_factory=Tally)
    cases: list[Case] = field(default_factory=list)
    replayed: int = 0

    @property
    def right(self) -> bool:
        """Nothing was missed, false or said twice, and the registers agree."""
        return self.tally.right and not self.cases


def score(
    days: int,
    carts: int,
    seed: int,
    replay: int = 0,
    progress: Callable[[str, int], None] = lambda what, done: None,
    make_hub: Callable[[list[SchoolPlan], Path], LongHub] = LongHub,
) -> Score:
    """Live `days` with `carts` carts, everything decided by `seed`, and `replay` cart-days again.

    `progress(what, done)` is told how many days, and how many cart-days, are done. `make_hub` makes
    the hub that is scored.
    """
    schools = district(carts, seed)
    random = Random(f"{seed} replay")  # noqa: S311  # a simulation
    every = [(number + 1, day) for number in range(carts) for day in range(days)]
    sampled = random.sample(every, min(replay, len(every)))
    found = Score()
    found.tally.cart_days = days * carts
    with tempfile.TemporaryDirectory(
        prefix="homeslot-score-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None
    ) as data:
        hub = make_hub(schools, Path(data))
        lived = District(schools, seed, hub, START, days, sampled)
        wanted = {
            (school.name, day)
            for school in schools
            for n in range(days)
            if hub.deadline_s(school.name, day := START + timedelta(days=n)) is not None
        }

        def judge(said: DaySaid) -> None:
            if said.day >= START:  # else the beginning was in the middle of it
                _judge(found, lived, said, (said.school, said.day) in wanted)
                wanted.discard((said.school, said.day))

        try:
            lived.server.on_day = judge
            for done in lived.run():
                progress("days", done)
            for name, day_missed in sorted(wanted):
                deadline_s = hub.deadline_s(name, day_missed)
                if deadline_s is not None:
                    judged_s = deadline_s + hub.limits[2]
                    _judge(found, lived, DaySaid(name, day_missed, deadline_s, judged_s, {}), True)
        finally:
            hub.stop()
    for cut in lived.finished:
        _replay(found, lived, cut)
        found.replayed += 1
        progress("replayed", found.replayed)
    return found


def _replay(found: Score, lived: District, cut: Finished) -> None:
    day = Day(
        cut.place.plan.number,
        cut.morning,
        lived.time.start_s,
        [(at_ms - cut.boot_ms, *told) for at_ms, *told in cut.told],  # type: ignore[misc]
        cut.end_ms - cut.boot_ms,
    )
    apart = differences(day, at_register_level(day))
    if apart:
        school = cut.place.school
        deadline_s = int(datetime.combine(cut.day, school.deadline, school.zone).timestamp())
        why = f"Seed {lived.seed}: the quick cart and the registers do not agree"
        text = scenario_text(lived, cut.place, cut.morning, deadline_s, deadline_s, why)
        found.cases.append(Case(day.cart, cut.day, tuple(apart), text))


def _judge(found: Score, lived: District, day: DaySaid, first: bool) -> None:
    for place in lived.places.values():
        if place.school.name == day.school:
            wrong = _judge_cart(found.tally, lived, place, day, first)
            if wrong:
                found.cases.append(_case(lived, place, day, wrong))


def _case(lived: District, place: Place, day: DaySaid, wrong: list[Wrong]) -> Case:
    words = tuple(f"{w.what} {w.finding} {w.number or ''}".strip() for w in wrong)
    why = f"Seed {lived.seed}: {'; '.join(words)}"
    text = None
    if (
        place.morning.at_ms // 1000 + lived.time.start_s
        <= day.deadline_s
        <= lived.time.now_s
        < (day.deadline_s + 86400)
    ):
        text = scenario_text(lived, place, place.morning, day.deadline_s, day.judged_s, why)
    return Case(place.plan.number, day.day, words, text)


def _judge_cart(
    tally: Tally, lived: District, place: Place, day: DaySaid, first: bool
) -> list[Wrong]:
    said = day.carts.get(place.plan.number, [])
    if not first:  # a day that was told already: all of it again is too much
        for alert in said:
            tally.rows[alert.finding].duplicate += 1
        return [Wrong("duplicate", alert.finding, 0) for alert in said]
    true = truth(place.histories, lived.server.truth, place.rules, day.deadline_s, day.judged_s)
    late = day.judged_s > day.deadline_s + lived.hub.limits[2] + LATE_S
    return tally.add(said, true, lived.each, late)
