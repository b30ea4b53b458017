"""Scenarios: a school day as a short text file that a person can read and write.

```
school       Lincoln Elementary
zone         America/Chicago
date         2026-11-17
from         07:30
until        17:04
deadline     17:00
coordinator  Rosa Diaz <rosa.diaz@lincoln.example>

cart 1  room 101  teacher Ann Lee <ann.lee@lincoln.example>
cart 2  room 102  teacher Bo Chen <bo@lincoln.example>  spare 29-30  front open

08:10  carts 1-2  unlock, open, out all
15:05  cart 1     in 1-11 13-30, close, lock
16:59  cart 1     in 12
```

At first every cart is plugged in, locked, connected, with every device in its slot. Verbs are those
of `cart.world.VERBS`; `roam` takes a cart to where another access point is near, `return` brings it
back; `power-off` is a controller whose battery is empty, too. `14:00 hub crash` befalls the server:
SERVER has all that may. People do things during a minute, not on its stroke: 08:10 happens DURING_S
into it, 08:10:40 when it says. `#` begins a comment. Optional lines: `pace` (how fast the scaled
runtimes run, from when on), `scan` (time between two scans), `deadline` (17:00 unless said),
`board` (name or file of the board in every cart, DEFAULT_BOARD unless said).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from homeslot_hardware import boards
from homeslot_sim.cart.world import ASPECTS, BANKS, CART, VERBS

DURING_S = 15
GRACE_S = 120  # how long after the deadline the hub waits for reports on their way
DEFAULT_BOARD = "pico-w-30"
DEFAULT_SLOTS = 30
DEFAULT_BANKS = 3
# What may befall the server. A hub that stops has taken in all it was given, one that crashes has
# not; a broker that is wiped comes back without what it had kept.
SERVER = ("hub stop", "hub crash", "hub start", "broker stop", "broker wipe", "broker start")
T = TypeVar("T")

NEEDED = ("school", "zone", "date", "from", "until", "coordinator")
OPTIONAL = ("deadline", "pace", "scan", "board")


class ScenarioError(ValueError):
    """A scenario that cannot be played: names file and line, and what would be right."""


class Someone(NamedTuple):
    """A person, as a mail knows them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class ScenarioCart:
    """One cart of the scenario; `spare` slots have no device, `front_open` needs no lock."""

    number: int
    room: str
    teacher: Someone
    spare: frozenset[int] = frozenset()
    front_open: bool = False
    rotates: bool = False

    @property
    def controller(self) -> str:
        """The controller's id on the wire."""
        return f"cart-{self.number}"


@dataclass(frozen=True, slots=True)
class Deed:
    """At epoch `at_s`, `verb` happens to slots or banks `numbers` of cart `cart`."""

    at_s: int
    cart: int
    verb: str
    numbers: tuple[int, ...]


class Happening(NamedTuple):
    """At epoch `at_s`, `what` (one of SERVER) befalls the server."""

    at_s: int
    what: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One school day. Times are epoch seconds; `pace` is ((from epoch s, factor), …)."""

    school: str
    zone: ZoneInfo
    day: date
    start_s: int
    end_s: int
    deadline: time
    coordinator: Someone
    carts: tuple[ScenarioCart, ...]
    deeds: tuple[Deed, ...]
    pace: tuple[tuple[int, float], ...]
    scan_ms: int = 1000
    board: str = DEFAULT_BOARD
    server: tuple[Happening, ...] = ()

    @property
    def needs_virtual_time(self) -> bool:
        """Whether something befalls a server or a controller that only one process can play."""
        return bool(self.server) or any(deed.verb.startswith("power-") for deed in self.deeds)

    @property
    def deadline_s(self) -> int:
        """The deadline of the day in epoch seconds."""
        return int(datetime.combine(self.day, self.deadline, self.zone).timestamp())


def load(path: Path) -> Scenario:
    """The scenario in file `path`. Raises ScenarioError; its message names file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    return parse(text, str(path))


def parse(text: str, name: str = "scenario") -> Scenario:
    """The scenario written in `text`; `name` is what error messages call it."""
    return _Parser(name).parse(text)


