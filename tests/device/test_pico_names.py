"""homeslot_pico.names on the MicroPython interpreter, asking a name server of the tests."""

import socket
import threading
from contextlib import contextmanager

import pytest

ASK = """
import asyncio
from homeslot_pico import names
turns = []
async def others():
    while True:
        turns.append(1)
        await asyncio.sleep_ms(10)
async def main():
    other = asyncio.create_task(others())
    try:
        print(await names.resolved(%r, "127.0.0.1", %d, 300))
    except OSError as error:
        print(error)
    print(len(turns) > %d)
asyncio.run(main())
"""


@contextmanager
def name_server(answers):
    """The port of a name server; `answers(question)` are the datagrams it answers with."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(30)

        def serve():
            while True:
                question, asker = server.recvfrom(512)
                if question == b"end":
                    return
                for data in answers(question):
                    server.sendto(data, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", server.getsockname())
        thread.join(30)
        assert not thread.is_alive()


def found(question, address=(10, 1, 2, 3)):
    record = b"\xc0\x0c\0\1\0\1" + bytes(4) + b"\0\4" + bytes(address)
    return question[:2] + b"\x81\x80\0\1\0\1" + bytes(4) + question[12:] + record


def test_an_address_is_not_asked_for(micropython):
    assert micropython(ASK % ("10.0.0.7", 1, -1)).splitlines() == ["10.0.0.7", "True"]


def test_a_name_is_asked_for_and_what_is_no_answer_is_passed_over(micropython):
    def answers(question):
        return [b"rubbish", found(b"\0\0" + question[2:]), found(question)]

    with name_server(answers) as port:
        lines = micropython(ASK % ("hub.school", port, 0)).splitlines()
    assert lines == ["10.1.2.3", "True"]


def test_a_lost_question_is_asked_again(micropython):
    asked = []

    def answers(question):
        asked.append(question)
        return [found(question)] if len(asked) == 2 else []

    with name_server(answers) as port:
        lines = micropython(ASK % ("hub.school", port, 10)).splitlines()
    assert lines == ["10.1.2.3", "True"]


def test_a_silent_name_server_is_given_up_and_the_others_had_their_turns_meanwhile(micropython):
    with name_server(lambda question: []) as port:
        lines = micropython(ASK % ("hub.school", port, 20)).splitlines()
    assert lines == ["the name server does not answer for hub.school", "True"]


@pytest.mark.parametrize("host", ["a..b", "a" * 70])
def test_a_host_that_is_no_name_is_an_oserror(micropython, host):
    assert micropython(ASK % (host, 1, -1)).splitlines() == [f"{host} is not a name", "True"]


def test_a_name_that_does_not_exist_is_an_oserror(micropython):
    def answers(question):
        return [question[:2] + b"\x81\x83\0\1" + bytes(6) + question[12:]]

    with name_server(answers) as port:
        lines = micropython(ASK % ("mud.school", port, -1)).splitlines()
    assert lines == ["the name server knows no such name", "True"]
