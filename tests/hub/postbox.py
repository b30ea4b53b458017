"""A mail server that tests can ask what it was sent, and make slow, deaf or unwilling."""

from __future__ import annotations

import asyncio
import email
import socket
import threading
from contextlib import contextmanager
from email.policy import default

from aiosmtpd.smtp import SMTP

from homeslot_hub.model import Person

SENDER = Person("homeslot", "hub@lincoln.example")


class Postbox:
    """A real SMTP server on a port of its own: first bound and deaf, then listening.

    `answers` is what it says to a recipient; a recipient in `tarpit` gets no answer at all.
    """

    def __init__(self):
        self.mails = []
        self.answers = {}
        self.tarpit = set()
        self.auth = {}
        self.tls = None  # speaks TLS from the first byte with this
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.tarpit:
            await asyncio.Event().wait()
        answer = self.answers.get(address, "250 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    @contextmanager
    def listening(self):
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        async def listen():
            return await loop.create_server(
                lambda: SMTP(self, loop=loop, **self.auth), sock=self._socket, ssl=self.tls
            )

        async def stop(server):
            server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()

    def close(self):
        self._socket.close()
