"""The pages that links lead to: what is asked, what was done, what cannot be. HTML, no script.

A page says what it will do before a person has it done. It is made to be read on a phone, in light
and dark, and fetches nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from homeslot_hub.service.digest import Tone, templates

SheetTone = Tone | Literal["good"]
Form = dict[str, list[str]]  # what a person sent, by the name of its field


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to choose, or to know of where `value` is empty; `chosen`: unless told otherwise.

    `note` says how it stands, empty where nobody has it in hand.
    """

    tag: str
    tone: SheetTone
    name: str
    text: str
    note: str = ""
    value: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Days:
    """A date to be given: the first and the last allowed, and the one that is there already."""

    first: date
    last: date
    given: date


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done with what is chosen, and what it asks for.

    `why` is the label of a text to be given, empty where none is asked; `needed`: it must be there.
    """

    value: str
    label: str
    text: str
    tone: Literal["main", "plain", "alarm"]
    why: str = ""
    needed: bool = False
    until: Days | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: how things stand in `rows`, `actions` to choose from, and of `said` what was done.

    `wrong` is what could not be done, and why.
    """

    school: str
    place: str
    headline: str
    rows: Sequence[Row]
    actions: Sequence[Action]
    foot: str
    said: str = ""
    wrong: str = ""


def page(sheet: Sheet) -> str:
    """`sheet` as HTML."""
    return templates().get_template("sheet.html.j2").render(sheet=sheet)


def sorry(headline: str, text: str) -> str:
    """A page, as HTML, that says in plain words why there is none."""
    return templates().get_template("sorry.html.j2").render(headline=headline, text=text)


@functools.cache
def style_source() -> str:
    """What a Content-Security-Policy has to allow for the pages to have their style."""
    style = templates().get_template("sheet.css").render()
    digest = hashlib.sha256(style.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
