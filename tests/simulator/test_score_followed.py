"""What a hub tells besides its digests: each thing that is amiss with it is found out.

One district is lived once; each case hears what its hub said with something altered on the way.
"""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from homeslot_sim.long_hub import LongHub
from homeslot_sim.score.district import District
from homeslot_sim.score.followed import Followed
from homeslot_sim.score.moment import Moment
from homeslot_sim.score.plan import START, Alert, Heard, Mail, StepSaid, district
from homeslot_sim.score.score import score
from homeslot_sim.score.tally import FINDINGS, Tally

DAYS, CARTS, SEED = 8, 10, 1


class Case:
    """Follows what is said, altered: `of(step, letter)` gives the letter or None."""

    def __init__(self, lived, of=lambda step, letter: letter, steps=1, mails=1, drop=None):
        self.tally = Tally()
        self.followed = Followed(lived, self.tally)
        self._of, self._steps, self._mails, self._drop = of, steps, mails, drop

    def step(self, said):
        letters = (self._of(said.step, letter) for letter in said.letters)
        said = replace(said, letters=tuple(letter for letter in letters if letter is not None))
        for _ in range(self._steps if said.step != self._drop else 0):
            self.followed.step(said)

    def mail(self, mail):
        for _ in range(self._mails):
            self.followed.mail(mail)

    @property
    def wrong(self):
        """What is wrong: how often each of (part, finding, what)."""
        return {
            (part, finding, what): getattr(row, what)
            for part, rows in self.tally.parts.items()
            for finding, row in rows.items()
            for what in ("false", "missed", "duplicate")
            if getattr(row, what)
        }

    def kinds(self):
        return {(part, what) for part, _, what in self.wrong}

    def count(self, part, what="true"):
        return sum(getattr(row, what) for row in self.tally.parts[part].values())


def of(step, change):
    """Letters of `step`, changed."""
    return lambda at, letter: change(letter) if at == step else letter


told = []


def again(letter):
    told.extend(letter.right)
    return replace(letter, right=tuple(told))


def turned(letter):
    healed = (replace(heard, right_s=0) for heard in letter.wrong)
    return replace(letter, wrong=(), right=(*letter.right, *healed))


def added(letter):
    return replace(letter, wrong=(), corrected=tuple(replace(h, added=True) for h in letter.wrong))


def swapped(letter):
    ready = {
        number: {**words, "away": words["charged"], "charged": words["away"]}
        for number, words in letter.ready.items()
    }
    return replace(letter, ready=ready)


def foreign(letter):
    more = (Heard(1, Alert("borrowed", (3,), ()), None, 0), Heard(2, Alert("lent", (), ()), None))
    return replace(letter, wrong=letter.wrong + more, right=letter.right + more)


