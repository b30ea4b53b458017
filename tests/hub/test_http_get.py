"""One bounded GET, from a server that is well, ill, slow, hostile or gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from homeslot_hub.adapters.http_get import REDIRECTS, Document, GetError, get

from .publisher import Publisher


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as publisher:
        publisher.body = b"BEGIN:VCALENDAR"
        yield publisher


def ask(url: str, etag: str = "", modified: str = "", total_s: float = 10) -> Document:
    return get(url, etag, modified, bytes_at_most=1_000_000, timeout_s=0.4, total_s=total_s)


def refused(url: str, total_s: float = 10) -> str:
    with pytest.raises(GetError) as caught:
        ask(url, total_s=total_s)
    assert "secret-token" not in str(caught.value)
    return str(caught.value)


def test_a_document_is_had_and_then_only_when_it_is_another_one(publisher: Publisher) -> None:
    publisher.etag = '"one"'
    first = ask(publisher.url)
    assert first == Document(b"BEGIN:VCALENDAR", '"one"', "")
    assert ask(publisher.url, first.etag) == Document(None, '"one"', "")
    publisher.body, publisher.etag = b"another", '"two"'
    assert ask(publisher.url, first.etag) == Document(b"another", '"two"', "")
    assert [asked["If-None-Match"] for asked in publisher.asked] == [None, '"one"', '"one"']
    assert publisher.asked[0]["User-Agent"].startswith("homeslot/")


def test_when_it_was_changed_is_sent_back_too(publisher: Publisher) -> None:
    ask(publisher.url, "", "Sat, 28 Nov 2026 01:00:00 GMT")
    assert publisher.asked[0]["If-Modified-Since"] == "Sat, 28 Nov 2026 01:00:00 GMT"
    assert publisher.asked[0]["If-None-Match"] is None


@pytest.mark.parametrize("code", [304, 403, 404, 410, 500, 503])
def test_an_error_is_said_by_its_number(publisher: Publisher, code: int) -> None:
    publisher.manner = publisher.status(code)
    assert refused(publisher.url) == f"the server answers {code}"


def test_a_server_that_is_gone_is_said(publisher: Publisher) -> None:
    publisher.die()
    assert refused(publisher.url) == "cannot be reached: Connection refused"


def test_a_name_that_is_none_is_said() -> None:
    assert refused("http://calendar.invalid/secret-token").startswith("cannot be reached: ")


def test_a_server_that_hangs_is_given_up(publisher: Publisher) -> None:
    publisher.manner = publisher.hang
    assert refused(publisher.url) == "the server does not answer in time"


def test_a_server_that_drips_is_given_up(publisher: Publisher) -> None:
    publisher.manner = publisher.drip
    began = time.monotonic()
    said = refused(publisher.url, total_s=0.3)
    assert said == "the server does not come to an end in time"
    assert time.monotonic() - began < 5


def test_a_body_without_end_is_given_up_when_it_is_too_large(publisher: Publisher) -> None:
    publisher.manner = publisher.flood
    assert refused(publisher.url) == "is larger than 1000000 bytes"


def test_a_body_that_breaks_off_is_not_taken_for_the_whole(publisher: Publisher) -> None:
    def break_off(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x" * 40)

    publisher.manner = break_off
    assert refused(publisher.url) == "breaks off, 60 bytes before its end"


def test_what_is_no_http_is_said(publisher: Publisher) -> None:
    publisher.manner = lambda handler: handler.wfile.write(b"220 ftp ready\r\n\r\n") and None
    assert refused(publisher.url) == "the server's answer cannot be read (BadStatusLine)"


def test_a_few_redirects_are_followed(publisher: Publisher) -> None:
    def there(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/here":
            publisher.serve(handler)
        else:
            publisher.redirect("/here")(handler)

    publisher.manner = there
    assert ask(publisher.url).body == publisher.body


def test_redirects_in_a_circle_come_to_an_end(publisher: Publisher) -> None:
    publisher.manner = lambda handler: publisher.redirect(f"/{len(publisher.paths)}")(handler)
    assert refused(publisher.url) == "the server answers 302"
    assert len(publisher.paths) == REDIRECTS + 1


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x"])
def test_a_redirect_to_anything_but_http_is_not_followed(publisher: Publisher, to: str) -> None:
    publisher.manner = publisher.redirect(to)
    assert refused(publisher.url) in ("redirects from http to ftp", "the server answers 302")
    assert len(publisher.paths) == 1


@pytest.mark.parametrize("etag", ["x" * 201, "ümlaut"])
def test_a_mark_that_could_not_be_sent_back_is_forgotten(publisher: Publisher, etag: str) -> None:
    publisher.etag = etag
    assert ask(publisher.url).etag == ""
