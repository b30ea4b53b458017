"""Reading iCalendar: what districts publish, and what nobody should."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.adapters import ics
from homeslot_hub.adapters.ics import Contents, IcsError, contents
from homeslot_hub.config_tables import CLOSED, HALF_DAY, IGNORE
from homeslot_hub.model import Entry, Feed
from homeslot_hub.rules.closures import special_days

DISTRICT = Path(__file__).parent / "calendars" / "district.ics"
FIRST, LAST = date(2026, 7, 1), date(2027, 7, 31)
CHICAGO = ZoneInfo("America/Chicago")
FEED = Feed("district.ics", "district.ics", tuple(CLOSED), tuple(HALF_DAY), tuple(IGNORE))

EVERY = Feed("x", "x", ("*",), ())


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar of `events`, each the lines between BEGIN:VEVENT and END:VEVENT."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *head.split()]
    for i, event in enumerate(events):
        uid = [] if "UID:" in event else [f"UID:{i}"]
        lines += ["BEGIN:VEVENT", *uid, *event.splitlines(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def read(*events: str, head: str = "") -> Contents:
    return contents(calendar(*events, head=head), FIRST, LAST)


def whole(summary: str, first: date, days: int = 1) -> Entry:
    return Entry(first, first + timedelta(days=days), summary)


def test_c8_the_calendar_of_a_district_says_which_days_are_closed_and_which_half() -> None:
    found = contents(DISTRICT.read_bytes(), FIRST, LAST)
    days = special_days(CHICAGO, FEED, found.entries)
    closed = {day for day, special in days.items() if special.kind == "closed"}
    half = {day for day, special in days.items() if special.kind == "half day"}
    week = [date(2026, 11, 23) + timedelta(days=i) for i in range(5)]
    winter = [date(2026, 12, 21) + timedelta(days=i) for i in range(12)]
    spring = [date(2027, 3, 22) + timedelta(days=i) for i in range(5)]
    assert closed == {
        *(date(2026, 9, 7), date(2026, 10, 12), *week, *winter, date(2027, 1, 18)),
        *(date(2027, 2, 15), *spring, date(2027, 4, 16), date(2027, 5, 31)),
    }
    first_wednesdays = {
        *(date(2026, 9, 2), date(2026, 10, 7), date(2026, 11, 4), date(2026, 12, 2)),
        *(date(2027, 2, 3), date(2027, 3, 3), date(2027, 4, 7), date(2027, 5, 5)),
        date(2027, 6, 2),
    }
    assert half == first_wednesdays | {date(2026, 10, 22), date(2026, 12, 18), date(2027, 6, 4)}
    assert days[date(2027, 1, 18)].reason == "Martin Luther King, Jr. Day: schools closed"


def test_what_is_wrong_in_it_is_named_with_its_line_and_the_rest_counts() -> None:
    found = contents(DISTRICT.read_bytes(), FIRST, LAST)
    (line,) = found.passed_over
    number = int(line.removeprefix("line ").partition(":")[0])
    text = DISTRICT.read_bytes().decode().split("\r\n")
    assert text[number - 1] == "BEGIN:VEVENT"
    assert any("Field Day" in later for later in text[number : number + 6])
    assert "DTSTART" in line


def test_entries_of_whole_days_have_dates_and_others_moments() -> None:
    found = read(
        "DTSTART;VALUE=DATE:20261126\nDTEND;VALUE=DATE:20261128\nSUMMARY:a\nCATEGORIES:b,c",
        "DTSTART;TZID=America/Chicago:20261126T080000\nDURATION:PT7H\nSUMMARY:d",
        "DTSTART:20261126T080000\nDTEND:20261126T150000\nSUMMARY:e",
    )
    morning = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    assert found.entries == (
        Entry(date(2026, 11, 26), date(2026, 11, 28), "a", ("b", "c")),
        Entry(morning, morning + timedelta(hours=7), "d"),
        Entry(datetime(2026, 11, 26, 8), datetime(2026, 11, 26, 15), "e"),
    )


def test_a_rule_repeats_without_its_exceptions_and_with_what_was_moved() -> None:
    found = read(
        "UID:a\nDTSTART;VALUE=DATE:20261102\nRRULE:FREQ=WEEKLY;COUNT=4\n"
        "EXDATE;VALUE=DATE:20261109\nSUMMARY:No school",
        "UID:a\nRECURRENCE-ID;VALUE=DATE:20261116\nDTSTART;VALUE=DATE:20261117\nSUMMARY:Moved",
        "UID:b\nDTSTART;VALUE=DATE:20260901\nRDATE;VALUE=DATE:20260908,20260915\nSUMMARY:Some",
    )
    assert [(e.start, e.summary) for e in found.entries] == [
        (date(2026, 11, 2), "No school"),
        (date(2026, 11, 17), "Moved"),
        (date(2026, 11, 23), "No school"),
        (date(2026, 9, 1), "Some"),
        (date(2026, 9, 8), "Some"),
        (date(2026, 9, 15), "Some"),
    ]


def test_only_the_span_is_read_and_what_reaches_beyond_is_cut_to_it() -> None:
    found = read(
        "DTSTART;VALUE=DATE:19000101\nDTEND;VALUE=DATE:21001231\nSUMMARY:ever",
        "DTSTART:20260630T220000Z\nDTEND:20260701T020000Z\nSUMMARY:night",
        "DTSTART;VALUE=DATE:20260629\nDTEND;VALUE=DATE:20260701\nSUMMARY:before",
        "DTSTART;VALUE=DATE:20270801\nSUMMARY:after",
    )
    night = datetime(2026, 7, 1, tzinfo=UTC)
    assert found.entries == (
        Entry(FIRST, LAST + timedelta(days=1), "ever"),
        Entry(night, night + timedelta(hours=2), "night"),
    )


def test_cancelled_entries_do_not_count() -> None:
    assert read("DTSTART;VALUE=DATE:20261126\nSUMMARY:x\nSTATUS:CANCELLED").entries == ()


def test_floating_time_is_that_of_the_calendar_where_it_names_a_zone() -> None:
    event = "DTSTART:20261126T140000Z\nDTEND:20261126T210000Z\nSUMMARY:x"
    (entry,) = read(event, head="X-WR-TIMEZONE:America/Chicago").entries
    assert entry.start == datetime(2026, 11, 26, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("SUMMARY:x", "DTSTART is missing"),
        ("DTSTART:someday", "DTSTART: "),
        ("DTSTART;VALUE=DATE:20261126\nDTEND;VALUE=DATE:20261101", "DTEND is before DTSTART"),
        ("DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=NEVER", "RRULE: "),
        ("DTSTART:20261126T000000Z\nRRULE:FREQ=SECONDLY", "RRULE: repeats within a day"),
        ("DTSTART:20261126T000000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2", "RRULE: repeats within a day"),
        ("DTSTART;VALUE=DATE:20261126\nEXDATE:never", "EXDATE: "),
    ],
)
def test_an_entry_that_makes_no_sense_is_passed_over_with_its_line_and_the_others_count(
    event: str, said: str
) -> None:
    found = read("DTSTART;VALUE=DATE:20261201\nSUMMARY:good", f"{event}\nSUMMARY:bad")
    assert found.entries == (whole("good", date(2026, 12, 1)),)
    (line,) = found.passed_over
    assert line.startswith(f"line 9: {said}")


def test_an_entry_beyond_the_end_of_the_calendar_as_such_is_passed_over() -> None:
    found = read("DTSTART;VALUE=DATE:00010101\nDTEND;VALUE=DATE:99991231\nSUMMARY:ever")
    assert found == Contents(
        (), ("line 4: cannot be read (OverflowError: date value out of range)",)
    )


def test_entries_that_share_a_uid_and_nothing_else_all_count() -> None:
    found = read(
        "UID:a\nDTSTART;VALUE=DATE:20261126\nSUMMARY:one",
        "UID:a\nDTSTART;VALUE=DATE:20261224\nSUMMARY:two",
        "UID:a\nSUMMARY:bad",
    )
    assert [entry.summary for entry in found.entries] == ["one", "two"]
    assert found.passed_over == ("line 14: DTSTART is missing",)


def test_an_entry_without_an_end_does_not_take_the_next_with_it() -> None:
    good = "DTSTART;VALUE=DATE:20261201\nSUMMARY:good"
    data = calendar("SUMMARY:never ended", good).replace(b"END:VEVENT\r\n", b"", 1)
    found = contents(data, FIRST, LAST)
    assert found.entries == (whole("good", date(2026, 12, 1)),)
    assert found.passed_over == ("line 4: is no entry that can be read",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no iCalendar file"),
        (b"<html><body>Please log in</body></html>", "is no iCalendar file"),
        (b"\x00\xff" * 1000, "is no iCalendar file"),
        (DISTRICT.read_bytes()[:3000], "breaks off"),
        (
            calendar(*["DTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20400101"] * 130),
            "has more than 50000 days of entries from 2026-07-01 to 2027-07-31",
        ),
    ],
)
def test_what_is_no_calendar_is_refused_whole(data: bytes, said: str) -> None:
    with pytest.raises(IcsError, match=said):
        contents(data, FIRST, LAST)


def test_an_empty_calendar_is_a_calendar() -> None:
    assert read() == Contents((), ())


def test_an_old_program_s_letters_and_a_byte_order_mark_are_read() -> None:
    old = calendar("DTSTART;VALUE=DATE:20261005\nSUMMARY:Herbstferien für alle").decode()
    for data in (old.encode("cp1252"), old.encode("utf-8-sig"), old.replace("\r", "").encode()):
        assert contents(data, FIRST, LAST).entries[0].summary == "Herbstferien für alle"


def test_a_stranger_s_text_is_one_short_line_without_anything_to_act_on() -> None:
    (entry,) = read(
        "DTSTART;VALUE=DATE:20261126\nSUMMARY:\x1b[2JNo\\nschool\u202e " + "x" * 5000
    ).entries
    assert entry.summary.startswith("[2JNo school x")
    assert entry.summary.isprintable()
    assert len(entry.summary) <= 200


def test_much_that_is_wrong_is_counted_and_not_all_told() -> None:
    found = read(*["SUMMARY:x"] * (ics.PASSED_OVER_AT_MOST + 7))
    assert len(found.passed_over) == ics.PASSED_OVER_AT_MOST + 1
    assert found.passed_over[-1] == "and 7 more"


LINES = st.sampled_from(DISTRICT.read_bytes().split(b"\r\n"))


@given(st.lists(LINES | st.binary(max_size=30), max_size=30))
def test_no_garbage_between_its_ends_raises_anything(lines: list[bytes]) -> None:
    with contextlib.suppress(IcsError):
        contents(b"\r\n".join([b"BEGIN:VCALENDAR", *lines, b"END:VCALENDAR"]), FIRST, LAST)


@given(st.data())
def test_no_damage_to_a_real_one_raises_anything_and_what_is_read_is_in_the_span(
    data: st.DataObject,
) -> None:
    whole = bytearray(DISTRICT.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        end = at + data.draw(st.integers(0, 40))
        whole[at:end] = data.draw(st.binary(max_size=20))
    try:
        found = contents(bytes(whole), FIRST, LAST)
    except IcsError:
        return
    for zone in ("America/Chicago", "Pacific/Kiritimati", "Etc/GMT+12"):
        special_days(ZoneInfo(zone), EVERY, found.entries)
    for entry in found.entries:
        start, end = (
            moment.date() if isinstance(moment, datetime) else moment
            for moment in (entry.start, entry.end)
        )
        assert FIRST - timedelta(days=1) <= start
        assert end <= LAST + timedelta(days=2)
        assert entry.summary.isprintable()
