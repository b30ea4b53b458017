"""The pages that links in mails lead to, by FastAPI and uvicorn, in a thread of their own.

A GET changes nothing: mail scanners follow links. A POST does what its form says. There is no
session and no cookie, so nothing that another site could make a browser send of itself: whoever has
the link has the right (service.links). The link is in the address, so no address gets into a log,
pages tell no other site where one came from, and nothing keeps them.
"""

from __future__ import annotations

import logging
import socket
from asyncio import timeout
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qs

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from homeslot_hub.config import WebSettings
from homeslot_hub.service.answers import BadForm
from homeslot_hub.service.links import PATH, LinkError
from homeslot_hub.service.ports import StoreError
from homeslot_hub.service.sheets import Form, page, sorry, style_source
from homeslot_hub.service.window import Window

BODY_AT_MOST = 16_384  # a form with every slot of a large cart ticked
FIELDS_AT_MOST = 200
BODY_S = 10.0
OFTEN = "60 per minute"  # from one address
CONNECTIONS = 64
STOP_S = 2
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src {}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_log = logging.getLogger("homeslot.web")


class WebError(Exception):
    """The pages cannot be served, and why."""


Opened = Callable[[], AbstractContextManager[Window]]  # for one request, in its thread


class Web:
    """Serves the pages that `opened` windows show. It listens once it is made.

    Raises WebError where it cannot. `run` returns after `stop`; each is called once.
    """

    def __init__(self, settings: WebSettings, opened: Opened) -> None:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        where = f"{settings.host}:{settings.port}"
        try:
            self._socket = socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            raise WebError(f"the pages cannot listen on {where}: {error.strerror}") from None
        self.port: int = self._socket.getsockname()[1]
        certificate, key = settings.certificate_file, settings.key_file
        config = uvicorn.Config(
            application(opened),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=None if certificate is None else str(certificate),
            ssl_keyfile=None if key is None else str(key),
        )
        try:
            config.load()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self._socket.close()
            raise WebError(f"its certificate {certificate} cannot be used: {error}") from None
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until `stop`."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Have `run` return, within STOP_S or so."""
        self._server.should_exit = True


def application(opened: Opened) -> FastAPI:
    """The pages as an ASGI application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    limiter, often = MovingWindowRateLimiter(MemoryStorage()), parse(OFTEN)

    @app.middleware("http")
    async def guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        address = request.client.host if request.client is not None else ""
        if limiter.hit(often, address):
            answer = await go_on(request)
        else:
            answer = _sorry(429, "Too often", "Too many pages were asked for. Wait a minute.")
        for name, value in _HEADERS.items():
            answer.headers[name] = value.format(style_source())
        return answer

    @app.get(PATH + "{token}")
    def show(token: str) -> HTMLResponse:
        with opened() as window:
            return HTMLResponse(page(window.sheet(token)))

    @app.post(PATH + "{token}")
    def act(token: str, form: Annotated[Form, Depends(_form)]) -> HTMLResponse:
        with opened() as window:
            return HTMLResponse(page(window.act(token, form)))

    @app.exception_handler(LinkError)
    def bad_link(request: Request, error: LinkError) -> HTMLResponse:
        return _sorry(410, "This link cannot be used", str(error))

    @app.exception_handler(BadForm)
    def bad_form(request: Request, error: BadForm) -> HTMLResponse:
        with opened() as window:
            sheet = window.sheet(request.path_params["token"])
        return HTMLResponse(page(replace(sheet, wrong=str(error))), 400)

    @app.exception_handler(StoreError)
    def no_store(request: Request, error: StoreError) -> HTMLResponse:
        _log.error("a page cannot be shown: %s", error)
        return _sorry(503, "Not now", "Nothing was done. Try again in a minute.")

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> HTMLResponse:
        return _sorry(500, "That went wrong", "The hub's log says why. Nothing was done.")

    @app.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> HTMLResponse:
        text = _SAID.get(error.status_code, "Open the link from the mail itself.")
        return _sorry(error.status_code, "There is nothing here", text)

    return app


_SAID = {
    408: "The form did not arrive whole. Nothing was done; send it again.",
    413: "The form is longer than any of ours. Nothing was done.",
    422: "The form is none of ours. Nothing was done.",
}


def _sorry(status: int, headline: str, text: str) -> HTMLResponse:
    return HTMLResponse(sorry(headline, text), status)


async def _form(request: Request) -> Form:
    """The fields of a form that was sent, as much as one of ours can be."""
    body = b""
    try:
        async with timeout(BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > BODY_AT_MOST:
                    raise HTTPException(413)
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408) from None
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=FIELDS_AT_MOST, errors="strict")
    except ValueError:  # UnicodeDecodeError too
        raise HTTPException(422) from None
