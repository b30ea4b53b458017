"""Names as parts of files' names."""

from __future__ import annotations

import pytest

from homeslot_hub.rules.words import slug


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
