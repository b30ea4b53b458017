"""The tables of the register: each column once, what it means, what it allows, what it is called.

A row is kept, exported and compared as texts in the order of its table's columns, the first `keys`
of them naming it. `Column.read` makes that text of what a person wrote, so that what was written in
many ways is kept in one. `docs/register.md` is made from here. As rows are kept for ever, a new
column is the last of its table and has a default.

No table has a column for a student, and a file that has one is refused by that column's name (C13).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from homeslot.contract import MAX_SLOTS
from homeslot_hub.config_values import PERSON
from homeslot_hub.model import Device, Exemption, Reservation, SubstituteDay

Row = tuple[str, ...]
Key = tuple[str, ...]

STATES = ("in service", "in repair", "loaner", "lost", "retired")
TEXT_LIMIT = 80
_YEARS = (2020, 2105)  # those at which a cart can report
_NUMBER = re.compile(r"0*([1-9]\d{0,3})\s*[-–]\s*0*([1-9]\d{0,2})", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
# Words that make a column one about students. Parts of a heading: "Student ID", "grade_level".
_STUDENT = re.compile(
    r"student|pupil|\b(learner|child|children|kid|grade|homeroom|parent|guardian|birth(day|date)?|dob)s?\b"
)


def _text(text: str) -> str:
    if len(text) > TEXT_LIMIT or not text.isprintable():
        raise ValueError
    return text


def _whole(low: int, high: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        number = int(text) if _WHOLE.fullmatch(text) else -1
        if not low <= number <= high:
            raise ValueError
        return str(number)

    return read


def _email(text: str) -> str:
    # The address alone, or as mail programs write it.
    address = text.rpartition("<")[2].removesuffix(">") if text.endswith(">") else text
    if PERSON.fullmatch(f"x <{address}>") is None:
        raise ValueError
    return address.lower()


def _name(text: str) -> str:
    if PERSON.fullmatch(f"{text} <x@x>") is None or not text.isprintable():
        raise ValueError
    return text


def _day(text: str) -> str:
    if len(text) != 10:
        raise ValueError
    return _in_years(date.fromisoformat(text)).isoformat()


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if len(text) < 16 or moment.tzinfo is not None:
        raise ValueError
    _in_years(moment.date())
    return moment.replace(second=0, microsecond=0).isoformat(timespec="minutes")


def _in_years(day: date) -> date:
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError
    return day


def _state(text: str) -> str:
    word = re.sub(r"[\s_-]+", " ", text.lower())
    found = next((state for state in STATES if word in (state, state.removeprefix("in "))), None)
    if found is None:
        raise ValueError
    return found


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `read` makes the kept text of a stripped one, or raises ValueError.

    `also` are other headings it goes by; `default` is what a new row has where nothing is said,
    None where something must be.
    """

    name: str
    meaning: str
    allowed: str
    read: Callable[[str], str]
    also: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One table of the register: its columns, the first `keys` of which name a row."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    keys: int

    def key(self, row: Row) -> Key:
        """The columns that name `row`."""
        return row[: self.keys]

    def at(self, name: str) -> int:
        """The place of a column in a row."""
        return [column.name for column in self.columns].index(name)

    def called(self, row: Row | Key) -> str:
        """A row's name for a person: 7-12 for a device, its key's texts else."""
        if self.has_number:
            return "-".join(row[1:3])
        return " ".join(text for text in row[: self.keys] if text)

    @property
    def of_school(self) -> bool:
        """Whether its rows belong to a school, which is their first column."""
        return self.columns[0].name == "school"

    @property
    def has_number(self) -> bool:
        """Whether a device's number names its rows, so that `number` stands for cart and slot."""
        return self.columns[self.keys - 1].name == "slot"


# `7-12` in one column instead of cart and slot. Spreadsheets make a date of that: 12 July.
NUMBER = Column(
    "number",
    "the device's number, instead of `cart` and `slot`",
    "cart-slot as 7-12; where a spreadsheet makes a date of it: columns Cart and Slot",
    _text,
    ("device", "device number", "device no", "device #", "cart # device #", "no", "#"),
)
_SCHOOL = Column(
    "school",
    "the school; not needed where only one has that cart",
    "the name of a school in homeslot.toml",
    _text,
    ("school name", "site", "campus", "building"),
    "",
)
_CART = Column(
    "cart",
    "the cart's number",
    "the number of a cart in homeslot.toml",
    _whole(1, 9999),
    ("cart number", "cart no", "cart #"),
)
_SLOT = Column(
    "slot",
    "its slot in the cart",
    "1 to the slots of that cart",
    _whole(1, MAX_SLOTS),
    ("slot number", "slot no", "slot #", "bay", "position"),
)
_PLACE = (_SCHOOL, _CART, _SLOT)
_TEACHER = Column(
    "teacher",
    "the teacher's address",
    "the address of a teacher: of a cart in homeslot.toml, or of the table teachers",
    _email,
    ("teacher email", "teacher e mail", "email", "e mail", "who"),
)
_TEXT = f"at most {TEXT_LIMIT} printable characters"
_SOME_TEXT = f"1..{TEXT_LIMIT} printable characters"
_DAY = f"a date as 2026-11-20, {_YEARS[0]} to {_YEARS[1]}"
_MOMENT = f"a time on the school's clock as 2026-11-20T09:00, {_YEARS[0]} to {_YEARS[1]}"
_FROM = Column("from", "when it begins", _MOMENT, _moment, ("begins", "begin", "start", "starts"))

