"""The whole: live the days, judge each alert of the hub, and live some days again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from homeslot_sim.long_hub import LongHub
from homeslot_sim.score.cut import scenario_text
from homeslot_sim.score.district import District, Finished
from homeslot_sim.score.followed import LETTER, Followed
from homeslot_sim.score.knowable import truth
from homeslot_sim.score.moment import Found
from homeslot_sim.score.plan import START, DaySaid, SchoolPlan, StepSaid, district
from homeslot_sim.score.replay import Day, at_register_level, differences
from homeslot_sim.score.tally import DEADLINE, LATE_S, Tally, Wrong

# A commit waits for the disk, and here are more of them than a hub makes in years: the database is
# kept in memory where the system offers that.
IN_MEMORY = Path("/dev/shm")  # noqa: S108


@dataclass(frozen=True, slots=True)
class Case:
    """One moment of a cart's day at which something wrong was said.

    `moment` is the time on the school's wall, `cart` 0 where it was about none.
    """

    cart: int
    day: date
    moment: str
    words: tuple[str, ...]  # what was wrong
    scenario: str | None  # text of a scenario file; None where there is no day to live again

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"cart-{self.cart}-{self.day}-{self.moment.replace(':', '')}.scenario"


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
    schools = district(carts, seed, days)
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
        judge = _Judge(found, lived)
        try:
            lived.server.on_day = judge.day
            lived.server.on_step = judge.step
            lived.server.on_mail = judge.followed.mail
            for done in lived.run():
                progress("days", done)
            judge.end()
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
        deadline_s = school.deadline_s(cut.day)
        why = f"Seed {lived.seed}: the quick cart and the registers do not agree"
        text = scenario_text(lived, cut.place, cut.morning, deadline_s, deadline_s, why)
        found.cases.append(Case(day.cart, cut.day, "registers", tuple(apart), text))


class _Judge:
    """Lays what the hub says beside the truth while the days are lived."""

    def __init__(self, found: Score, lived: District) -> None:
        self.found, self.lived = found, lived
        self.followed = Followed(lived, found.tally)
        self._schools = {school.name: school for school in lived.schools}
        self._wanted = {
            (school.name, day)
            for school in lived.schools
            for n in range(lived.days)
            if school.year.is_school_day(day := START + timedelta(days=n))
        }

    def day(self, said: DaySaid) -> None:
        """A day was judged."""
        if said.day < START:  # the beginning was in the middle of it
            return
        tally, school = self.found.tally, self._schools[said.school]
        first = (said.school, said.day) in self._wanted
        self._wanted.discard((said.school, said.day))
        if not school.year.is_school_day(said.day) or (
            said.deadline_s != school.deadline_s(said.day)
        ):
            wrong = tally.count("false", DEADLINE, LETTER, 0)
            self._case(Found(None, said.day, said.judged_s, wrong), school)
            return
        wrong = self._calendar(school, said)
        if wrong:
            self._case(Found(None, said.day, said.judged_s, wrong), school)
        if first:
            self.followed.day(said)
        self._carts(school, said, first)

    def _carts(self, school: SchoolPlan, said: DaySaid, first: bool) -> None:
        tally, lived = self.found.tally, self.lived
        late = said.judged_s > said.deadline_s + lived.hub.limits[2] + LATE_S
        for cart in school.carts:
            place, alerts = lived.places[cart.number], said.carts.get(cart.number, [])
            if first:
                true = truth(
                    place.histories,
                    lived.server.truth,
                    place.rules,
                    said.deadline_s,
                    said.judged_s,
                )
                wrong = tally.add(alerts, true, lived.each, late)
            else:  # a day that was told already: all of it again is too much
                wrong = []
                for alert in alerts:
                    wrong += tally.count("duplicate", DEADLINE, alert.finding, 0)
            if wrong:
                self._case(Found(place, said.day, said.deadline_s, wrong), school, said.judged_s)

    def step(self, said: StepSaid) -> None:
        """A step was taken."""
        if said.day < START:
            return
        for wrong in self.followed.step(said):
            self._case(wrong, self._schools[said.school])

    def end(self) -> None:
        """All days are over: what was never said is missed."""
        for name, day in sorted(self._wanted):
            school = self._schools[name]
            deadline_s = school.deadline_s(day)
            judged_s = deadline_s + self.lived.hub.limits[2]
            self._carts(school, DaySaid(name, day, deadline_s, judged_s, {}), True)
        for wrong in self.followed.end():
            self._case(wrong, None)

    def _calendar(self, school: SchoolPlan, said: DaySaid) -> list[Wrong]:
        """Whether a calendar that could not be read for a day was said to be unreadable."""
        broken = [first for first, last, _ in school.year.broken if first <= said.day <= last]
        if broken and said.day == broken[0]:
            return []  # its copy may still be a day old, or much older
        if bool(broken) == said.stale:
            return self.found.tally.count("true", DEADLINE, "calendar", 0) if broken else []
        what = "false" if said.stale else "missed"
        return self.found.tally.count(what, DEADLINE, "calendar", 0)

    def _case(self, wrong: Found, school: SchoolPlan | None, judged_s: int | None = None) -> None:
        lived, place, at_s = self.lived, wrong.place, wrong.at_s
        words = tuple(one.words for one in wrong.wrong)
        moment = "" if school is None else f"{datetime.fromtimestamp(at_s, school.zone):%H:%M}"
        text = None
        if place is not None:
            begin_s = place.morning.at_ms // 1000 + lived.time.start_s
            if begin_s <= at_s <= lived.time.now_s < at_s + 86400:
                why = f"Seed {lived.seed}: {'; '.join(words)}"
                text = scenario_text(lived, place, place.morning, at_s, judged_s or at_s, why)
        number = 0 if place is None else place.plan.number
        self.found.cases.append(Case(number, wrong.day, moment, words, text))
