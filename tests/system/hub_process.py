"""A hub in a process of its own: to be started, killed and started again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType

from .waiting import wait_for

HOMESLOT = (sys.executable, "-c", "from homeslot_hub.cli import main; main()")
SHIFTED = (sys.executable, str(Path(__file__).with_name("shifted_hub.py")))


def homeslot(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one `homeslot` command on the configuration in `folder` to its end."""
    command = [*HOMESLOT, *arguments, "--config", str(folder / "homeslot.toml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class HubProcess:
    """A running hub: `homeslot serve` with the configuration in `folder`, or `command`."""

    def __init__(self, folder: Path, command: Sequence[str] = ()) -> None:
        self.folder = folder
        command = command or [*HOMESLOT, "serve", "--config", str(folder / "homeslot.toml")]
        self._log = folder / "hub.out"
        with self._log.open("wb") as out:
            self._child = subprocess.Popen(command, stdout=out, stderr=out)

    def __enter__(self) -> HubProcess:
        wait_for("the hub is up", lambda: "Ctrl-C ends it" in self.said or self.ended)
        assert not self.ended, self.said
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.ended:
            assert self.stop() == 0, self.said

    @property
    def said(self) -> str:
        """Its output and its log."""
        return self._log.read_text()

    @property
    def ended(self) -> bool:
        return self._child.poll() is not None

    @property
    def port(self) -> int:
        """Where carts connect."""
        line = next(line for line in self.said.splitlines() if "  broker " in line)
        return int(line.rpartition(":")[2])

    def kill(self) -> None:
        """kill -9."""
        self._child.kill()
        self._child.wait(10)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status. Within five seconds and a slow machine's allowance."""
        self._child.send_signal(number)
        return self._child.wait(10)


def nats_pid(data: Path) -> int:
    """The process id of the embedded broker; 0 while there is none."""
    try:
        return int((data / "nats" / "nats.pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def end_broker(data: Path) -> None:
    """Leave no embedded broker behind, whatever became of its hub."""
    pid = nats_pid(data)
    if pid and alive(pid):
        os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether process `pid` runs (and is no zombie that nobody has waited for)."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def rows(data: Path, sql: str) -> list[tuple[object, ...]]:
    """What the hub's database answers, beside the running hub; nothing before there is one."""
    path = data / "homeslot.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return database.execute(sql).fetchall()