ALTERED = {
    "foreign": {"of": of("overnight", foreign)},
    "true": {},
    "no nudge": {"of": of("nudge", lambda letter: None)},
    "other teacher": {"of": of("nudge", lambda one: replace(one, to="teacher1@school.example"))},
    "not told right": {"of": lambda at, letter: replace(letter, right=())},
    "told right again": {"of": of("overnight", again)},
    "told right while wrong": {"of": of("overnight", turned)},
    "added again": {"of": of("overnight", added)},
    "withdrawn": {"of": of("overnight", lambda one: replace(one, wrong=(), corrected=one.wrong))},
    "morning swapped": {"of": of("morning", swapped)},
    "week": {"of": of("week", lambda letter: replace(letter, week=(1, 9)))},
    "twice": {"steps": 2},
    "no evening": {"drop": "overnight"},
    "no mail": {"mails": 0},
    "mail twice": {"mails": 2},
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    schools = district(CARTS, SEED, DAYS)
    hub = LongHub(schools, tmp_path_factory.mktemp("hub"))
    lived = District(schools, SEED, hub, START, DAYS)
    cases = {name: Case(lived, **altered) for name, altered in ALTERED.items()}
    server = lived.server

    def fan_out(what):
        def each(said):
            for case in cases.values():
                what(case)(said)

        return each

    server.on_day = fan_out(lambda case: case.followed.day)
    server.on_step = fan_out(lambda case: case.step)
    server.on_mail = fan_out(lambda case: case.mail)
    try:
        for _ in lived.run():
            pass
        for case in cases.values():
            case.followed.end()
        assert hub.refused == 0  # what the quick carts say is checked by the hub alone
    finally:
        hub.stop()
    return cases


def sent(case):
    return sum(rows["letter"].true for rows in case.tally.parts.values() if "letter" in rows)


def test_what_the_hub_tells_is_true_and_told_once(cases):
    true = cases["true"]
    assert true.wrong == {}
    parts = ("nudge", "late: still wrong", "overnight: still wrong", "right again", "morning")
    assert all(true.count(part) for part in parts)
    assert sent(true) > 30


def test_a_nudge_that_is_not_sent_is_missed(cases):
    true, seen = cases["true"], cases["no nudge"].wrong
    missed = sum(n for (_, finding, _), n in seen.items() if finding in FINDINGS)
    said = sum(true.tally.parts["nudge"][finding].true for finding in FINDINGS)
    assert missed == said - true.count("nudge", "either")
    # and its mails are nobody's letters
    assert seen["nudge", "letter", "false"] == true.tally.parts["nudge"]["letter"].true


def test_a_nudge_to_another_teacher_is_false(cases):
    assert cases["other teacher"].wrong["nudge", "letter", "false"] > 0


def test_what_is_right_again_is_told_and_once_and_only_if_so(cases):
    assert cases["not told right"].kinds() == {("right again", "missed")}
    assert cases["told right again"].kinds() == {("right again", "duplicate")}
    kinds = cases["told right while wrong"].kinds()
    assert {("right again", "false"), ("overnight: still wrong", "missed")} <= kinds


def test_since_when_it_is_right_is_taken_from_a_clock_that_was_behind(tmp_path):
    (school,) = district(1, SEED, DAYS)
    lived = District([school], SEED, LongHub([school], tmp_path), START, DAYS)
    plugged_s = school.at_s(START, time(7, 0))
    histories = lived.places[1].histories
    histories.turn(plugged_s - 86400, "mains", [0], False)
    histories.turn(plugged_s, "mains", [0], True)
    evening = StepSaid("overnight", school.name, START, school.at_s(START, time(21, 0)), ())

    def was_right(right_s):
        heard = Heard(1, Alert("unplugged", (), ()), START, right_s)
        return Moment(lived, school, evening).was_right(heard, ("unplugged", 0))

    assert [was_right(plugged_s - early_s) for early_s in (0, 440, 460)] == [True, False, False]
    histories.misled.append((plugged_s + 4, plugged_s - 444))
    assert [was_right(plugged_s - early_s) for early_s in (0, 440, 460)] == [True, True, False]


def test_a_correction_that_is_none_is_found_out(cases):
    assert ("corrected", "duplicate") in cases["added again"].kinds()
    assert ("corrected", "false") in cases["withdrawn"].kinds()


def test_c10_a_morning_that_says_otherwise_is_false(cases):
    seen = cases["morning swapped"].wrong
    assert {part for part, *_ in seen} == {"morning"}
    assert seen["morning", "away", "false"] > 100
    assert seen["morning", "charged", "false"] > 0


def test_what_has_no_truth_here_is_not_judged(cases):
    case = cases["foreign"]
    assert case.wrong == {}
    right = case.tally.parts["right again"]
    assert (right["borrowed"].unjudged, right["lent"].unjudged) == (right["lent"].unjudged,) * 2
    assert case.tally.parts["overnight: still wrong"]["lent"].unjudged >= 4
    case.mail(Mail("School 1", START, "alarm", "coordinator1@school.example", 0))
    assert case.tally.rows["alarm letter"].unjudged == 1
    assert case.tally.right


def test_steps_and_letters_are_there_once(cases):
    true = cases["true"]
    assert set(cases["week"].wrong) == {("week", "letter", "false")}
    assert ("overnight", "duplicate") in cases["twice"].kinds()
    assert cases["no evening"].wrong["overnight", "letter", "missed"] >= 4
    assert sum(cases["mail twice"].wrong.values()) == sent(true)
    assert {what for _, what in cases["no mail"].kinds()} == {"missed"}


def test_c8_a_hub_without_the_calendar_judges_days_without_school_and_at_the_wrong_time():
    class Blind(LongHub):
        def configured(self, settings):
            schools = tuple(replace(school, feeds=()) for school in settings.schools)
            return replace(settings, schools=schools)

    days, seed = 14, 1
    (school,) = district(1, seed, days)
    dates = [START + timedelta(days=n) for n in range(days)]
    closed = [day for day in dates if day.weekday() < 5 and day in school.year.closed]
    half = [day for day in dates if day.weekday() < 5 and day in school.year.half]
    assert closed or half
    found = score(days, 1, seed, make_hub=Blind)
    assert found.tally.rows["letter"].false >= len(closed) + len(half)
    assert score(days, 1, seed).right
