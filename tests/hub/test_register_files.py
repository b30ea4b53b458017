"""N1, N11, N15 and C13: lists of devices and people as files, in and out, whole and torn."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeslot_hub.adapters import spreadsheets
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.sheets import Sheet as Page
from homeslot_hub.adapters.sheets import write_csv, write_xlsx
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.model import Person, School
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_export import tables as exported
from homeslot_hub.service.register_plan import Plan, complete, keep
from homeslot_hub.service.register_sheets import Carts, Draft, RegisterError, Sheet, draft
from homeslot_hub.service.register_tables import KINDS, Kind, Row

from .reports import CART, SCHOOL, START_S

LINCOLN = replace(
    SCHOOL,
    name="Lincoln",
    carts=tuple(
        replace(CART, controller=f"cart-{n}", number=n, slots=30, teacher=Person("Ms R", "r@x.org"))
        for n in (7, 8)
    ),
)
SUED = replace(
    SCHOOL,
    name="=Süd, 2",
    carts=tuple(replace(CART, controller=f"sued-{n}", number=n, slots=30) for n in (8, 9)),
)
SCHOOLS = (LINCOLN, SUED)


@contextmanager
def opened(folder: Path) -> Iterator[SqliteRegister]:
    store = SqliteStore(folder / "homeslot.db")
    try:
        yield SqliteRegister(store)
    finally:
        store.close()


def pages(register: SqliteRegister) -> list[Page]:
    """What `homeslot export` writes."""
    return [Page(*table) for table in exported(register, SCHOOLS)]


def write_folder(folder: Path, register: SqliteRegister) -> None:
    for page in pages(register):
        write_csv(folder / f"{page.title}.csv", page)


def drafted(path: Path, plan: Plan, kind: str | None = None) -> list[Draft]:
    """What `homeslot import` reads of a file."""
    try:
        sheets, notes = spreadsheets.read(path, kind is not None)
        plan.notes += notes
        return [d for s in sheets for d in draft(s, Carts(SCHOOLS), kind, plan, lambda: None)]
    except RegisterError as error:
        plan.problems += error.problems
        return []


def taken_in(register: SqliteRegister, path: Path, kind: str | None = None) -> Plan:
    plan = Plan()
    drafts = drafted(path, plan, kind)
    with register.transaction():
        complete(plan, drafts, register, SCHOOLS)
        keep(plan, register, START_S, "rosa", "import", path.name)
    return plan


def contents(register: SqliteRegister) -> dict[str, list[Row]]:
    return {name: sorted(register.rows(kind)) for name, kind in KINDS.items()}


def wrong(path: Path, text: str | bytes, kind: str | None = None) -> list[str]:
    """All that is wrong with a file, as it is said, against an empty register."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    plan = Plan()
    drafts = drafted(path, plan, kind)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as register:
        complete(plan, drafts, register, SCHOOLS)
    return [str(problem) for problem in plan.problems]


# Out and in again

PRINTABLE = (
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=30)
    | st.sampled_from(["=1+1", "+x", "-1", "@SUM(A1)", "'", "''=", "'=", "0012", "1e5", "TRUE"])
).map(lambda text: " ".join(text.split()))
SOME = PRINTABLE.filter(bool)
DAYS = st.dates(datetime(2020, 1, 1).date(), datetime(2105, 12, 31).date()).map(str)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)).map(
    lambda moment: moment.isoformat(timespec="minutes")
)
EMAILS = st.sampled_from(["r@x.org", "a.b@x.org", "c+d@süd.example".replace("ü", "ue")])
NAMES = st.sampled_from(["Ann Lee", "=Ann", "O'Neil", "Süß"])
PLACES = st.sampled_from(
    [(s.name, str(c.number), str(n)) for s in SCHOOLS for c in s.carts for n in (1, 2, 12, 30)]
)


