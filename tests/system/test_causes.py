"""Cause before symptom: a day with one cause, lived by the firmware, is one alert for a person."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from homeslot_hub import bootstrap
from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_sim.hub import InProcessHub, settings
from homeslot_sim.runtimes import cpython
from homeslot_sim.scenario import load

SCENARIOS = Path(__file__).parent / "scenarios"
CONFIG = """
[hub]
data = "out"

[[school]]
name = "Hill Primary"
zone = "Europe/Berlin"
coordinator = "Uta Vogel <uta.vogel@hill.example>"
"""
CART = """
[[school.cart]]
controller = "cart-{0}"
number = {0}
room = "room {1}"
teacher = "Ida Moe <ida.moe@hill.example>"
"""


def program(name, *arguments, cwd):
    done = subprocess.run(
        [Path(sys.executable).with_name(name), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def open_alerts(folder):
    """What `homeslot alert list` says of the data in `folder`/out, line by line."""
    (folder / "homeslot.toml").write_text(CONFIG + CART.format(7, 12) + CART.format(8, 14))
    _, _, *lines = program("homeslot", "alert", "list", cwd=folder).splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines if line]


@pytest.mark.parametrize(
    ("cause", "what", "hides", "said"),
    [
        (
            "pulled-plug",
            "cart 7 not plugged in",
            "slots 1 to 30",
            "NOT PLUGGED IN. The cart has been without power since 16:02. Hidden behind this: "
            "whether slots 1 to 30 would charge.",
        ),
        (
            "dead-bank",
            "cart 7 bank 2 sensor fault",
            "slots 11 to 20",
            "SENSOR FAULT. Sensor bank 2 has not answered since 16:20. Hidden behind this: slots "
            "11 to 20 (unknown, not missing).",
        ),
        (
            "silent-cart",
            "cart 7 silent",
            "slots 1 to 30",
            "SILENT. Not heard since 16:20. Last known at 16:20: 30 home. Hidden behind this: "
            "slots 1 to 30 (unknown, not missing).",
        ),
    ],
)
def test_c2_c6_a_cause_is_one_alert_and_the_slots_behind_it_are_listed_as_hidden(
    tmp_path, cause, what, hides, said
):
    scenario = SCENARIOS / f"{cause}.scenario"
    told = program("homeslot-sim", "run", scenario, "--out", "out", cwd=tmp_path)
    assert "all agree" in told
    (alert,) = open_alerts(tmp_path)
    assert (alert[1], alert[-1]) == (what, hides)
    digest = " ".join((tmp_path / "out" / "digest.txt").read_text().split())
    assert said in digest
    assert digest.count("Next:") == 1
    assert "1 cart needs a hand" in digest and "Fine: cart 8." in digest
    carts = json.loads((tmp_path / "out" / "verdict.json").read_text())["carts"]
    assert [len(cart["verdicts"]) for cart in carts] == [1, 0]


def live(scenario, data, closed):
    """Play `scenario` at a school that is `closed` on its day; its hub, and what came of it."""
    made = settings(scenario, data)
    (school,) = made.schools
    if closed:
        made = replace(made, schools=(replace(school, closed=frozenset({scenario.day})),))
    with closing(InProcessHub(made)) as hub:
        cpython.live(scenario, hub, lambda now_s: None)
    with closing(bootstrap.open_store(made)) as store:
        alerts = SqliteAlerts(store).opened(school.name, "2026-11-01", "2026-11-30")
        return hub.day, store.notices_to_file() if closed else [], alerts


def test_c8_c12_at_a_closed_school_thirty_devices_taken_are_one_alarm_and_no_deadline(tmp_path):
    scenario = load(SCENARIOS / "closed-school.scenario")
    day, (notice,), (alert,) = live(scenario, tmp_path / "out", closed=True)
    assert day is None
    assert (alert.finding, alert.slots) == ("disturbed", tuple(range(1, 31)))
    assert notice.subject == "Hill Primary, Wed 18 Nov: cart 7 disturbed out of hours"
    assert (
        "Cart 7: Out of hours its door was opened at 16:20 and 7-1 to 7-30 left their slots at "
        "16:20." in " ".join(notice.text.split())
    )
    assert open_alerts(tmp_path)[0][1] == "cart 7 out of hours disturbed"


def test_c8_on_a_school_day_the_same_is_said_at_its_deadline(tmp_path):
    scenario = load(SCENARIOS / "closed-school.scenario")
    day, _, alerts = live(scenario, tmp_path / "out", closed=False)
    assert day.carts[0].places.count("out") == 30
    assert {alert.finding for alert in alerts} == {"out", "unlocked"}
