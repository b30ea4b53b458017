"""Write what is generated from the code: `python docs/generate.py [--check]`.

- `docs/asyncapi.json` and `docs/schemas/<kind>.schema.json` from homeslot.contract
- `docs/board-<name>.md`, and `docs/hardware` with its pictures, from the board files

With `--check` nothing is written; files that differ are named and the exit status is 1. The tables
inside the pages are cog's: `python -m cogapp -r -I docs docs/*.md`, with `--check` to compare.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import board_pages
import pictures
from remarks import remarks

from homeslot import __version__, contract

ROOT = Path(__file__).resolve().parents[1]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
PRINTABLE = {"not": {"pattern": "[^ -~]"}}
WRITING = {"not": {"pattern": r"[\u0000-\u001f\u007f-\u009f\ud800-\udfff]"}}
BSSID = {"pattern": "^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", "maxLength": 17}
LARGEST = (1 << 52) - 1  # of an integer among settings
QOS = 1
MEANING = remarks(contract, "TOPICS")


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` compare them. Returns the exit status."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    texts, sources = generated(), drawn()
    stale = [path for path, text in texts.items() if _read(path) != text]
    stale += [
        path
        for path, source in sources.items()
        if pictures.stamp(source) not in (_read(path) or "")
    ]
    for path in sorted(stale):
        name = path.relative_to(ROOT)
        if arguments:
            print(f"{name} is not what the code says: run python docs/generate.py")
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts.get(path) or pictures.picture(sources[path]), "utf-8")
        print(f"wrote {name}")
    return 1 if stale and arguments else 0


def generated() -> dict[Path, str]:
    """Text of every generated file by its path."""
    documents: dict[Path, Any] = {ROOT / "docs" / "asyncapi.json": asyncapi()}
    for kind in contract.MESSAGES:
        document = {"$schema": DIALECT, "title": f"homeslot {kind}"} | schema(kind)
        documents[ROOT / "docs" / "schemas" / f"{kind}.schema.json"] = document
    texts = {
        path: json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        for path, document in documents.items()
    }
    return texts | board_pages.files(ROOT / "docs")


def drawn() -> dict[Path, str]:
    """Source of every picture by the picture's path."""
    folder = ROOT / "docs" / "hardware"
    return {folder / f"{name}.svg": source for name, source in board_pages.sources().items()}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the payload of `kind`. Unknown names are allowed: readers ignore them."""
    fields = contract.fields(kind)
    meaning = remarks(contract, "MESSAGES", kind)
    described: dict[str, Any] = {
        "description": MEANING[kind],
        "type": "object",
        "required": [name for name, of, _ in fields if "-" not in of],
        "properties": {
            name: {"description": meaning[name]} | _field(of, allowed)
            for name, of, allowed in fields
        },
    }
    if kind == "event":
        described["allOf"] = [_event(about) for about in contract.EVENTS]
    elif kind == "cmd":
        described["allOf"] = [
            {"if": _is("cmd", command), "then": {"required": [needed]}}
            for command, needed in contract.NEEDS.items()
        ]
    elif kind == "state":
        described["$comment"] = "current_ma has as many entries as slots"
    return described


def _field(of: str, allowed: Any) -> dict[str, Any]:
    single = _single(of.rstrip("?-*"), allowed)
    if "?" in of:
        single = {"anyOf": [single, {"type": "null"}]}
    if "*" in of:
        return {"type": "array", "minItems": 1, "maxItems": contract.MAX_SLOTS, "items": single}
    return single


def _single(of: str, allowed: Any) -> dict[str, Any]:
    if of == "int":
        return {"type": "integer", "minimum": allowed[0], "maximum": allowed[1]}
    if of == "word":
        return {"type": "string", "enum": list(allowed)}
    if of == "text":
        return {"type": "string", "minLength": allowed[0], "maxLength": allowed[1]} | PRINTABLE
    if of == "bssid":
        return {"type": "string"} | BSSID
    if of == "bool":
        return {"type": "boolean"}
    return {
        "type": "object",
        "minProperties": allowed[0],
        "maxProperties": allowed[1],
        "propertyNames": {"minLength": 1, "maxLength": 32} | PRINTABLE,
        "additionalProperties": {
            "anyOf": [
                {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
                {"type": "string", "maxLength": 128} | WRITING,
            ]
        },
    }


def _event(about: str) -> dict[str, Any]:
    words, highest = contract.EVENTS[about]
    said: dict[str, Any] = {"enum": list(words)} if words else BSSID
    then: dict[str, Any] = {"properties": {"value": said, "was": said}}
    if highest:
        then["required"] = ["index"]
        then["properties"]["index"] = {"maximum": highest}
    else:
        then["not"] = {"required": ["index"]}
    return {"if": _is("kind", about), "then": then}


def _is(name: str, word: str) -> dict[str, Any]:
    return {"properties": {name: {"const": word}}, "required": [name]}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0.0 document of the cart: what it sends and what it receives."""
    kinds = contract.TOPICS
    return {
        "asyncapi": "3.0.0",
        "id": "urn:homeslot:cart",
        "info": {
            "title": "homeslot cart",
            "version": __version__,
            "description": (
                "What passes between a charging cart and its hub over MQTT 3.1.1 or later."
                f" Version {contract.VERSION} of the contract, which every payload carries as `v`."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "hub": {
                "host": "{host}:{port}",
                "protocol": "mqtt",
                "protocolVersion": "3.1.1",
                "description": "the hub's broker; user name and client id are the cart's id",
                "variables": {
                    "host": {"description": "name or address of the hub"},
                    "port": {"default": "1883"},
                },
                "bindings": {
                    "mqtt": {
                        "lastWill": {
                            "topic": contract.topic("{cart}", "link"),
                            "qos": QOS,
                            "message": "payload of `link` that says offline",
                            "retain": True,
                        },
                        "bindingVersion": "0.2.0",
                    }
                },
            }
        },
        "channels": {kind: _channel(kind) for kind in kinds},
        "operations": {kind: _operation(kind) for kind in kinds},
        "components": {
            "messages": {
                kind: {
                    "name": kind,
                    "summary": MEANING[kind],
                    "contentType": "application/json",
                    "payload": {"$ref": f"#/components/schemas/{kind}"},
                }
                for kind in kinds
            },
            "schemas": {kind: schema(kind) for kind in kinds},
        },
    }


def _channel(kind: str) -> dict[str, Any]:
    return {
        "address": contract.topic("{cart}", kind),
        "description": MEANING[kind],
        "parameters": {
            "cart": {"description": "id of the controller, 1 to 32 of a-z, 0-9 and the hyphen"}
        },
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
    }


def _operation(kind: str) -> dict[str, Any]:
    sender, retained = contract.TOPICS[kind]
    operation: dict[str, Any] = {
        "action": "send" if sender == "cart" else "receive",
        "channel": {"$ref": f"#/channels/{kind}"},
        "messages": [{"$ref": f"#/channels/{kind}/messages/{kind}"}],
        "bindings": {"mqtt": {"qos": QOS, "retain": retained, "bindingVersion": "0.2.0"}},
    }
    if kind == "cmd":
        operation["reply"] = {
            "channel": {"$ref": "#/channels/reply"},
            "messages": [{"$ref": "#/channels/reply/messages/reply"}],
        }
    return operation


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
