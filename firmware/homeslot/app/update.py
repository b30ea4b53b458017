"""Installs a bundle beside the firmware that runs, while that goes on running.

The bundle comes in pieces, each at an offset. Whoever sends it asks for the next offset by the
answer to the last piece, so a piece that was lost, or came twice, does no harm. What is on the
flash decides what is wanted: a file that either side has already is not sent. So a transfer that
broke off, even by a power cut, is begun again and soon is where it was.

Nothing is written before signature, board and version are right, and then only to the side that
does not run. That one is tried when each of its files has been read back and is as signed.
"""

import binascii
import hashlib

from homeslot import const
from homeslot.app.commands import Refusal
from homeslot.bundle import BadBundle, Head, parse_keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeslot.bundle import File, Manifest
    from homeslot.contract import Body
    from homeslot.ports import Boot, Files

KEYS = "keys.json"
_LOOK_BYTES = const(8192)  # of files read for one answer, or one file: there are scans to do too
_PIECE = const(2048)  # most files in one


class Update:
    """At most one transfer, from the files of the side that runs to those of the other.

    `boot` is told at the end; the cart has `board` and runs `version`. `done`: the next boot is the
    trial.
    """

    def __init__(
        self, ours: "Files", theirs: "Files", boot: "Boot", board: str, version: str
    ) -> None:
        self._ours = ours
        self._theirs = theirs
        self._boot = boot
        self._board = board
        self._version = version
        self.done = False
        self._name = ""
        self._next = 0
        self._forget()

    def obey(self, command: "Body") -> "Body":
        """Carry out the command `update`: `next` and `wants` of its reply. Raises Refusal, and
        OSError when the flash takes no more: the transfer is over then."""
        try:
            data = binascii.a2b_base64(command.get("data", ""))
        except ValueError:
            raise Refusal("data: is not base64")
        try:
            offset, wants = self.take(command["bundle"], command.get("offset", 0), data)
        except BadBundle as error:
            raise Refusal("the bundle " + str(error))
        return {"next": offset, "wants": wants}

    def take(self, name: str, offset: int, data: bytes) -> "tuple[int, int]":
        """Take `data`, which is at `offset` of the bundle called `name`.

        The offset wanted next, and how many bytes are known to be wanted from there: none when all
        is there, and while there is more to look at here first. Another `name` is another transfer.
        Raises BadBundle, and OSError when the flash takes no more: the transfer is over then.
        """
        if self._boot.trial:
            raise BadBundle("comes while %s is on trial" % self._version)
        if self.done and name != self._name:
            raise BadBundle("comes while this cart is about to try another")
        if name != self._name:
            self._forget()
            self._name = name
        try:
            if offset == self._next:
                self._put(data[: self._wants])
            self._look()
        except (BadBundle, OSError):
            self._forget()
            raise
        return self._next, self._wants

    @property
    def _wants(self) -> int:
        if self._head is not None:
            return self._head.wants
        return self._file[1] - self._got if self._file is not None and self._lacks else 0

    def _forget(self) -> None:
        self._name = ""
        self._next = 0
        self._head: "Head | None" = Head()
        self._manifest: "Manifest | None" = None
        self._rest: "Iterator[File] | None" = None
        self._file: "File | None" = None  # the one at hand
        self._lacks = False  # neither side has it
        self._got = 0  # bytes of it that were sent

    def _put(self, data: bytes) -> None:
        """`data` is what was wanted, or the beginning of it."""
        self._next += len(data)
        if self._head is not None:
            self._head.take(data)
            if not self._head.wants:
                self._open(self._head)
        elif self._file is not None and data:
            path, size, digest = self._file
            self._theirs.append(path, data)
            self._got += len(data)
            if self._got == size:
                if not _is(self._theirs, path, size, digest):
                    raise BadBundle("is damaged at " + path)
                self._advance()

    def _open(self, head: Head) -> None:
        self._head = None
        manifest = head.manifest(parse_keys(self._ours.read(KEYS)))
        manifest.check(self._board, self._version, self._boot.layout)
        for path in self._theirs.names():
            if not manifest.has(path):
                self._theirs.remove(path)
        self._manifest, self._rest = manifest, manifest.files()
        self._file = next(self._rest, None)

    def _advance(self) -> None:
        if self._file is not None and self._rest is not None:
            self._file = next(self._rest, None)
        self._lacks, self._got = False, 0

    def _look(self) -> None:
        """Go on to the first file that has to be sent, or as far as is bearable at once."""
        left = _LOOK_BYTES
        while self._file is not None and not self._lacks and left > 0:
            path, size, digest = self._file
            left -= size
            if _is(self._theirs, path, size, digest):
                self._skip(size)
            elif _is(self._ours, path, size, digest):
                left -= size
                self._copy(path)
                if not _is(self._theirs, path, size, digest):
                    raise BadBundle("cannot be written at " + path)
                self._skip(size)
            else:
                self._theirs.remove(path)
                self._lacks = True
        if self._manifest is not None and self._file is None and not self.done:
            if not self._manifest.has(KEYS):
                self._copy(KEYS)
            self._boot.order_trial(self._manifest.version)
            self.done = True

    def _skip(self, size: int) -> None:
        self._next += size
        self._advance()

    def _copy(self, path: str) -> None:
        """Take the file at `path` over from the side that runs."""
        at = 0
        self._theirs.remove(path)
        while piece := self._ours.read_at(path, at, _PIECE):
            self._theirs.append(path, piece)
            at += len(piece)


def _is(files: "Files", path: str, size: int, digest: str) -> bool:
    """Whether the file at `path` is there, as it was signed."""
    found = hashlib.sha256()
    at = 0
    while at <= size:
        piece = files.read_at(path, at, _PIECE)
        if not piece:
            break
        found.update(piece)
        at += len(piece)
    return at == size and "".join("%02x" % byte for byte in found.digest()) == digest
