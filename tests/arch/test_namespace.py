"""The built wheel, in an empty environment: our names, our commands, and nobody else's."""

import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT_DAY = ROOT / "tests" / "system" / "scenarios" / "short-day.scenario"
OURS = {"homeslot", "homeslot_hub", "homeslot_hardware", "homeslot_sim"}
FORBIDDEN = ["hub", "firmware", "simulator", "hardware", "tests", "docs", "core", "homeslot_pico"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` of an environment that holds the wheel and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel],
        check=True,
        capture_output=True,
    )
    return folder / "bin"


def test_the_wheel_holds_nothing_but_our_packages(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == OURS


@pytest.mark.parametrize("name", FORBIDDEN)
def test_no_common_name_becomes_importable(installed, name):
    probe = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is not None)"
    assert subprocess.run([installed / "python", "-I", "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("command", ["homeslot", "homeslot-sim", "homeslot-bench"])
def test_each_command_answers_help(installed, command, tmp_path):
    done = subprocess.run(
        [installed / command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_the_wheel_plays_a_day_without_the_source_tree(installed, tmp_path):
    done = subprocess.run(
        [installed / "homeslot-sim", "run", SHORT_DAY, "--out", "day"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheels_hub_starts_after_init(installed, tmp_path):
    subprocess.run([installed / "homeslot", "init"], cwd=tmp_path, check=True, capture_output=True)
    config = tmp_path / "homeslot.toml"  # 1883 may be taken here: Debian starts its mosquitto on it
    config.write_text(config.read_text("utf-8").replace("port = 1883", "port = 0"), "utf-8")
    serve = subprocess.Popen(
        [installed / "homeslot", "serve"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with serve:
        assert "homeslot serves" in serve.stdout.readline()
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(10) == 0


@pytest.mark.parametrize("part", ["firmware", "hub", "hardware", "simulator"])
def test_every_python_folder_carries_our_prefix(part):
    assert not list((ROOT / part).glob("*.py"))
    folders = [p for p in (ROOT / part).iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert folders
    assert all(p.name.startswith("homeslot") for p in folders)
