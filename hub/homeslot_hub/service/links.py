"""Links by which a person acts on what a mail says, without an account.

Whoever has the link has the right, so it says all that it may be used for: by whom, in which
matter, of which cart and day, until when. It is signed (HMAC-SHA256, itsdangerous) with a key that
only the hub has. It names a person by their address: what they are called, and whether the school
still names them at all, is looked up when it is used.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer

Matter = Literal["answer", "lock-down"]
ALL_CARTS = 0
PATH = "/a/"
_ADDRESS = re.compile(rf"https?://\S+{PATH}\S+")
_LONGEST = 1000  # characters of a token; the longest names make half of that
_SALT = "homeslot link 1"  # another number when a token of before can no longer be read


class LinkError(Exception):
    """A link that cannot be used, in a sentence or two for whoever holds it."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link may be used for: `answer` alerts of a day, or decide about its `lock-down`s.

    `day` (YYYY-MM-DD) is the school day of the mail it was in, `cart` the number of one of the
    school's carts or ALL_CARTS, `email` whose it is. It ends at `expires_s` (epoch s).
    """

    matter: Matter
    school: str
    day: str
    cart: int
    email: str
    expires_s: int


class Links:
    """Makes links that begin with the public `url` of the hub and hold for `lasts_s`, reads them.

    `key` is the secret they are signed with.
    """

    def __init__(self, url: str, key: str, lasts_s: int) -> None:
        self._url = url.rstrip("/")
        self._lasts_s = lasts_s
        self._tokens = URLSafeSerializer(
            key,
            salt=_SALT,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make(self, matter: Matter, school: str, day: str, cart: int, email: str, now_s: int) -> str:
        """The address of a link that is made at `now_s`."""
        link = Link(matter, school, day, cart, email, now_s + self._lasts_s)
        return f"{self._url}{PATH}{self._tokens.dumps(list(astuple(link)))}"

    def read(self, token: str, now_s: int) -> Link:
        """What the link with `token` may be used for. Raises LinkError."""
        try:
            if len(token) > _LONGEST:
                raise BadData("too long")
            link = Link(*self._tokens.loads(token))
        except BadData:
            raise LinkError(
                "This link is not one of this hub's, or a part of it is missing. Open it from the "
                "mail itself; some mail programs break long lines."
            ) from None
        if now_s >= link.expires_s:
            raise LinkError(
                "This link has ended. What is still wrong stands in the next mail, with a new one."
            )
        return link


def without_links(text: str) -> str:
    """The text of a notice for more eyes than its reader's: whoever has a link has its right."""
    return _ADDRESS.sub("by the link in the mail itself", text)
