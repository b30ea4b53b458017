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
