"""What a person's browser does with the hub's pages: it asks, fills in forms, and sends them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from homeslot_hub.adapters.web import Web
from homeslot_hub.config import WebSettings


@dataclass
class Answer:
    """What came back: status, headers, and the page with its fields."""

    status: int
    headers: dict[str, str]
    html: str

    @property
    def text(self) -> str:
        return Fields(self.html).text

    @property
    def ticked(self) -> list[str]:
        """What is ticked when the page opens."""
        return [value for value, ticked in Fields(self.html).boxes if ticked]

    @property
    def boxes(self) -> list[str]:
        return [value for value, _ in Fields(self.html).boxes]

    @property
    def buttons(self) -> list[str]:
        return Fields(self.html).buttons


class Fields(HTMLParser):
    """The visible text of a page and the fields of its form; every tag is closed in its turn."""

    VOID = ("meta", "br", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said = ""
        self.boxes: list[tuple[str, bool]] = []
        self.buttons: list[str] = []
        self.values: dict[str, str] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "input" and said.get("type") == "checkbox":
            self.boxes.append((said["value"], "checked" in said))
        elif tag == "input":
            self.values[said["name"]] = said.get("value", "")
        elif tag == "button":
            self.buttons.append(said["value"])
        if tag not in self.VOID:
            self.open.append(tag)
        self.said += "" if tag == "span" else " "

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.said += "" if tag == "span" else " "

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and "title" not in self.open:
            self.said += data

    @property
    def text(self) -> str:
        return " ".join(self.said.split())


class Browser:
    """Asks the server on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, address: str, method: str = "GET") -> Answer:
        return self._ask(method, address)

    def send(self, address: str, do: str, rows: list[str], **more: str) -> Answer:
        """Press the button `do` with `rows` ticked and the other fields as the page has them."""
        values = Fields(self.get(address).html).values
        values.update({name.replace("_", "-"): text for name, text in more.items()})
        fields = [*(("row", row) for row in rows), ("do", do), *values.items()]
        return self.post(address, urlencode(fields).encode())

    def post(self, address: str, body: bytes) -> Answer:
        return self._ask("POST", address, body)

    def _ask(self, method: str, address: str, body: bytes | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, urlsplit(address).path, body, kind)
            answer = connection.getresponse()
            html = answer.read().decode()
        return Answer(answer.status, dict(answer.getheaders()), html)


@contextmanager
def serving(opened: object, settings: WebSettings) -> Iterator[Browser]:
    """A real server of the pages that `opened` shows, and a browser to ask it."""
    web = Web(settings, opened)
    thread = threading.Thread(target=web.run)
    thread.start()
    try:
        yield Browser(web.port)
    finally:
        web.stop()
        thread.join(10)
    assert not thread.is_alive()
