"""The fast decoder and the contract are one: same payloads accepted, same refused, same values."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot import contract
from homeslot_hub.service import wire

WHERE = "homeslot/1/cart-7/state"
CLOCK = {"v": 1, "boot": 3, "up_ms": 5000, "at_s": 1795000000}
GOOD = {
    "link": {"v": 1, "boot": 3, "link": "online"},
    "hello": {
        **CLOCK,
        "firmware": "0.1.0",
        "board": "pico-w-30",
        "slots": 30,
        "reset": "power_on",
        "abilities": ["report", "time"],
        "settings": {"report_s": 60, "host": "hub"},
    },
    "state": {
        **CLOCK,
        "seq": 3000009,
        "slots": ["idle", "empty", "full"],
        "current_ma": [0, None, 120],
        "banks": ["ok"],
        "bolt": "thrown",
        "door": "closed",
        "mains": "on",
        "tamper": "ok",
        "battery_mv": None,
        "temperature_c": 21,
        "bssid": "aa:bb:cc:dd:ee:ff",
        "rssi_dbm": -60,
    },
    "event": {
        **CLOCK,
        "seq": 3000009,
        "kind": "slot",
        "index": 2,
        "value": "empty",
        "was": "idle",
        "current_ma": 0,
    },
    "diag": {
        **CLOCK,
        "heap_free": 90000,
        "lag_ms": 3,
        "bus_errors": 0,
        "outbox_depth": 0,
        "outbox_dropped": 0,
        "reconnects": 1,
        "refused": 0,
    },
    "cmd": {"v": 1, "id": 4, "cmd": "time", "at_s": 1795000000},
    "reply": {**CLOCK, "id": 4, "ok": True, "why": ""},
}
KINDS = st.sampled_from(sorted(contract.MESSAGES))


def outcome(decode, kind, payload):
    """The values a decoder read, by field, or the words of its refusal."""
    try:
        body = decode(WHERE, kind, payload)
    except contract.BadMessage as refusal:
        return str(refusal)
    if not isinstance(body, dict):
        body = {name: getattr(body, name) for name in body.__struct_fields__}
    names = [name for name, *_ in contract.fields(kind)]
    values = {
        name: body[name] for name in names if body.get(name, msgspec.UNSET) is not msgspec.UNSET
    }
    return repr(values)  # repr keeps 1, 1.0 and True apart


def assert_agree(kind, payload):
    assert outcome(wire.decode, kind, payload) == outcome(contract.decode, kind, payload)


@pytest.mark.parametrize("kind", sorted(contract.MESSAGES))
def test_a_good_message_of_each_kind_is_read(kind):
    body = wire.decode(WHERE, kind, json.dumps(GOOD[kind]).encode())
    assert all(getattr(body, name) == value for name, value in GOOD[kind].items())


def test_a_field_of_a_later_firmware_is_ignored():
    body = wire.decode(WHERE, "link", json.dumps({**GOOD["link"], "colour": [1.5]}).encode())
    assert body.link == "online"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"link"',
        b"\xff\xfe{",
        b'{"v":1,"boot":3,"link":"online"}'.decode().encode("utf-16"),
        b'\xef\xbb\xbf{"v":1,"boot":3,"link":"online"}',
        b'{"v":1,"boot":3,"link":"online"} ',
        b'{"v":1,"boot":3,"link":"online"}\x00',
        b'{"v":1,"boot":3,"link":"online",}',
        b'{"v":2,"boot":3,"link":"online"}',
        b'{"v":1.0,"boot":3,"link":"online"}',
        b'{"v":true,"boot":3,"link":"online"}',
        b'{"v":1,"boot":3e0,"link":"online"}',
        b'{"v":1,"boot":-0,"link":"online"}',
        b'{"v":1,"boot":03,"link":"online"}',
        b'{"v":1,"boot":"3","link":"online"}',
        b'{"v":1,"boot":null,"link":"online"}',
        b'{"v":1,"boot":3,"link":"online","link":"offline"}',
        b'{"v":1,"boot":3,"link":"on","link":"offline"}',
        b'{"v":1,"boot":3,"link":"online","link":"on"}',
        b'{"v":1,"boot":3,"link":"onlin\\u0065"}',
        b'{"v":1,"boot":3,"link":"\\ud800"}',
        b'{"v":1,"boot":3,"lin\\u006b":"online"}',
        b'{"v":1,"boot":3,"link":"online","x":NaN}',
        b'{"v":1,"boot":3,"link":"online","x":Infinity}',
        b'{"v":1,"boot":3,"link":"online","x":"\\ud800"}',
        b'{"v":1,"boot":3,"link":"online","x":"\xff"}',
        b'{"v":1,"boot":3,"link":"online","x":"\n"}',
        b'{"v":1,"boot":3,"link":"online","x":' + b"9" * 5000 + b"}",
        b'{"v":1,"boot":' + b"9" * 5000 + b',"link":"online"}',
        b'{"v":1,"boot":3,"link":"online","x":' + b"[" * 4000 + b"]" * 4000 + b"}",
        b"[" * 8000,
        b'{"v":1,"boot":3,"link":"online","x":"' + b"a" * 8192 + b'"}',
    ],
)
def test_the_oddities_of_json_are_judged_as_the_contract_judges_them(payload):
    assert_agree("link", payload)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("event", {"index": None}),
        ("event", {"index": 0}),
        ("event", {"index": 81}),
        ("event", {"kind": "bank", "index": 9, "value": "ok", "was": "ok"}),
        ("event", {"kind": "bolt", "index": 1, "value": "open", "was": "thrown"}),
        ("event", {"kind": "bolt", "value": "open", "was": "thrown"}),
        ("event", {"value": "thrown"}),
        ("event", {"was": "closed"}),
        ("event", {"current_ma": None}),
        ("event", {"current_ma": 9001}),
        ("state", {"current_ma": [1, 2]}),
        ("state", {"slots": []}),
        ("state", {"slots": ["idle"] * 81, "current_ma": [0] * 81}),
        ("state", {"bssid": "aa:bb:cc:dd:ee:f\n"}),
        ("state", {"bssid": "aa:bb:cc:dd:ee:ff\n"}),
        ("state", {"bssid": "aa:bb:cc:dd:ee:FF"}),
        ("event", {"kind": "place", "value": "aa:bb:cc:dd:ee:ff", "was": "unknown"}),
        ("event", {"kind": "place", "value": "closed", "was": "closed"}),
        ("event", {"value": "aa:bb:cc:dd:ee:ff"}),
        ("state", {"bssid": "aa:bb:cc:dd:ee:f\u00e9"}),
        ("hello", {"settings": {"": 1}}),
        ("hello", {"settings": {"a": True}}),
        ("hello", {"settings": {"a": 1 << 52}}),
        ("hello", {"settings": {"a": -(1 << 52) + 1}}),
        ("hello", {"settings": {"a": "x" * 129}}),
        ("hello", {"settings": {"a\n": 1}}),
        ("hello", {"settings": {str(i): i for i in range(65)}}),
        ("cmd", {"cmd": "identify"}),
        ("cmd", {"cmd": "settings", "settings": {}}),
        ("reply", {"ok": 1}),
        ("reply", {"why": "x\n"}),
    ],
)
def test_what_the_contract_checks_between_and_inside_fields_is_checked_alike(kind, change):
    assert_agree(kind, json.dumps({**GOOD[kind], **change}).encode())


def field_values(of, allowed):
    """Values at, inside and just beyond what a field of the contract allows."""
    base = of.rstrip("?-*")
    if base == "int":
        low, high = allowed
        good = st.integers(low, high) | st.sampled_from((low, high, low - 1, high + 1))
    elif base == "word":
        good = st.sampled_from((*allowed, "", "x", allowed[0].upper()))
    elif base == "text":
        good = st.text(st.characters(codec="utf-8"), max_size=allowed[1] + 1)
    elif base == "bssid":
        good = st.from_regex(r"[0-9a-fA-F]{2}(:[0-9a-f]{2}){5}")
    elif base == "bool":
        good = st.booleans()
    else:
        good = st.dictionaries(st.text(max_size=33), SCALARS, max_size=5)
    good = st.one_of(good, good, SCALARS)
    return st.lists(good, max_size=4) if "*" in of else good


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=1 << 51, max_value=1 << 70),
    st.floats(),
    st.sampled_from((1.0, 0.0, -0.0, 1e3)),
    st.text(max_size=20),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def near_misses(draw):
    """A good message of some kind with a few fields changed, dropped, doubled or added."""
    kind = draw(KINDS)
    body = dict(GOOD[kind])
    fields = {name: (of, allowed) for name, of, allowed in contract.fields(kind)}
    for name in draw(st.sets(st.sampled_from(sorted(fields)), max_size=3)):
        body[name] = draw(field_values(*fields[name]))
    for name in draw(st.sets(st.sampled_from(sorted(fields)), max_size=1)):
        body.pop(name, None)
    pairs = list(body.items())
    pairs += draw(st.lists(st.tuples(st.sampled_from([*sorted(fields), "more"]), JSON), max_size=1))
    pairs = draw(st.permutations(pairs))
    ascii_only = draw(st.booleans())

    def text(value):
        return json.dumps(value, ensure_ascii=ascii_only)

    payload = "{" + ",".join(f"{text(name)}:{text(value)}" for name, value in pairs) + "}"
    return kind, payload.encode("utf-8", "surrogatepass")


@settings(max_examples=400, deadline=None)
@given(near_misses())
def test_near_misses_are_judged_alike(message):
    assert_agree(*message)


@settings(max_examples=200, deadline=None)
@given(KINDS, JSON)
def test_any_json_is_judged_alike(kind, value):
    assert_agree(kind, json.dumps(value).encode())


@settings(max_examples=200, deadline=None)
@given(KINDS, st.data())
def test_damaged_bytes_are_judged_alike(kind, data):
    payload = bytearray(json.dumps(GOOD[kind]).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    assert_agree(kind, bytes(payload))
