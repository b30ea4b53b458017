"""ports.Network over the cable of a W5500-EVB-Pico, on the real interpreter with a `network` that
behaves as MicroPython's documentation and driver say; a real chip is the business of a bench."""

import socket
from pathlib import Path

import pytest

FAKES = Path(__file__).with_name("pico")
WIRED = """
import asyncio
from homeslot_pico.wired import Wired
from network import WIZNET5K
wired = Wired(lease_ms=1000)
PORT = %d
async def attempt():
    try:
        stream = await wired.open("127.0.0.1", PORT)
        await stream.write(b"hello")
        await stream.close()
        print("open")
    except OSError as error:
        print(error)
"""


@pytest.fixture
def pico(micropython):
    """`run(code)`: the lines that `code` prints on the interpreter with the board's modules."""
    path = f"import sys; sys.path.insert(0, {str(FAKES)!r})\n"
    return lambda code: micropython(path + code).splitlines()


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_the_address_is_asked_for_once_and_there_is_no_access_point(pico, listener):
    lines = pico(
        WIRED % listener.getsockname()[1]
        + """
asyncio.run(attempt())
asyncio.run(attempt())
print(WIZNET5K.resets, wired.access_point())
"""
    )
    assert lines == ["open", "open", "1 (None, None)"]


def test_without_a_cable_it_says_so_and_the_next_try_begins_anew(pico, listener):
    lines = pico(
        WIRED % listener.getsockname()[1]
        + """
WIZNET5K.cable = False
asyncio.run(attempt())
WIZNET5K.cable = True
asyncio.run(attempt())
print(WIZNET5K.resets)
"""
    )
    assert lines == ["Ethernet: no cable, or nothing at its other end", "open", "2"]


def test_a_network_that_gives_no_address_is_waited_for_with_a_bound(pico):
    lines = pico(
        WIRED % 1
        + """
WIZNET5K.server = False
asyncio.run(attempt())
"""
    )
    assert lines == ["Ethernet: no address within 1 s"]


def test_a_cable_that_is_pulled_is_noticed_by_who_writes_and_plugged_in_again_it_goes_on(
    pico, listener
):
    lines = pico(
        WIRED % listener.getsockname()[1]
        + """
async def main():
    stream = await wired.open("127.0.0.1", PORT)
    await stream.write(b"one")
    WIZNET5K.cable = False
    try:
        await stream.write(b"two")
    except OSError as error:
        print(error)
    await stream.close()
    WIZNET5K.cable = True
    await attempt()
    print(WIZNET5K.resets)
asyncio.run(main())
"""
    )
    assert lines == ["Ethernet: no cable, or nothing at its other end", "open", "1"]
