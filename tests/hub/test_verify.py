"""`homeslot verify`: what it says, where, and its exit status."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from homeslot_hub.bootstrap import open_store
from homeslot_hub.cli import main
from homeslot_hub.config import load
from homeslot_hub.service.ports import Event

START_S = 1794927600  # Tuesday 17 November 2026, 09:00 in Chicago
EVENT = Event("cart-1", 1, 1000001, 60000, START_S, "slot", 12, "empty", "charging", 0)


class Records:
    """An installation with a hundred events, and `homeslot verify` on it."""

    def __init__(self, folder, capture):
        self.config = folder / "homeslot.toml"
        self._capture = capture
        self.run("init", "--zone", "America/Chicago")
        self.database = load(self.config).database
        self.add(*(EVENT._replace(seq=1000001 + n, at_s=START_S + 60 * n) for n in range(100)))

    def run(self, *arguments):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--config", str(self.config)])
        out, err = self._capture.readouterr()
        return ended.value.code, out, err

    def add(self, *events):
        with closing(open_store(load(self.config))) as store, store.transaction():
            for event in events:
                store.add_event(event)

    def behind(self, sql):
        with closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            assert other.execute(sql).rowcount > 0


@pytest.fixture
def records(tmp_path, capsys):
    return Records(tmp_path, capsys)


def test_n16_a_whole_chain_is_one_line_with_its_head(records):
    status, out, err = records.run("verify")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"100 records in 2 seals, chain whole, head 100:[0-9a-f]{64}\n", out)


def test_n16_an_edit_is_named_with_its_cart_and_its_times(records):
    records.behind("UPDATE event SET value = 'full' WHERE record = 70")
    status, out, _ = records.run("verify")
    assert status == 1
    assert "100 records in 2 seals, chain BROKEN in 1 place" in out
    assert "The seal of records 65 to 100 does not fit: something in it was changed." in out
    assert "concerns cart-1, measured Tue 17 Nov 2026 10:04 to Tue 17 Nov 2026 10:39." in out


def test_n16_deletions_and_insertions_are_named_by_number(records):
    records.behind("DELETE FROM event WHERE record IN (70, 72, 73)")
    records.behind(
        "INSERT INTO event SELECT cart, 9, seq, up_ms, at_s, kind, idx, value, was, current_ma, 80"
        " FROM event WHERE record = 80"
    )
    status, out, _ = records.run("verify")
    assert status == 1
    assert (
        "does not fit: records 70 and 72 to 73 are missing and record 80 was not kept by the hub."
        in out
    )


def test_n16_a_noted_head_finds_a_chain_that_was_computed_anew(records):
    head = records.run("verify")[1].split()[-1]
    records.add(EVENT._replace(seq=1000500))
    for noted in (head, head[:20], head.upper()):
        status, out, _ = records.run("verify", "--head", noted)
        assert status == 0
        assert "101 records in 2 seals, chain whole, and holds the noted head of record 100" in out
    other = head[:4] + ("0" if head[4] != "0" else "1") + head[5:]
    status, out, _ = records.run("verify", "--head", other)
    assert status == 1
    assert "the first 100 records are not those" in out


@pytest.mark.parametrize("head", ["12", "100:12ab", "x:" + "0" * 16])
def test_a_head_that_is_none_is_refused_with_what_is_allowed(records, head):
    status, _, err = records.run("verify", "--head", head)
    assert status == 2
    assert f"--head is {head}: allowed N:HEX" in err


def test_an_empty_history_is_whole(tmp_path, capsys):
    records = Records(tmp_path, capsys)
    records.database.unlink()
    assert records.run("verify")[1].startswith("0 records in 0 seals, chain whole, head 0:000")


def test_n16_a_digest_carries_the_head_that_verify_takes(records):
    text = records.run("digest", "--date", "2026-11-17")[1]
    found = re.search(r"Records\s+(100:[0-9a-f]{16})\.", text)
    assert records.run("verify", "--head", found[1])[0] == 0
