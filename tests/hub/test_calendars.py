"""The calendars a hub reads and keeps: whatever a source does, the last good copy counts."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from homeslot_hub.adapters.calendars import REFRESH_S, RETRY_S, SPAN_GOOD_DAYS, Calendars
from homeslot_hub.config_tables import CLOSED, HALF_DAY, IGNORE
from homeslot_hub.model import Feed, FeedState, School
from homeslot_hub.rules.calendar import is_school_day
from homeslot_hub.rules.closures import troubles

from .publisher import Publisher
from .reports import SCHOOL, Clock
from .test_ics import DISTRICT, calendar

THANKSGIVING, MONDAY = date(2026, 11, 26), date(2026, 11, 30)
BREAK = calendar("DTSTART;VALUE=DATE:20261126\nDTEND;VALUE=DATE:20261128\nSUMMARY:Break")
SNOW = calendar("DTSTART;VALUE=DATE:20261130\nSUMMARY:No school: snow")
# Each has a day for two thousand years to look at, and finds none.
BOMB = calendar(*["DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] * 99)


def feed_of(source: str) -> Feed:
    return Feed(source, "the label", tuple(CLOSED), tuple(HALF_DAY), tuple(IGNORE))


class Place:
    """A data folder, a clock, and a school with one calendar in `source`."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder / "calendars"
        self.clock = Clock()
        self.school = replace(SCHOOL, feeds=(feed_of(source),))
        self.calendars = self.restart()

    def restart(self, **limits: float) -> Calendars:
        self.calendars = Calendars(self.folder, self.clock, **limits)  # type: ignore[arg-type]
        return self.calendars

    def look(self) -> int:
        """Read what is due; how many that were."""
        due = self.calendars.due([self.school])
        for feed in due:
            self.calendars.read(feed)
        return len(due)

    @property
    def known(self) -> School:
        known = self.calendars.known([self.school])
        return replace(self.school, calendar=known[self.school.name])

    @property
    def state(self) -> FeedState:
        (state,) = self.known.calendar.feeds
        return state

    def closed(self) -> list[int]:
        return sorted(day.day for day in self.known.calendar.days)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "school.ics"
    path.write_bytes(BREAK)
    return path


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as publisher:
        publisher.body, publisher.etag = BREAK, '"1"'
        yield publisher


def test_c8_a_file_is_read_and_taken_up_again_when_it_changes(tmp_path: Path, file: Path) -> None:
    place = Place(tmp_path, str(file))
    assert is_school_day(place.known, THANKSGIVING), "without any copy the weekdays decide"
    assert [trouble.kind for trouble in troubles(place.known, place.clock())] == ["unread"]
    assert place.look() == 1
    assert place.closed() == [26, 27]
    assert not is_school_day(place.known, THANKSGIVING)
    assert place.look() == 0
    version = place.calendars.version
    file.write_bytes(SNOW)
    os.utime(file, ns=(1, 1))
    assert place.look() == 1
    assert place.closed() == [30]
    assert place.calendars.version > version


def test_c8_a_file_that_is_gone_or_spoilt_leaves_its_last_good_copy(
    tmp_path: Path, file: Path
) -> None:
    place = Place(tmp_path, str(file))
    place.look()
    read_s = place.clock()
    for spoil in (lambda: file.write_text("once upon a time"), file.unlink):
        place.clock.now_s += 86400
        spoil()
        place.look()
        assert place.closed() == [26, 27]
        assert place.state.read_s == read_s
    assert place.state.error == "cannot be read: No such file or directory"
    (trouble,) = troubles(place.known, place.clock())
    assert (trouble.kind, trouble.label) == ("stale", "the label")
    file.write_bytes(SNOW)
    place.look()
    assert (place.closed(), place.state.error) == ([30], "")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    place = Place(tmp_path, str(pipe))
    place.look()
    assert place.state.error == "is no file"


def test_a_copy_is_for_its_owner_alone_and_outlives_a_restart(
    tmp_path: Path, publisher: Publisher
) -> None:
    place = Place(tmp_path, publisher.url)
    place.look()
    [kept] = place.folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    publisher.die()
    place.restart()
    assert place.closed() == [26, 27]
    assert place.look() == 0, "it was read a moment ago"


def test_c8_an_address_is_read_now_and_then_and_only_what_changed(
    tmp_path: Path, publisher: Publisher
) -> None:
    place = Place(tmp_path, publisher.url)
    place.look()
    place.clock.now_s += REFRESH_S - 1
    assert place.look() == 0
    place.clock.now_s += 1
    assert place.look() == 1
    assert publisher.asked[-1]["If-None-Match"] == '"1"'
    assert (place.closed(), place.state.read_s) == ([26, 27], place.clock())
    publisher.body, publisher.etag = SNOW, '"2"'
    place.clock.now_s += REFRESH_S
    place.look()
    assert place.closed() == [30]
    place.clock.now_s -= 86400
    assert place.look() == 1, "a clock that was ahead does not put reading off"


def test_a_calendar_that_never_changes_is_read_whole_before_its_span_ends(
    tmp_path: Path, publisher: Publisher
) -> None:
    publisher.body = calendar("DTSTART;VALUE=DATE:20201012\nRRULE:FREQ=YEARLY\nSUMMARY:Holiday")
    place = Place(tmp_path, publisher.url)
    place.look()
    assert max(place.known.calendar.days) == date(2027, 10, 12)
    place.clock.now_s += (SPAN_GOOD_DAYS + 1) * 86400
    place.look()
    assert publisher.asked[-1]["If-None-Match"] is None
    place.clock.now_s += 360 * 86400
    place.look()
    assert max(place.known.calendar.days) == date(2028, 10, 12)


