"""The contract under Hypothesis: what it takes comes back, what it refuses it names."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from homeslot import contract
from homeslot.contract import MESSAGES, BadMessage, check, decode, encode, fields

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
WHERE = "homeslot/1/c1/state"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

# JSON Schema takes 1.0 for an integer and has no word against it; the contract refuses it.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    ),
)
VALIDATORS = {
    kind: Validator(json.loads((SCHEMAS / f"{kind}.schema.json").read_text())) for kind in MESSAGES
}

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


WRITING = st.characters(exclude_categories=["Cc", "Cs"])
BSSIDS = st.from_regex(r"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
EVENT_WORDS = sorted({word for words, _ in contract.EVENTS.values() for word in words})


def text(low, high):
    return st.text(PRINTABLE, min_size=low, max_size=min(high, low + 20)) | st.just("~" * high)


def edges(low, high):
    return st.sampled_from([low, high]) | st.integers(low, high)


def values(of, allowed):
    """What a field of type `of` may be."""
    kind = of.rstrip("?-*")
    if kind == "int":
        single = edges(*allowed)
    elif kind == "word":
        single = st.sampled_from(allowed)
    elif kind == "text":
        single = text(*allowed)
    elif kind == "bssid":
        single = BSSIDS
    elif kind == "bool":
        single = st.booleans()
    else:
        largest = (1 << 52) - 1
        entries = edges(-largest, largest) | text(0, 128) | st.text(WRITING, max_size=20)
        single = st.dictionaries(text(1, 32), entries, min_size=allowed[0], max_size=4)
    if "?" in of:
        single = st.none() | single
    return st.lists(single, min_size=1, max_size=6) if "*" in of else single


@st.composite
def bodies(draw, kind):
    """A body of `kind` that keeps to the contract."""
    body = {
        name: draw(values(of, allowed))
        for name, of, allowed in fields(kind)
        if "-" not in of or draw(st.booleans())
    }
    if kind == "event":
        words, highest = contract.EVENTS[body["kind"]]
        said = st.sampled_from(words) if words else BSSIDS
        body["value"], body["was"] = draw(said), draw(said)
        body.pop("index", None)
        if highest:
            body["index"] = draw(edges(1, highest))
    elif kind == "state":
        body["current_ma"] = [draw(values("int?", (-9000, 9000))) for _ in body["slots"]]
    elif kind == "cmd" and body["cmd"] in contract.NEEDS:
        needed = contract.NEEDS[body["cmd"]]
        of, allowed = next((of, allowed) for n, of, allowed in fields("cmd") if n == needed)
        body.setdefault(needed, draw(values(of, allowed)))
    return body


KINDS_AND_BODIES = st.sampled_from(list(MESSAGES)).flatmap(
    lambda kind: st.tuples(st.just(kind), bodies(kind))
)


@given(KINDS_AND_BODIES)
def test_a_body_of_every_kind_comes_back_as_it_was(message):
    kind, body = message
    assert decode(WHERE, kind, encode(WHERE, kind, body)) == body
    assert VALIDATORS[kind].is_valid(body)


@given(KINDS_AND_BODIES, st.dictionaries(st.text(min_size=20, max_size=30), ANY_JSON, max_size=3))
def test_fields_it_does_not_know_are_ignored(message, more):
    kind, body = message
    assert decode(WHERE, kind, json.dumps(more | body).encode()) == more | body


@given(KINDS_AND_BODIES, st.data())
def test_a_field_put_wrong_is_refused_by_its_name_exactly_when_its_schema_refuses_it(message, data):
    kind, body = message
    name = data.draw(st.sampled_from([name for name, _, _ in fields(kind)]))
    body[name] = data.draw(ANY_JSON | st.sampled_from(EVENT_WORDS) | BSSIDS | st.integers(-1, 99))
    agreed = VALIDATORS[kind].is_valid(body)
    if kind == "state" and agreed:
        agreed = len(body["slots"]) == len(body["current_ma"])
    if agreed:
        check(WHERE, kind, body)
        return
    with pytest.raises(BadMessage) as refused:
        check(WHERE, kind, body)
    error = refused.value
    assert error.where == WHERE
    # A new `kind`, `cmd` or `slots` may make its neighbour the one that is wrong.
    known = [field for field, _, _ in fields(kind)]
    assert error.field.split("[")[0].split(".")[0] in known
    if (
        not VALIDATORS[kind]
        .evolve(schema=VALIDATORS[kind].schema["properties"][name])
        .is_valid(body[name])
    ):
        assert error.field.split("[")[0].split(".")[0] == name
    assert str(error) == f"{WHERE}: {error.field} {error.problem}"
    assert str(error).isprintable() and len(str(error)) < 600


@given(KINDS_AND_BODIES, st.data())
def test_a_field_left_out_is_refused_by_its_name_unless_it_may_be(message, data):
    kind, body = message
    name, of = data.draw(st.sampled_from([(name, of) for name, of, _ in fields(kind)]))
    body.pop(name, None)
    if VALIDATORS[kind].is_valid(body):
        check(WHERE, kind, body)
        assert "-" in of
        return
    with pytest.raises(BadMessage) as refused:
        check(WHERE, kind, body)
    assert refused.value.field == name


@given(st.sampled_from(list(MESSAGES)), ANY_JSON)
def test_contract_and_schema_agree_on_any_json_value(kind, value):
    payload = json.dumps(value).encode()
    if VALIDATORS[kind].is_valid(value):
        assert decode(WHERE, kind, payload) == value
    else:
        with pytest.raises(BadMessage):
            decode(WHERE, kind, payload)


@given(st.sampled_from(list(MESSAGES)), st.binary(max_size=300))
@example("link", b'{"v":' + b"[" * 4000 + b"]" * 4000 + b"}")
@example("link", b'{"v":' + b"[" * 900 + b"]" * 900 + b"}")
@example("link", b'{"v":' + b"9" * 8000 + b"}")
@example("link", b'{"v": NaN}')
@example("link", b'{"v": 1e999}')
@example("link", b"\xed\xa0\x80")
@example("link", b"[" * contract.MAX_PAYLOAD_BYTES)
@example("link", b" " * (contract.MAX_PAYLOAD_BYTES + 1))
def test_of_any_bytes_only_a_bad_message_escapes(kind, payload):
    try:
        body = decode(WHERE, kind, payload)
    except BadMessage as error:
        assert error.where == WHERE
    else:
        assert VALIDATORS[kind].is_valid(body)


@given(KINDS_AND_BODIES, st.data())
def test_of_any_damaged_payload_only_a_bad_message_escapes(message, data):
    kind, body = message
    payload = bytearray(encode(WHERE, kind, body))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(WHERE, kind, bytes(payload[: data.draw(st.integers(0, len(payload)))]))
    except BadMessage as error:
        assert str(error).isprintable()


def refusal(of, body, /, **changes):
    with pytest.raises(BadMessage) as refused:
        check(WHERE, of, body | changes)
    return str(refused.value)


STATE = {
    "v": 1, "boot": 3, "up_ms": 61000, "at_s": None, "seq": 3000001,
    "slots": ["empty", "charging"], "current_ma": [0, 1500], "banks": ["ok"],
    "bolt": "thrown", "door": "closed", "mains": "on", "tamper": "ok",
    "battery_mv": None, "temperature_c": 21, "bssid": "aa:bb:cc:dd:ee:ff", "rssi_dbm": -60,
}  # fmt: skip
EVENT = {
    "v": 1, "boot": 3, "up_ms": 61000, "at_s": None, "seq": 3000001,
    "kind": "slot", "index": 2, "value": "charging", "was": "idle", "current_ma": 1500,
}  # fmt: skip
CMD = {"v": 1, "id": 7, "cmd": "time", "at_s": 1800000000}


def test_a_refusal_names_topic_field_value_and_range():
    assert refusal("state", STATE, v=2) == f"{WHERE}: v is 2, allowed 1..1"
    assert refusal("state", STATE, boot=True) == f"{WHERE}: boot is True, allowed 1..2147483647"
    assert refusal("state", STATE, seq=1.0) == f"{WHERE}: seq is 1.0, allowed 0..{1 << 52}"
    assert refusal("state", STATE, bolt="shut") == (
        f"{WHERE}: bolt is 'shut', allowed thrown, open, unknown"
    )
    assert refusal("state", STATE, current_ma=[0, 9001]) == (
        f"{WHERE}: current_ma[1] is 9001, allowed -9000..9000"
    )
    assert (
        refusal("state", STATE, current_ma=[0]) == f"{WHERE}: current_ma has 1 entries for 2 slots"
    )
    assert refusal("state", STATE, slots=[]) == f"{WHERE}: slots is not a list of 1..80"
    assert refusal("event", EVENT, kind="door", value="open", was="closed") == (
        f"{WHERE}: index is 2, allowed for door: up to 0"
    )
    assert refusal("event", EVENT, kind="bank") == (
        f"{WHERE}: value is charging, allowed for bank: ok, faulty, unknown"
    )
    assert refusal("cmd", CMD, cmd="identify") == f"{WHERE}: slot is missing for identify"
    assert refusal("cmd", CMD, settings={"scan_ms": 1.5}) == (
        f"{WHERE}: settings.scan_ms is 1.5, allowed an integer or 0..128 printable characters"
    )


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e400])
def test_a_number_that_is_none_is_refused_wherever_a_number_may_be(number):
    assert "boot is" in refusal("state", STATE, boot=number)
    assert "settings.x is" in refusal("cmd", CMD, settings={"x": number})


def test_a_snapshot_of_the_largest_cart_fits_into_a_payload():
    longest = max(contract.STATES, key=len)
    body = STATE | {
        "slots": [longest] * contract.MAX_SLOTS,
        "current_ma": [-9000] * contract.MAX_SLOTS,
        "banks": ["unknown"] * contract.MAX_BANKS,
    }
    assert len(encode(WHERE, "state", body)) < contract.MAX_PAYLOAD_BYTES


def test_our_own_message_that_breaks_the_table_is_not_sent():
    with pytest.raises(BadMessage, match="bolt is missing"):
        encode(WHERE, "state", {name: value for name, value in STATE.items() if name != "bolt"})
    many = {f"{'x' * 29}{i:03}": "~" * 128 for i in range(64)}
    with pytest.raises(BadMessage, match="payload is over 8192 bytes"):
        encode(WHERE, "cmd", CMD | {"cmd": "settings", "settings": many})


CART_IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32)


@given(CART_IDS, st.sampled_from(list(MESSAGES)))
def test_a_topic_is_taken_apart_as_it_was_put_together(cart, kind):
    assert contract.split_topic(contract.topic(cart, kind)) == (cart, kind)


@given(st.text() | st.text("homeslt/1c-ABü+#").map(lambda rest: "homeslot/1/" + rest))
def test_of_any_topic_only_a_bad_message_escapes(name):
    try:
        cart, kind = contract.split_topic(name)
    except BadMessage as error:
        assert str(error).isprintable()
    else:
        assert contract.topic(cart, kind) == name


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("homeslot/1/c1", "topic"),
        ("homeslot/1/c1/state/x", "topic"),
        ("homeslot/2/c1/state", "topic"),
        ("/homeslot/1/state", "topic"),
        ("homeslot/1/C1/state", "cart"),
        ("homeslot/1//state", "cart"),
        (f"homeslot/1/{'c' * 33}/state", "cart"),
        ("homeslot/1/c1/states", "kind"),
        ("homeslot/1/c1/", "kind"),
    ],
)
def test_a_foreign_topic_is_refused_by_what_is_foreign_about_it(name, field):
    with pytest.raises(BadMessage) as refused:
        contract.split_topic(name)
    assert refused.value.field == field


def test_every_kind_has_a_topic_and_every_word_of_an_event_is_a_word_of_its_table():
    assert list(contract.TOPICS) == list(MESSAGES)
    assert set(contract.NEEDS) <= set(contract.COMMANDS)
    for words in (contract.BOLT, contract.DOOR, contract.MAINS, contract.TAMPER, contract.BANK):
        assert words[-1] == "unknown"


def test_c13_nothing_on_the_wire_names_a_person_a_room_a_school_or_a_device_number():
    names = {name for kind in MESSAGES for name, _, _ in fields(kind)}
    private = ("student", "teacher", "name", "mail", "room", "school", "device", "serial", "user")
    assert not [name for name in names if any(word in name for word in private)]
