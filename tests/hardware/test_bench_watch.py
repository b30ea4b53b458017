"""The watch: a picture with every slot, and lines that say what changed."""

import io

from rich.console import Console

from homeslot_hardware.bench import watch

STATE = {
    "slots": ["charging", "empty", "unknown", "full"],
    "current_ma": [1800, 0, None, 120],
    "banks": ["ok", "faulty"],
    "bolt": "thrown",
    "door": "closed",
    "mains": "on",
    "tamper": "ok",
    "battery_mv": 5000,
    "temperature_c": None,
    "rssi_dbm": -60,
}


def test_the_picture_has_every_slot_with_its_state_and_current():
    console = Console(file=io.StringIO(), width=100)
    console.print(watch.picture("cart-7 (pico-w-30)", STATE))
    drawn = console.file.getvalue()
    assert "cart-7 (pico-w-30)" in drawn
    for word in ("charging", "empty", "unknown", "full", "1800", "faulty", "thrown", "-60 dBm"):
        assert word in drawn


def test_the_lines_have_every_slot_and_say_what_is_not_measured():
    lines = list(watch.told(STATE))
    assert lines[:3] == ["slot 1\tcharging\t1800", "slot 2\tempty\t0", "slot 3\tunknown\t-"]
    assert "bank 2\tfaulty" in lines
    assert "rssi\t-60 dBm" in lines
    assert not [line for line in lines if line.startswith("temperature")]


def test_a_change_is_a_line_with_what_was_before_and_a_current_alone_is_none():
    now = {**STATE, "slots": ["charging", "idle", "unknown", "full"], "door": "open"}
    assert list(watch.changes(STATE, now)) == ["slot 2\tidle\twas empty", "door\topen\twas closed"]
    assert list(watch.changes(STATE, {**STATE, "current_ma": [1810, 0, None, 118]})) == []
