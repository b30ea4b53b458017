"""What `homeslot status`, `check` and `digest` print: values in, parts of a page out.

A part is a line of text or a Grid. `show` draws grids as rich tables on a terminal and as plain
aligned columns elsewhere, so that what is piped can be read, searched and cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from homeslot_hub.model import CartFacts, CartVerdict, Place, School, SchoolDay, Verdict
from homeslot_hub.rules import words
from homeslot_hub.service.digest import PLACES, TAGS, Digest
from homeslot_hub.service.status import CartStatus, Status

COUNTS = {  # counters of the intake that a person should see when they are not zero
    "refused": "messages refused: they broke the contract",
    "strangers": "messages from unknown controllers, not believed",
    "unlisted": "messages from unknown controllers for which the list had no room",
    "ahead": "messages stamped by a clock that runs ahead",
    "duplicate": "messages that came more than once, absorbed",
    "older": "messages that came after newer ones, put in their place",
    "past": "messages about times of which nothing is kept any more, passed over",
}
_REFUSED_SHOWN = 5
_PAYLOAD_SHOWN = 40
_OWN_COLUMN = frozenset({"out", "silent", "unplugged", "unlocked"})
_STYLES = {"home": "green", "out": "bold red", "unknown": "yellow"}


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of texts: `heads` name the columns; `numbers` are the columns set to the right."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()


Part = str | Grid


def status_parts(status: Status) -> list[Part]:
    """Everything now: the carts of each school and their controllers, then what needs a look."""
    parts: list[Part] = []
    for school in dict.fromkeys(cart.school.name for cart in status.carts):
        carts = [cart for cart in status.carts if cart.school.name == school]
        parts.append(_carts(carts, status))
        if any(cart.firmware is not None for cart in carts):
            parts.append(_controllers(carts))
    if status.strangers:
        rows = tuple(
            (s.controller, _utc(s.first_s, status), _utc(s.last_s, status), str(s.messages))
            for s in status.strangers
        )
        heads = ("controller", "first heard", "last heard", "messages")
        title = "Unknown controllers (listed, not believed; `homeslot cart add` makes one known)"
        parts.append(Grid(title, heads, rows, frozenset({3})))
    if status.refused:
        title = "Last refused messages (`homeslot refused` shows all that are kept)"
        parts.append(_refusals(title, status, _REFUSED_SHOWN))
    if status.dead:
        letters = tuple(
            (d.notice.day, d.notice.school, d.notice.email, d.error) for d in status.dead
        )
        parts.append(Grid("Notices given up", ("day", "school", "to", "why"), letters))
    parts += [
        f"NOT JUDGED: {late.school.name}, the deadline of {late.day}, due at "
        f"{words.clock(late.school.zone, late.due_s, status.at_s)}. Does homeslot serve run?"
        for late in status.unjudged
    ]
    for name, meaning in COUNTS.items():
        if status.counts.get(name):
            parts.append(f"{status.counts[name]} {meaning}")
    if status.pending:
        parts.append(f"{words.count(status.pending, 'notice')} waiting for delivery")
    parts += [trouble.text for trouble in status.calendar_troubles]
    return parts


def refused_parts(status: Status) -> list[Part]:
    """All refused messages that are kept, the newest first."""
    if not status.refused:
        return ["No message has been refused."]
    count = status.counts.get("refused", 0)
    return [_refusals(f"Refused messages, {len(status.refused)} kept of {count}", status)]


def check_parts(day: SchoolDay) -> list[Part]:
    """The verdict on each cart with its reasons, evidence and confidence."""
    parts: list[Part] = []
    for verdict in day.carts:
        parts.append(_headline(day.school, verdict))
        parts += [line for wrong in verdict.verdicts for line in _reasons(wrong)]
        parts += [f"  Excused ({said.rule}): {said.reason}" for said in verdict.excuses]
    if day.unknown_controllers:
        parts.append(f"Unknown controllers heard: {', '.join(day.unknown_controllers)}")
    return parts


def digest_parts(digest: Digest) -> list[Part]:
    """The digest of a school day as its mail says it."""
    return [f"Subject: {digest.subject}", "", digest.text.rstrip("\n")]


def show(parts: Iterable[Part], console: Console) -> None:
    """Print parts: tables on a terminal, plain aligned text anywhere else."""
    for part in parts:
        if isinstance(part, Grid) and console.is_terminal:
            console.print(_table(part))
        else:
            text = plain(part) if isinstance(part, Grid) else part
            console.print(text, soft_wrap=True, markup=False, highlight=False)


def plain(grid: Grid) -> str:
    """A grid as aligned columns, two spaces between them, a line below for the end."""
    lines = [grid.heads, *grid.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(grid.heads))]
    text = [grid.title]
    for line in lines:
        cells = (
            cell.rjust(width) if i in grid.numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        text.append("  ".join(cells).rstrip())
    return "\n".join([*text, ""])


def _table(grid: Grid) -> Table:
    table = Table(title=Text(grid.title), title_justify="left", expand=False)
    for i, head in enumerate(grid.heads):
        table.add_column(Text(head), justify="right" if i in grid.numbers else "left")
    for row in grid.rows:
        cells = zip(grid.heads, row, strict=True)
        table.add_row(*(Text(cell, _style(head, cell)) for head, cell in cells))
    return table


def _style(head: str, cell: str) -> str:
    if head in _STYLES and cell != "0":
        return _STYLES[head]
    return "yellow" if cell.startswith(("unknown", "not since", "never")) else ""


def _carts(carts: Sequence[CartStatus], status: Status) -> Grid:
    school = carts[0].school
    excused = any("excused" in cart.verdict.places for cart in carts)
    shown = [place for place in PLACES if excused or place != "excused"]
    heads = ("cart", "room", "heard", *shown, "mains", "lock", "faults")
    rows = tuple(_cart_row(cart, status.at_s, shown) for cart in carts)
    title = f"{school.name}, {words.clock(school.zone, status.at_s, 0)}"
    return Grid(title, heads, rows, frozenset({0, *range(3, 3 + len(shown))}))


def _cart_row(status: CartStatus, at_s: int, shown: Sequence[Place]) -> tuple[str, ...]:
    verdict, facts, school = status.verdict, status.facts, status.school
    cart, places = verdict.cart, verdict.places
    findings = {wrong.finding for wrong in verdict.verdicts}
    silent = "silent" in findings
    if facts.heard_s is None:
        heard = "never"
    elif silent:
        heard = f"not since {words.clock(school.zone, facts.heard_s, at_s)}"
    else:
        heard = words.clock(school.zone, facts.heard_s, at_s)
    mains = facts.mains.value
    if mains == "off" and facts.mains.since_s is not None:
        mains = f"off since {words.clock(school.zone, facts.mains.since_s, at_s)}"
    return (
        str(cart.number),
        cart.room,
        heard,
        *(str(places.count(place)) for place in shown),
        "unknown" if silent else mains,
        "unknown" if silent else _lock(facts),
        _faults(cart.number, verdict.verdicts),
    )


def _controllers(carts: Sequence[CartStatus]) -> Grid:
    """What the controllers of one school last said of themselves."""
    measured = ("draw", "battery", "inside", "signal", "events lost", "events missing")
    heads = ("cart", "link", "firmware", *measured)
    rows = tuple(
        (
            str(cart.verdict.cart.number),
            cart.link,
            cart.firmware or "",
            _measured(cart.draw_ma, "mA"),
            _measured(cart.battery_mv, "mV"),
            _measured(cart.temperature_c, "°C"),
            _measured(cart.rssi_dbm, "dBm"),
            _measured(cart.dropped, ""),
            _measured(cart.missing, ""),
        )
        for cart in carts
    )
    return Grid("Controllers, as last reported", heads, rows, frozenset({0, *range(3, 9)}))


def _measured(value: int | None, unit: str) -> str:
    return "" if value is None else f"{value} {unit}".rstrip()


def _refusals(title: str, status: Status, most: int | None = None) -> Grid:
    """The newest `most` refused messages, with the beginning of what they said."""
    rows = tuple(
        (_utc(r.arrived_s, status), r.reason, ascii(r.payload[:_PAYLOAD_SHOWN])[1:])
        for r in status.refused[:most]
    )
    return Grid(title, ("arrived", "topic: what is wrong", "beginning"), rows)


def _lock(facts: CartFacts) -> str:
    door, bolt = facts.door.value, facts.bolt.value
    if door == "open":
        return "door open"
    if bolt == "open":
        return "not locked"
    return "locked" if (door, bolt) == ("closed", "thrown") else "unknown"


def _faults(cart: int, verdicts: Iterable[Verdict]) -> str:
    """What has no column of its own, each kind once with all the slots it is about."""
    about: defaultdict[str, set[int]] = defaultdict(set)
    for wrong in verdicts:
        if wrong.finding not in _OWN_COLUMN:
            about[TAGS[wrong.finding][0].lower()].update(wrong.hides or wrong.slots)
    return ", ".join(f"{tag} {words.devices(cart, slots)}".rstrip() for tag, slots in about.items())


def _headline(school: School, verdict: CartVerdict) -> str:
    cart, places = verdict.cart, verdict.places
    tally = ", ".join(f"{places.count(place)} {place}" for place in PLACES if place in places)
    when = words.clock(school.zone, verdict.at_s, 0)
    outcome = "all is well" if verdict.all_home else words.count(len(verdict.verdicts), "finding")
    return f"Cart {cart.number}, {cart.room}, as of {when}: {tally}; {outcome}"


def _reasons(wrong: Verdict) -> list[str]:
    lines = [
        f"  {TAGS[wrong.finding][0]} ({wrong.rule}, {wrong.confidence}): {wrong.reason}",
        f"    evidence: {wrong.evidence}",
    ]
    if wrong.hides:
        lines.append(f"    hides: {words.slot_numbers(wrong.hides)}")
    return [*lines, f"    next: {wrong.action}"]


def _utc(moment_s: int, status: Status) -> str:
    """A moment that belongs to no school, on the clock of the first school there is."""
    zone = status.carts[0].school.zone if status.carts else None
    if zone is None:
        return str(moment_s)
    return words.clock(zone, moment_s, status.at_s)
