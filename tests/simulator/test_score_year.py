"""C8: what a school of the score publishes is what the hub reads, torn and gone files aside."""

from datetime import timedelta
from random import Random

import pytest

from homeslot_sim.long_hub import LongHub
from homeslot_sim.score.plan import START, district
from homeslot_sim.score.year import year

DAYS = 180


@pytest.mark.parametrize("seed", range(3))
def test_the_hub_reads_the_days_that_are_so_and_keeps_them_while_it_cannot_read(tmp_path, seed):
    (school,) = district(1, seed, DAYS)
    hub = LongHub([school], tmp_path)
    now_s = [school.at_s(START, school.deadline)]
    hub.now_s = lambda: now_s[0]
    hub.start()
    try:
        first, _, trouble = school.year.broken[0]
        for day in (START, first, first + timedelta(days=1)):
            now_s[0] = school.at_s(day, school.deadline)
            hub.publish(school, day)
            hub.judge()
            known = hub.calendar(school)
            closed = {at for at, kind in known.items() if kind == "closed"}
            half = {at for at, kind in known.items() if kind == "half day"}
            assert closed == school.year.closed
            assert half == school.year.half
        assert trouble in ("torn", "gone")
    finally:
        hub.stop()


def test_a_year_has_all_that_is_to_be_judged():
    for seed in range(20):
        of = year(Random(seed), START, DAYS)
        assert of.closed
        assert of.half
        assert not of.closed & of.half
        assert len(of.broken) >= 2
        assert of.trouble(of.broken[0][0]) == of.broken[0][2]
        assert of.trouble(START) is None
