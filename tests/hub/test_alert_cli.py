"""`homeslot alert`: who takes what on, why, and until when."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.bootstrap import open_store
from homeslot_hub.config import load
from homeslot_hub.rules.alerts import Alert, tell
from homeslot_hub.service.alert_book import Change

from .test_cli import CommandLine

WHO = ("--who", "Ann Lee", "--why", "field trip")


@pytest.fixture
def line(tmp_path, capsys):
    """An installation with one alert that was told in yesterday's digest."""
    line = CommandLine(tmp_path, capsys)
    line.ok("init", "--zone", "UTC")
    put(line, "slot 3", (3,))
    return line


def put(line, subject, slots):
    settings = load(line.config)
    now_s = int(time.time())
    day = f"{datetime.fromtimestamp(now_s - 86400, settings.schools[0].zone):%Y-%m-%d}"
    alert = Alert(
        settings.schools[0].name,
        day,
        1,
        "out",
        subject,
        "C2",
        slots,
        (),
        now_s - 90000,
        "known",
        "1-3 has been out of its slot since yesterday.",
        "Find it.",
        now_s - 86400,
    )
    with closing(open_store(settings)) as store, store.transaction():
        told = tell(alert, "rosa@school.example")
        SqliteAlerts(store).put(told, [Change(now_s - 86400, "opened")])


def test_it_lists_what_is_open(line):
    out = line.ok("alert", "list")
    assert re.search(r"1  1-3 out  .* notified", out)


def test_without_alerts_it_says_so(tmp_path, capsys):
    line = CommandLine(tmp_path, capsys)
    line.ok("init")
    assert line.ok("alert", "list") == "Example School: no alert is open.\n"


def test_acknowledging_says_who_and_why(line):
    assert line.ok("alert", "ack", "1", *WHO) == "Alert 1, 1-3 out: acknowledged.\n"
    assert "Ann Lee: field trip" in line.ok("alert", "list")
    history = line.ok("alert", "history", "1")
    assert re.search(r"opened\n.*acknowledged  Ann Lee  field trip", history)


def test_a_snooze_has_an_end(line):
    until = f"{datetime.fromtimestamp(time.time()) + timedelta(days=3):%Y-%m-%dT07:00}"
    assert "snoozed until" in line.ok("alert", "snooze", "1", "--until", until, *WHO)
    assert "snoozed until" in line.ok("alert", "list")


def test_what_was_taken_on_is_given_back(line):
    line.ok("alert", "ack", "1", *WHO)
    assert line.ok("alert", "back", "1", *WHO) == "Alert 1, 1-3 out: given back.\n"
    assert "notified" in line.ok("alert", "list")
    assert re.search(r"given back +Ann Lee +field trip", line.ok("alert", "history", "1"))
    status, _, err = line.run("alert", "back", "1", *WHO)
    assert (status, "is notified: end cannot happen to it" in err) == (1, True)


def test_what_is_so_already_is_not_written_twice(line):
    line.ok("alert", "ack", "1", *WHO)
    before = line.ok("alert", "history", "1")
    line.ok("alert", "ack", "1", *WHO)
    assert line.ok("alert", "history", "1") == before


@pytest.mark.parametrize("until", ["soon", "2020-01-01T07:00", "2999-01-01T07:00"])
def test_an_end_that_is_none_is_refused_and_nothing_changes(line, until):
    status, _, err = line.run("alert", "snooze", "1", "--until", until, *WHO)
    assert status == 2
    assert f"--until is {until}: allowed" in err
    assert "notified" in line.ok("alert", "list")


@pytest.mark.parametrize(("key", "text"), [("--who", " "), ("--why", "a\nb"), ("--why", "x" * 201)])
def test_who_and_why_must_be_said_on_one_line(line, key, text):
    status, _, err = line.run("alert", "ack", "1", *WHO, key, text)
    assert status == 2
    assert f"{key} is" in err


def test_an_unknown_number_takes_nothing_on(line):
    put(line, "slot 4", (4,))
    status, _, err = line.run("alert", "ack", "1", "99", *WHO)
    assert (status, err) == (2, "homeslot: there is no alert 99: see homeslot alert list\n")
    assert "acknowledged" not in line.ok("alert", "list")
    assert line.run("alert", "history", "99")[0] == 2


def test_what_is_over_cannot_be_taken_on(line):
    with closing(open_store(load(line.config))) as store, store.transaction():
        store.run("UPDATE alert SET state = 'resolved'")
    status, _, err = line.run("alert", "ack", "1", *WHO)
    assert status == 1
    assert "is resolved: acknowledge cannot happen to it" in err


@pytest.mark.parametrize("name", ["list", "ack", "snooze", "back", "history"])
def test_every_command_of_alerts_answers_help(line, name):
    assert "Usage" in line.ok("alert", name, "--help")
