"""The serial console: commands in, messages out, a line each; and the log, for people.

A line that begins with `{` is the body of a `cmd`, checked and carried out as one of the hub's, and
answered by exactly one `reply`; its `id` is 0 where none could be read. What the cart says is the
body of a message and its `topic`. A line that begins with `~` is a frame of a tunnel. Every other
line is for people, and one from people is counted and left alone.
"""

import asyncio
import json

from homeslot import const, contract
from homeslot.app.commands import CONSOLE
from homeslot.log import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.commands import Commands, MakeBody
    from homeslot.app.reporter import Reporter
    from homeslot.log import Log
    from homeslot.ports import Clock, Serial

LONGEST = 4096  # bytes of a line without its LF
_CHUNK = const(256)
_UNSAID = const(12288)  # bytes that may wait for a listener: the longest message, and a few lines
_LOOK_MS = const(20)
_PATIENCE_MS = const(1000)  # with a listener who takes nothing


class Lines:
    """Bytes of any fragmentation to lines. An overlong one is passed over to its end."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held = bytearray()
        self._passing = False

    def feed(self, data: bytes) -> "list[bytes | None]":
        """The lines that end in `data`, without CR and LF; None for one that was too long."""
        lines: "list[bytes | None]" = []
        parts = data.split(b"\n")
        for i in range(len(parts)):
            if not self._passing:
                self._held += parts[i]
                if len(self._held) > self._longest:
                    self._passing, self._held = True, bytearray()
            if i < len(parts) - 1:
                lines.append(None if self._passing else bytes(self._held).rstrip(b"\r"))
                self._passing, self._held = False, bytearray()
        return lines


class Console:
    """The console on `serial`. `tunnel(line)`, when set, gets the lines that begin with `~`.

    `refused` counts lines that were no command, `dropped` bytes that no listener took.
    """

    def __init__(
        self,
        serial: "Serial",
        commands: "Commands",
        reporter: "Reporter",
        log: "Log",
        clock: "Clock",
    ) -> None:
        self._serial = serial
        self._commands = commands
        self._reporter = reporter
        self._clock = clock
        self._lines = Lines()
        self._unsaid: "list[bytes]" = []
        self._unsaid_bytes = 0
        self._begin = b""  # of the next line: an end for one that was cut off
        self._more = asyncio.Event()
        self.wake = self._more.set  # have `send` look around, and show life
        self.tunnel: "Callable[[bytes], None] | None" = None
        self.refused = 0
        self.dropped = 0
        log.heard = self._tell

    def say(self, kind: str, body: "MakeBody") -> None:
        """Say a message of `kind` now."""
        message = body()
        contract.check(CONSOLE, kind, message)
        message["topic"] = kind
        self.write(json.dumps(message).encode())

    def write(self, line: bytes) -> None:
        """Put `line` on the wire when there is room; never waits, and forgets what finds none."""
        if self._unsaid_bytes + len(line) + 4 > _UNSAID:
            self.dropped += len(line)
            return
        line = self._begin + line + b"\r\n"
        self._begin = b""
        self._unsaid.append(line)
        self._unsaid_bytes += len(line)
        self._more.set()

    async def read(self) -> None:
        """The task that reads, for ever."""
        while True:
            data = await self._serial.read(_CHUNK)
            if not data:
                await asyncio.Event().wait()  # as USB never does: there is no more to come
            for line in self._lines.feed(data):
                self.hear(line)

    async def send(self, beat: "Callable[[], None]") -> None:
        """The task that writes, for ever. `beat()` is called at every sign of life."""
        while True:
            beat()
            await self._more.wait()
            self._more.clear()
            waited_ms = 0
            while self._unsaid:
                beat()
                line = self._unsaid[0]
                count = self._serial.write(line)
                self._unsaid_bytes -= count
                if count == len(line):
                    self._unsaid.pop(0)
                else:
                    self._unsaid[0] = line[count:]
                if count:
                    waited_ms = 0
                    await asyncio.sleep(0)
                elif waited_ms < _PATIENCE_MS:
                    waited_ms += _LOOK_MS
                    await self._clock.sleep_ms(_LOOK_MS)
                else:
                    self.dropped += self._unsaid_bytes
                    self._unsaid, self._unsaid_bytes = [], 0
                    self._begin = b"\r\n"

    def hear(self, line: "bytes | None") -> None:
        """Take one line, None for an overlong one."""
        if line is None:
            self._refuse(0, "line: is over %d bytes" % LONGEST)
        elif line[:1] == b"{":
            self._obey(line)
        elif line[:1] == b"~" and self.tunnel is not None:
            self.tunnel(line)
        elif line:
            self.refused += 1

    def _obey(self, line: bytes) -> None:
        number = 0
        try:
            body = contract.parse(CONSOLE, line)
            given = body.get("id")
            if type(given) is int and 0 < given < 1 << 31:
                number = given
            contract.check(CONSOLE, "cmd", body)
        except contract.BadMessage as error:
            self._refuse(number, str(error))
            return
        self._commands.obey(body, CONSOLE, lambda make: self.say("reply", make))

    def _refuse(self, number: int, why: str) -> None:
        self.refused += 1
        self.say("reply", lambda: self._reporter.reply(number, plain(why)[:120], None))

    def _tell(self, line: str) -> None:
        self.write(line.encode())
