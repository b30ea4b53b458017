"""Every command in the README does what it says, in an empty folder and in the order written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from homeslot_sim.scenario import load

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
INIT, SERVE, INSTALL = "homeslot init", "homeslot serve", "pip install homeslot"
SHORT_DAY = Path(__file__).parent / "scenarios" / "short-day.scenario"
LIMIT_S = 120
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


def run(command, folder):
    done = subprocess.run(
        command,
        shell=True,  # a README is typed into a shell
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_make_target_of_the_readme_is_there():
    targets = [line.removeprefix("make ") for line in COMMANDS if line.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        run(f"make --dry-run {target}", ROOT)


def test_the_package_is_called_what_the_readme_says():
    assert INSTALL in COMMANDS
    assert 'name = "homeslot"' in (ROOT / "pyproject.toml").read_text()


def test_the_hubs_commands_do_what_the_readme_says(tmp_path):
    commands = [line for line in COMMANDS if line.startswith("homeslot ")]
    assert len(commands) >= 6
    config = tmp_path / "homeslot.toml"
    serve = None
    try:
        for command in commands:
            if command == SERVE:
                serve = subprocess.Popen(
                    command.split(),
                    cwd=tmp_path,
                    env=ENVIRONMENT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                assert "homeslot serves" in serve.stdout.readline()
            else:
                run(command, tmp_path)
            if command == INIT:  # 1883 may be taken here: Debian starts its mosquitto on it
                config.write_text(config.read_text().replace("port = 1883", "port = 0"))
    finally:
        assert serve is not None
        serve.terminate()
        serve.communicate(timeout=10)
    assert serve.returncode == 0
    assert "cart-8" in config.read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("homeslot-bench ")])
def test_the_technicians_commands_do_what_the_readme_says(command, tmp_path):
    assert run(command, tmp_path)


def test_the_simulators_commands_do_what_the_readme_says(tmp_path):
    commands = [line for line in COMMANDS if line.startswith("homeslot-sim ")]
    assert len(commands) == 4
    run(commands[0], tmp_path)
    scenario = tmp_path / "my-day.scenario"
    assert load(scenario).school == "Lincoln Elementary"
    # "To write your own from": a short one here. The day of the demo is lived in test_scenarios.
    scenario.write_text(SHORT_DAY.read_text("utf-8"), "utf-8")
    for command in commands[1:3]:
        assert "all agree" in run(command, tmp_path)
    assert "All alerts are right." in run(commands[3], tmp_path)
