"""The table of settings: defaults in range, changes judged, a refusal says what is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot import contract
from homeslot.core.settings import SETTINGS, BadSetting, settings

RANGES = {name: (low, high) for name, _, low, high, _ in SETTINGS}
CHANGES = st.fixed_dictionaries(
    {}, optional={name: st.integers(low, high) for name, (low, high) in RANGES.items()}
)


def test_every_default_is_in_its_range_and_every_name_is_there_once():
    assert len(RANGES) == len(SETTINGS)
    for name, default in settings({}).items():
        low, high = RANGES[name]
        assert low <= default <= high


@given(changes=CHANGES)
def test_what_is_changed_is_as_asked_and_the_rest_is_as_before(changes):
    asked = dict(changes)
    assert settings(changes) == {**settings({}), **asked}
    assert changes == asked


@given(name=st.sampled_from(list(RANGES)), beyond=st.integers(1, 1 << 40), over=st.booleans())
def test_out_of_range_is_refused_with_name_value_range_and_unit(name, beyond, over):
    low, high = RANGES[name]
    value = high + beyond if over else low - beyond
    unit = {row[0]: row[4] for row in SETTINGS}[name]
    with pytest.raises(BadSetting) as refusal:
        settings({name: value})
    assert str(refusal.value) == f"{name} is {value}, allowed {low}..{high} {unit}"


@pytest.mark.parametrize("value", [True, 1000.0, "1000", None, [1000]])
def test_only_an_integer_is_an_integer(value):
    with pytest.raises(BadSetting, match="scan_ms is"):
        settings({"scan_ms": value})


def test_an_unknown_name_is_refused_with_all_there_are():
    with pytest.raises(BadSetting) as refusal:
        settings({"scan_s": 1})
    assert str(refusal.value).startswith("scan_s: no such setting")
    assert all(name in str(refusal.value) for name in RANGES)


@given(changes=CHANGES)
def test_all_settings_fit_into_a_hello(changes):
    body = {
        "v": 1, "boot": 1, "up_ms": 0, "at_s": None, "firmware": "1", "board": "b", "slots": 1,
        "reset": "power_on", "abilities": ["report"], "settings": settings(changes),
    }  # fmt: skip
    contract.check("t", "hello", body)
