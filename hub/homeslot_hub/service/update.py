"""An update of one cart, from the first piece to the verdict on the new firmware.

    asking ── hello ──▶ sending ── all is there ──▶ starting ── hello, on trial ──▶ trial
       │                   │                           │                              │
       └── not able ──▶ refused ◀── its reply          ├── hello, not on trial ──▶ installed ◀┤
                                                       └── another version ──▶ given up ◀─────┘

Whatever is silent for too long is `lost`. A cart that starts again in mid-transfer keeps what it
has: it asks for the beginning, and then for what it lacks. Its last answer may get lost on the way:
a cart that has meanwhile tried the version and given it up is not sent it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from homeslot import contract
from homeslot.bundle import BadBundle
from homeslot.sender import Sender
from homeslot_hub.model import Command, Message

AGAIN_S = 5  # a piece that is not answered is sent again
SILENCE_S = 180  # a cart that is not heard for so long while it should be is lost
TRIAL_S = 15 * 60  # ten minutes of trial, and the way back
LEFT = "update by "  # the words with which a cart leaves its old firmware (homeslot.app.hands)
Stage = Literal[
    "asking", "sending", "starting", "trial", "installed", "given up", "refused", "lost"
]
OVER: tuple[Stage, ...] = ("installed", "given up", "refused", "lost")


@dataclass(frozen=True, slots=True)
class Where:
    """How far it is: the stage, what to say of it, and how many bytes of how many the cart has."""

    stage: Stage
    words: str
    offset: int
    size: int


class Update:
    """Brings `bundle` to the cart with id `cart`, on whose topics `first_id` and the numbers after
    it are nobody else's. Raises BadBundle when it is none.
    """

    def __init__(self, cart: str, bundle: bytes, first_id: int, now_s: float) -> None:
        self._cart = cart
        self._sender = Sender(bundle)
        self._id = first_id
        self._stage: Stage = "asking"
        self._words = "is waited for"
        self._boot = 0  # of the firmware that takes the bundle
        self._given_up_before = False
        self._sent_s: float | None = None
        self._heard_s = now_s

    @property
    def version(self) -> str:
        """The version in the bundle."""
        return self._sender.version

    @property
    def where(self) -> Where:
        """How far it is."""
        return Where(self._stage, self._words, self._sender.offset, self._sender.size)

    def due(self, now_s: float) -> Command | None:
        """What to send to the cart now."""
        limit_s = TRIAL_S if self._stage in ("starting", "trial") else SILENCE_S
        if self._stage not in OVER and now_s - self._heard_s > limit_s:
            self._to("lost", f"was not heard for {limit_s // 60} minutes")
        if self._stage != "sending":
            return None
        if self._sent_s is not None and now_s - self._sent_s < AGAIN_S:
            return None
        self._sent_s = now_s
        body = {"v": contract.VERSION, "id": self._id, "cmd": "update"}
        where = contract.topic(self._cart, "cmd")
        return Command(where, contract.encode(where, "cmd", body | self._sender.arguments()))

    def take(self, message: Message, now_s: float) -> None:
        """Take what the cart said. What is not about this is passed over."""
        try:
            cart, kind = contract.split_topic(message.topic)
            if cart != self._cart or kind not in ("hello", "reply"):
                return
            body = contract.decode(message.topic, kind, message.payload)
        except contract.BadMessage:
            return
        if kind == "hello":
            self._on_hello(body, now_s)
        elif self._stage == "sending" and body["id"] == self._id:
            self._on_reply(body, now_s)

    def _on_reply(self, body: dict[str, Any], now_s: float) -> None:
        self._heard_s = now_s
        if not body["ok"] and body["why"].startswith(contract.BUSY):
            return  # it is sent again
        self._sent_s = None
        self._id = self._id % 0x7FFFFFFF + 1
        if not body["ok"]:
            self._to("refused", f"the cart refuses: {body['why']}")
            return
        try:
            self._sender.answered(body)
        except BadBundle as error:
            self._to("refused", f"the bundle {error}")
            return
        if self._sender.done:
            self._to("starting", f"has {self.version} and starts it on trial")

    def _on_hello(self, body: dict[str, Any], now_s: float) -> None:
        new = body["firmware"] == self.version
        if self._stage == "asking":
            self._heard_s = now_s
            if "update" not in body["abilities"]:
                self._to("refused", f"runs {body['firmware']}, which takes no updates")
            elif new:
                self._to("refused", f"runs {self.version} already")
            else:
                self._boot = body["boot"]
                self._given_up_before = self._given_up(body)
                self._to("sending", f"runs {body['firmware']} and gets {self.version}")
        elif self._stage in ("sending", "starting", "trial") and body["boot"] > self._boot:
            self._heard_s = now_s
            trial = body.get("trial", False)
            if new and trial:
                self._to("trial", f"tries {self.version}")
            elif new:
                self._to("installed", f"runs {self.version} for good")
            elif self._stage != "sending" or (self._given_up(body) and not self._given_up_before):
                why = body.get("why", "")
                if not why or why.startswith(LEFT):  # the new one has left no words
                    why = f"{self.version} did not prove itself"
                self._to("given up", f"went back to {body['firmware']}: {why}")
            else:
                self._boot, self._sent_s = body["boot"], None

    def _given_up(self, hello: dict[str, Any]) -> bool:
        return bool(hello.get("gave_up", "") == self.version)

    def _to(self, stage: Stage, words: str) -> None:
        self._stage, self._words = stage, words
