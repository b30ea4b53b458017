"""Events on flash: what has waited too long for the broker outlives a power cut.

A record is RECORD_BYTES long and ends in a checksum. Its words are text, so that firmware with
other tables of words reads it rightly or not at all.

Records are added in batches, in the order of their numbers, to segments: files `journal-<n>`. The
newest segment grows until it has SEGMENT records; then, or when a power cut tore its end, it is
sealed and only read. A segment whose records have all left is removed. Until then nothing on flash
says that some have: after a power cut they are sent again, and the hub knows them by their numbers.
What is damaged is passed over and counted.
"""

import struct
from binascii import crc32

from homeslot import contract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.contract import Body
    from homeslot.ports import Files

    Data = bytes | bytearray

RECORD_BYTES = 64
SEGMENT = 48  # records; with a batch of 16 more it still is one erasable block of the flash
SEGMENTS = 60  # files at most: 2000 events take 42, the rest is for those a power cut left short
CHUNK = 8  # records read at once
# seq, up_ms, boot, at_s or 0, current_ma or NO_MA, index or 0, "kind value was"; then the checksum.
# The two BSSIDs of a place go without their colons.
_LAYOUT = "<QQIIhB33s"
_SUMMED = 60
_BOOT_AT = 16
NO_MA = -32768


def pack_into(into: bytearray, at: int, event: "Body") -> None:
    """Write the record of `event`, a body of the contract, into `into` from byte `at` on."""
    words = ("%s %s %s" % (event["kind"], event["value"], event["was"])).replace(":", "")
    current_ma = event.get("current_ma")
    struct.pack_into(
        _LAYOUT,
        into,
        at,
        event["seq"],
        event["up_ms"],
        event["boot"],
        event["at_s"] or 0,
        NO_MA if current_ma is None else current_ma,
        event.get("index", 0),
        words.encode(),
    )
    struct.pack_into("<I", into, at + _SUMMED, crc32(memoryview(into)[at : at + _SUMMED]))


def unpack(data: "Data", at: int) -> "Body":
    """The event of the record at byte `at`, as it was packed. Raises ValueError when damaged."""
    if not is_intact(data, at):
        raise ValueError("the checksum is wrong")
    seq, up_ms, boot, at_s, current_ma, index, text = struct.unpack_from(_LAYOUT, data, at)
    kind, value, was = text.rstrip(b"\0").decode().split(" ")
    if kind == "place":
        value, was = _bssid(value), _bssid(was)
    event: "Body" = {
        "v": contract.VERSION,
        "boot": boot,
        "up_ms": up_ms,
        "at_s": at_s or None,
        "seq": seq,
        "kind": kind,
        "value": value,
        "was": was,
    }
    if index:
        event["index"] = index
    if kind == "slot":
        event["current_ma"] = None if current_ma == NO_MA else current_ma
    return event


def _bssid(digits: str) -> str:
    return ":".join([digits[i : i + 2] for i in range(0, len(digits), 2)])


def seq_and_up_ms(data: "Data") -> "tuple[int, int]":
    """Number and uptime of the event whose intact record comes first in `data`."""
    seq, up_ms = struct.unpack_from("<QQ", data)
    return seq, up_ms


def is_intact(data: "Data", at: int) -> bool:
    """Whether there is a record at byte `at` that bears its checksum."""
    if len(data) < at + RECORD_BYTES:
        return False
    view = memoryview(data)[at : at + _SUMMED]
    same: bool = crc32(view) == struct.unpack_from("<I", data, at + _SUMMED)[0]
    return same


