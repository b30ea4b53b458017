"""`homeslot gateway`: a pipe of bytes between a serial port and one broker, and what it says."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from homeslot.tunnel import CLOSED, OPEN, Tunnel
from homeslot_hub.adapters.gateway import Broker, Gateway

from . import tls
from .cable import Cable
from .gateway_process import GatewayProcess
from .hub_process import HOMESLOT
from .product_brokers import free_port
from .waiting import wait_for


class End:
    """The cart's end of a cable, driven by hand."""

    numbers = iter(range(1, 1000))

    def __init__(self, cable: Cable) -> None:
        self.tunnel = Tunnel(answers=False)
        self.got = b""
        self._socket = cable.cart
        self._socket.settimeout(0.02)
        self._held = b""

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def open(self) -> None:
        self.tunnel.open(_now_ms(), next(self.numbers))

    def until(self, what: str, met: Callable[[], object]) -> None:
        """Run until `met()`."""

        def turn() -> object:
            self.tunnel.tick(_now_ms())
            while line := self.tunnel.take():
                self.write(line + b"\n")
            try:
                *lines, self._held = (self._held + self._socket.recv(4096)).split(b"\n")
            except TimeoutError:
                lines = []
            for line in lines:
                self.tunnel.receive(_now_ms(), line)
            self.got += self.tunnel.read(4096)
            return met()

        wait_for(what, turn)

    def connect(self) -> None:
        self.open()
        self.until("the connection is open", lambda: self.tunnel.state == OPEN)

    def send(self, data: bytes) -> None:
        assert self.tunnel.send(_now_ms(), data) == len(data)
        self.until("it is taken", lambda: not self.tunnel.waiting)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@pytest.fixture
def broker() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def place(broker: socket.socket) -> str:
    host, port = broker.getsockname()
    return f"{host}:{port}"


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    with Cable(tmp_path / "ttyCart") as cable:
        yield cable


