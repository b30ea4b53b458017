"""An installation in a folder of its own: `homeslot` on it, and a hub that takes what carts say."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from homeslot_hub.bootstrap import open_store
from homeslot_hub.cli import main
from homeslot_hub.config import load
from homeslot_hub.service.hub import Hub

CONFIG = """
[[school]]
name = "Lincoln"
zone = "America/New_York"
coordinator = "Dana Reyes <reyes@lincoln.example>"

[[school.cart]]
controller = "cart-7"
number = 7
room = "=Room 12"
teacher = "Ms Rivera <rivera@lincoln.example>"
slots = 4
spare = [4]

[[school.cart]]
controller = "cart-8"
number = 8
room = "Room 13"
teacher = "Mr Chen <chen@lincoln.example>"
slots = 4
"""


class Installation:
    """`homeslot` with a school of two carts of four slots, of which 7-4 is spare."""

    def __init__(self, folder, capture, text=CONFIG):
        self.folder = folder
        self.config = folder / "homeslot.toml"
        self.config.write_text(text)
        self._capture = capture

    @property
    def settings(self):
        return load(self.config)

    def run(self, *arguments):
        """Exit status, output, errors."""
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--config", str(self.config)])
        out, err = self._capture.readouterr()
        return ended.value.code, out, err

    def ok(self, *arguments):
        status, out, err = self.run(*arguments)
        assert (status, err) == (0, "")
        return out

    def take(self, now_s, *messages):
        """Have a hub take `messages` at `now_s`."""
        with closing(open_store(self.settings)) as store:
            Hub(self.settings.schools, store, lambda: now_s).take(messages)

    def behind(self, sql):
        """Somebody with access to the database does something to it."""
        with closing(sqlite3.connect(self.settings.database, isolation_level=None)) as other:
            assert other.execute(sql).rowcount > 0