@dataclass
class _Parser:
    name: str
    line: int = 0
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    carts: dict[int, ScenarioCart] = field(default_factory=dict)
    timed: list[tuple[int, str, str]] = field(default_factory=list)

    def parse(self, text: str) -> Scenario:
        for number, raw in enumerate(text.splitlines(), 1):
            self.line = number
            words = raw.split("#", 1)[0].strip()
            if words:
                self._take(words)
        for key in NEEDED:
            if key not in self.values:
                raise self._wrong(f"the line `{key} …` is missing")
        if not self.carts:
            raise self._wrong("there is no cart; write `cart 1  room 101  teacher Name <mail>`")
        return self._scenario()

    def _take(self, words: str) -> None:
        first, _, rest = words.partition(" ")
        rest = rest.strip()
        if re.fullmatch(r"[\d:]+", first):
            self.timed.append((self.line, first, rest))
        elif first == "cart":
            self._take_cart(rest)
        elif first in (*NEEDED, *OPTIONAL):
            if first in self.values:
                raise self._wrong(f"`{first}` was already said in line {self.lines[first]}")
            if not rest:
                raise self._wrong(f"`{first}` has no value")
            self.values[first], self.lines[first] = rest, self.line
        else:
            known = ", ".join((*NEEDED, *OPTIONAL, "cart"))
            raise self._wrong(f"`{first}` is not known; a line begins with a time or: {known}")

    def _take_cart(self, rest: str) -> None:
        form = (
            r"(\d+)\s+room\s+(.+?)\s+teacher\s+([^<>]+<[^<>\s]+>)"
            r"((?:\s+(?:spare\s+[\d\s-]+|front\s+\w+|rotates))*)"
        )
        match = re.fullmatch(form, rest)
        if match is None:
            raise self._wrong(
                f"`cart {rest}`; write `cart 1  room 101  teacher Name <mail>`, then if needed "
                "`spare 29-30`, `front open`, `rotates`"
            )
        number = int(match[1])
        if not 1 <= number <= 9999:
            raise self._wrong(f"cart number {number}, allowed 1..9999")
        if number in self.carts:
            raise self._wrong(f"cart {number} is there twice")
        spare = re.search(r"spare\s+([\d\s-]+)", match[4])
        front = re.search(r"front\s+(\w+)", match[4])
        if front and front[1] not in ("open", "locked"):
            raise self._wrong(f"front `{front[1]}`, allowed: open, locked")
        self.carts[number] = ScenarioCart(
            number,
            match[2],
            self._read(match[3], _someone, "Name <mail>", self.line),
            frozenset(self._numbers(spare[1].split(), DEFAULT_SLOTS)) if spare else frozenset(),
            front is not None and front[1] == "open",
            "rotates" in match[4].split(),
        )

    def _scenario(self) -> Scenario:
        zone = self._value("zone", _zone, "a zone such as America/Chicago")
        day = self._value("date", date.fromisoformat, "a date such as 2026-11-17")

        def moment(text: str) -> int:
            return int(datetime.combine(day, _time(text), zone).timestamp())

        start_s = self._value("from", moment, "a time such as 07:30")
        end_s = self._value("until", moment, "a time such as 17:04")
        if end_s <= start_s:
            raise self._wrong("`until` must be later than `from`", self.lines["until"])
        deeds: list[Deed] = []
        server: list[Happening] = []
        for line, at, rest in self.timed:
            self.line = line
            at_s = self._moment(at, moment) + (DURING_S if at.count(":") == 1 else 0)
            if not start_s <= at_s <= end_s:
                raise self._wrong(f"{at} is not between `from` and `until`")
            if rest.split(" ")[0] in ("hub", "broker"):
                server.append(Happening(at_s, self._server(rest)))
            else:
                deeds += list(self._deeds(at_s, rest))
        deadline = time(17, 0)
        if "deadline" in self.values:
            deadline = self._value("deadline", _time, "a time such as 17:00")
        scan_ms = 1000
        if "scan" in self.values:
            scan_ms = self._value("scan", _scan_ms, "such as `5 s`, 1..60")
        deadline_s = int(datetime.combine(day, deadline, zone).timestamp())
        if not start_s <= deadline_s <= end_s - GRACE_S:
            raise self._wrong(
                f"the deadline, {deadline:%H:%M}, must lie behind `from` and {GRACE_S} s or more "
                "before `until`, for reports on their way",
                self.lines.get("deadline", self.lines["until"]),
            )
        board = DEFAULT_BOARD
        if "board" in self.values:
            fits = f"a board of {DEFAULT_SLOTS} slots in {DEFAULT_BANKS} banks, such as "
            board = self._value("board", _board, fits + ", ".join(boards.names()))
        return Scenario(
            self.values["school"],
            zone,
            day,
            start_s,
            end_s,
            deadline,
            self._value("coordinator", _someone, "Name <mail>"),
            tuple(self.carts.values()),
            tuple(sorted(deeds, key=lambda deed: deed.at_s)),
            self._pace(moment, start_s),
            scan_ms,
            board,
            tuple(sorted(server)),
        )

    def _server(self, rest: str) -> str:
        what = " ".join(rest.split())
        if what not in SERVER:
            raise self._wrong(f"`{rest}` is not known; there are: {', '.join(SERVER)}")
        return what

    def _deeds(self, at_s: int, rest: str) -> Iterator[Deed]:
        match = re.match(r"carts?\s+([\d\s-]+?)\s+(?=[a-z])", rest)
        if match is None:
            raise self._wrong(f"`{rest}`; write `08:10  cart 1  unlock, open, out 1-30`")
        carts = self._numbers(match[1].split(), 9999)
        for part in rest[match.end() :].split(","):
            verb, *numbers = part.split() or [""]
            if verb not in VERBS:
                raise self._wrong(f"`{verb}` is not known; there are: {', '.join(VERBS)}")
            of = ASPECTS[VERBS[verb][0]]
            if of == CART:
                if numbers:
                    raise self._wrong(f"`{verb}` takes no numbers, it has `{' '.join(numbers)}`")
                chosen: tuple[int, ...] = ()
            else:
                chosen = self._numbers(numbers, DEFAULT_BANKS if of == BANKS else DEFAULT_SLOTS)
            for cart in carts:
                if cart not in self.carts:
                    raise self._wrong(f"cart {cart} is not in this scenario")
                yield Deed(at_s, cart, verb, chosen)

    def _pace(self, moment: Callable[[str], int], start_s: int) -> tuple[tuple[int, float], ...]:
        if "pace" not in self.values:
            return ((start_s, 100.0),)
        self.line = self.lines["pace"]
        steps = []
        for part in self.values["pace"].split(","):
            match = re.fullmatch(r"\s*(\S+)\s+(\d+)x\s*", part)
            if match is None or not 1 <= int(match[2]) <= 10000:
                raise self._wrong(f"`{part.strip()}`; write `07:30 40x`, 1x..10000x")
            steps.append((self._moment(match[1], moment), float(match[2])))
        if steps[0][0] != start_s or steps != sorted(steps):
            raise self._wrong("`pace` must begin at `from` and rise")
        return tuple(steps)

    def _numbers(self, words: list[str], highest: int) -> tuple[int, ...]:
        if words == ["all"]:
            return tuple(range(1, highest + 1))
        chosen: list[int] = []
        for word in words:
            match = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
            low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 1 <= low <= high <= highest:
                raise self._wrong(f"`{word}` is not a number or range in 1..{highest}")
            chosen += range(low, high + 1)
        if not chosen:
            raise self._wrong(f"numbers are missing: `1-12 14`, or `all`, in 1..{highest}")
        return tuple(chosen)

    def _moment(self, text: str, moment: Callable[[str], int]) -> int:
        try:
            return moment(text)
        except ValueError:
            raise self._wrong(f"`{text}` is not a time such as 08:10 or 08:10:30") from None

    def _value(self, key: str, read: Callable[[str], T], wanted: str) -> T:
        return self._read(self.values[key], read, wanted, self.lines[key])

    def _read(self, text: str, read: Callable[[str], T], wanted: str, line: int) -> T:
        try:
            return read(text)
        except ValueError:
            raise self._wrong(f"`{text}` is not {wanted}", line) from None

    def _wrong(self, problem: str, line: int | None = None) -> ScenarioError:
        return ScenarioError(f"{self.name}:{line or self.line}: {problem}")


def _time(text: str) -> time:
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        raise ValueError(text)
    return time.fromisoformat(text)


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(text) from error


def _someone(text: str) -> Someone:
    # Narrower than what the hub takes, so that it takes whatever is written here.
    word = "[A-Za-z0-9]+"
    mail = rf"{word}(?:[._+-]{word})*@{word}(?:[.-]{word})*"
    match = re.fullmatch(rf"([^<>,;\"\s][^<>,;\"]*?)\s*<({mail})>", text)
    if match is None:
        raise ValueError(text)
    return Someone(" ".join(match[1].split()), match[2])


def _scan_ms(text: str) -> int:
    match = re.fullmatch(r"(\d+) ?s", text)
    if match is None or not 1 <= int(match[1]) <= 60:
        raise ValueError(text)
    return int(match[1]) * 1000


def _board(text: str) -> str:
    banks = boards.load(text)["banks"]
    if [bank["slots"] for bank in banks] != [DEFAULT_SLOTS // DEFAULT_BANKS] * DEFAULT_BANKS:
        raise ValueError(text)
    return text