@st.composite
def registers(draw: st.DrawFn) -> dict[Kind, list[Row]]:
    """Any register that can be recorded."""
    places = st.lists(PLACES, unique=True, max_size=6)
    tags = iter(draw(st.lists(SOME, unique=True, min_size=6, max_size=6)))
    emails = draw(st.lists(EMAILS, unique=True, min_size=1))
    who = st.sampled_from([*emails, "r@x.org"])
    begins = st.sampled_from(["2026-01-01T08:00", "2026-01-02T09:30"])
    reserved = draw(st.lists(st.tuples(PLACES, begins, who), unique_by=lambda r: r, max_size=4))
    reservations = {
        (s, c, begin, email): (s, c, begin, email, end, str(count))
        for ((s, c, _), begin, email), end, count in zip(
            reserved,
            draw(st.lists(MOMENTS.filter(lambda m: m > "2026-02"), min_size=4, max_size=4)),
            draw(st.lists(st.integers(1, 80), min_size=4, max_size=4)),
            strict=False,
        )
    }
    return {
        tables.TEACHERS: [
            (email, draw(NAMES), draw(st.sampled_from(["", "0", "15"]))) for email in emails
        ],
        tables.DEVICES: [
            (*place, next(tags) if draw(st.booleans()) else "", draw(PRINTABLE), state)
            for place in draw(places)
            for state in [draw(st.sampled_from(tables.STATES))]
        ],
        tables.SLOTS: [(*place, draw(who)) for place in draw(places)],
        tables.EXEMPTIONS: [(*p, draw(DAYS), draw(SOME), draw(SOME)) for p in draw(places)],
        tables.SUBSTITUTES: draw(st.lists(st.tuples(who, DAYS), unique=True, max_size=4)),
        tables.RESERVATIONS: list(reservations.values()),
    }


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(registers(), st.booleans())
def test_n15_what_is_exported_comes_back_the_very_same(
    rows: dict[Kind, list[Row]], xlsx: bool
) -> None:
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as two,
        opened(Path(one)) as first,
        opened(Path(two)) as second,
    ):
        touched = [Touched(k, k.key(row), None, row) for k, found in rows.items() for row in found]
        with first.transaction():
            first.add_change(START_S, "rosa", "set", "", touched)
        path = Path(one) / "out"
        path.mkdir()
        if xlsx:
            path /= "register.xlsx"
            write_xlsx(path, *pages(first))
        else:
            write_folder(path, first)
        plan = taken_in(second, path)
        assert contents(second) == contents(first)
        assert len(plan.touched) == len(touched)
        assert taken_in(second, path).touched == []


def test_n15_no_cell_of_an_export_is_a_formula(tmp_path: Path) -> None:
    row = ("Lincoln", "7", "1", "=1+1", "@SUM(A1)", "lost")
    with opened(tmp_path) as register:
        with register.transaction():
            touched = [Touched(tables.DEVICES, row[:3], None, row)]
            register.add_change(START_S, "rosa", "set", "", touched)
        write_folder(tmp_path, register)
        write_xlsx(tmp_path / "x.xlsx", *pages(register))
    text = (tmp_path / "devices.csv").read_text("utf-8-sig")
    written = list(csv.reader(io.StringIO(text)))
    assert written[1] == ["Lincoln", "7", "1", "'=1+1", "'@SUM(A1)", "lost"]
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    with zipfile.ZipFile(tmp_path / "x.xlsx") as packed:
        sheets = [packed.read(name) for name in packed.namelist() if "sheet" in name]
    assert not any(b"<f>" in sheet for sheet in sheets)


# Files as people have them


