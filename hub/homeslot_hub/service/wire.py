"""Decoding what carts send, fast: structs made from the contract's own tables, by msgspec.

The contract stays the judge. A struct knows exactly the fields of its kind; a payload it refuses
(a newer cart's additional field among them) is put before `contract.decode`, which accepts it or
says precisely what is wrong. So whatever this module accepts, `contract.decode` accepts too, and
with the same values; `tests/hub/test_wire.py` holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from homeslot import contract

_TEXT = r"\A[ -~]*\Z"  # contract's printable ASCII
_WRITING = r"\A[^\x00-\x1f\x7f-\x9f]*\Z"  # core.settings.is_writing
_BSSID = r"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z"
_KEY = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=_TEXT)]
_ENTRY = (
    Annotated[str, msgspec.Meta(max_length=128, pattern=_WRITING)]
    | Annotated[int, msgspec.Meta(gt=-(1 << 52), lt=1 << 52)]
)


def _type_of(of: str, allowed: Any) -> Any:
    """The type msgspec checks for the contract's field type `of` with its `allowed` values."""
    base: Any
    match of.rstrip("?-*"):
        case "int":
            base = Annotated[int, msgspec.Meta(ge=allowed[0], le=allowed[1])]
        case "word":
            base = Literal[allowed]
        case "text":
            length = msgspec.Meta(min_length=allowed[0], max_length=allowed[1], pattern=_TEXT)
            base = Annotated[str, length]
        case "bssid":
            base = Annotated[str, msgspec.Meta(pattern=_BSSID)]
        case "bool":
            base = bool
        case "map":
            names = msgspec.Meta(min_length=allowed[0], max_length=allowed[1])
            base = Annotated[dict[_KEY, _ENTRY], names]
        case unknown:
            raise TypeError(f"the contract has a field type this module does not know: {unknown}")
    if "?" in of:
        base = base | None
    if "*" in of:
        base = Annotated[list[base], msgspec.Meta(min_length=1, max_length=contract.MAX_SLOTS)]
    return base | msgspec.UnsetType if "-" in of else base


def _struct(kind: str) -> type[msgspec.Struct]:
    fields = [
        (name, _type_of(of, allowed), msgspec.UNSET if "-" in of else msgspec.NODEFAULT)
        for name, of, allowed in contract.fields(kind)
    ]
    return msgspec.defstruct(kind.title(), fields, kw_only=True, forbid_unknown_fields=True)


def _same_length(body: Any) -> bool:
    return len(body.slots) == len(body.current_ma)


def _fits_event(body: Any) -> bool:
    highest = contract.EVENTS[body.kind][1]
    index = 0 if body.index is msgspec.UNSET else body.index
    fits = (index == 0) == (highest == 0) and index <= highest
    kind = body.kind
    return fits and contract.fits(kind, body.value) and contract.fits(kind, body.was)


def _has_argument(body: Any) -> bool:
    needed = contract.NEEDS.get(body.cmd)
    return needed is None or getattr(body, needed) is not msgspec.UNSET


_STRUCTS = {kind: _struct(kind) for kind in contract.MESSAGES}
_DECODERS = {kind: msgspec.json.Decoder(struct).decode for kind, struct in _STRUCTS.items()}
# What the contract checks between fields; the fields themselves are the struct's.
_ACROSS: dict[str, Callable[[Any], bool]] = {
    "state": _same_length,
    "event": _fits_event,
    "cmd": _has_argument,
}


def decode(where: str, kind: str, payload: bytes) -> Any:
    """The checked body of `payload`: an object with one attribute per field of `kind`.

    A field that was left out is `msgspec.UNSET`. Raises contract.BadMessage, and nothing else.
    """
    if len(payload) <= contract.MAX_PAYLOAD_BYTES:
        try:
            body = _DECODERS[kind](payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            body = None  # contract.decode says why, or knows better
        if body is not None and (kind not in _ACROSS or _ACROSS[kind](body)):
            return body
    known = contract.decode(where, kind, payload)
    struct = _STRUCTS[kind]
    return struct(**{name: known[name] for name in struct.__struct_fields__ if name in known})
