"""Every command in the README does what it says, in an empty folder and in the order written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
SERVE, INSTALL = "homeslot serve", "pip install homeslot"
LIMIT_S = 170
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
    finally:
        assert serve is not None
        serve.terminate()
        serve.communicate(timeout=10)
    assert serve.returncode == 0
    assert "cart-8" in (tmp_path / "homeslot.toml").read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("homeslot-bench ")])
def test_the_technicians_commands_do_what_the_readme_says(command, tmp_path):
    assert run(command, tmp_path)


def test_the_simulators_commands_do_what_the_readme_says(tmp_path):
    commands = [line for line in COMMANDS if line.startswith("homeslot-sim ")]
    assert len(commands) == 3
    run(commands[0], tmp_path)
    for command in commands[1:]:
        assert "all agree" in run(command, tmp_path)
