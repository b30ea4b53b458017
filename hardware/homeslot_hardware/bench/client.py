"""A cart at the other end of a serial port: commands and what comes back, a line each.

A line that begins with `{` is JSON: a `cmd` of the contract going out, a message with its `topic`
coming in. Every other line is text for people. See homeslot.app.console.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import serial

from homeslot.contract import VERSION, BadMessage, check
from homeslot_hardware.bench.problems import NoCart, Refused, Unplugged

AGAIN_S = 2.0  # what is said to a cart that starts is lost: it is said again
ANSWER_S = 10.0  # a cart that scans thirty slots answers within a second
CHUNK = 4096
LONGEST = 16384  # of a line without an end: what is longer is no cart's
PROMPT = ">>> "  # of MicroPython, where nothing else runs

Body = dict[str, Any]


class Client:
    """Speaks with the cart on `port`, which has `answer_s` for an answer.

    `on_text(line)` gets each line for people, `on_message(body)` each message that is not a reply
    waited for. `now_s` is a clock that never goes back.
    """

    def __init__(
        self,
        port: serial.Serial,
        answer_s: float = ANSWER_S,
        on_text: Callable[[str], None] | None = None,
        on_message: Callable[[Body], None] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._answer_s = answer_s
        self.on_text = on_text or _ignore
        self.on_message = on_message or _ignore
        self._now_s = now_s
        self._held = bytearray()
        # What an earlier session asked may still be answered now: our numbers are others.
        self._id = secrets.randbelow(1 << 30)
        self._begun = False

    def ask(self, command: str, **arguments: Any) -> Body:
        """The reply to `command`. Raises Refused with the cart's reason, and as `answer`."""
        reply = self.answer(command, **arguments)
        if not reply["ok"]:
            raise Refused(f"the cart refuses {command}: {reply['why']}")
        return reply

    def answer(self, command: str, **arguments: Any) -> Body:
        """The reply to `command`, yes or no. Raises NoCart when none comes in time, Unplugged."""
        number = self._send_command(command, **arguments)
        return self.until(lambda body: body["topic"] == "reply" and body["id"] == number)

    def report(self) -> dict[str, Body]:
        """What the cart says of itself by kind: `hello`, `diag`, and `state` but in safe mode.

        Raises as `ask`.
        """
        said: dict[str, Body] = {}
        before, self.on_message = self.on_message, lambda body: said.update({body["topic"]: body})
        try:
            self.ask("report")
        finally:
            self.on_message = before
        if "hello" not in said:
            raise NoCart(f"{self._port.name}: its report is not that of a homeslot cart")
        return said

    def hello(self) -> Body:
        """What the cart says it is, be it asked now or before. Raises as `answer`."""
        due_s = self._now_s()
        ends_s = due_s + self._answer_s
        while self._now_s() < ends_s:
            if self._now_s() >= due_s:
                self._send_command("report")
                due_s += AGAIN_S
            for body in self.messages():
                if body["topic"] == "hello":
                    return body
        raise self._silent()

    def until(self, wanted: Callable[[Body], bool]) -> Body:
        """The first message that is `wanted`. Raises NoCart when none comes in time."""
        ends_s = self._now_s() + self._answer_s
        while True:
            for body in self.messages():
                if wanted(body):
                    return body
                self.on_message(body)
            if self._now_s() >= ends_s:
                raise self._silent()

    def messages(self) -> list[Body]:
        """The messages that have come in by now, after at most a moment's wait."""
        found = []
        for line in self._lines():
            body = _message(line)
            if body is not None:
                found.append(body)
            elif line.startswith(PROMPT):
                raise NoCart(
                    f"{self._port.name}: MicroPython is there, and homeslot does not run on it:"
                    " homeslot-bench flash puts it there"
                )
            elif line:
                self.on_text(line)
        return found

    def _send_command(self, command: str, **arguments: Any) -> int:
        """Send a command; its number."""
        self._id += 1
        body = {"v": VERSION, "id": self._id, "cmd": command, **arguments}
        line = json.dumps(body).encode() + b"\n"
        if not self._begun:
            # Whoever was here before may have gone in the middle of a line, even one that lacks
            # nothing but its end: this makes it one that is refused.
            self._begun = True
            line = b"!\r\n" + line
        try:
            self._port.write(line)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from None
        return self._id

    def _lines(self) -> list[str]:
        try:
            data = self._port.read(max(1, min(CHUNK, self._port.in_waiting)))
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from None
        self._held += data
        *lines, rest = bytes(self._held).split(b"\n")
        if rest == PROMPT.encode():  # which ends no line
            lines, rest = [*lines, rest], b""
        self._held = bytearray(rest[-LONGEST:])
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]

    def _silent(self) -> NoCart:
        return NoCart(
            f"{self._port.name}: no answer within {self._answer_s:g} s;"
            " homeslot-bench flash makes a cart of a board with MicroPython"
        )

    def _gone(self, error: Exception) -> Unplugged:
        return Unplugged(f"{self._port.name}: the cart was unplugged ({error})")


def _message(line: str) -> Body | None:
    """The message in `line`; None when it is text."""
    if not line.startswith("{"):
        return None
    try:
        body = json.loads(line)
        kind = body["topic"]
        check("console", kind, body)
    except (ValueError, KeyError, TypeError, RecursionError, BadMessage):
        return None
    return body if isinstance(body, dict) else None


def _ignore(what: object) -> None:
    """For whoever does not ask."""
