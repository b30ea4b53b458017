"""The page of each board, and its wiring drawings, all made from the board file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tables

from homeslot_hardware import boards
from homeslot_hardware.controllers import CONTROLLERS
from homeslot_hardware.harness import drawings

REFERENCE = "pico-w-30"
CAPTIONS = {
    "bus": "Controller, mux and banks",
    "lines": "Door, lock, mains, light and the rest",
    "bank": "Inside a bank",
}

PAGE = """\
<!-- Written by docs/generate.py from the board file. -->
# The board {name}

{title}.
Controller: {controller}, {network}.
Everything here is read from
`hardware/homeslot_hardware/boards/{name}.json`;
firmware and simulator read the same file.
[build.md](build.md) says how to build a cart with it, and has
[the safety chapter](build.md#safety): read that first.

## Wiring

{pictures}

Numbers in the controller's box are pins of its 40-pin header; a terminal bears two thin wires. The
sources of the pictures lie beside them;
`homeslot-bench harness {name}` prints them.

## Pins

{pins}

Every switch pulls its pin to ground in its safe state (closed, thrown, on, ok). A wire that comes
off therefore reads as open, and someone notices. The same table on the desk:
`homeslot-bench pins {name}`.

## Addresses

{addresses}

All banks may use the same addresses, because the mux lets one of them be heard at a time.

## Slots

{banks}

GPA7 and GPB7 of the MCP23017 are outputs only, whatever older drawings say.

## Measuring

{measuring}

## Thresholds

{thresholds}

How to calibrate them: [build.md](build.md#calibrate).

## Parts

{parts}

Check numbers before ordering. Prices are estimates for ten carts' worth. The same list on the desk:
`homeslot-bench parts {name}`.
"""


def sources() -> dict[str, str]:
    """Each drawing of every board that ships, by `<board>-<drawing>`; equal ones once."""
    return {where: source for source, where in _places().items()}


def pages() -> dict[str, str]:
    """The text of each board's page by its file name."""
    return {f"board-{name}.md": _page(name) for name in boards.names()}


def _page(name: str) -> str:
    board = boards.load(name)
    controller = CONTROLLERS[board["controller"]]
    made = {
        table.__name__: table(name)
        for table in (
            tables.pins,
            tables.addresses,
            tables.banks,
            tables.measuring,
            tables.thresholds,
            tables.parts,
        )
    }
    return PAGE.format(
        name=name,
        title=board["title"],
        controller=controller.title,
        network=controller.network,
        pictures="\n\n".join(_pictures(name)),
        **made,
    )


def _pictures(name: str) -> Iterator[str]:
    places = _places()
    for drawing, source in drawings(boards.load(name)).items():
        caption = CAPTIONS[drawing.partition("-")[0]]
        yield f"![{caption}](hardware/{places[source]}.svg)"


def _places() -> dict[str, str]:
    """Where each drawing lies, by its source: the reference board's come first."""
    places: dict[str, str] = {}
    for name in sorted(boards.names(), key=lambda name: (name != REFERENCE, name)):
        for drawing, source in drawings(boards.load(name)).items():
            places.setdefault(source, f"{name}-{drawing}")
    return places


def files(docs: Path) -> dict[Path, str]:
    """Text of every file in `docs` that is made from the board files."""
    made = {docs / name: text for name, text in pages().items()}
    return made | {docs / "hardware" / f"{name}.yml": text for name, text in sources().items()}
