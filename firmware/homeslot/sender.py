"""The other end of `app.update`: sends a bundle piece by piece, as the cart asks for it.

Sans I/O, for the hub and the bench. One piece is on its way at a time.
"""

import binascii
import hashlib

from homeslot.bundle import HEAD_BYTES, MAGIC, BadBundle, Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.contract import Body

CHUNK_BYTES = 1500  # in base64 with a command around it: well within a line of the console
_PATIENCE = 100  # answers without progress before it is given up


class Sender:
    """Sends `bundle`. Raises BadBundle when it is none.

    `version` and `boards` are what its manifest says, unchecked: whether that is so, and whether to
    trust it, is the cart's to decide. `offset` is how far the cart has got of `size` bytes.
    """

    def __init__(self, bundle: bytes) -> None:
        length = int.from_bytes(bundle[len(MAGIC) : len(MAGIC) + 2], "big")
        if bundle[: len(MAGIC)] != MAGIC or len(bundle) < HEAD_BYTES + length:
            raise BadBundle("is not a bundle")
        manifest = Manifest(bundle[HEAD_BYTES : HEAD_BYTES + length])
        self.version = manifest.version
        self.boards = manifest.boards
        self.size = HEAD_BYTES + length + manifest.data
        if len(bundle) != self.size:
            raise BadBundle("has %d bytes, its manifest says %d" % (len(bundle), self.size))
        self._bundle = bundle
        self._name = binascii.hexlify(hashlib.sha256(bundle).digest()[:8]).decode()
        self.offset = 0
        self._wants = 0
        self._idle = 0

    @property
    def done(self) -> bool:
        """Whether the cart has all of it, and is about to try it."""
        return self.offset == self.size

    def arguments(self) -> "Body":
        """What the next `update` command says beside its id; the same until it is answered."""
        piece = self._bundle[self.offset : self.offset + min(self._wants, CHUNK_BYTES)]
        data = binascii.b2a_base64(piece).decode().strip()
        return {"bundle": self._name, "offset": self.offset, "data": data}

    def answered(self, reply: "Body") -> None:
        """Take the reply that says it was carried out. Raises BadBundle when the cart goes astray:
        it asks for what there is not, or for ever for the same."""
        offset, self._wants = reply.get("next", 0), reply.get("wants", 0)
        self._idle = 0 if offset != self.offset else self._idle + 1
        if offset + self._wants > self.size or self._idle > _PATIENCE:
            raise BadBundle("makes the cart ask for %d bytes at %d" % (self._wants, offset))
        self.offset = offset
