"""The links in mails: what they may be used for is in them, signed, and ends."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.service.links import Link, LinkError, Links

NOW_S = 1794952920
WEEK_S = 7 * 86400
KEY = "k" * 43
LINKS = Links("https://hub.lincoln.example/slots/", KEY, WEEK_S)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=80)


def token_of(address: str) -> str:
    assert address.startswith("https://hub.lincoln.example/slots/a/")
    return address.rpartition("/")[2]


def made(cart: int = 7) -> str:
    link = LINKS.make("answer", "Lincoln", "2026-11-17", cart, "reyes@lincoln.example", NOW_S)
    return token_of(link)


@given(TEXTS, st.integers(0, 9999), TEXTS)
def test_what_a_link_says_is_what_is_read(school: str, cart: int, email: str) -> None:
    address = LINKS.make("lock-down", school, "2026-11-17", cart, email, NOW_S)
    expected = Link("lock-down", school, "2026-11-17", cart, email, NOW_S + WEEK_S)
    assert LINKS.read(token_of(address), NOW_S + WEEK_S - 1) == expected
    assert all(c.isalnum() or c in "-_." for c in token_of(address))  # needs no quoting anywhere


def test_it_ends() -> None:
    with pytest.raises(LinkError, match="has ended"):
        LINKS.read(made(), NOW_S + WEEK_S)


@given(st.data())
def test_no_other_text_is_one(data: st.DataObject) -> None:
    token = made()
    # The last character of 43 has two bits that say nothing.
    at = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_."))
    changed = data.draw(
        st.sampled_from([token[:at] + other + token[at + 1 :], token[:at], token + other])
    )
    if changed != token:
        with pytest.raises(LinkError, match="not one of this hub's"):
            LINKS.read(changed, NOW_S)


def test_one_made_by_hand_for_another_cart_is_none() -> None:
    body, _, signature = made().rpartition(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    said[3] = 8
    forged = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    with pytest.raises(LinkError, match="not one of this hub's"):
        LINKS.read(f"{forged}.{signature}", NOW_S)


@pytest.mark.parametrize("text", ["", ".", "x" * 100_000, "🎒", "../../etc/passwd"])
def test_what_is_no_token_at_all_is_refused(text: str) -> None:
    with pytest.raises(LinkError):
        LINKS.read(text, NOW_S)


def test_another_key_reads_none_of_them() -> None:
    with pytest.raises(LinkError, match="not one of this hub's"):
        Links("https://hub.lincoln.example", "another" * 6, WEEK_S).read(made(), NOW_S)
