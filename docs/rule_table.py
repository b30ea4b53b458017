"""The table of rules in `docs/rules.md`: what schools ask for, and the tests that hold it.

A test of a rule has its number in its name: `test_c2_…`. Used by the cog block there.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

RULES = (
    ("C1", "A cart has as many slots as its board says, 30 by default; shelves may take turns."),
    ("C2", "Every device is in its slot at the deadline."),
    ("C3", "The cart is locked, where the school's policy says so."),
    ("C4", "A device is called by its number, cart and slot: `7-12`."),
    ("C5", "Devices belong to carts, carts and slots to teachers."),
    ("C6", "The cart is plugged into the wall, and someone answers for it."),
    ("C7", "A device in its slot has its cable in; what is not known is said."),
    ("C8", "Check-in by the deadline, on the school's own clock and its own school days."),
    ("C9", "The cart is in its storage place, by the access point it hears."),
    ("C10", "The morning says how many devices are charged."),
    ("C11", "What is missing overnight is prepared to be locked down, and a person confirms."),
    ("C12", "A cart that is unlocked or opened out of hours is an alert."),
    ("C13", "No student's name or number on the wire, in a log, a file or a subject."),
    ("N1", "Lists of people and devices come in with a preview, and go out."),
    ("N2", "The weekly spreadsheet is written from what was sensed."),
    ("N3", "A teacher's allotment, and dated exemptions with who authorised them."),
    ("N4", "No device is out on a substitute's day, without exception."),
    ("N5", "Reservations."),
    ("N6", "Roles: teacher, coordinator, principal, IT; many schools in one district."),
    ("N7", "A repair form by QR code, and a ticket."),
    ("N8", "Loaners and repairs, since when."),
    ("N9", "A census at any moment, by sensing."),
    ("N10", "Cords to replace: slots that are present and do not draw for days."),
    ("N11", "One source of truth: where and state here, the rest by asset tag elsewhere."),
    ("N12", "Printed labels with the device's number."),
    ("N13", "Installs in minutes, keeps itself, says what to do next."),
    ("N14", "District scale: 100,000 devices."),
    ("N15", "Open formats, self-hosted, policy per school."),
    ("N16", "The history of a cart or device is evidence: what was edited shows."),
    ("N17", "A retired device keeps its history."),
)
_NAMED = re.compile(r"test_([cn]\d+)_")


def rules(root: Path) -> str:
    """Every rule with the files whose tests bear its number, and how many; or that none does."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = _NAMED.match(node.name)
                if named:
                    found[named[1].upper()][path.relative_to(root).as_posix()] += 1
    lines = ["| rule | what it means here | tests |", "| --- | --- | --- |"]
    for number, what in RULES:
        tests = ", ".join(
            f"[{Path(path).stem.removeprefix('test_')}](../{path}) {count}"
            for path, count in found.pop(number, Counter()).items()
        )
        lines.append(f"| {number} | {what} | {tests or 'none yet'} |")
    if found:
        raise LookupError(f"tests bear the numbers of rules that there are not: {sorted(found)}")
    return "\n".join(lines)
