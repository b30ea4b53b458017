"""A gateway in a process of its own: to be started, killed and started again."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from types import TracebackType

from .hub_process import HOMESLOT


class GatewayProcess:
    """`homeslot gateway` on `ports` for the broker at `place`; what it says is kept in `log`."""

    def __init__(self, log: Path, ports: list[Path], place: str, *options: str) -> None:
        self._log = log
        named = [part for port in ports for part in ("--port", str(port))]
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [*HOMESLOT, "gateway", *named, "--broker", place, *options], stdout=out, stderr=out
            )

    @property
    def said(self) -> str:
        """All it and those before it with the same log have said."""
        return self._log.read_text()

    def kill(self) -> None:
        """kill -9."""
        self._child.kill()
        self._child.wait(10)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit status."""
        self._child.send_signal(number)
        return self._child.wait(10)

    def __enter__(self) -> GatewayProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._child.poll() is None:
                assert self.stop() == 0, self.said
        finally:
            self.kill()
