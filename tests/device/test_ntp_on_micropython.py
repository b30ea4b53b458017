"""The cart asks a time server over UDP, on the MicroPython interpreter."""

import socket
import threading
from contextlib import contextmanager

import pytest

IN_2026_S = 1794924000
FROM_1900_S = 2208988800

ASK = """
import asyncio
from homeslot_pico.ntp import asked
try:
    print(asyncio.run(asked("127.0.0.1", "127.0.0.1", %d)))
except OSError as error:
    print(error)
"""
CART = """
import asyncio
from homeslot.core.timekeeper import TimeKeeper
from homeslot_pico.clock import Clock
from homeslot_pico.ntp import Ntp
class Wire:
    def trouble(self):
        return None
    def name_server(self):
        return "127.0.0.1"
class Cart:
    keeper, clock = TimeKeeper(), Clock()
    supervisor = log = None
    def life(self, name):
        print(name)
    say = print
cart = Cart()
cart.supervisor = cart.log = cart
async def main():
    task = asyncio.create_task(Ntp("127.0.0.1", Wire(), cart, %d).run())
    while cart.keeper.at_s(cart.clock.up_ms()) is None:
        await asyncio.sleep_ms(5)
    task.cancel()
    print(cart.keeper.at_s(cart.clock.up_ms()))
asyncio.run(main())
"""


@contextmanager
def time_server(*answers):
    """The port of a server that answers each question in turn with what `answers` make of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(20)

        def serve():
            for make in answers:
                question, peer = udp.recvfrom(512)
                udp.sendto(make(question), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield udp.getsockname()[1]
        thread.join()


def right(question):
    seconds = (IN_2026_S + FROM_1900_S).to_bytes(4, "big")
    return b"\x24\x02" + bytes(22) + question[40:48] + bytes(8) + seconds + bytes(4)


def wrong(question):
    return bytes(48)


def test_it_is_told_the_time(micropython):
    with time_server(right) as port:
        assert micropython(ASK % port).strip() == str(IN_2026_S)


@pytest.mark.parametrize("answers", [(), (wrong,)])
def test_a_server_that_is_silent_or_talks_nonsense_is_waited_for_in_vain_and_not_for_long(
    micropython, answers
):
    with time_server(*answers) as port:
        assert micropython(ASK % port).strip() == "127.0.0.1 does not tell the time"


def test_a_cart_that_does_not_know_the_time_knows_it_then(micropython):
    with time_server(right) as port:
        life, told_s = micropython(CART % port).split()
    assert life == "ntp"
    assert 0 <= int(told_s) - IN_2026_S <= 1
