"""The table of settings: defaults in range, changes judged, a refusal says what is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot import contract
from homeslot.core.settings import (
    CART_ID,
    NEEDED,
    ON_A_CABLE,
    SECRETS,
    SETTINGS,
    BadSetting,
    missing,
    problems,
    settings,
    shown,
)

ROWS = {row[0]: row for row in SETTINGS}
RANGES = {row[0]: row[2:4] for row in SETTINGS if isinstance(row[1], int)}
TEXTS = {row[0]: row[2:4] for row in SETTINGS if isinstance(row[1], str)}
PRINTABLE = [chr(c) for c in range(32, 127)]
NETWORKS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=32).filter(
    lambda name: len(name.encode()) <= 32
)


def text(name):
    low, high = TEXTS[name]
    if name == "wifi_ssid":
        return st.just("") | NETWORKS
    alphabet = CART_ID if name == "cart" else PRINTABLE
    return st.just("") | st.text(alphabet, min_size=low, max_size=high)


CHANGES = st.fixed_dictionaries(
    {},
    optional={name: st.integers(*ends) for name, ends in RANGES.items()}
    | {name: text(name) for name in TEXTS},
)


def test_every_default_is_in_its_range_and_every_name_is_there_once():
    assert len(ROWS) == len(SETTINGS) == len(RANGES) + len(TEXTS)
    for name, default in settings({}).items():
        assert default == "" or RANGES[name][0] <= default <= RANGES[name][1]
    assert {*SECRETS, *NEEDED, *ON_A_CABLE} <= set(ROWS)


@given(changes=CHANGES)
def test_what_is_changed_is_as_asked_and_the_rest_is_as_before(changes):
    asked = dict(changes)
    assert settings(changes) == {**settings({}), **asked}
    assert changes == asked


@given(name=st.sampled_from(list(RANGES)), beyond=st.integers(1, 1 << 40), over=st.booleans())
def test_out_of_range_is_refused_with_name_value_range_and_unit(name, beyond, over):
    low, high = RANGES[name]
    value = high + beyond if over else low - beyond
    with pytest.raises(BadSetting) as refusal:
        settings({name: value})
    assert str(refusal.value) == f"{name} is {value}, allowed {low}..{high} {ROWS[name][4]}".strip()


@given(
    name=st.sampled_from([name for name in TEXTS if name != "wifi_ssid"]),
    value=st.text(min_size=129) | st.text("\0\né€\x7f", min_size=8) | st.integers() | st.none(),
)
def test_a_text_that_is_too_long_not_printable_or_no_text_is_refused_and_no_secret_shown(
    name, value
):
    (found,) = problems({name: value})
    low, high = TEXTS[name]
    shown_value = "wrong" if name in SECRETS else repr(value)
    assert found == f"{name} is {shown_value}, allowed {low}..{high} {ROWS[name][4]}"


@pytest.mark.parametrize(
    "name", ["Schule \x07", "\x85", "half \ud83d", "ü" * 17, "学校的网络在三楼教室里"]
)
def test_a_network_has_a_name_of_at_most_32_bytes_that_can_be_written(name):
    (found,) = problems({"wifi_ssid": name})
    assert found == f"wifi_ssid is {name!r}, allowed 1..32 bytes"
    assert not problems({"wifi_ssid": "Schule Süd 学校"})


@given(changes=CHANGES)
def test_what_is_shown_is_all_but_the_secrets_and_what_is_missing_is_what_is_not_set(changes):
    values = settings(changes)
    assert shown(values) == {name: values[name] for name in ROWS if name not in SECRETS}
    needed = ON_A_CABLE if values["gateway"] else NEEDED
    assert missing(values) == [name for name in needed if not changes.get(name)]


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(BadSetting) as refusal:
        settings({"scan_ms": 1, "colour": "red", "port": 0})
    assert [line.split(" ")[0] for line in str(refusal.value).split("\n")] == [
        "scan_ms",
        "colour:",
        "port",
    ]


@pytest.mark.parametrize("value", [True, 1000.0, "1000", None, [1000]])
def test_only_an_integer_is_an_integer(value):
    with pytest.raises(BadSetting, match="scan_ms is"):
        settings({"scan_ms": value})


def test_an_unknown_name_is_refused_with_all_there_are():
    with pytest.raises(BadSetting) as refusal:
        settings({"scan_s": 1})
    assert str(refusal.value).startswith("scan_s: no such setting")
    assert all(name in str(refusal.value) for name in ROWS)


@given(changes=CHANGES)
def test_all_settings_fit_into_a_hello(changes):
    body = {
        "v": 1, "boot": 1, "up_ms": 0, "at_s": None, "firmware": "1", "board": "b", "slots": 1,
        "reset": "power_on", "abilities": ["report"], "settings": shown(settings(changes)),
    }  # fmt: skip
    contract.check("t", "hello", body)
