"""What the command line shows: aligned text where it is piped, tables on a terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from homeslot_hub.cli.report import (
    check_parts,
    digest_parts,
    plain,
    refused_parts,
    show,
    status_parts,
)
from homeslot_hub.model import Calendar, FeedState, Message
from homeslot_hub.service.ports import DeadLetter, Notice

from .reports import SCHOOL, START_S, Reporter, school_of

TWO = school_of(3)


@pytest.fixture
def hub(start, clock):
    """Cart 1 is well, cart 2 has all sorts of trouble, cart 3 was never heard."""
    hub, _ = start(clock, TWO)
    well, trouble = Reporter("cart-1"), Reporter("cart-2")
    for cart in (well, trouble):
        for slot in (1, 2, 3, 4):
            cart.words["slot", slot] = "charging"
    hub.take([well.state(), trouble.state()])
    trouble.now_s += 300
    clock.now_s = trouble.now_s
    hub.take(
        [
            trouble.event("bolt", 0, "open"),
            trouble.event("door", 0, "open"),
            trouble.event("slot", 1, "empty"),
            trouble.event("slot", 3, "unknown"),
            trouble.event("slot", 4, "unknown"),
            trouble.event("bank", 2, "faulty"),
            trouble.event("mains", 0, "off"),
            Reporter("cart-99").state(),
            Message("homeslot/1/cart-1/state", b"[bold]\x1b[2J", False, START_S),
            replace(well.state(), topic="homeslot/1/[red]x/state"),
        ]
    )
    return hub


def printed(parts, terminal=False):
    out = io.StringIO()
    show(parts, Console(file=out, force_terminal=terminal, width=140, color_system=None))
    return out.getvalue()


def row(text, first):
    return next(line for line in text.splitlines() if line.split()[:1] == [first])


def test_the_status_has_a_line_for_each_cart_with_what_is_known_now(hub):
    text = printed(status_parts(hub.status()))
    assert re.split(r"\s{2,}", row(text, "1").strip()) == [
        *("1", "Room 12", "09:00", "4", "0", "0", "on", "locked")
    ]
    assert re.split(r"\s{2,}", row(text, "2").strip()) == [
        *("2", "Room 12", "09:05", "1", "1", "2", "off since 09:05", "door open"),
        "sensor fault 2-3, 2-4",
    ]
    assert re.split(r"\s{2,}", row(text, "3").strip()) == [
        *("3", "Room 12", "never", "0", "0", "4", "unknown", "unknown")
    ]


def test_a_cart_that_fell_silent_shows_nothing_as_fine(hub, clock):
    clock.now_s += 7200
    text = printed(status_parts(hub.status()))
    assert "not since 09:00" in row(text, "1")
    assert "locked" not in row(text, "1")


def test_the_status_names_strangers_refusals_and_counts(hub):
    text = printed(status_parts(hub.status()))
    assert row(text, "cart-99").endswith("1")
    assert "2 messages refused" in text
    assert "1 messages from unknown controllers" in text


def test_the_status_says_each_kind_of_fault_once_with_all_its_slots(hub, clock):
    dark = Reporter("cart-1")
    dark.now_s = clock.now_s
    dark.words |= {("slot", i): "unknown" for i in (1, 2, 3, 4)}
    dark.words |= dict.fromkeys([("mains", 0), ("bolt", 0), ("tamper", 0)], "unknown")
    hub.take([dark.state()])
    text = printed(status_parts(hub.status()))
    assert row(text, "1").endswith("sensor fault 1-1 to 1-4")


def test_the_status_shows_what_controllers_say_of_themselves(hub, clock):
    cart = Reporter("cart-1")
    cart.now_s = clock.now_s
    hub.take([cart.hello(), cart.diag(), cart.state(), cart.link("online")])
    text = printed(status_parts(hub.status()))
    row_of = re.split(r"\s{2,}", row(text.partition("Controllers")[2], "1").strip())
    assert row_of == ["1", "online", "0.1.0", "0 mA", "5010 mV", "21 °C", "-61 dBm", "3", "0"]


def test_refused_messages_can_be_seen_with_when_where_why_and_what_they_said(hub):
    text = printed(refused_parts(hub.status()))
    assert "2 kept of 2" in text
    newest, before = text.splitlines()[2:4]
    assert newest.split()[0] == before.split()[0] == "09:00"
    assert "homeslot/1/[red]x/state" in newest
    assert "homeslot/1/cart-1/state: payload is not JSON" in before
    assert "[bold]\\x1b[2J" in before


def test_no_refused_message_is_said_too(start, clock):
    hub, _ = start(clock, TWO)
    assert refused_parts(hub.status()) == ["No message has been refused."]


def test_the_status_shows_mails_given_up_and_waiting(hub):
    notice = Notice(SCHOOL.name, "2026-11-17", "C8", "Dana", "d@l.example", "s", "t", "h", START_S)
    dead = (DeadLetter(notice, "550 no such mailbox"),)
    text = printed(status_parts(replace(hub.status(), dead=dead, pending=2)))
    assert "550 no such mailbox" in text
    assert "2 notices waiting for delivery" in text


def test_c8_the_status_says_once_that_a_calendar_several_schools_share_cannot_be_read(start, clock):
    schools = school_of(1), replace(SCHOOL, name="Kennedy", carts=())
    hub, _ = start(clock, *schools)
    calendar = Calendar({}, (FeedState("district.ics", None, "the server answers 404"),))
    hub.know(dict.fromkeys((SCHOOL.name, "Kennedy"), calendar))
    text = printed(status_parts(hub.status()))
    assert text.count("The calendar district.ics could not be read (the server answers 404)") == 1


def test_piped_columns_are_aligned_and_nothing_is_wrapped_or_cut(hub):
    grid = status_parts(hub.status())[0]
    lines = plain(grid).splitlines()[1:]
    start = lines[0].index("heard")
    assert all(line[start - 1] == " " and line[start] != " " for line in lines)
    narrow = io.StringIO()
    show([grid], Console(file=narrow, width=20))
    assert lines == narrow.getvalue().rstrip("\n").splitlines()[1:]


def test_on_a_terminal_it_is_a_table_and_no_text_of_others_is_markup(hub):
    text = printed(status_parts(hub.status()), terminal=True)
    assert "│" in text
    assert "[red]x" in text
    assert "\x1b[2J" not in text


def test_a_check_says_each_verdict_with_reason_evidence_and_confidence(hub, clock):
    text = printed(check_parts(hub.judge(TWO, clock.now_s)))
    assert "Cart 1, Room 12, as of Tue 17 Nov 2026 09:05: 4 home; all is well" in text
    assert "Out (C2, known): 2-1 has been out of its slot since 09:05." in text
    assert "evidence: Switch of slot 1 open." in text
    assert "Silent (C2, unknown): Never heard" in text
    assert "hides: slots 1 to 4" in text
    assert "Unknown controllers heard: cart-99" in text


def test_a_digest_is_shown_as_its_mail_says_it(hub, clock):
    text = printed(digest_parts(hub.digest(hub.judge(TWO, clock.now_s))))
    assert text.startswith("Subject: ")
    assert TWO.coordinator.name not in text.splitlines()[0]
    assert "2-1" in text
