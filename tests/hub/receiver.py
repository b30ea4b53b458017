"""A web server that tests can ask what it was sent, and make unwilling or slow."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """A real HTTP server: it keeps what it is sent and answers with `status`.

    While `hangs` it answers nothing until it is told to `go`. Once, `meanwhile` is called before it
    answers.
    """

    def __init__(self):
        self.got = []
        self.status = 204
        self.hangs = False
        self.meanwhile = None
        self.asked = threading.Event()
        self.go = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked.set()
                if receiver.hangs:
                    receiver.go.wait(30)
                    return
                if receiver.meanwhile is not None:
                    meanwhile, receiver.meanwhile = receiver.meanwhile, None
                    meanwhile()
                receiver.got.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *said):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook?token=very-secret"

    @contextmanager
    def listening(self):
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.go.set()
            self.server.shutdown()
            thread.join()
            self.server.server_close()
