"""One reliable stream of bytes each way over a serial line that loses, spoils and repeats.

Bytes and times in, lines out: no port and no clock here. The cart asks for a connection, the
gateway on the computer answers; each side may vanish and begin anew at any moment. What `read`
gives is what the other side of this very connection sent, in order and without a gap, or the
connection is over and `why` says so.

The wire. A frame is a line that begins with `~` and goes on with base64 of

    1  kind in the low bits; bit 3: from the side that answers; the high four: VERSION
    4  number of the connection, chosen by the side that asks
    4  its key, chosen by the side that answers; 0 until it has
    4  seq: how many data frames this side has sent before this one
    4  ack: how many it has taken
    n  DATA: 1..192 bytes, or none for the end of the stream; RESET: why, in words
    4  CRC-32 of all before

All numbers are big-endian. Anything else on the line is not ours.

Theory of operation. One connection at a time:

    CLOSED --open()--> ASKING --OPENED--> OPEN      the side that asks; OPEN is said until answered
    CLOSED --OPEN--> ASKED --accept()--> OPEN       the side that answers; a new OPEN replaces all
    every state --reset(), RESET, patience--> CLOSED

Number and key together name a connection: neither a frame left over from before a restart nor a
repeated OPEN can be taken for a part of another one. Of a connection it does not know, a side says
RESET. Data goes back n: at most `WINDOW` frames wait for their ack, and are all said again when
none has come for `retry_ms`. Only the next frame in order is taken, and only while there is room
for it. Who waits for an ack and hears nothing at all for `patience_ms` gives the connection up.
"""

import binascii
import struct

from homeslot import const

CLOSED, ASKING, ASKED, OPEN = "closed", "asking", "asked", "open"
MARK = b"~"
VERSION = 1
PAYLOAD = 192
WINDOW = 4
LONGEST_LINE = 300  # of a frame, with its mark
HIGHEST = (1 << 30) - 1  # of numbers and keys: small integers on a board
_FROM_ANSWERER = const(8)
_OPEN, _OPENED, _DATA, _ACK, _RESET = const(1), const(2), const(3), const(4), const(5)
_HEAD = ">BIIII"
_HEAD_SIZE = const(17)
_CRC_SIZE = const(4)

RETRY_MS = 500
PATIENCE_MS = 5000


class WrongState(Exception):
    """Our own error: a call that the state of the connection does not have."""


