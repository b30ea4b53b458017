"""Durable ingest through a real Mosquitto, against a client that only receives, in the same run.

Snapshots wait at the broker in two persistent sessions. Then each is connected and timed until it
has them all: a paho client that counts, and the hub, which checks, believes, commits and only then
acknowledges.
"""

import contextlib
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import samples
from paho.mqtt.enums import CallbackAPIVersion

from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import BrokerSettings, Settings
from homeslot_hub.server import Server

CARTS = 100
TICKS = 200
COUNT = CARTS * TICKS
ROUNDS = 3
LIMIT_S = 120
CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_inflight_messages 1000
set_tcp_nodelay true
"""


def measure():
    """Rows (what, measured, goal): the medians of ROUNDS runs, the two taking turns."""
    only, kept = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as name, _mosquitto(Path(name)) as port:
            broker = BrokerSettings(kind="external", port=port)
            settings = Settings(Path(name), (samples.school(CARTS),), broker)
            _leave_sessions(settings, port)
            _publish(port)
            only.append(_receive_only(port))
            kept.append(_keep(settings))
    only_s, kept_s = sorted(only)[ROUNDS // 2], sorted(kept)[ROUNDS // 2]
    ratio = sorted(a / b for a, b in zip(only, kept, strict=True))[ROUNDS // 2]
    yield f"{COUNT} snapshots, receive only", f"{COUNT / only_s:,.0f}/s", ""
    yield "checked, believed, committed, then acknowledged", f"{COUNT / kept_s:,.0f}/s", ""
    yield "durable against receive only", f"{ratio:.2f}", "goal 0.50"


@contextlib.contextmanager
def _mosquitto(folder):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port))
    process = subprocess.Popen([shutil.which("mosquitto"), "-c", config], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _client(client_id):
    return mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)


def _connect(client, port):
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            client.connect("127.0.0.1", port)
            return
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise


def _leave_sessions(settings, port):
    """Both receivers subscribe and go, so that the broker keeps what comes for them."""
    for client_id in ("counter", Credentials(settings.data).hub_client_id):
        client = _client(client_id)
        subscribed = threading.Event()
        client.on_connect = lambda client, *_: client.subscribe("homeslot/1/+/state", 1)
        client.on_subscribe = lambda *_, done=subscribed: done.set()
        _connect(client, port)
        client.loop_start()
        assert subscribed.wait(LIMIT_S)
        client.disconnect()
        client.loop_stop()


def _publish(port):
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="carts")
    client.max_inflight_messages_set(1000)
    left = threading.Semaphore(0)
    client.on_publish = lambda *_: left.release()
    _connect(client, port)
    client.loop_start()
    for tick in range(TICKS):
        for number in range(1, CARTS + 1):
            client.publish(*samples.snapshot(number, tick), qos=1)
    for _ in range(COUNT):
        assert left.acquire(timeout=LIMIT_S)
    client.disconnect()
    client.loop_stop()


def _receive_only(port):
    client = _client("counter")
    count = 0

    def on_message(*_):
        nonlocal count
        count += 1
        if count == COUNT:
            client.disconnect()

    client.on_message = on_message
    began = time.perf_counter()
    _connect(client, port)
    client.loop_forever()
    assert count == COUNT, count
    return time.perf_counter() - began


def _keep(settings):
    with Server(settings, lambda: samples.START_S + TICKS * 60):
        database = sqlite3.connect(f"file:{settings.database}?mode=ro", uri=True)
        began = time.perf_counter()
        while _taken(database) < COUNT:
            assert time.perf_counter() - began < LIMIT_S
            time.sleep(0.01)
        took_s = time.perf_counter() - began
        database.close()
    return took_s


def _taken(database):
    rows = database.execute("SELECT n FROM counter WHERE name = 'taken'").fetchall()
    return rows[0][0] if rows else 0