@pytest.mark.parametrize("ill", ["dead", "500", "404", "hang", "flood", "login page", "bomb"])
def test_c8_whatever_becomes_of_an_address_its_last_good_copy_counts(
    tmp_path: Path, publisher: Publisher, ill: str
) -> None:
    place = Place(tmp_path, publisher.url)
    place.look()
    place.restart(timeout_s=0.5, total_s=20, cpu_s=1 if ill == "bomb" else 20)
    if ill == "dead":
        publisher.die()
    elif ill in ("login page", "bomb"):
        publisher.etag = '"2"'
        publisher.body = BOMB if ill == "bomb" else b"<html>Please log in</html>"
    else:
        manners = {"hang": publisher.hang, "flood": publisher.flood}
        publisher.manner = manners.get(ill) or publisher.status(int(ill))
    place.clock.now_s += REFRESH_S
    began = time.monotonic()
    assert place.look() == 1
    assert time.monotonic() - began < 35
    assert place.closed() == [26, 27]
    assert (
        place.state.error
        == {
            "dead": "cannot be reached: Connection refused",
            "500": "the server answers 500",
            "404": "the server answers 404",
            "hang": "the server does not answer in time",
            "flood": "is larger than 5000000 bytes",
            "login page": "is no iCalendar file: it does not begin with BEGIN:VCALENDAR",
            "bomb": "takes too long to read",
        }[ill]
    )
    assert place.look() == 0
    place.clock.now_s += RETRY_S
    assert place.look() == 1, "it is tried again soon"


def test_a_server_that_outlasts_every_wait_is_given_up_as_a_whole(
    tmp_path: Path, publisher: Publisher
) -> None:
    place = Place(tmp_path, publisher.url)
    place.restart(timeout_s=30, total_s=1)
    publisher.manner = publisher.hang
    place.look()
    assert place.state == FeedState("the label", None, "takes too long to read")


def test_stopping_ends_a_reading_that_goes_on(tmp_path: Path, publisher: Publisher) -> None:
    place = Place(tmp_path, publisher.url)
    asked = threading.Event()

    def hang(handler: object) -> None:
        asked.set()
        publisher.over.wait(30)

    publisher.manner = hang
    reading = threading.Thread(target=place.look)
    reading.start()
    assert asked.wait(30)
    place.calendars.stop()
    reading.join(10)
    assert not reading.is_alive()
    assert place.state == FeedState("the label", None)
    place.look()
    assert len(publisher.asked) == 1, "nothing is read once it is stopped"


def test_a_copy_that_was_spoilt_is_as_none_and_read_anew(tmp_path: Path, file: Path) -> None:
    place = Place(tmp_path, str(file))
    place.look()
    [kept] = place.folder.iterdir()
    for spoilt in ("", "{}", '{"tried_s": 1, "rows": [["x", "y", "", []]]}', "\x00" * 99):
        kept.write_text(spoilt)
        place.restart()
        assert place.known.calendar.days == {}
    assert place.look() == 1
    assert place.closed() == [26, 27]


def test_a_copy_that_another_program_wrote_is_taken_up(tmp_path: Path, file: Path) -> None:
    place = Place(tmp_path, str(file))
    running = place.calendars
    place.look()
    file.write_bytes(SNOW)
    place.restart()
    place.look()
    assert running.due([place.school]) == []
    place.calendars = running
    assert place.closed() == [30]


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """No file can be written to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_for_a_copy_it_is_known_all_the_same(
    tmp_path: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(tmp_path, str(file))
    place.look()
    file.write_bytes(SNOW)
    with full_disk():
        assert place.look() == 1
    assert "no copy of the calendar the label can be kept: File too large" in caplog.text
    assert place.closed() == [30], "not by the older copy that is still there"
    assert place.look() == 0, "nor is it read again and again"
    place.restart()
    assert place.look() == 1
    assert place.closed() == [30]


def test_a_folder_that_cannot_be_made_is_no_reason_to_know_nothing(
    tmp_path: Path, file: Path
) -> None:
    place = Place(tmp_path, str(file))
    place.folder = file
    place.restart()
    place.look()
    assert place.closed() == [26, 27]


def test_the_longest_untried_is_read_first_and_a_shared_one_once(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.ics", "b.ics")]
    for file in files:
        file.write_bytes(DISTRICT.read_bytes())
    feeds = [feed_of(str(file)) for file in files]
    clock = Clock()
    calendars = Calendars(tmp_path / "calendars", clock)
    schools = [replace(SCHOOL, name=name, feeds=tuple(feeds)) for name in ("One", "Two")]
    assert calendars.due(schools) == feeds
    calendars.read(feeds[1])
    clock.now_s += 60
    calendars.read(feeds[0])
    clock.now_s += 2 * REFRESH_S
    assert calendars.due(schools) == [feeds[1], feeds[0]]
    assert calendars.due(schools, network=False) == [feeds[1], feeds[0]]
    known = calendars.known([*schools, SCHOOL])
    assert set(known) == {"One", "Two"}
    assert known["One"] == known["Two"]
    assert len(calendars.passed_over(feeds[0])) == 1


def test_no_log_has_an_address_that_may_be_a_secret(
    tmp_path: Path, publisher: Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    place = Place(tmp_path, publisher.url)
    place.look()
    publisher.manner = publisher.status(500)
    place.clock.now_s += REFRESH_S
    place.look()
    assert "the calendar the label: the server answers 500" in caplog.text
    assert "secret-token" not in caplog.text
