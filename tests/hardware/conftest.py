"""`homeslot-bench` as a technician types it."""

from typing import NamedTuple

import pytest

from homeslot_hardware.bench import cli


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys):
    """Runs a command of `homeslot-bench`."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        return Ended(ended.value.code or 0, *capsys.readouterr())

    return run
