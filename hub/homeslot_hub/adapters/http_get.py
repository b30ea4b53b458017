"""One bounded GET over http or https: at most so many bytes, redirects and seconds."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException, HTTPMessage
from typing import IO

from homeslot import __version__

REDIRECTS = 5
_PIECE = 65536


class GetError(Exception):
    """The document could not be had, and why; the address is not repeated."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server answered. `body` is None when nothing has changed since `etag`, `modified`."""

    body: bytes | None
    etag: str
    modified: str


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, to http or https only, and never out of https."""

    max_redirections = REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """See the base class. Raises GetError."""
        scheme = newurl.partition(":")[0].lower()
        if scheme not in ("http", "https") or (req.type == "https" and scheme == "http"):
            fp.close()
            raise GetError(f"redirects from {req.type} to {_printable(scheme)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def get(
    url: str,
    etag: str = "",
    modified: str = "",
    *,
    bytes_at_most: int,
    timeout_s: float,
    total_s: float,
) -> Document:
    """The document at `url`, unless it is still the one that came with `etag` or `modified`.

    Each wait for the server lasts at most `timeout_s`, the body as a whole `total_s`. Raises
    GetError.
    """
    headers = {"User-Agent": f"homeslot/{__version__}", "Accept": "text/calendar, */*;q=0.1"}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    ends = time.monotonic() + total_s
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  (http or https: config)
        opener = urllib.request.build_opener(_Redirects)
        with opener.open(request, timeout=timeout_s) as response:
            body = _body(response, bytes_at_most, ends)
            return Document(body, *_marks(response.headers))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304 and (etag or modified):
                return Document(None, etag, modified)
            raise GetError(f"the server answers {error.code}") from None
    except urllib.error.URLError as error:
        raise GetError(f"cannot be reached: {_printable(_reason(error.reason))}") from None
    except TimeoutError:
        raise GetError("the server does not answer in time") from None
    except (OSError, HTTPException, ValueError) as error:
        raise GetError(f"the server's answer cannot be read ({type(error).__name__})") from None


def _body(response: IO[bytes], bytes_at_most: int, ends: float) -> bytes:
    pieces: list[bytes] = []
    length = 0
    # One piece as it comes: read() would wait until it has so many bytes.
    while piece := response.read1(_PIECE):  # type: ignore[attr-defined]
        pieces.append(piece)
        length += len(piece)
        if length > bytes_at_most:
            raise GetError(f"is larger than {bytes_at_most} bytes")
        if time.monotonic() > ends:
            raise GetError("the server does not come to an end in time")
    left = getattr(response, "length", None)  # what Content-Length promised and did not come
    if left:
        raise GetError(f"breaks off, {left} bytes before its end")
    return b"".join(pieces)


def _marks(headers: Message) -> tuple[str, str]:
    """ETag and Last-Modified, where they can be sent back as they are."""
    marks = (headers.get("ETag", ""), headers.get("Last-Modified", ""))
    etag, modified = (m if len(m) <= 200 and m.isascii() and m.isprintable() else "" for m in marks)
    return etag, modified


def _reason(reason: object) -> str:
    return (reason.strerror if isinstance(reason, OSError) else None) or str(reason)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:100])