class Journal:
    """First in, first out, on `files`. Opening it reads all of it and never fails.

    `damaged` counts the records that were lost to damage, `last_boot` is the boot of the newest
    record there was at the opening, 0 without one.
    """

    def __init__(self, files: "Files") -> None:
        self._files = files
        self._segments: "list[list[int]]" = []  # [number, records in the file, those still here]
        self._at = 0  # the record of the oldest segment at which what is still here begins
        self._read_ahead: "list[tuple[int, int]]" = []  # (seq, record after it), from `_at` on
        self._growing = False  # whether the newest segment may take more
        self._number = 0  # of the newest segment
        self.damaged = 0
        self.last_boot = 0
        numbers = [name[8:] for name in files.names() if name.startswith("journal-")]
        for number in sorted([int(text) for text in numbers if text.isdigit()]):
            self._open(number)

    def __len__(self) -> int:
        count = 0
        for segment in self._segments:
            count += segment[2]
        return count

    @property
    def crowded(self) -> bool:
        """Whether there are as many segments as there may be, and the next batch needs another."""
        return len(self._segments) >= SEGMENTS and not self._has_room()

    def append(self, batch: "bytearray | memoryview") -> None:
        """Keep a batch of records: when this returns, they outlive a power cut.

        Raises OSError: then none of them is in the journal.
        """
        count = len(batch) // RECORD_BYTES
        grows = self._has_room()
        self._growing = False  # should this fail, nobody knows how the file ends
        if grows:
            newest = self._segments[-1]
            self._files.append(_name(newest[0]), batch)
            newest[1] += count
            newest[2] += count
        else:
            self._files.write(_name(self._number + 1), batch)
            self._number += 1
            self._segments.append([self._number, count, count])
        self._growing = True

    def oldest(self, count: int) -> "list[Body]":
        """Up to `count` events, oldest first, perhaps fewer than there are. They stay."""
        events: "list[Body]" = []
        while self._segments and not events:
            number, end, _ = self._segments[0]
            self._read_ahead.clear()
            at = self._at
            while at < end and len(events) < count:
                some = min(CHUNK, end - at, count - len(events))
                data = self._read(number, at, some)
                for i in range(some):
                    at += 1
                    try:
                        event = unpack(data, i * RECORD_BYTES)
                        contract.check("journal", "event", event)
                    except ValueError:  # or BadMessage, one: other firmware had other words
                        continue
                    events.append(event)
                    self._read_ahead.append((event["seq"], at))
            if not events:  # it was whole when it was opened or written
                self.damaged += self._segments[0][2]
                self._remove()
        return events

    def leave(self, seq: int) -> None:
        """Let go of the oldest event, if it is the one numbered `seq`."""
        if self._read_ahead and self._read_ahead[0][0] == seq:
            self.drop()

    def drop(self) -> bool:
        """Let go of the oldest event; False when there turned out to be none."""
        if not self._read_ahead:
            self.oldest(1)
        if not self._read_ahead:
            return False
        _, self._at = self._read_ahead.pop(0)
        self._segments[0][2] -= 1
        if not self._segments[0][2]:
            self._remove()
        return True

    def _has_room(self) -> bool:
        return self._growing and self._segments[-1][1] < SEGMENT

    def _open(self, number: int) -> None:
        at = here = 0
        self._number = number
        while True:
            data = self._read(number, at, CHUNK)
            whole = len(data) // RECORD_BYTES
            for i in range(whole):
                if is_intact(data, i * RECORD_BYTES):
                    here += 1
                    boot = struct.unpack_from("<I", data, i * RECORD_BYTES + _BOOT_AT)[0]
                    self.last_boot = max(self.last_boot, boot)
                else:
                    self.damaged += 1
            at += whole
            if whole < CHUNK:
                break
        # Behind a torn end nothing would be found again.
        self._growing = here > 0 and len(data) % RECORD_BYTES == 0
        self._segments.append([number, at, here])
        if not here:
            self._forget(len(self._segments) - 1)

    def _read(self, number: int, at: int, count: int) -> bytes:
        """Records of a segment; fewer, or part of one, where there is no more to be read."""
        try:
            return self._files.read_at(_name(number), at * RECORD_BYTES, count * RECORD_BYTES)
        except OSError:
            return b""

    def _remove(self) -> None:
        """The oldest segment has had its day."""
        if len(self._segments) == 1:
            self._growing = False
        self._at = 0
        self._read_ahead.clear()
        self._forget(0)

    def _forget(self, index: int) -> None:
        number = self._segments.pop(index)[0]
        try:
            self._files.remove(_name(number))
        except OSError:
            pass  # read again after the next start, and the hub knows the numbers


def _name(number: int) -> str:
    return "journal-%d" % number
