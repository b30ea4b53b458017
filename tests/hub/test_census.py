"""N9: the census, at any moment past or present, by what was sensed; and its files."""

from __future__ import annotations

import csv
import stat
import time
import zipfile
from xml.etree import ElementTree

import pytest

from homeslot_hub.adapters.sheets import Sheet, write_xlsx
from homeslot_hub.service.census import census
from homeslot_hub.service.history import evidence

from .reports import CART, SCHOOL, START_S, Reporter


@pytest.fixture
def hub(start, clock):
    """At 09:00 all of four slots are home; 2 goes at 09:05 and is back at 09:20, 3 is spare."""
    hub, store = start(clock)
    cart = Reporter()
    messages = [cart.state()]
    for minutes, word in ((5, "empty"), (15, "idle")):
        cart.now_s += minutes * 60
        messages.append(cart.event("slot", 2, word))
    hub.take(messages)
    return hub, store, cart


def counted(hub, at_s):
    found, store, _ = hub
    (verdict,) = found.judge(SCHOOL, at_s).carts
    return list(census(SCHOOL, verdict, found.facts(CART.controller, at_s), store))


def test_n9_each_slot_has_its_place_since_when_and_who_says_so(hub):
    slots = counted(hub, START_S + 600)
    assert [slot.place for slot in slots] == ["home", "out", "home", "home"]
    assert [slot.since_s for slot in slots] == [START_S, START_S + 300, START_S, START_S]
    assert evidence(slots[0].told) == "snapshot after 1000000 of boot 1, record 2"
    assert evidence(slots[1].told) == "event 1000001 of boot 1, record 3"


def test_n9_the_census_of_a_moment_is_that_of_the_moment(hub):
    assert counted(hub, START_S + 299)[1].place == "home"
    back = counted(hub, START_S + 1200)[1]
    assert (back.place, back.since_s, back.told.value) == ("home", START_S + 1200, "idle")
    assert {slot.place for slot in counted(hub, START_S - 1)} == {"unknown"}


def test_n9_a_silent_cart_is_unknown_and_says_how_it_was_last_known(hub):
    slot = counted(hub, START_S + 90000)[1]
    assert (slot.place, slot.charge, slot.last) == ("unknown", "unknown", "home")
    assert slot.why == "Not heard since Tue 17 Nov 09:20."
    assert slot.since_s == START_S + 1200
    assert evidence(slot.told).startswith("event 1000002")


def test_n9_a_dead_bank_makes_unknown_and_says_why(hub):
    found, _, cart = hub
    cart.now_s += 60
    messages = [cart.event("bank", 2, "faulty")]
    messages += [cart.event("slot", slot, "unknown") for slot in (3, 4)]
    found.take(messages)
    slots = counted(hub, cart.now_s)
    assert [slot.place for slot in slots] == ["home", "home", "unknown", "unknown"]
    assert slots[2].why == "Sensor bank 2 has not answered since 09:21."
    assert slots[2].since_s == cart.now_s


def test_the_command_writes_the_census_and_counts_it(installed):
    cart = Reporter(now_s=int(time.time()) - 60)
    installed.take(cart.now_s, cart.state())
    out = installed.ok("census")
    assert "8 slots: 3 home, 4 unknown, 1 spare." in out
    assert out.count("Never heard") == 4
    files = [installed.folder / name for name in ("c.csv", "c.xlsx")]
    out = installed.ok("census", "--csv", str(files[0]), "--xlsx", str(files[1]))
    assert out == (
        f"Wrote 8 lines to {files[0]}.\nWrote 8 lines to {files[1]}.\n"
        "8 slots: 3 home, 4 unknown, 1 spare.\n"
    )
    with files[0].open(newline="", encoding="utf-8-sig") as rows:
        first, *_ = csv.DictReader(rows)
    assert (first["device"], first["place"], first["room"]) == ("7-1", "home", "'=Room 12")
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    texts = shared_texts(files[1])
    assert {"7-1", "=Room 12", "spare"} <= texts


def shared_texts(path):
    """The texts of a workbook; raises if it has a formula."""
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        sheets = [book.read(name) for name in names if name.startswith("xl/worksheets/")]
        assert not any(b"<f>" in sheet for sheet in sheets)
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
    return {node.text for node in strings.iter() if node.tag.endswith("}t")}


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    cells = ("=1+1", "{=1}", "@x", "http://x.example", 5, "")
    write_xlsx(tmp_path / "x.xlsx", Sheet("X", tuple("abcdef"), [cells]))
    assert {"=1+1", "{=1}", "@x", "http://x.example"} <= shared_texts(tmp_path / "x.xlsx")


def test_a_census_of_the_future_is_refused(installed):
    status, _, err = installed.run("census", "--at", "2099-01-01T00:00")
    assert status == 2
    assert "--at is 2099-01-01T00:00: allowed a time that has come" in err