TEACHERS = Kind(
    "teachers",
    "who devices are assigned to, and how many they may have out (N3)",
    (
        Column(
            "email",
            "the address",
            "an address as lee@school.example",
            _email,
            ("e mail", "mail", "email address", "teacher email"),
        ),
        Column(
            "name",
            "the name",
            f'{_SOME_TEXT} but < > @ , ; "',
            _name,
            ("teacher", "teacher name", "full name"),
        ),
        Column(
            "allotment",
            "how many devices may be out at once; empty: any number",
            "a whole number 0..100000, or empty",
            _whole(0, 100_000),
            ("allotted", "limit", "max", "maximum", "devices", "assigned numbers"),
            "",
        ),
    ),
    keys=1,
)
DEVICES = Kind(
    "devices",
    "the devices by their numbers (C4, N1)",
    (
        *_PLACE,
        Column(
            "tag",
            "its asset tag, by which other systems know it",
            _TEXT,
            _text,
            ("asset tag", "asset", "asset number", "asset no", "barcode"),
            "",
        ),
        Column(
            "kind",
            "what it is, such as tablet or chromebook",
            _TEXT,
            _text,
            ("type", "device type", "category", "model"),
            "",
        ),
        Column("state", "what is known of it", ", ".join(STATES), _state, ("status",), STATES[0]),
    ),
    keys=3,
)
SLOTS = Kind(
    "slots",
    "the slots of which another teacher than the cart's has the device (C5)",
    (*_PLACE, _TEACHER),
    keys=3,
)
EXEMPTIONS = Kind(
    "exemptions",
    "devices that may be away until a school's deadline (N3, N8)",
    (
        *_PLACE,
        Column(
            "until",
            "the day at whose deadline it must be home",
            _DAY,
            _day,
            ("end", "ends", "due", "until when"),
        ),
        Column("why", "the reason, without a student's name", _SOME_TEXT, _text, ("reason",)),
        Column(
            "by",
            "who authorised it",
            _SOME_TEXT,
            _text,
            ("authorised by", "authorized by", "approved by"),
        ),
    ),
    keys=3,
)
SUBSTITUTES = Kind(
    "substitutes",
    "days on which a substitute stands in for a teacher (N4)",
    (_TEACHER, Column("date", "the day", _DAY, _day, ("day", "on"))),
    keys=2,
)
RESERVATIONS = Kind(
    "reservations",
    "devices of a cart that are reserved for a while (N5)",
    (
        _SCHOOL,
        _CART,
        _FROM,
        _TEACHER,
        Column("to", "when it ends", f"{_MOMENT}, after from", _moment, ("ends", "end", "until")),
        Column(
            "devices",
            "how many",
            f"a whole number 1..{MAX_SLOTS}",
            _whole(1, MAX_SLOTS),
            ("how many", "count", "number of devices", "quantity"),
        ),
    ),
    keys=4,
)
# In the order in which they are taken in: who is named must be known.
KINDS = {
    kind.name: kind for kind in (TEACHERS, DEVICES, SLOTS, EXEMPTIONS, SUBSTITUTES, RESERVATIONS)
}


def heading(text: str) -> str:
    """A heading as it is compared: `Asset_Tag ` is `asset tag`."""
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"([a-z])([A-Z])", r"\1 \2", plain)  # AssetTag
    return re.sub(r"[\s_./:-]+", " ", plain.lower()).strip()


def is_about_students(text: str) -> bool:
    """Whether a heading says that its column is about students (C13)."""
    return _STUDENT.search(re.sub(r"[^a-z]+", " ", heading(text))) is not None


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """The columns a file of this kind may have."""
    return (*kind.columns, NUMBER) if kind.has_number else kind.columns


def order(row: Row) -> list[str]:
    """What rows are sorted by: 7-2 comes before 7-12."""
    return [text.zfill(6) if text.isdigit() else text for text in row]


def split_number(text: str) -> tuple[str, str] | None:
    """Cart and slot of a device's number, None when it is none."""
    match = _NUMBER.fullmatch(text)
    return None if match is None else (match[1], match[2])


def device(row: Row) -> Device:
    """The Device of a row of `devices`."""
    _, cart, slot, tag, kind, state = row
    return Device(int(cart), int(slot), tag, kind, state)  # type: ignore[arg-type]  # read by _state


def exemption(row: Row) -> Exemption:
    """The Exemption of a row of `exemptions`."""
    return Exemption(date.fromisoformat(row[3]), row[4], row[5])


def substitute_day(row: Row) -> SubstituteDay:
    """The SubstituteDay of a row of `substitutes`."""
    return SubstituteDay(row[0], date.fromisoformat(row[1]))


def reservation(row: Row) -> Reservation:
    """The Reservation of a row of `reservations`."""
    _, cart, begins, email, ends, devices = row
    begin, end = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    return Reservation(int(cart), begin, email, end, int(devices))
