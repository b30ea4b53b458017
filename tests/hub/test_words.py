"""Names as parts of files' names, and lengths of time."""

from __future__ import annotations

import pytest

from homeslot_hub.rules.words import lasting, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lincoln Elementary", "lincoln-elementary"),
        ("École  Jean-Moulin (Nord)", "ecole-jean-moulin-nord"),
        ("../../etc/passwd", "etc-passwd"),
        ("!!!", "school"),
    ],
)
def test_the_name_of_a_school_becomes_a_plain_part_of_a_files_name(name, expected):
    assert slug(name) == expected


def test_names_in_another_script_stay_apart():
    assert slug("Гимназия 1") != slug("Лицей 1")
    assert slug("Гимназия 1").isascii()


@pytest.mark.parametrize(
    ("length_s", "expected"),
    [
        (119, "119 seconds"),
        (179, "2 minutes"),
        (5400, "90 minutes"),
        (7199, "119 minutes"),
        (7200, "2 hours"),
        (2 * 86400 - 1, "47 hours"),
        (5 * 86400, "5 days"),
    ],
)
def test_a_length_of_time_is_never_said_to_be_more_than_it_was(length_s, expected):
    assert lasting(length_s) == expected
