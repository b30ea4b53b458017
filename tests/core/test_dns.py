"""Asking a name server: the question, its answer, and what is not one."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.dns import BadAnswer, answer, is_address, query

LABEL = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=63)
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ASKED = query(0x1234, "hub.school")
POINTER = b"\xc0\x0c"


def record(name, kind, data):
    return name + bytes((0, kind, 0, 1)) + bytes(4) + len(data).to_bytes(2, "big") + data


def reply(asked, *records, flags=b"\x81\x80", count=None):
    number = len(records) if count is None else count
    head = asked[:2] + flags + b"\0\1" + number.to_bytes(2, "big") + bytes(4)
    return head + asked[12:] + b"".join(records)


def test_a_question_is_what_rfc_1035_says():
    assert ASKED == (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        + b"\x03hub\x06school\x00\x00\x01\x00\x01"
    )


@given(number=st.integers(0, 65535), name=NAME, address=st.tuples(*[st.integers(0, 255)] * 4))
def test_the_address_in_an_answer_is_found(number, name, address):
    asked = query(number, name)
    found = answer(asked, reply(asked, record(POINTER, 1, bytes(address))))
    assert found == ".".join(map(str, address))
    assert is_address(found)


def test_the_address_behind_aliases_is_found():
    alias = record(POINTER, 5, b"\x05other\xc0\x10")
    address = record(b"\x05other\x06school\x00", 1, bytes((10, 1, 2, 3)))
    assert answer(ASKED, reply(ASKED, alias, address)) == "10.1.2.3"


def test_no_such_name_and_a_name_without_an_address_are_none():
    assert answer(ASKED, reply(ASKED, flags=b"\x81\x83")) is None
    assert answer(ASKED, reply(ASKED)) is None
    assert answer(ASKED, reply(ASKED, record(POINTER, 28, bytes(16)))) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ASKED,  # our own question, come back
        reply(query(0x1235, "hub.school"), record(POINTER, 1, bytes(4))),
        reply(query(0x1234, "mud.school"), record(POINTER, 1, bytes(4))),
        reply(ASKED, count=1),
        reply(ASKED, record(POINTER, 5, bytes(9)))[:-1],
    ],
)
def test_what_is_no_answer_to_the_question_is_refused(data):
    with pytest.raises(BadAnswer):
        answer(ASKED, data)


@given(st.binary(max_size=80), st.integers(0, 3))
def test_whatever_comes_is_an_address_or_none_or_refused(rubbish, count):
    for data in (rubbish, reply(ASKED, rubbish, count=count)):
        try:
            found = answer(ASKED, data)
        except BadAnswer:
            continue
        assert found is None or is_address(found)


@pytest.mark.parametrize("name", ["", ".", "a..b", "a" * 64, "a." * 130 + "b"])
def test_a_name_that_cannot_be_is_refused(name):
    with pytest.raises(ValueError, match="is not a name"):
        query(1, name)


@given(st.text(string.printable) | st.text("0123456789."))
def test_only_four_numbers_are_an_address(text):
    assert is_address(text) == (
        len(text.split(".")) == 4 and all(p.isdigit() and int(p) < 256 for p in text.split("."))
    )
