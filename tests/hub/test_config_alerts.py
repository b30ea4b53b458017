"""[school.alerts]: what is sent besides the digest, and when."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from homeslot_hub.cli import setup
from homeslot_hub.config import ConfigError, parse
from homeslot_hub.model import Person, School, Steps

from .test_config import CART, LEAST

WHERE = Path("homeslot.toml")


def school(text: str) -> School:
    (found,) = parse(LEAST + text + CART, WHERE).schools
    return found


def test_without_it_a_school_has_the_models_own_defaults() -> None:
    assert school("").steps == Steps()
    assert (school("").principal, school("").it) == (None, None)


def test_every_key_of_it_is_read() -> None:
    text = """
principal = "Pat Kim <kim@x.org>"
it = "Ivo Tran <tran@x.org>"
[school.alerts]
nudge_before_s = 900
late_after_s = 1800
overnight = "20:30"
morning = "06:45"
week = false
quiet = "21:00-05:30"
dead_man_s = 600
alarm_after_s = 300
alarm_breaks_quiet = false
"""
    found = school(text)
    assert found.principal == Person("Pat Kim", "kim@x.org")
    assert found.it == Person("Ivo Tran", "tran@x.org")
    assert found.steps == Steps(
        900, 1800, time(20, 30), time(6, 45), False, (time(21), time(5, 30)), 600, 300, False
    )


def test_each_step_can_be_off() -> None:
    text = """
[school.alerts]
nudge_before_s = 0
late_after_s = 0
overnight = "off"
morning = "off"
week = false
quiet = "off"
"""
    assert school(text).steps == Steps(0, 0, None, None, False, None)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("nudge_before_s", "-1", "0..14400 seconds, 0 is never"),
        ("late_after_s", "14401", "0..14400 seconds, 0 is never"),
        ("overnight", '"9pm"', 'the school\'s own clock as "21:00", or "off"'),
        ("morning", '"24:00"', 'the school\'s own clock as "21:00", or "off"'),
        ("week", '"fri"', "true, false"),
        ("quiet", '"22:00"', 'the school\'s own clock as "22:00-06:00", or "off"'),
        ("quiet", '"22:00-22:00"', 'the school\'s own clock as "22:00-06:00", or "off"'),
        ("dead_man_s", "0", "300..14400 seconds"),
        ("alarm_after_s", "-1", "0..14400 seconds, 0 is never"),
        ("alarm_breaks_quiet", '"no"', "true, false"),
        ("deadline", '"off"', "did you mean"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(key: str, value: str, allowed: str) -> None:
    with pytest.raises(ConfigError) as refused:
        school(f"[school.alerts]\n{key} = {value}\n")
    (problem,) = refused.value.problems
    assert problem.key == f"school[1].alerts.{key}"
    assert allowed in problem.allowed or problem.value == "is not a key here"


def test_what_init_writes_as_the_defaults_are_the_defaults() -> None:
    text = setup.example(
        name="L",
        zone="UTC",
        deadline="17:00",
        coordinator="Rosa Diaz <rosa@x.org>",
        controller="c1",
    )
    begins = text.index("# [school.alerts]")
    shown = text[begins : text.index("\n\n", begins)]
    assert len(shown.splitlines()) == 8
    assert school(shown.replace("# [", "[").replace("\n# ", "\n")).steps == Steps()
