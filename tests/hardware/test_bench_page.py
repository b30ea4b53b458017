"""Every command of the page docs/bench.md does what it says, in the order written."""

import re
import shlex
from pathlib import Path

import pytest

from .plugged import WAIT_S, Plugged

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
BLOCKS = re.findall(r"^```(sh)?\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
RUN = [line for kind, block in BLOCKS if kind for line in block.splitlines()]
SHOWN = [
    command
    for kind, block in BLOCKS
    if not kind
    for command in re.findall(r"homeslot-bench .*", block)
]


def test_the_commands_for_a_cart_that_is_there_do_what_the_page_says(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(RUN) == 11
    with Plugged() as cart:
        monkeypatch.setenv("HOMESLOT_PORT", cart.port)
        monkeypatch.setenv("HOMESLOT_WAIT", str(WAIT_S))
        for line in RUN:
            command = shlex.split(line)[1:]
            if command == ["find"]:
                command.append(cart.port)  # no USB here to look at
            ended = run(*command)
            # A desk has no hub: that is what the cart's own test finds.
            assert ended.status == (3 if command == ["selftest"] else 0), (line, ended.err)
            assert ended.out


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_that_needs_hardware_takes_the_options_the_page_gives_it(run, line):
    ended = run(*shlex.split(line)[1:], "--help")
    assert (ended.status, ended.err) == (0, "")
