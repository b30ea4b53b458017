"""The two real brokers, each as the product sets it up, behind one face for the tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeslot_hub.adapters import broker_mosquitto
from homeslot_hub.adapters.broker_nats import NatsBroker, server_path
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import BrokerSettings

from .waiting import wait_for


def _fail(error: BaseException) -> None:
    raise error


@contextmanager
def nats(data: Path, credentials: Credentials, tls: TlsFiles | None = None) -> Iterator[NatsBroker]:
    """The embedded broker on a free port."""
    program = server_path(None)
    broker = NatsBroker(data, "127.0.0.1", 0, credentials.identities, program, _fail, tls)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class Mosquitto:
    """Debian's mosquitto with the files the hub generates, as its instructions say."""

    def __init__(self, data: Path, credentials: Credentials, tls: TlsFiles | None) -> None:
        self._tls = tls
        self._data = data
        self._credentials = credentials
        self._home = data / "etc"
        self._home.mkdir()
        self._log = data / "mosquitto.log"
        self.port = 0
        self._install(free_port())
        self._child = self._launch()

    def _install(self, port: int) -> None:
        self.port = port
        broker = BrokerSettings("external", port=port)
        identities = self._credentials.identities()
        broker_mosquitto.write(self._data, identities, broker, self._tls, self._home)
        for file in broker_mosquitto.folder(self._data).iterdir():
            shutil.copy(file, self._home)

    def _launch(self) -> subprocess.Popen[bytes]:
        main = self._data / "mosquitto.conf"
        # What Debian's own main file adds: where it logs and keeps, and other files to include.
        main.write_text(
            f"user {os.environ.get('USER', 'root')}\nlog_dest file {self._log}\n"
            f"persistence_location {self._data}/\ninclude_dir {self._home}\n"
        )
        child = subprocess.Popen([mosquitto_path(), "-c", main])
        wait_for("mosquitto runs", lambda: "running" in self._said() or child.poll() is not None)
        assert child.poll() is None, self._said()
        return child

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def reload(self) -> None:
        """Hand the files over anew and send SIGHUP."""
        before = len(re.findall("Reloading config", self._said()))
        self._install(self.port)
        self._child.send_signal(signal.SIGHUP)
        wait_for(
            "mosquitto reloads",
            lambda: len(re.findall("Reloading config", self._said())) > before,
        )

    def stop(self) -> None:
        """End it."""
        self._child.terminate()
        self._child.wait(10)


def mosquitto_path() -> str:
    """Debian's mosquitto, which lies outside an ordinary user's PATH."""
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found is not None, "this test needs Debian's mosquitto: apt-get install mosquitto"
    return found


def free_port() -> int:
    """A port nobody listens on at this moment; mosquitto cannot choose one and say which."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def mosquitto(
    data: Path, credentials: Credentials, tls: TlsFiles | None = None
) -> Iterator[Mosquitto]:
    """A Mosquitto of the test's own."""
    broker = Mosquitto(data, credentials, tls)
    try:
        yield broker
    finally:
        broker.stop()