def test_bytes_pass_both_ways_and_the_end_of_each_side_is_the_end(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        cart = End(cable)
        cart.connect()
        connection, _ = broker.accept()
        with connection:
            sent = os.urandom(20000)
            left, came = sent, b""
            connection.settimeout(10)
            while len(came) < len(sent):
                left = left[cart.tunnel.send(_now_ms(), left) :]
                cart.until("it is taken", lambda: not cart.tunnel.waiting)
                came += connection.recv(4096)
            assert came == sent
            connection.sendall(sent)
            cart.until("all is back", lambda: len(cart.got) == len(sent))
            assert cart.got == sent
        cart.until("the end", lambda: cart.tunnel.ended)
        cart.tunnel.reset("heard it")
        cart.until("it is said", lambda: "disconnected: heard it" in gateway.said)
        cart.connect()
        again, _ = broker.accept()
        with again:
            again.settimeout(10)
            cart.tunnel.reset("done")
            cart.until("it is said", lambda: "disconnected: done" in gateway.said)
            assert again.recv(10) == b""


def test_a_broker_that_is_not_there_is_refused_with_the_reason_and_asked_again(
    cable: Cable, tmp_path: Path
) -> None:
    port = free_port()
    with GatewayProcess(tmp_path / "log", [cable.port], f"127.0.0.1:{port}") as gateway:
        cart = End(cable)
        cart.open()
        cart.until("it is refused", lambda: cart.tunnel.state == CLOSED)
        assert cart.tunnel.why == f"the broker at 127.0.0.1:{port}: Connection refused"
        assert f"{cable.port}: {cart.tunnel.why}\n" in gateway.said
        with socket.create_server(("127.0.0.1", port)):
            cart.connect()


def test_a_cable_that_is_pulled_is_waited_for_and_the_cart_connects_anew(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        cart = End(cable)
        cart.connect()
        first, _ = broker.accept()
        with first:
            cable.pull()
            first.settimeout(10)
            assert first.recv(10) == b"", "the broker is told at once"
            wait_for("it is said", lambda: f"{cable.port}: lost: " in gateway.said)
            wait_for("it waits", lambda: "waiting for it: it is not there" in gateway.said)
        cable.plug()
        cart.until("it hears of it", lambda: cart.tunnel.state == CLOSED)
        assert cart.tunnel.why == "the gateway was started"
        cart.connect()


def test_a_gateway_that_is_killed_and_started_again_tells_the_cart(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    cart = End(cable)
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        cart.connect()
        gateway.kill()
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)):
        cart.until("it hears of it", lambda: cart.tunnel.state == CLOSED)
        cart.connect()


def test_a_cart_that_begins_anew_gets_a_connection_of_its_own(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        End(cable).connect()
        old, _ = broker.accept()
        with old:
            cart = End(cable)
            cart.connect()
            old.settimeout(10)
            assert old.recv(10) == b""
            assert "disconnected: the cart began anew" in gateway.said
        new, _ = broker.accept()
        with new:
            cart.send(b"mine")
            assert new.recv(10) == b"mine"


def test_what_the_cart_says_for_people_is_shown_with_the_ports_name_and_can_do_no_harm(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        cart = End(cable)
        cart.connect()
        cart.write(
            b"Traceback \x1b[2J\xff\r\n" + b'{"topic": "diag"}\r\n' + b"x" * 5000 + b"\nend\n"
        )
        wait_for("it is shown", lambda: "| end\n" in gateway.said)
        shown = [line for line in gateway.said.splitlines() if " | " in line]
        assert shown == [f"{cable.port} | Traceback ?[2J\ufffd", f"{cable.port} | end"]
        assert cart.tunnel.state == OPEN


def test_several_carts_each_have_their_own_connection(
    broker: socket.socket, tmp_path: Path
) -> None:
    with ExitStack() as opened:
        cables = [opened.enter_context(Cable(tmp_path / f"ttyCart{n}")) for n in range(4)]
        ports = [cable.port for cable in cables]
        opened.enter_context(GatewayProcess(tmp_path / "log", ports, place(broker)))
        for cable in cables:
            cart = End(cable)
            cart.connect()
            connection = opened.enter_context(broker.accept()[0])
            connection.settimeout(10)
            name = cable.port.name.encode()
            cart.send(name)
            assert connection.recv(100) == name


def test_a_port_another_program_holds_is_waited_for(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as first:
        wait_for("it is open", lambda: ": open" in first.said)
        with GatewayProcess(tmp_path / "log2", [cable.port], place(broker)) as second:
            wait_for("it waits", lambda: "another program holds it" in second.said)
            first.stop()
            wait_for("it has it", lambda: ": open" in second.said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_stops_and_says_so(
    cable: Cable, broker: socket.socket, tmp_path: Path, number: signal.Signals
) -> None:
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker)) as gateway:
        End(cable).connect()
        assert gateway.stop(number) == 0
        assert gateway.said.endswith("the gateway stops\n")
        assert "Traceback" not in gateway.said


@pytest.mark.parametrize("turns", range(8))
def test_asked_to_stop_in_the_moment_its_broker_goes_it_stops_all_the_same(
    cable: Cable, broker: socket.socket, turns: int
) -> None:
    async def both_at_once() -> None:
        host, port = broker.getsockname()
        said: list[str] = []
        gateway = asyncio.create_task(
            Gateway(str(cable.port), Broker(host, port), said.append).run()
        )
        await asyncio.to_thread(End(cable).connect)
        connection, _ = broker.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()  # with a reset
        for _ in range(turns):  # of the loop, which is to find both on its way through the tasks
            await asyncio.sleep(0)
        gateway.cancel()
        await asyncio.wait([gateway], timeout=10)
        assert gateway.cancelled(), said

    asyncio.run(both_at_once())


def test_with_a_ca_the_broker_is_spoken_to_in_tls_and_has_to_prove_itself(
    cable: Cable, broker: socket.socket, tmp_path: Path
) -> None:
    schools = [tmp_path / name for name in ("ours", "theirs")]
    for folder in schools:
        folder.mkdir()
    files, other = [tls.good(folder) for folder in schools]
    assert files.listens is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.listens)
    cart = End(cable)
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker), "--ca", str(files.ca)):
        cart.open()
        cart.until("the broker is called", lambda: select.select([broker], [], [], 0)[0])
        plain, _ = broker.accept()
        with context.wrap_socket(plain, server_side=True) as connection:
            cart.until("the connection is open", lambda: cart.tunnel.state == OPEN)
            cart.send(b"in secret")
            assert connection.recv(100) == b"in secret"
    cart.tunnel.reset("the next")
    with GatewayProcess(tmp_path / "log", [cable.port], place(broker), "--ca", str(other.ca)):
        cart.open()
        cart.until("the broker is called", lambda: select.select([broker], [], [], 0)[0])
        plain, _ = broker.accept()
        with plain, suppress(ssl.SSLError), context.wrap_socket(plain, server_side=True) as deaf:
            assert deaf.recv(100) == b""
        cart.until("it is refused", lambda: cart.tunnel.state == CLOSED)
        assert "certificate verify failed" in cart.tunnel.why


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--port", "x", "--broker", "a:b"],
        ["--port", "x", "--broker", "a:0"],
        ["--port", "x", "--broker", ""],
        ["--port", "x", "--broker", "user@a"],
        ["--port", "x", "--broker", "a/b"],
        ["--port", "x", "--ca", "/none.pem"],
    ],
)
def test_what_makes_no_sense_ends_with_status_2(options: list[str]) -> None:
    done = subprocess.run(
        [*HOMESLOT, "gateway", *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
