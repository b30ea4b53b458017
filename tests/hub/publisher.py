"""A web server that publishes one calendar, with the manners that a test gives it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Manner = Callable[[BaseHTTPRequestHandler], None]


class Publisher:
    """On a free port of loopback. `asked` are the headers of each request, `paths` their paths.

    It serves `body` with `etag`, answering 304 to who has it; `manner` answers instead when set.
    """

    def __init__(self) -> None:
        self.body = b""
        self.etag = ""
        self.manner: Manner | None = None
        self.asked: list[Message] = []
        self.paths: list[str] = []
        #: What holds a hanging answer until the test is over.
        self.over = threading.Event()
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                publisher.asked.append(self.headers)
                publisher.paths.append(self.path)
                (publisher.manner or publisher.serve)(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a reader that hangs up is what many tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/secret-token/basic.ics"

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.die()

    def die(self) -> None:
        """Close the port."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        if self.etag and handler.headers["If-None-Match"] == self.etag:
            handler.send_response(304)
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "text/calendar")
        handler.send_header("Content-Length", str(len(self.body)))
        if self.etag:
            handler.send_header("ETag", self.etag)
        handler.end_headers()
        handler.wfile.write(self.body)

    # Manners

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Say nothing at all."""
        self.over.wait(30)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """A byte now and then, without end."""
        handler.send_response(200)
        handler.end_headers()
        while not self.over.wait(0.02):
            handler.wfile.write(b"x")

    def flood(self, handler: BaseHTTPRequestHandler) -> None:
        """Megabytes without end."""
        handler.send_response(200)
        handler.end_headers()
        while not self.over.is_set():
            handler.wfile.write(b"x" * 100_000)

    def status(self, code: int) -> Manner:
        """An error."""
        return lambda handler: handler.send_error(code)

    def redirect(self, to: str) -> Manner:
        """Elsewhere."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", to)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        return answer
