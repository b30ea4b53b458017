"""Keys, small firmwares and bundles of them for the tests."""

import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa

from homeslot_boot.boot import Boot
from homeslot_hardware import bundles
from homeslot_sim.cart.flash import Flash

BOARD = "pico-w-30"
CHUNK = 1500


@cache
def key(name):
    """The private key called `name`, made when first asked for."""
    return rsa.generate_private_key(65537, 3072)


def key_file(*names):
    return json.dumps([f"{key(name).public_key().public_numbers().n:x}" for name in names]).encode()


OLD = {
    "homeslot/__init__.mpy": b"version 0.1.0",
    "homeslot/app/cart.mpy": b"cart " * 500,
    "homeslot/same.mpy": b"the same in both " * 100,
    "homeslot/gone.mpy": b"only in the old one",
}
NEW = {
    "homeslot/__init__.mpy": b"version 0.2.0",
    "homeslot/app/cart.mpy": b"car+ " * 700,
    "homeslot/app/fresh.mpy": b"only in the new one " * 20,
    "homeslot/same.mpy": b"the same in both " * 100,
}


def bundle(files=NEW, version="0.2.0", boards=(BOARD,), layout=1, by="a"):
    return bundles.make(files, version, boards, layout, key(by))


class Side:
    """The files of one side of `flash`: a ports.Files of its own."""

    def __init__(self, flash, side):
        self._flash = flash
        self._root = side + "/"

    def names(self):
        root = self._root
        return [name[len(root) :] for name in self._flash.names() if name.startswith(root)]

    def read(self, name):
        return self._flash.read(self._root + name)

    def read_at(self, name, at, count):
        return self._flash.read_at(self._root + name, at, count)

    def append(self, name, data):
        self._flash.append(self._root + name, data)

    def remove(self, name):
        self._flash.remove(self._root + name)

    def all(self):
        return {name: self.read(name) for name in self.names()}


def flash(files=OLD, keys=("a", "b"), into=None):
    """The flash of a cart that runs `files` on side a, its other side empty."""
    made = into or Flash()
    for path, content in files.items():
        made.append("a/" + path, content)
    made.append("a/keys.json", key_file(*keys))
    return made


def started(files, powered_on=True):
    boot = Boot(files)
    boot.begin(powered_on)
    return boot
