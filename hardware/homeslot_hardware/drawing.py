"""A drawing of boxes and cables, and its text as WireViz 0.4 reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OPTIONS = {"fontname": "Arial", "bgcolor": "WH"}
CLOSE = "ranksep=1.3; nodesep=0.1;"  # Graphviz: inches between columns, and between boxes

Pins = Sequence[str] | Mapping[int, str]
End = tuple[str, Sequence[Any]]  # a box, and pins of it


# The colours of wires by their letters (DIN 47100).
COLOUR_NAMES = {
    "RD": "red",
    "OG": "orange",
    "BK": "black",
    "BU": "blue",
    "YE": "yellow",
    "GN": "green",
    "WH": "white",
}


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire: where it is drawn, its colour, what it carries, and the (box, pin) it joins."""

    cable: str
    colour: str
    label: str
    left: tuple[str, str]
    right: tuple[str, str]

    def __str__(self) -> str:
        return f"{self.cable} {self.colour}, {' '.join(self.left)} to {' '.join(self.right)}"


@dataclass
class Drawing:
    """Boxes, and cables between them."""

    connectors: dict[str, Any] = field(default_factory=dict)
    cables: dict[str, Any] = field(default_factory=dict)
    connections: list[list[dict[str, list[Any]]]] = field(default_factory=list)

    def box(self, name: str, kind: str, pins: Pins, *notes: str) -> None:
        """A box of `kind`; `pins` are its terminals, or these with what is written beside them."""
        self.connectors[name] = {"type": kind, "pins": list(pins), "show_pincount": False}
        if isinstance(pins, Mapping):
            self.connectors[name]["pinlabels"] = list(pins.values())
        if any(notes):
            self.connectors[name]["notes"] = "\n".join(filter(None, notes))

    def connect(
        self,
        left: End,
        right: End,
        colours: Sequence[str],
        labels: Sequence[str] = (),
        kind: str = "",
    ) -> None:
        """A cable of `kind` from pins of the box `left` to those of `right`, one for one."""
        name = f"W{1 + len(self.cables)}"
        self.cables[name] = {
            "colors": list(colours),
            "show_wirecount": False,
            "show_wirenumbers": False,
        }
        if labels:
            self.cables[name]["wirelabels"] = list(labels)
        if kind:
            self.cables[name]["type"] = kind
        wires = (name, range(1, len(colours) + 1))
        self.connections.append([{at: list(pins)} for at, pins in (left, wires, right)])

    def wires(self, name: str) -> Iterator[Wire]:
        """Every wire of this drawing called `name`, with its pins' labels as in the picture."""
        for connection in self.connections:
            (left, lefts), (cable, _), (right, rights) = (next(iter(e.items())) for e in connection)
            drawn = self.cables[cable]
            labels = drawn.get("wirelabels", [""] * len(lefts))
            for code, label, at, to in zip(drawn["colors"], labels, lefts, rights, strict=True):
                ends = (left, self._label(left, at)), (right, self._label(right, to))
                yield Wire(f"{name} {cable}", COLOUR_NAMES[code], label, *ends)

    def _label(self, box: str, pin: str | int) -> str:
        """How `pin` is called in `box`: beside a number stands what it carries."""
        known = self.connectors[box]
        if "pinlabels" not in known:
            return str(pin)
        return f"pin {pin} ({known['pinlabels'][known['pins'].index(pin)]})"

    def text(self) -> str:
        """The source as WireViz reads it."""
        source = {
            "options": OPTIONS,
            "tweak": {"append": CLOSE},
            "connectors": self.connectors,
            "cables": self.cables,
            "connections": self.connections,
        }
        return "".join(f"{line}\n" for line in _yaml(source))


def _yaml(value: object, indent: str = "") -> Iterator[str]:
    """`value` as YAML: mappings and lists of mappings in blocks, everything else as JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = key if re.fullmatch(r"[A-Za-z]\w*", key) else json.dumps(key)
            if _is_block(inner):
                yield f"{indent}{name}:"
                yield from _yaml(inner, indent + "  ")
            else:
                yield f"{indent}{name}: {json.dumps(inner)}"
    elif isinstance(value, list):
        for inner in value:
            if _is_block(inner):
                yield f"{indent}-"
                yield from _yaml(inner, indent + "  ")
            else:
                yield f"{indent}- {json.dumps(inner)}"


def _is_block(value: object) -> bool:
    if isinstance(value, dict):
        return True
    return isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value)
