"""Whole days: a scenario lived on each runtime, and what the hub made of it."""

import json
import subprocess
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from homeslot_sim.play import OUTPUTS

HERE = Path(__file__).parent
SHORT_DAY = HERE / "scenarios" / "short-day.scenario"
LIMIT_S = 120  # what the demo may take on a machine that has its dependencies


def simulator(*arguments, cwd):
    program = Path(sys.executable).with_name("homeslot-sim")
    return subprocess.run(
        [program, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """The short day on both runtimes: {runtime: (folder, finished process)}."""
    lived = {}
    for runtime in ("cpython", "micropython"):
        folder = tmp_path_factory.mktemp(runtime)
        done = simulator(
            "run", SHORT_DAY, "--runtime", runtime, "--out", folder / "out", cwd=folder
        )
        lived[runtime] = (folder / "out", done)
    return lived


def test_by_tls_the_truth_is_the_same(days, tmp_path):
    done = simulator(
        *("run", SHORT_DAY, "--runtime", "micropython", "--tls", "--out", tmp_path / "out"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "tls" / "ca.pem").exists()
    plain, encrypted = (
        json.loads((folder / "verdict.json").read_text())
        for folder in (days["micropython"][0], tmp_path / "out")
    )
    assert essence(encrypted) == essence(plain)


def test_on_cpython_there_is_no_network_for_tls(tmp_path):
    done = simulator("run", SHORT_DAY, "--tls", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing to encrypt" in done.stderr + done.stdout


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_the_hub_tells_the_truth_about_a_short_day(days, runtime):
    folder, done = days[runtime]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all agree" in done.stdout
    assert sorted(OUTPUTS) == sorted(p.name for p in folder.iterdir() if p.name in OUTPUTS)


def test_both_runtimes_reach_the_same_verdict(days):
    cpython, micropython = (
        json.loads((folder / "verdict.json").read_text()) for folder, _ in days.values()
    )
    assert essence(cpython) == essence(micropython)
    found = {(c["cart"], v["finding"]) for c in cpython["carts"] for v in c["verdicts"]}
    assert found == {(7, "out"), (7, "not_charging"), (8, "sensor_fault"), (8, "unplugged")}


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_the_digest_is_the_same_as_mail_text_and_page(days, runtime):
    folder, _ = days[runtime]
    mail = BytesParser(policy=policy.default).parsebytes((folder / "digest.eml").read_bytes())
    text = mail.get_body(("plain",)).get_content()
    assert text.split() == (folder / "digest.txt").read_text().split()
    assert "7-12 has been out" in text
    assert "7-12" in (folder / "digest.html").read_text()
    assert mail["To"] == "Uta Vogel <uta.vogel@hill.example>"


def test_a_hub_that_says_something_else_than_the_truth_ends_with_status_1(tmp_path):
    """A scenario whose truth the cart's sensors cannot know in time: 7-1 leaves at the bell, and
    the hub has waited too short to hear of the link that fell before it."""
    text = SHORT_DAY.read_text() + "16:58  cart 7  link-down\n16:59  cart 7  out 1\n"
    file = tmp_path / "unknowable.scenario"
    file.write_text(text)
    done = simulator("run", file, "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "do not agree" in done.stdout


def test_a_broken_scenario_ends_with_status_2_and_names_the_line(tmp_path):
    file = tmp_path / "broken.scenario"
    file.write_text(SHORT_DAY.read_text().replace("close, lock, unplug", "close, lokc"))
    done = simulator("run", file, cwd=tmp_path)
    assert done.returncode == 2
    assert "broken.scenario:21: `lokc` is not known" in done.stderr
    assert done.stdout == ""


def test_a_folder_that_is_not_ours_is_not_replaced(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    done = simulator("run", SHORT_DAY, "--out", "precious", cwd=tmp_path)
    assert done.returncode == 2
    assert "not of an earlier run" in done.stderr
    assert (tmp_path / "precious" / "thesis.txt").exists()


def test_the_demos_day_ends_with_the_truth_within_two_minutes(tmp_path):
    done = simulator("demo", cwd=tmp_path)  # `make demo` runs this command
    assert done.returncode == 0, done.stdout + done.stderr
    assert "real MicroPython" in done.stdout
    assert "16:59  cart 7: in 17" in done.stdout  # progress while it runs
    assert "all agree" in done.stdout


def essence(verdict):
    """Everything of a verdict but the seconds, which scaled time blurs."""
    return [
        (
            cart["cart"],
            cart["places"],
            [(v["rule"], v["finding"], v["slots"], v["hides"]) for v in cart["verdicts"]],
        )
        for cart in verdict["carts"]
    ]