@pytest.mark.parametrize(
    "text",
    [
        "Device Number,Asset Tag,Type,Status\n7-1,A-1,tablet,In Service\n",
        "asset_tag;DEVICE;Category;state\nA-1;7 - 1;tablet;service\n",
        "Cart\tSlot\tTag\tKind\n7\t1\tA-1\ttablet\n",
        "\ufeffCart #|Slot #|Barcode|Device Type\n07|01|A-1|tablet\n",
        '"number","tag","kind"\r\n"7-1","A-1","  tablet "\r\n\r\n',
        "\n,,\nNumber,Tag,Kind\n,,\n7-1,A-1,tablet\n",
        "School,Number,AssetTag,Kind,Model,Purchased\n lincoln ,7–1,A-1,tablet,X200,2024\n",
    ],
)
def test_n1_headings_delimiters_and_spellings_are_understood(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8", newline="")
    with opened(tmp_path) as register:
        taken_in(register, path)
        assert register.rows(tables.DEVICES) == [
            ("Lincoln", "7", "1", "A-1", "tablet", "in service")
        ]


def test_n1_a_file_of_windows_is_read_and_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "teachers.csv"
    path.write_bytes("email,name\na@x.org,Jörg Weiß\n".encode("cp1252"))
    with opened(tmp_path) as register:
        plan = taken_in(register, path)
        assert register.rows(tables.TEACHERS) == [("a@x.org", "Jörg Weiß", "")]
    assert plan.notes == ["teachers.csv: not UTF-8, read as Windows-1252"]


def test_n1_a_workbook_has_numbers_dates_and_formulas_and_none_is_worked_out(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Our tablets"
    for line in (["Cart", "Slot", "Tag", "Kind"], [7, 1.0, 1042, True], [7, 2, "=1+1", None]):
        book.active.append(line)
    days = book.create_sheet("Substitutes")
    days.append(["teacher", "date"])
    days.append(["r@x.org", datetime(2026, 11, 20)])
    book.save(tmp_path / "list.xlsx")
    with opened(tmp_path) as register:
        plan = taken_in(register, tmp_path / "list.xlsx")
        assert plan.notes == ["list.xlsx: sheets left aside: Our tablets"]
        assert register.rows(tables.DEVICES) == [], "a sheet that bears a table's name goes first"
        assert register.rows(tables.SUBSTITUTES) == [("r@x.org", "2026-11-20")]
        taken_in(register, tmp_path / "list.xlsx", "devices")
        assert sorted(register.rows(tables.DEVICES)) == [
            ("Lincoln", "7", "1", "1042", "True", "in service"),
            ("Lincoln", "7", "2", "", "", "in service"),
        ]


def test_n1_columns_and_rows_that_a_file_does_not_have_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    with opened(tmp_path) as register:
        path.write_text("number,tag,kind\n7-1,A-1,tablet\n7-2,A-2,tablet\n")
        taken_in(register, path)
        path.write_text("number,state\n7-2,in repair\n")
        plan = taken_in(register, path)
        assert plan.count(tables.DEVICES) == (0, 1, 0)
        path.write_text("number,tag\n7-1,\n")
        taken_in(register, path)
        assert sorted(register.rows(tables.DEVICES)) == [
            ("Lincoln", "7", "1", "", "tablet", "in service"),
            ("Lincoln", "7", "2", "A-2", "tablet", "in repair"),
        ]


def test_n11_two_devices_may_change_their_tags_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    with opened(tmp_path) as register:
        path.write_text("number,tag\n7-1,A\n7-2,B\n")
        taken_in(register, path)
        path.write_text("number,tag\n7-1,B\n7-2,A\n")
        assert taken_in(register, path).count(tables.DEVICES) == (0, 2, 0)


# What is wrong is said, with file, row, column, value and what is allowed


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("devices", "number,tag\n7-1,x\n7-1,y\n", "row 3: 7-1 is there twice; row 2 of"),
        ("devices", "number,tag\n7-1,x\n7-2,x\n", 'tag: is "x"; that is the tag of 7-1'),
        ("devices", "number,tag\n6-1,x\n", 'row 2, cart: is "6"; allowed 7, 8, 9'),
        ("devices", "number,tag\n8-1,x\n", "school: is missing; cart 8 is in Lincoln and in =S"),
        ("devices", "school,number\nX,8-1\n", 'school: is "X"; allowed Lincoln, =Süd, 2'),
        ("devices", "number\n7-31\n", 'slot: is "31"; cart 7 has slots 1 to 30'),
        ("devices", "number\n12-Jul\n", 'number: is "12-Jul"; allowed cart-slot as 7-12; where'),
        ("devices", "number,cart\n7-1,8\n", 'cart: is "8"; the number says 7-1'),
        ("devices", "cart,slot\n7,\n", "slot: is missing"),
        ("devices", "number,state\n7-1,broken\n", 'state: is "broken"; allowed in service, in'),
        ("devices", "number,tag\n7-1,a\x07b\n", 'tag: is "a?b"; allowed at most 80 printable'),
        ("devices", "tag,kind\nx,y\n", "row 1: has no column cart; needed is cart, or number"),
        ("devices", "number,tag,Tag\n7-1,x,y\n", "row 1, tag: is there twice"),
        ("devices", "", "row 1: has no column cart"),
        ("devices", "\n\ntag\nx\n", "row 3: has no column cart"),
        ("list", "", "list.csv: is empty; say --kind"),
        ("devices", 'number,tag\n7-1,"x\n', "cannot be read (unexpected end of data)"),
        ("devices", b"number,tag\n7-1,\x00\n", "holds NUL characters; save it as CSV UTF-8"),
        ("devices", b"number,tag\n7-1,\x81\xff\n", "is neither UTF-8 nor Windows-1252"),
        ("devices", b"\xd0\xcf\x11\xe0rest", "is an old or an encrypted workbook"),
        ("list", "colour,shape\nred,round\n", "does not say what it holds; say --kind teachers"),
        ("list", "number,tag,teacher\n", "does not say what it holds"),
        ("teachers", "email,name,allotment\na@x.org,A,-1\n", 'allotment: is "-1"; allowed a whole'),
        ("teachers", "email,name,allotment\na@x.org,A,2.5\n", 'allotment: is "2.5"'),
        ("teachers", "email,name\nnobody,A\n", 'email: is "nobody"; allowed an address'),
        ("teachers", "email,name\na@x.org,\n", "name: is missing"),
        ("teachers", "email,name\na@x.org,A <b>\n", 'name: is "A <b>"'),
        ("slots", "number,teacher\n7-1,z@x.org\n", 'teacher: is "z@x.org"; nobody of that'),
        ("exemptions", "number,until,why,by\n7-1,2026-02-30,x,y\n", 'until: is "2026-02-30"; all'),
        ("exemptions", "number,until,why,by\n7-1,11/20/2026,x,y\n", 'until: is "11/20/2026"'),
        ("exemptions", "number,until,why,by\n7-1,9999-01-01,x,y\n", 'until: is "9999-01-01"'),
        ("exemptions", "number,until,why\n7-1,2026-11-20,x\n", "by: is missing; allowed 1..80"),
        ("substitutes", "teacher,date\nr@x.org,soon\n", 'date: is "soon"'),
        (
            "reservations",
            "cart,from,to,teacher,devices\n7,2026-11-20T10:00,2026-11-20T10:00,r@x.org,5\n",
            'to: is "2026-11-20T10:00"; allowed a time after 2026-11-20T10:00',
        ),
        (
            "reservations",
            "cart,from,to,teacher,devices\n7,2026-11-20,2026-11-21,r@x.org,0\n",
            'from: is "2026-11-20"; allowed a time on the school',
        ),
    ],
)
def test_n1_what_is_wrong_with_a_file_is_said_where_it_is(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    problems = wrong(tmp_path / f"{name}.csv", text)
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith(f"{name}.csv") for problem in problems)


