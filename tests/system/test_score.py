"""`homeslot-sim score`: random school days through the real contract and the real hub."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from homeslot_sim.long_hub import LongHub
from homeslot_sim.play import play
from homeslot_sim.runtimes import NoRuntime
from homeslot_sim.scenario import ScenarioError, load, parse
from homeslot_sim.score.command import write_cases
from homeslot_sim.score.score import score

COMMAND = str(Path(sys.executable).parent / "homeslot-sim")


def run(folder, *options, command=("score",)):
    return subprocess.run(
        [COMMAND, *command, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("seed", ["1", "2"])
def test_no_alert_is_missed_false_or_told_twice_on_random_school_days(tmp_path, seed):
    options = ("--days", "5", "--carts", "6", "--seed", seed, "--replay", "0")
    done = run(tmp_path, *options, "--json", "score.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All alerts are right." in done.stdout
    assert "\x1b" not in done.stdout
    said = json.loads((tmp_path / "score.json").read_text())
    assert said["right"] and said["cases"] == []
    assert sum(row["true"] for row in said["alerts"].values()) > 5
    assert not (tmp_path / "score-out").exists()


def test_a_value_that_cannot_be_used_is_refused(tmp_path):
    assert run(tmp_path, "--days", "0").returncode == 2
    done = run(tmp_path, "--days", "1", "--carts", "1", "--replay", "0", "--json", "no/such/file")
    assert done.returncode == 2
    assert "no/such/file: cannot be written" in done.stderr


def careless(settings):
    """Somebody has written down that no slot has a device."""
    spare = frozenset(range(1, 31))
    schools = tuple(
        replace(school, carts=tuple(replace(cart, spare=spare) for cart in school.carts))
        for school in settings.schools
    )
    return replace(settings, schools=schools)


class Careless(LongHub):
    def configured(self, settings):
        return careless(settings)


def test_what_was_judged_wrongly_is_lived_again_by_its_scenario_and_is_as_wrong(tmp_path):
    found = score(3, 4, 1, make_hub=Careless)
    write_cases(found, tmp_path)
    case = next(
        case
        for case in found.cases
        if case.scenario and all(word.startswith("missed out") for word in case.words)
    )
    file = tmp_path / case.name
    # Looked at each half minute instead of each second, to be done sooner.
    file.write_text(file.read_text().replace("\ndate ", "\nscan 30 s\ndate ", 1))
    outcome = play(load(file), "cpython", tmp_path, lambda line: None, configured=careless)
    missed = {word.split()[-1] for word in case.words}
    apart = {row.true.split()[0] for row in outcome.rows if row.said == "nothing"}
    assert apart == {f"{case.cart}-{slot}" for slot in missed}
    # The hub of this checkout, which knows its slots, says what was so.
    done = run(tmp_path, "--quiet", command=("run", str(file)))
    assert done.returncode == 0, done.stdout
    assert "all agree" in done.stdout


SERVER_DAY = """
school       Hill Primary
zone         Europe/Berlin
date         2026-11-18
from         15:00
until        17:14
scan         10 s
coordinator  Uta Vogel <uta@hill.example>
cart 7  room 12  teacher Ida Moe <ida@hill.example>  spare 30
cart 8  room 13  teacher Jo Moe <jo@hill.example>

15:10     carts 7-8  unlock, open, out 1-3
15:20     cart 7     power-off
15:30     hub crash
15:40     cart 7     in 1
15:50     cart 7     power-on
15:55     cart 8     in 2, close, lock
16:00     hub start
16:10     broker wipe
16:12     cart 8     in 3
16:20     broker start
16:30     cart 8     power-off
16:58     hub stop
17:06     hub start
"""


def test_a_scenario_may_befall_controllers_and_server_too(tmp_path):
    day = parse(SERVER_DAY)
    outcome = play(day, "cpython", tmp_path, lambda line: None)
    assert outcome.agree, outcome.rows
    so = {(row.cart, row.true) for row in outcome.rows}
    assert (7, "7-2 out since 15:10") in so
    assert (8, "silent since 16:30") in so
    with pytest.raises(NoRuntime, match="cpython"):
        play(day, "micropython", tmp_path, lambda line: None)


def test_what_befalls_the_server_is_one_of_a_few_things():
    with pytest.raises(ScenarioError, match="`hub explode` is not known; there are: hub stop"):
        parse(SERVER_DAY + "16:40 hub explode\n")
