"""A cart's side of an update: the real installer, on a flash that outlives its boots."""

from homeslot import contract
from homeslot.app.commands import Refusal
from homeslot.app.update import Update as Installer
from homeslot_hub.model import Message

from ..firmware.releases import BOARD, Side, flash, started

CART = "cart-7"


class Cart:
    """What the cart is and says; `start` begins its next boot."""

    def __init__(self):
        self.files = flash()
        self.number = 0
        self.start("0.1.0")

    def start(self, version):
        self.number += 1
        self.version = version
        self.boot = started(self.files)
        ours, theirs = Side(self.files, self.boot.side), Side(self.files, self.boot.other)
        self.installer = Installer(ours, theirs, self.boot, BOARD, version)

    def said(self, kind, **body):
        stamp = {"v": 1, "boot": self.number, "up_ms": 1, "at_s": None}
        payload = contract.encode(contract.topic(CART, kind), kind, {**stamp, **body})
        return Message(contract.topic(CART, kind), payload, False, 0)

    def hello(self, **body):
        about = {"firmware": self.version, "board": BOARD, "slots": 30, "reset": "soft"}
        sides = {"trial": self.boot.trial, "side": self.boot.side, "gave_up": self.boot.gave_up}
        able = {"abilities": ["report", "update"], "settings": {}}
        return self.said("hello", **{**about, **sides, **able, **body})

    def obey(self, command):
        assert command.topic == contract.topic(CART, "cmd")
        told = contract.decode(command.topic, "cmd", command.payload)
        try:
            return self.said("reply", id=told["id"], ok=True, why="", **self.installer.obey(told))
        except Refusal as error:
            return self.said("reply", id=told["id"], ok=False, why=str(error))
