"""The question to a time server, and what is made of whatever comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.ntp import BadAnswer, at_s, query

NONCE = b"only us!"
ASKED = query(NONCE)
IN_2026_S = 1794924000
FROM_1900_S = 2208988800


def answer(seconds, first=0x24, stratum=2, nonce=NONCE):
    time = seconds.to_bytes(4, "big") + b"half"
    return bytes((first, stratum)) + bytes(22) + nonce + bytes(8) + time


def test_the_question_is_48_bytes_from_a_client_of_version_4():
    assert (len(ASKED), ASKED[0], ASKED[1:40], ASKED[40:]) == (48, 0x23, bytes(39), NONCE)


@given(st.integers(-60000000, 4200000000))
def test_every_time_from_1968_to_2103_is_read(epoch_s):
    assert at_s(ASKED, answer((epoch_s + FROM_1900_S) % (1 << 32))) == epoch_s


@pytest.mark.parametrize(
    "data",
    [
        answer(IN_2026_S + FROM_1900_S, nonce=b"somebody"),
        answer(IN_2026_S + FROM_1900_S, first=0x23),  # a question
        answer(IN_2026_S + FROM_1900_S)[:47],
        answer(IN_2026_S + FROM_1900_S, first=0xE4),  # its clock is not set
        answer(IN_2026_S + FROM_1900_S, stratum=0),  # "go away"
        answer(IN_2026_S + FROM_1900_S, stratum=16),
        answer(0),
    ],
)
def test_what_is_no_answer_or_tells_no_time_is_refused(data):
    with pytest.raises(BadAnswer):
        at_s(ASKED, data)


@given(st.binary(max_size=80))
def test_no_bytes_do_more_than_be_refused(data):
    with pytest.raises(BadAnswer):
        at_s(ASKED, data)
