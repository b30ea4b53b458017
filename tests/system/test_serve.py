"""`homeslot init && homeslot serve`, as a person meets it: real processes, a real broker."""

from __future__ import annotations

import os
import queue
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from homeslot.contract import encode
from homeslot_hub.config import load
from homeslot_hub.model import SchoolDay
from homeslot_hub.rules import calendar
from homeslot_hub.server import Server

from ..hub.publisher import Publisher
from .clients import Peer
from .hub_process import HubProcess, alive, end_broker, homeslot, nats_pid, rows
from .product_brokers import free_port
from .waiting import wait_for

HELLO = encode(
    "c1",
    "hello",
    {
        **{"v": 1, "boot": 1, "up_ms": 1, "at_s": None, "firmware": "0", "board": "x"},
        **{"slots": 30, "reset": "soft", "abilities": ["time"], "settings": {}},
    },
)
LINK = encode("c1", "link", {"v": 1, "boot": 1, "link": "online"})

READ_S = 60.0  # a calendar's reader lets everyone else on the machine go first


def secret_in(text: str) -> str:
    found = re.search(r"secret +(\S+)", text)
    assert found is not None, text
    return found[1]


class Place:
    """A folder in which `homeslot init` was run, with its broker on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "homeslot.toml"
        self.data = folder / "homeslot-data"
        done = homeslot(folder, "init", "--controller", "c1", "--zone", "UTC")
        assert done.returncode == 0, done.stderr
        self.secret = secret_in(done.stdout)
        self.port = free_port()
        self.change("port = 1883", f"port = {self.port}")

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def heard(self) -> set[object]:
        return {cart for (cart,) in rows(self.data, "SELECT cart FROM latest WHERE kind = 'link'")}

    def greet(self, controller: str, secret: str) -> Peer:
        """A cart that has connected and been taken in by the hub."""
        cart = Peer(self.port, controller, secret)
        assert cart.refused is None
        cart.say(f"homeslot/1/{controller}/link", LINK, retain=True)
        wait_for(f"{controller} is heard", lambda: controller in self.heard())
        return cart


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    end_broker(place.data)


def test_init_and_serve_is_all_it_takes(place: Place) -> None:
    with HubProcess(place.folder) as hub:
        with place.greet("c1", place.secret) as cart:
            assert cart.hear("homeslot/1/c1/cmd")
            cart.say("homeslot/1/c1/hello", HELLO)
            [(_, command)] = wait_for("it is told the time", lambda: cart.got)
            assert b'"time"' in command
        for part in ("1 school with 1 cart", f"127.0.0.1:{place.port}", "homeslot.db", "digests"):
            assert part in hub.said
        doctor = homeslot(place.folder, "doctor")
        assert doctor.returncode == 0, doctor.stdout
        assert f"127.0.0.1:{place.port} lets the hub in" in doctor.stdout
        assert "homeslot serve runs, process" in doctor.stdout
        status = homeslot(place.folder, "status")
        assert status.returncode == 0
        assert "Room 1" in status.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_stops_with_its_broker(place: Place, number: signal.Signals) -> None:
    with HubProcess(place.folder) as hub:
        broker = nats_pid(place.data)
        assert alive(broker)
        assert hub.stop(number) == 0
        assert not alive(broker)
        assert "Traceback" not in hub.said


def test_a_cart_added_while_serving_gets_in_and_nobody_is_dropped(place: Place) -> None:
    with HubProcess(place.folder), place.greet("c1", place.secret) as old:
        added = homeslot(
            place.folder,
            *("cart", "add", "c2", "--number", "2"),
            *("--room", "Room 2", "--teacher", "Bo Ek <bo@x.org>"),
        )
        assert added.returncode == 0, added.stderr
        secret = secret_in(added.stdout)

        def let_in() -> Peer | None:
            cart = Peer(place.port, "c2", secret)
            if cart.refused is None:
                return cart
            cart.__exit__(None, None, None)
            return None

        with wait_for("c2 is let in", let_in) as new:
            # Believed, not only listed: the hub has taken up the new configuration as well.
            def believed() -> bool:
                new.say("homeslot/1/c2/link", LINK, retain=True)
                return "c2" in place.heard()

            wait_for("c2 is believed", believed)
            assert homeslot(place.folder, "cart", "remove", "c1", "--yes").returncode == 0
            wait_for("c1 is put out", lambda: old.dropped)
            assert not new.dropped


def test_a_broken_change_is_said_and_the_hub_goes_on(place: Place) -> None:
    with HubProcess(place.folder) as hub:
        place.change('deadline = "17:00"', 'deadline = "25:00"')
        wait_for("the hub says so", lambda: "school[1].deadline" in hub.said)
        place.greet("c1", place.secret).__exit__(None, None, None)
        place.change('deadline = "25:00"', 'deadline = "16:00"')
        wait_for("the next is taken up", lambda: "taken up: 1 cart" in hub.said)


def test_a_second_hub_on_the_same_data_is_refused_and_the_first_goes_on(place: Place) -> None:
    with HubProcess(place.folder) as hub:
        second = homeslot(place.folder, "serve")
        assert second.returncode == 1
        assert "serves" in second.stderr
        assert str(place.data) in second.stderr
        place.greet("c1", place.secret).__exit__(None, None, None)
        assert not hub.ended


def test_a_broker_that_dies_is_started_again_on_its_port(place: Place) -> None:
    place.change(f"port = {place.port}", "port = 0")
    with HubProcess(place.folder) as hub:
        place.port = hub.port
        first = nats_pid(place.data)
        os.kill(first, signal.SIGKILL)
        wait_for("another broker runs", lambda: nats_pid(place.data) not in (0, first))
        wait_for("the hub is back", lambda: hub.said.count("connected to the broker") == 2)
        place.greet("c1", place.secret).__exit__(None, None, None)


def test_a_broker_that_cannot_start_is_one_clear_message(place: Place) -> None:
    with HubProcess(place.folder):
        place.change('data = "homeslot-data"', 'data = "other-data"')
        done = homeslot(place.folder, "serve")
        assert done.returncode == 1
        assert "address already in use" in done.stderr
        assert "Traceback" not in done.stderr


def test_c8_a_clock_that_was_ahead_at_the_start_does_not_put_judging_off(place: Place) -> None:
    place.change("grace_s = 120", "grace_s = 0")
    place.change(f"port = {place.port}", "port = 0")
    clock = {"now_s": int(datetime(2027, 11, 19, 9, 0, tzinfo=UTC).timestamp())}
    judged: queue.Queue[str] = queue.Queue()
    with Server(load(place.config), lambda: clock["now_s"], lambda day, _: judged.put(day.day)):
        clock["now_s"] = deadline_s = int(datetime(2026, 11, 20, 17, 0, tzinfo=UTC).timestamp())
        clock["now_s"] -= 60
        opened = "SELECT 1 FROM school WHERE opened_s < 1800000000"
        wait_for("the hub sees that it is 2026", lambda: rows(place.data, opened))
        clock["now_s"] = deadline_s + 1
        assert judged.get(timeout=15) == "2026-11-20"


def test_c8_a_calendar_is_read_by_a_running_hub_and_a_closed_day_is_not_judged(
    place: Place,
) -> None:
    place.change("grace_s = 120", "grace_s = 0")
    place.change(f"port = {place.port}", "port = 0")
    place.change("[[school.cart]]", '[[school.calendar]]\nsource = "a.ics"\n[[school.cart]]')
    file = place.folder / "a.ics"
    clock = {"now_s": int(datetime(2026, 11, 19, 9, 0, tzinfo=UTC).timestamp())}  # a Thursday
    judged: queue.Queue[str] = queue.Queue()

    def closes(*days: str) -> None:
        events = "".join(
            f"BEGIN:VEVENT\nUID:{day}\nDTSTART;VALUE=DATE:{day}\nSUMMARY:No school\nEND:VEVENT\n"
            for day in days
        )
        part = file.with_suffix(".part")
        part.write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n")
        part.replace(file)

    def closed(server: Server, day: date) -> None:
        def known() -> bool:
            return not calendar.is_school_day(server.hub.schools[0], day)

        wait_for(f"{day} is closed", known, READ_S)

    closes("20261119")
    with Server(
        load(place.config), lambda: clock["now_s"], lambda day, _: judged.put(day.day)
    ) as server:
        closed(server, date(2026, 11, 19))
        closes("20261119", "20261120")
        closed(server, date(2026, 11, 20))
        clock["now_s"] += 4 * 86400 + 9 * 3600  # Monday at 18:00
        assert judged.get(timeout=15) == "2026-11-23"
        closes("20261119", "20261120", "20261124")
        closed(server, date(2026, 11, 24))
        file.unlink()
        clock["now_s"] += 2 * 86400  # Wednesday: the calendar cannot be read, its copy counts
        assert judged.get(timeout=15) == "2026-11-25"
    due = rows(place.data, "SELECT day FROM due WHERE rule = 'C8' ORDER BY day")
    assert due == [("2026-11-23",), ("2026-11-25",)]


def test_c8_a_calendar_whose_server_hangs_holds_up_neither_a_deadline_nor_the_end(
    place: Place,
) -> None:
    with Publisher() as publisher:
        publisher.manner = publisher.hang
        place.change("grace_s = 120", "grace_s = 0")
        place.change(f"port = {place.port}", "port = 0")
        calendar = f'[[school.calendar]]\nsource = "{publisher.url}"\n[[school.cart]]'
        place.change("[[school.cart]]", calendar)
        clock = {"now_s": int(datetime(2026, 11, 19, 9, 0, tzinfo=UTC).timestamp())}
        judged: queue.Queue[SchoolDay] = queue.Queue()
        server = Server(load(place.config), lambda: clock["now_s"], lambda day, _: judged.put(day))
        with server:
            wait_for("the calendar is asked for", lambda: publisher.asked, READ_S)
            clock["now_s"] += 8 * 3600 + 1
            day = judged.get(timeout=15)
            assert (day.day, day.late_s) == ("2026-11-19", 0)
            assert [trouble.kind for trouble in day.calendar_troubles] == ["unread"]
            began = time.monotonic()
        assert time.monotonic() - began < 15, "the reader is not waited for"


def test_what_a_full_disk_keeps_from_being_taken_up_is_taken_up_later(place: Place) -> None:
    with HubProcess(place.folder) as hub:
        with closing(sqlite3.connect(place.data / "homeslot.db")) as database:
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON school BEGIN SELECT RAISE(FAIL, 'no'); END"
            )
            place.change('name = "Example School"', 'name = "Lincoln"')
            wait_for("the hub says so", lambda: "trying again" in hub.said)
            database.execute("DROP TRIGGER full")
        wait_for("it is taken up", lambda: "taken up: 1 cart" in hub.said)


def test_an_error_nobody_expected_ends_the_server_and_says_why(place: Place) -> None:
    def broken_clock() -> int:
        raise ZeroDivisionError("a broken clock")

    with pytest.raises(ZeroDivisionError):
        Server(load(place.config), broken_clock).start()
    assert not alive(nats_pid(place.data)), "nothing runs on"