def test_n1_every_wrong_row_is_said_and_nothing_of_the_file_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    path.write_text("number,state\n7-1,lost\n7-2,?\n\n7-3,!\nx,lost\n")
    with opened(tmp_path) as register:
        with pytest.raises(RegisterError) as refused:
            taken_in(register, path)
        assert contents(register)["devices"] == []
        assert register.changes(9) == []
    rows = [(problem.row, problem.column) for problem in refused.value.problems]
    assert rows == [(3, "state"), (5, "state"), (6, "number")]
    assert "nothing was changed, things to put right: 3" in str(refused.value)


@pytest.mark.parametrize(
    "heading",
    [
        *("Student", "student_id", "StudentName", "STUDENT NO.", "Pupil", "Pupils' names"),
        *("Grade", "grade level", "Homeroom", "Child", "Date of Birth", "DOB", "Parent email"),
    ],
)
def test_c13_a_column_about_students_is_refused_by_its_name(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "devices.csv"
    [problem] = wrong(path, f"number,{heading}\n7-1,Kim\n")
    assert "is about students; nothing about students is kept here" in problem
    assert "Kim" not in problem


@pytest.mark.parametrize("heading", ["Upgraded", "West wing", "X", "\x1b[2J" * 50])
def test_c13_other_columns_are_left_aside_and_said(tmp_path: Path, heading: str) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(f"number,{heading}\n7-1,Kim\n")
    with opened(tmp_path) as register:
        plan = taken_in(register, path)
        [note] = plan.notes
        assert note.startswith("devices.csv: columns left aside: ")
        assert note.isprintable()
        assert len(note) < 80
        assert "Kim" not in str(contents(register))


def test_c13_no_table_has_a_column_for_students() -> None:
    for kind in KINDS.values():
        for column in tables.columns_of(kind):
            for name in (column.name, *column.also):
                assert not tables.is_about_students(name), name


# What is meant to break it


def test_a_cell_of_ten_megabytes_is_refused(tmp_path: Path) -> None:
    [problem] = wrong(tmp_path / "devices.csv", "number,tag\n7-1," + "x" * 10_000_000 + "\n")
    assert problem == (
        "devices.csv, row 2: cannot be read (field larger than field limit (131072)); save it anew"
    )


def test_a_file_beyond_bounds_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    with path.open("wb") as file:
        file.truncate(spreadsheets.MAX_FILE + 1)
    plan = Plan()
    assert drafted(path, plan) == []
    assert str(plan.problems[0]) == "devices.csv: is too big; allowed 64 MB"


def packed(*parts: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return content.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    part = b" " * (spreadsheets.MAX_UNPACKED // 4 + 1)
    bomb = packed(*((f"xl/worksheets/sheet{n}.xml", part) for n in range(4)))
    assert len(bomb) < spreadsheets.MAX_UNPACKED // 500
    assert "unpacks to too much; allowed 128 MB" in wrong(tmp_path / "devices.xlsx", bomb)[0]


def test_a_workbook_that_defines_entities_is_refused(tmp_path: Path) -> None:
    evil = packed(("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'))
    assert "defines a document type" in wrong(tmp_path / "devices.xlsx", evil)[0]


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.csv", "cannot be read (No such file or directory)"),
        (tmp_path, "holds no table; allowed teachers, devices"),
    ):
        plan = Plan()
        assert drafted(path, plan) == []
        assert said in str(plan.problems[0])


def workbook(lines: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def parts_of(book: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def test_a_workbook_that_claims_a_billion_rows_is_refused(tmp_path: Path) -> None:
    last, far = b'<row r="3"', b'<row r="999999999"'
    parts = [(name, part.replace(last, far)) for name, part in parts_of(WHOLE)]
    assert any(far in part for _, part in parts)
    problems = wrong(tmp_path / "devices.xlsx", packed(*parts))
    assert problems == ["devices.xlsx, sheet Sheet: has too many rows; allowed 500000"]


WHOLE = workbook([["number", "tag"], ["7-1", "A-1"], ["7-2", 1042]])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_torn_workbook_is_read_or_refused_and_never_a_crash(data: st.DataObject) -> None:
    parts = parts_of(WHOLE)
    kind = data.draw(st.sampled_from(["bytes", "cut", "part", "without"]))
    at = data.draw(st.integers(0, len(parts) - 1))
    if kind == "cut":
        torn = WHOLE[: data.draw(st.integers(4, len(WHOLE)))]
    elif kind == "bytes":
        where = data.draw(st.integers(4, len(WHOLE) - 1))
        torn = WHOLE[:where] + data.draw(st.binary(min_size=1, max_size=4)) + WHOLE[where + 1 :]
    elif kind == "without":
        torn = packed(*parts[:at], *parts[at + 1 :])
    else:
        name, part = parts[at]
        where = data.draw(st.integers(0, len(part)))
        new = data.draw(st.sampled_from([b"", b"<", b"9999999999", b'"', b"</row>", b"\xff"]))
        torn = packed(*parts[:at], (name, part[:where] + new + part[where + 3 :]), *parts[at + 1 :])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "devices.xlsx"
        path.write_bytes(torn)
        plan = Plan()
        assert drafted(path, plan) or plan.problems or plan.notes or kind != "cut"


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=200)
    | st.text(st.sampled_from("7-1,;\t\"'\n\r number tag\u0661"), max_size=60).map(
        lambda text: ("number,tag\n" + text).encode()
    ),
    st.sampled_from(list(KINDS)),
)
def test_any_bytes_are_read_or_refused_and_never_a_crash(data: bytes, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(data)
        plan = Plan()
        for one in drafted(path, plan, kind):
            assert set(one.said) <= {column.name for column in one.kind.columns}


@given(st.sampled_from(list(KINDS.values())), st.data())
def test_what_a_column_keeps_is_kept_when_read_again(kind: Kind, data: st.DataObject) -> None:
    column = data.draw(st.sampled_from(kind.columns))
    text = data.draw(
        st.text(max_size=20) | EMAILS | DAYS | MOMENTS | st.integers(-5, 10**6).map(str)
    )
    try:
        kept = column.read(text)
    except ValueError:
        return
    assert column.read(kept) == kept


def test_n1_a_row_that_is_longer_or_shorter_than_the_heading_is_no_trouble() -> None:
    plan = Plan()
    sheet = Sheet("x", "devices", [["number", "tag"], ["7-1"], ["7-2", "B", "more", "cells"]])
    found = draft(sheet, Carts(SCHOOLS), None, plan, lambda: None)
    assert [one.said.get("tag") for one in found] == ["", "B"]
    assert plan.problems == []


def test_c4_a_school_with_one_cart_of_that_number_need_not_be_named() -> None:
    def resolved(schools: tuple[School, ...], **said: str) -> str:
        assert Carts(schools).resolve(said) is None
        return said["school"]

    assert resolved(SCHOOLS, cart="9", slot="1") == SUED.name
    assert resolved(SCHOOLS, cart="8", slot="1", school="LINCOLN") == "Lincoln"