class Tunnel:
    """One end of the line; `answers` says which. Times are ms of one clock that never goes back."""

    def __init__(
        self, answers: bool, retry_ms: int = RETRY_MS, patience_ms: int = PATIENCE_MS
    ) -> None:
        self._mine = VERSION << 4 | (_FROM_ANSWERER if answers else 0)
        self._answers = answers
        self._retry_ms = retry_ms
        self._patience_ms = patience_ms
        self._refusal: "tuple[int, int, str] | None" = None  # a RESET to be said
        self.state = CLOSED
        self.why = "the connection is not open"  # there is none, in words
        self.broken = 0  # lines with our mark that are no frame of the other side's
        self._begin(0, 0, 0)

    def _begin(self, now_ms: int, number: int, key: int) -> None:
        self.number = number
        self._key = key
        self._say = 0  # a kind of frame to be said once
        self._out: "list[bytes]" = []  # data that waits for its ack, oldest first
        self._first = 0  # seq of the oldest
        self._last = False  # whether the end is among them, or was
        self._said = 0  # how many of `_out` were said since the last time we began with the oldest
        self._in = bytearray()
        self._taken = 0
        self._ended = False
        self._due_ms = now_ms
        self._heard_ms = now_ms

    def open(self, now_ms: int, number: int) -> None:
        """Ask for a connection; `number` (1..HIGHEST) is one that was not used lately."""
        self._want(self.state == CLOSED and not self._answers, "open")
        self._begin(now_ms, number, 0)
        self.state = ASKING

    def accept(self, now_ms: int, key: int) -> None:
        """Grant what was asked for; `key` (1..HIGHEST) is one that was not used lately."""
        self._want(self.state == ASKED, "accept")
        self._begin(now_ms, self.number, key)
        self._say = _OPENED
        self.state = OPEN

    def reset(self, why: str) -> None:
        """End the connection at once, in whatever state, and tell the other side why."""
        if self.state != CLOSED:
            self._refusal = (self.number, self._key, why)
            self._close(why)

    def clear(self) -> None:
        """We begin anew: tell the other side that whatever it takes for open is not."""
        self._refusal = (0, 0, "the gateway was started")

    @property
    def room(self) -> int:
        """How many bytes `send` takes now."""
        if self.state != OPEN or self._last:
            return 0
        return (WINDOW - len(self._out)) * PAYLOAD

    def send(self, now_ms: int, data: "bytes | memoryview") -> int:
        """Take as much of `data` as there is room for; how many bytes that was."""
        taken = min(len(data), self.room)
        for at in range(0, taken, PAYLOAD):
            self._put(now_ms, bytes(data[at : min(at + PAYLOAD, taken)]))
        return taken

    def end(self, now_ms: int) -> None:
        """Say that no more will be sent. Needs `room`."""
        self._want(self.room > 0, "end")
        self._put(now_ms, b"")
        self._last = True

    @property
    def waiting(self) -> bool:
        """Whether something sent has not been acknowledged."""
        return bool(self._out)

    @property
    def ended(self) -> bool:
        """Whether all the other side sent has been read, and it will send no more."""
        return self._ended and not self._in

    def read(self, n: int) -> bytes:
        """Up to `n` bytes, those that have come; what came before the connection was lost, too."""
        data = bytes(self._in[:n])
        self._in = self._in[n:]
        return data

    def receive(self, now_ms: int, line: "bytes | bytearray") -> None:
        """Take a line that begins with `MARK`. One that is no frame is counted as `broken`."""
        frame = self._decoded(line)
        if frame is None:
            self.broken += 1
            return
        kind, number, key, seq, ack, data = frame
        if kind == _RESET:
            any_open = number == 0 and self.state == OPEN
            if any_open or (number == self.number and self.state != CLOSED):
                self._close(_words(data))
        elif kind == _OPEN and self._answers:
            self._asked(now_ms, number)
        elif (
            kind == _OPENED
            and not self._answers
            and (self.state, number)
            == (
                ASKING,
                self.number,
            )
        ):
            self._key = key
            self._heard_ms = now_ms
            self._say = _ACK
            self.state = OPEN
        elif (self.state, number, key) == (OPEN, self.number, self._key):
            self._heard_ms = now_ms
            self._acked(now_ms, ack)
            if kind == _DATA:
                self._take_data(seq, data)
        elif kind != _OPEN:
            self._refusal = (number, key, "no such connection")
            if kind == _OPENED and (self.state, number) == (OPEN, self.number):
                self._close("the gateway began anew")

    def tick(self, now_ms: int) -> None:
        """Do what time asks for: say it again, or give up."""
        if self.state == ASKING and now_ms >= self._due_ms:
            self._due_ms = now_ms + self._retry_ms
            self._say = _OPEN
        elif self.state == OPEN and self._out:
            if now_ms - self._heard_ms >= self._patience_ms:
                self.reset("no answer within %d ms" % self._patience_ms)
            elif now_ms >= self._due_ms:
                self._due_ms = now_ms + self._retry_ms
                self._said = 0

    def take(self) -> bytes:
        """The next line to hand to the port, without its newline; b"" when there is none."""
        if self._refusal is not None:
            (number, key, why), self._refusal = self._refusal, None
            return self._line(_RESET, number, key, 0, why.encode()[:PAYLOAD])
        kind, seq, data = self._say, self._first + len(self._out), b""
        self._say = 0
        if kind in (0, _ACK) and self._said < len(self._out):  # it carries the ack as well
            kind, seq, data = _DATA, self._first + self._said, self._out[self._said]
            self._said += 1
        return self._line(kind, self.number, self._key, seq, data) if kind else b""

    def _put(self, now_ms: int, data: bytes) -> None:
        if not self._out:
            self._heard_ms = now_ms  # patience counts from here
            self._due_ms = now_ms + self._retry_ms
        self._out.append(data)

    def _asked(self, now_ms: int, number: int) -> None:
        if self.state == OPEN and number == self.number:
            self._say = _OPENED  # it was lost on its way
        else:
            self._begin(now_ms, number, 0)
            self.state = ASKED

    def _acked(self, now_ms: int, ack: int) -> None:
        count = ack - self._first
        if 0 < count <= len(self._out):
            del self._out[:count]
            self._first = ack
            self._said = max(0, self._said - count)
            self._due_ms = now_ms + self._retry_ms

    def _take_data(self, seq: int, data: bytes) -> None:
        if seq == self._taken and not self._ended and len(self._in) < WINDOW * PAYLOAD:
            self._taken += 1
            self._in.extend(data)
            self._ended = not data
        if not self._say:
            self._say = _ACK

    def _close(self, why: str) -> None:
        self.state = CLOSED
        self.why = why
        self._say = 0
        self._out = []
        self._said = 0

    def _line(self, kind: int, number: int, key: int, seq: int, data: bytes) -> bytes:
        head = struct.pack(_HEAD, self._mine | kind, number, key, seq, self._taken)
        frame = head + data
        return MARK + binascii.b2a_base64(frame + struct.pack(">I", binascii.crc32(frame))).strip()

    def _decoded(self, line: "bytes | bytearray") -> "tuple[int, int, int, int, int, bytes] | None":
        """(kind, number, key, seq, ack, data) of a frame from the other side; None: it is none."""
        if len(line) > LONGEST_LINE:
            return None
        try:
            frame = binascii.a2b_base64(bytes(line[len(MARK) :]))
        except ValueError:
            return None
        size = len(frame) - _CRC_SIZE
        if size < _HEAD_SIZE or size > _HEAD_SIZE + PAYLOAD:
            return None
        if binascii.crc32(frame[:size]) != struct.unpack(">I", frame[size:])[0]:
            return None
        first, number, key, seq, ack = struct.unpack(_HEAD, frame[:_HEAD_SIZE])
        kind = first & 7
        if first ^ kind != self._mine ^ _FROM_ANSWERER or not _OPEN <= kind <= _RESET:
            return None
        return kind, number, key, seq, ack, frame[_HEAD_SIZE:size]

    def _want(self, met: bool, call: str) -> None:
        if not met:
            raise WrongState("%s while %s" % (call, self.state))


def _words(data: bytes) -> str:
    """What the other side says, made harmless for a log."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in data])
