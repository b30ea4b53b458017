"""A hub that is wrong is found out, and each day it was wrong about can be lived again."""

from dataclasses import replace

import pytest

from homeslot_sim.long_hub import LongHub
from homeslot_sim.scenario import load
from homeslot_sim.score.knowable import Truth
from homeslot_sim.score.plan import Alert
from homeslot_sim.score.score import score
from homeslot_sim.score.tally import FINDINGS, Tally
from homeslot_sim.truth import truths

DAYS, CARTS, SEED = 4, 6, 2


class Altered(LongHub):
    """A hub whose days are altered on the way to the school."""

    def judge(self):
        return [day for said in super().judge() for day in self.alter(said)]


class Mute(Altered):
    def alter(self, said):
        return [replace(said, carts={number: [] for number in said.carts})]


class Nervous(Altered):
    def alter(self, said):
        more = Alert("out", (7,), ())
        return [replace(said, carts={n: [*alerts, more] for n, alerts in said.carts.items()})]


class Repeating(Altered):
    def alter(self, said):
        return [said, said]


class Asleep(Altered):
    def alter(self, said):
        return []


@pytest.fixture(scope="module")
def true():
    return score(DAYS, CARTS, SEED)


@pytest.fixture(scope="module")
def mute():
    return score(DAYS, CARTS, SEED, make_hub=Mute)


def counts(found, name):
    return {finding: row[name] for finding, row in found.tally.as_json().items() if row[name]}


def test_the_hub_is_right_and_something_happened(true):
    assert true.right
    assert true.cases == []
    assert len(counts(true, "true")) >= 2
    assert true.tally.judged == DAYS * CARTS
    assert {"nudge", "overnight: still wrong", "right again", "morning"} <= set(true.tally.parts)


def test_a_day_that_is_not_judged_is_missed(mute):
    found = score(DAYS, CARTS, SEED, make_hub=Asleep)
    assert counts(found, "missed") == counts(mute, "missed")
    assert None in {case.scenario for case in found.cases}


def test_what_is_not_said_is_missed(true, mute):
    found = mute
    assert not found.right
    for finding in FINDINGS:
        row, right = found.tally.as_json()[finding], true.tally.as_json()[finding]
        assert row["missed"] == right["true"] - right["either"]
        assert row["true"] == row["false"] == row["unknown"] == 0


def test_what_is_not_so_is_false():
    found = score(DAYS, CARTS, SEED, make_hub=Nervous)
    assert counts(found, "false")["out"] > 15
    assert counts(found, "missed") == {}


def test_what_is_said_again_is_a_duplicate(true):
    found = score(DAYS, CARTS, SEED, make_hub=Repeating)
    assert not found.right
    assert sum(counts(found, "duplicate").values()) > 3
    assert counts(found, "true") == counts(true, "true")


def test_the_scenario_of_a_day_has_the_truth_of_that_day(mute, tmp_path):
    cases = [case for case in mute.cases if ":" not in " ".join(case.words)]  # of the deadline
    assert len(cases) > 3
    for case in cases:
        file = tmp_path / case.name
        file.write_text(case.scenario, "utf-8")
        (true,) = truths(load(file), silent_after_s=900, idle_after_s=900)
        so = set()
        for wrong in true.wrong:
            number = wrong.slots[0] if wrong.slots else 0
            if wrong.finding == "sensor_fault":
                number = (number - 1) // 10 + 1
            so.add(f"missed {wrong.finding} {number or ''}".strip())
        assert set(case.words) <= so, case.scenario


def test_the_same_seed_gives_the_same_scenarios(mute):
    again = score(DAYS, CARTS, SEED, make_hub=Mute)
    assert [case.scenario for case in mute.cases] == [case.scenario for case in again.cases]


def said(*alerts):
    return [Alert(*alert) for alert in alerts]


def test_a_tally_counts_each_kind_for_itself():
    tally = Tally()
    truth = Truth(
        {("out", 1): "must", ("out", 2): "must", ("out", 3): "may", ("unplugged", 0): "must"},
        {("out", 1), ("out", 2), ("unplugged", 0)},
        "never",
    )
    wrong = tally.add(
        said(("out", (1,), ()), ("out", (1,), ()), ("out", (3,), ()), ("unlocked", (), ())),
        truth,
        10,
        late=True,
    )
    assert {(w.what, w.finding, w.number) for w in wrong} == {
        ("duplicate", "out", 1),
        ("missed", "out", 2),
        ("missed", "unplugged", 0),
        ("false", "unlocked", 0),
    }
    out = tally.rows["out"]
    assert (out.true, out.either, out.late, out.duplicate, out.missed) == (2, 1, 2, 1, 1)
    assert not tally.right
    assert set(tally.as_json()) == set(FINDINGS)


def test_a_finding_of_which_nobody_here_knows_the_truth_is_neither_right_nor_wrong():
    tally = Tally()
    assert tally.add(said(("borrowed", (3,), ())), Truth({}, set(), "never"), 10, late=False) == []
    assert tally.right
    assert tally.rows["borrowed"].unjudged == 1


def test_what_nobody_could_know_counts_as_unknown_where_the_hub_says_so():
    tally = Tally()
    hidden = Truth({("sensor_fault", 1): "must"}, {("out", 4), ("out", 14)}, "never")
    assert tally.add(said(("sensor_fault", (4,), (4,), "bank 1")), hidden, 10, late=False) == []
    assert tally.rows["out"].unknown == 1  # of slot 14 something else was the matter
    silent = Truth({("silent", 0): "must"}, {("out", 4), ("unplugged", 0)}, "must")
    assert tally.add(said(("silent", (), tuple(range(1, 31)))), silent, 10, late=False) == []
    assert (tally.rows["out"].unknown, tally.rows["unplugged"].unknown) == (2, 1)
