"""The register by its commands: what they say, what they keep, and how a day is judged by it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from contextlib import chdir, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_tables import KINDS

from .reports import SCHOOL, START_S, TEACHER, Reporter
from .test_cli import ADD, CommandLine, line

__all__ = ["line"]  # the fixture
LIST = "Device Number,Asset Tag,Type\n1-1,A-1,tablet\n1-2,A-2,tablet\n1-3,A-3,tablet\n"


@pytest.fixture
def stocked(line: CommandLine) -> CommandLine:
    """A school with carts 1 and 2, and three devices recorded."""
    line.ok("init")
    line.ok("cart", "add", "cart-2", *ADD)
    file = line.config.parent / "list.csv"
    file.write_text(LIST)
    line.ok("import", str(file))
    return line


def devices(line: CommandLine) -> list[list[str]]:
    rows = line.ok("register", "list").splitlines()[2:]
    return [row.removeprefix("Example School").split() for row in rows if row]


def test_n1_a_dry_run_says_what_would_change_and_changes_nothing(stocked: CommandLine) -> None:
    file = stocked.config.parent / "list.csv"
    file.write_text("number,tag,state\n1-1,A-1,lost\n1-4,A-4,loaner\n1-3,A-3,in service\n")
    out = stocked.ok("import", str(file), "--dry-run")
    assert out.splitlines() == [
        "devices: 1 added, 1 changed, 1 unchanged",
        "  1-1 of Example School: state in service -> lost",
        "  1-4 of Example School: new, tag A-4, state loaner",
        "Nothing was changed: this was a dry run.",
    ]
    assert len(devices(stocked)) == 3


def test_n1_a_dry_run_with_wrong_rows_says_both_and_fails(stocked: CommandLine) -> None:
    file = stocked.config.parent / "list.csv"
    file.write_text("number,tag\n1-4,A-4\n1-99,A-5\n")
    status, out, err = stocked.run("import", str(file), "--dry-run")
    assert status == 1
    assert "1-4 of Example School: new, tag A-4" in out
    assert 'list.csv, row 3, slot: is "99"; cart 1 has slots 1 to 30' in err
    status, out, err = stocked.run("import", str(file))
    assert (status, out) == (1, "")
    assert "nothing was changed" in err
    assert len(devices(stocked)) == 3


def test_n1_an_import_is_taken_back_and_taken_back_again(stocked: CommandLine) -> None:
    assert "Recorded, 3 rows, as change 2;" in stocked.ok("register", "undo", "--yes")
    assert devices(stocked) == []
    stocked.ok("register", "undo", "--yes")
    assert len(devices(stocked)) == 3
    changes = stocked.ok("register", "changes")
    assert [row.split()[4] for row in changes.splitlines()[2:5]] == ["undo", "undo", "import"]
    assert "list.csv" in changes


def test_undo_asks_first(stocked: CommandLine) -> None:
    status, out, _ = stocked.run("register", "undo")
    assert status == 1, "nobody answered"
    assert "Take back change 1 (import of list.csv, 3 rows," in out
    assert len(devices(stocked)) == 3


def test_n8_n17_one_device_is_set_exempted_and_retired_and_keeps_its_history(
    stocked: CommandLine,
) -> None:
    stocked.ok("register", "set", "1-2", "state=repair", "tag=A-20")
    assert devices(stocked)[1][:5] == ["1-2", "A-20", "tablet", "in", "repair"]
    assert devices(stocked)[1][5] == f"{datetime.now():%Y-%m-%d}", "since when it is"
    stocked.ok("register", "retire", "1-2")
    history = stocked.ok("register", "history", "1-2").splitlines()
    assert [row.split()[3:] for row in history[2:] if row] == [
        *(["retire", "A-20", "tablet", "retired"], ["set", "A-20", "tablet", "in", "repair"]),
        ["import", "A-2", "tablet", "in", "service"],
    ]
    asked = ("--until", "2026-12-01", "--why", "field trip", "--by", "Rosa Diaz")
    stocked.ok("register", "exempt", "1-3", *asked)
    assert "2026-12-01  field trip  Rosa Diaz" in stocked.ok("register", "list", "exemptions")
    stocked.ok("register", "remove", "exemptions", "1-3", "--yes")
    assert "0 rows" in stocked.ok("register", "list", "exemptions")


def test_n3_n4_n5_teachers_substitutes_and_reservations(stocked: CommandLine) -> None:
    stocked.ok("register", "add", "teachers", "email=lee@x.org", "name=Ann Lee", "allotment=3")
    stocked.ok("register", "add", "slots", "number=2-1", "teacher=lee@x.org")
    stocked.ok("register", "substitute", "LEE@x.org", "2026-11-20")
    moment = "2026-11-20T09:00"
    said = (f"from={moment}", "to=2026-11-20T10:00", "teacher=bo@x.org", "devices=5")
    stocked.ok("register", "add", "reservations", "cart=2", *said)
    assert "lee@x.org  2026-11-20" in stocked.ok("register", "list", "substitutes")
    assert moment in stocked.ok("register", "list", "reservations", "--cart", "2")
    assert moment not in stocked.ok("register", "list", "reservations", "--cart", "1")
    status, _, err = stocked.run("register", "remove", "teachers", "lee@x.org", "--yes")
    assert status == 1
    assert "lee@x.org is named by 1 of slots; remove or change those first" in err
    stocked.ok("register", "remove", "reservations", "2", moment, "bo@x.org", "--yes")
    stocked.ok("register", "remove", "substitutes", "lee@x.org", "2026-11-20", "--yes")
    stocked.ok("register", "remove", "slots", "2-1", "--yes")
    stocked.ok("register", "remove", "teachers", "lee@x.org", "--yes")
    assert "0 rows" in stocked.ok("register", "list", "teachers")


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (("set", "1-2", "colour=red"), 2, "colour=red: allowed COLUMN=VALUE with school, cart"),
        (("set", "1-2", "state=gone"), 1, 'devices, state: is "gone"; allowed in service'),
        (("set", "1-31", "tag=x"), 1, "cart 1 has slots 1 to 30"),
        (("set", "1-2", "tag=A-1"), 1, "that is the tag of 1-1"),
        (("list", "tablets"), 2, "tablets: allowed teachers, devices, slots"),
        (("list", "--school", "X"), 2, "--school is X: allowed Example School"),
        (("list", "teachers", "--cart", "1"), 2, "the rows of teachers belong to no cart"),
        (("exempt", "1-1", "--until", "soon", "--why", "x", "--by", "y"), 1, 'until: is "soon"'),
        (("substitute", "nobody@x.org", "2026-11-20"), 1, 'teacher: is "nobody@x.org"; nobody'),
        (("remove", "devices", "1-9", "--yes"), 1, "devices: has no 1-9; rows are named by a num"),
        (("history", "1-9"), 1, "has no 1-9"),
        (("add", "teachers", "email=a@x.org"), 1, "name: is missing"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(
    stocked: CommandLine, command: tuple[str, ...], status: int, said: str
) -> None:
    found, _, err = stocked.run("register", *command)
    assert found == status
    assert said in err
    assert len(devices(stocked)) == 3


def test_what_changes_nothing_is_no_change(stocked: CommandLine) -> None:
    assert "Nothing to change." in stocked.ok("register", "set", "1-1", "tag=A-1")
    assert stocked.ok("register", "changes").count("import") == 1


def test_a_cart_that_left_the_configuration_leaves_rows_that_can_be_removed(
    stocked: CommandLine,
) -> None:
    stocked.ok("register", "set", "2-5", "tag=B-5")
    stocked.ok("cart", "remove", "cart-2", "--yes")
    stocked.ok("register", "remove", "devices", "2-5", "--yes")
    assert len(devices(stocked)) == 3


@pytest.mark.parametrize("form", [(), ("--xlsx",)])
def test_n15_an_export_asks_before_it_replaces_and_comes_back_elsewhere(
    stocked: CommandLine, form: tuple[str, ...]
) -> None:
    folder = stocked.config.parent / "out"
    assert "devices: 3 rows" in stocked.ok("export", str(folder), *form)
    assert folder.stat().st_mode & 0o077 == 0
    status, out, _ = stocked.run("export", str(folder), *form)
    assert status == 1
    assert "Replace " in out
    stocked.ok("export", str(folder), *form, "--yes")
    before = devices(stocked)
    (stocked.data / "homeslot.db").unlink()
    source = folder / "register.xlsx" if form else folder
    assert "devices: 3 added" in stocked.ok("import", str(source))
    assert devices(stocked) == before


def test_what_is_recorded_is_not_for_others(stocked: CommandLine) -> None:
    folder = stocked.config.parent / "out"
    stocked.ok("export", str(folder))
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_a_terminal_is_shown_how_many_rows_were_read(stocked: CommandLine) -> None:
    file = stocked.config.parent / "list.csv"
    numbers = (f"{cart}-{slot}" for cart in (1, 2) for slot in range(1, 31))
    file.write_text("number\n" + "".join(f"{number}\n" for number in numbers))
    program = "from homeslot_hub.cli import main; main()"
    ours, theirs = os.openpty()
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123  (a descriptor)
        run = subprocess.run(
            [
                sys.executable,
                "-c",
                program,
                "import",
                file,
                "--config",
                stocked.config,
                "--kind",
                "devices",
            ],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            timeout=60,
            check=True,
        )
        shown = terminal.read(4096)
        os.close(theirs)
    assert b"devices: 57 added, 0 changed" in run.stdout
    assert b"60 rows read" in shown


def test_every_line_of_the_page_about_it_does_what_it_says(line: CommandLine) -> None:
    line.ok("init")
    more = ("--number", "7", "--room", "Room 7", "--teacher", "Bo Ek <bo@x.org>")
    line.ok("cart", "add", "cart-7", *more)
    page = Path(__file__).parents[2] / "docs" / "register.md"
    commands = re.findall(r"^homeslot (.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert len(commands) > 12
    with chdir(line.config.parent):
        Path("tablets.csv").write_text("number,tag\n7-12,A-1\n")
        for command in commands:
            words = shlex.split(command)
            line.ok(*words, *["--yes"] * (words[1] in ("undo", "remove")))


# How a day is judged by it


def test_n8_a_check_says_who_is_excused_by_what_was_recorded_then(start, clock) -> None:
    _, store = start(clock)
    register = SqliteRegister(store)
    hub = Hub((SCHOOL,), store, clock, register=register)
    cart = Reporter()
    hub.take([cart.state(), cart.event("slot", 2, "empty"), cart.event("slot", 3, "empty")])
    row = (SCHOOL.name, "7", "2", "A-2", "", "in repair")
    with register.transaction():
        touched = [Touched(tables.DEVICES, row[:3], None, row)]
        register.add_change(START_S + 60, "rosa", "set", "", touched)
    assert hub.judge(SCHOOL, START_S + 59).carts[0].places == ("home", "out", "out", "home")
    now = hub.judge(SCHOOL, START_S + 60).carts[0]
    assert now.places == ("home", "excused", "out", "home")
    assert [said.reason for said in now.excuses] == [
        "7-2 (tag A-2) is recorded as in repair since 09:01."
    ]
    clock.now_s = START_S + 60
    [shown] = hub.status().carts
    assert shown.verdict == now


def test_n8_a_running_hub_goes_by_what_a_command_has_just_recorded(start, clock) -> None:
    _, store = start(clock)
    hub = Hub((SCHOOL,), store, clock, register=SqliteRegister(store))
    cart = Reporter()
    hub.take([cart.state(), cart.event("slot", 2, "empty")])
    assert hub.judge(SCHOOL, START_S).carts[0].places[1] == "out"
    with closing(SqliteStore(store.path)) as other:
        register = SqliteRegister(other)
        row = (SCHOOL.name, "7", "2", "", "", "loaner")
        with register.transaction():
            touched = [Touched(tables.DEVICES, row[:3], None, row)]
            register.add_change(START_S, "rosa", "set", "", touched)
    assert hub.judge(SCHOOL, START_S).carts[0].places[1] == "excused"


def test_n3_the_hub_counts_a_teachers_devices_over_the_school(start, clock) -> None:
    _, store = start(clock)
    register = SqliteRegister(store)
    hub = Hub((SCHOOL,), store, clock, register=register)
    cart = Reporter()
    hub.take([cart.state(), cart.event("slot", 2, "empty"), cart.event("slot", 3, "empty")])
    row = (TEACHER.email, TEACHER.name, "1")
    with register.transaction():
        touched = [Touched(KINDS["teachers"], row[:1], None, row)]
        register.add_change(START_S, "rosa", "set", "", touched)
    for verdict in (hub.judge(SCHOOL, START_S).carts[0], hub.status().carts[0].verdict):
        assert [one.rule for one in verdict.verdicts][-1] == "N3"


def test_c8_a_day_that_has_come_due_is_judged_by_the_register(start, clock) -> None:
    _, store = start(clock)
    register = SqliteRegister(store)
    hub = Hub((SCHOOL,), store, clock, register=register)
    assert hub.tick() == []
    cart = Reporter()
    clock.now_s = cart.now_s = int(datetime(2026, 11, 17, 21, 59, tzinfo=UTC).timestamp())
    hub.take([cart.state(), cart.event("slot", 2, "empty")])
    row = (SCHOOL.name, "7", "2", "2026-11-18", "field trip", "Dana Reyes")
    with register.transaction():
        touched = [Touched(tables.EXEMPTIONS, row[:3], None, row)]
        register.add_change(START_S, "rosa", "exempt", "", touched)
    clock.now_s += 600
    [day] = hub.tick()
    assert day.carts[0].places[1] == "excused"
    [notice] = store.notices_to_file()
    assert "1 excused" in notice.subject


def test_n8_two_devices_that_changed_places_are_swapped_at_once_and_back_by_an_undo(
    stocked: CommandLine,
) -> None:
    stocked.ok("register", "set", "1-1", "state=in repair")
    stocked.ok("register", "exempt", "1-2", "--until", "2026-11-20", "--why", "trip", "--by", "Ann")
    before = devices(stocked), stocked.ok("register", "list", "exemptions")
    out = stocked.ok("register", "swap", "1-1", "1-2")
    assert "1-1 of Example School: tag A-1 -> A-2, state in repair -> in service" in out
    assert "1-2 of Example School: removed" in out
    assert "1-1 of Example School: new, until 2026-11-20, why trip, by Ann" in out
    assert "`homeslot register undo` takes it back" in out
    assert [row[1] for row in devices(stocked)] == ["A-2", "A-1", "A-3"]
    assert "swap" in stocked.ok("register", "history", "1-1")
    stocked.ok("register", "undo", "--yes")
    assert (devices(stocked), stocked.ok("register", "list", "exemptions")) == before


def test_n8_a_device_is_moved_to_a_place_of_which_nothing_is_recorded(stocked: CommandLine) -> None:
    out = stocked.ok("register", "swap", "1-3", "2-7")
    assert "1-3 of Example School: removed" in out
    assert "2-7 of Example School: new, tag A-3" in out
    assert [row[:2] for row in devices(stocked)][-1] == ["2-7", "A-3"]


@pytest.mark.parametrize(
    ("places", "status", "message"),
    [
        (("1-1", "1-31"), 1, "cart 1 has slots 1 to 30"),
        (("1-1", "1-1"), 2, "1-1 and 1-1 are one and the same place"),
        (("1-8", "1-9"), 1, "nothing is recorded of 1-8 nor of 1-9"),
    ],
)
def test_a_swap_that_makes_no_sense_is_refused_and_nothing_changes(
    stocked: CommandLine, places: tuple[str, str], status: int, message: str
) -> None:
    before = devices(stocked)
    ended, _, err = stocked.run("register", "swap", *places)
    assert (ended, message in err) == (status, True)
    assert devices(stocked) == before
