"""The emulated board's parts that need no board: MicroPython's file, and the image of the flash."""

import pytest
from typer.testing import CliRunner

from homeslot_sim.cli import app
from homeslot_sim.pico import flash_image, uf2

SCENARIO = """
school       Hill Primary
zone         Europe/Berlin
date         2026-11-18
from         16:58
until        17:02
deadline     17:00
coordinator  Uta Vogel <uta.vogel@hill.example>

cart 7  room 12  teacher Ida Moe <ida.moe@hill.example>
cart 8  room 14  teacher Jan Lind <jan.lind@hill.example>  spare 30

16:58:20  cart 7  unlock, open, out 1-3
16:58:40  cart 7  in 2-3, close, lock
16:58:40  cart 8  unplug, bank-dies 2
"""


def test_micropython_is_found_and_is_the_version_pinned():
    assert uf2.find().stat().st_size == 1752064


def test_a_file_that_is_another_version_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "other.uf2"
    other.write_bytes(b"UF2\n" * 128)
    with pytest.raises(uf2.NoUf2, match=r"is not MicroPython 1\.27\.0"):
        uf2.find(other)
    monkeypatch.setenv(uf2.VARIABLE, str(tmp_path / "none.uf2"))
    with pytest.raises(uf2.NoUf2, match=r"none\.uf2 is not"):
        uf2.find()


def test_without_micropython_a_run_ends_with_status_2_and_says_what_is_missing(tmp_path):
    (tmp_path / "tiny.scenario").write_text(SCENARIO)
    arguments = ["run", "tiny.scenario", "--runtime", "pico", "--out", "out"]
    command = [str(tmp_path / a) if a in ("tiny.scenario", "out") else a for a in arguments]
    done = CliRunner().invoke(app, command, env={uf2.VARIABLE: str(tmp_path / "none.uf2")})
    assert done.exit_code == 2
    assert "none.uf2 is not MicroPython 1.27.0" in done.output


def test_a_board_with_another_controller_is_refused(tmp_path):
    file = tmp_path / "tiny.scenario"
    file.write_text(SCENARIO.replace("zone ", "board        pico-2-w-30\nzone ", 1))
    done = CliRunner().invoke(
        app, ["run", str(file), "--runtime", "pico", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 2
    assert "board pico-2-w-30: its controller is pico-2-w, emulated is pico-w only" in done.output


def test_a_file_named_is_taken_and_nothing_else_is_looked_for(tmp_path):
    named = tmp_path / "named.uf2"
    named.write_bytes(uf2.find().read_bytes())
    assert uf2.find(named) == named


def test_the_flash_holds_the_files_board_and_settings():
    files = {"main.py": b"main()", "homeslot/core/slots.mpy": bytes(5000)}
    image = flash_image.image(files, {"id": "b"}, {"cart": "cart-7"})
    assert len(image) == flash_image.BLOCKS * flash_image.BLOCK_SIZE
    for name, content in files.items():
        assert flash_image.read(image, name) == content
    assert flash_image.read(image, "settings.json") == b'{"cart": "cart-7"}'
