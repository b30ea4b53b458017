"""Events for the tests of outbox and journal."""

from hypothesis import strategies as st

from homeslot.contract import EVENTS, FIRST_S, LAST_S, SEQ_PER_BOOT


def event(seq, up_ms=0, at_s=None, boot=None):
    """A change of one slot; its content says which."""
    return {
        "v": 1,
        "boot": boot or max(1, seq // SEQ_PER_BOOT),
        "up_ms": up_ms,
        "at_s": at_s,
        "seq": seq,
        "kind": "slot",
        "value": "empty",
        "was": "charging",
        "index": 1 + seq % 30,
        "current_ma": seq % 1000,
    }


BSSID = r"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z"


@st.composite
def events(draw):
    """Any event the contract allows."""
    kind = draw(st.sampled_from(sorted(EVENTS)))
    words, highest = EVENTS[kind]
    said = st.sampled_from(words) if words else st.from_regex(BSSID)
    body = {
        "v": 1,
        "boot": draw(st.integers(1, 2147483647)),
        "up_ms": draw(st.integers(0, 1 << 50)),
        "at_s": draw(st.none() | st.integers(FIRST_S, LAST_S)),
        "seq": draw(st.integers(1, 1 << 52)),
        "kind": kind,
        "value": draw(said),
        "was": draw(said),
    }
    if highest:
        body["index"] = draw(st.integers(1, highest))
    if kind == "slot":
        body["current_ma"] = draw(st.none() | st.integers(-9000, 9000))
    return body
