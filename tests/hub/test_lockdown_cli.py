"""`homeslot lockdown`: a named person has a device locked, or not."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.bootstrap import open_store
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.rules.lockdown import Order

from .installation import CONFIG, Installation
from .reports import Reporter

MDM = '\n[mdm]\nfile = "mdm.webhook"\n'
WHO = ("--who", "Pat Kim", "--why", "not found in any room")


@pytest.fixture
def place(tmp_path, capsys):
    """An installation in which 7-3 is out and its lock prepared; 7-2 is home."""
    place = Installation(tmp_path, capsys, MDM + CONFIG)
    now_s = int(time.time())
    cart = Reporter("cart-7", now_s=now_s)
    place.take(now_s, cart.event("slot", 3, "empty"), cart.state())
    day = f"{datetime.fromtimestamp(now_s, UTC):%Y-%m-%d}"
    for slot in (2, 3):
        place.ok("register", "set", f"7-{slot}", f"tag=LE-070{slot}")
        with closing(open_store(place.settings)) as store, store.transaction():
            alert = Alert(
                *("Lincoln", day, 7, "out", f"slot {slot}", "C2", (slot,), (), now_s, "known"),
                *(f"7-{slot} is out.", "Find it.", now_s),
            )
            number = SqliteAlerts(store).put(alert, []).id
            tag = f"LE-070{slot}"
            SqliteOrders(store).put(Order("Lincoln", day, 7, slot, tag, "lock", number, now_s))
    return place


def test_c11_it_lists_what_waits_for_a_person(place):
    out = place.ok("lockdown", "list")
    assert re.search(r"2 +7-3 +LE-0703 +lock-down +\S+ +prepared", out)


def test_c11_confirming_says_what_becomes_of_it(place):
    out = place.ok("lockdown", "confirm", "2", "--yes", *WHO)
    assert out == "Lock-down of 7-3: confirmed; a running homeslot serve sends it.\n"
    assert re.search(r"confirmed +Pat Kim: not found in any room", place.ok("lockdown", "list"))
    assert re.search(r"lock-down confirmed +Pat Kim", place.ok("alert", "history", "2"))


def test_c11_it_asks_first_and_a_no_changes_nothing(place):
    status, out, err = place.run("lockdown", "confirm", "2", *WHO)
    assert status == 1
    assert "Send to the device management: lock 7-3 (tag LE-0703)?" in out + err
    assert "confirmed" not in place.ok("lockdown", "list")


def test_c11_one_that_is_home_is_named_and_not_locked(place):
    status, out, _ = place.run("lockdown", "confirm", "1", "2", "--yes", *WHO)
    assert status == 1
    assert "7-2 is not locked: it is home.\n" in out
    assert "Lock-down of 7-3: confirmed" in out


def test_c11_withdrawing_keeps_it_from_being_sent(place):
    assert place.ok("lockdown", "withdraw", "2", *WHO) == "Lock-down of 7-3: withdrawn.\n"
    assert "7-3" not in place.ok("lockdown", "list")
    assert re.search(r"7-3 .* withdrawn +Pat Kim", place.ok("lockdown", "list", "--all"))
    status, _, err = place.run("lockdown", "confirm", "2", "--yes", *WHO)
    assert (status, "the lock-down of 7-3 is withdrawn" in err) == (1, True)


@pytest.mark.parametrize("command", [("confirm", "--yes"), ("withdraw",)])
def test_c11_an_unknown_number_and_an_unsaid_name_are_refused(place, command):
    name, *yes = command
    status, _, err = place.run("lockdown", name, "99", *yes, *WHO)
    assert (status, err) == (
        2,
        "homeslot: there is no lock-down 99: see homeslot lockdown list\n",
    )
    assert place.run("lockdown", name, "2", *yes, *WHO, "--who", " ")[0] == 2


def test_c11_without_a_device_management_there_is_nothing_to_tell(installed):
    status, _, err = installed.run("lockdown", "list")
    assert (status, "has no [mdm]" in err) == (2, True)


def test_c11_without_orders_it_says_so(tmp_path, capsys):
    place = Installation(tmp_path, capsys, MDM + CONFIG)
    assert place.ok("lockdown", "list") == (
        "Lincoln: no lock-down is prepared, and no device locked.\n"
    )


@pytest.mark.parametrize("name", ["list", "confirm", "withdraw"])
def test_every_command_of_lock_downs_answers_help(installed, name):
    assert "Usage" in installed.ok("lockdown", name, "--help")
