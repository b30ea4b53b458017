"""The contract: every topic and every field that passes between cart and hub, once.

Topics are `homeslot/1/<cart>/<kind>`. Payloads are JSON objects. A reader ignores fields it does
not know; a payload that breaks the table is refused with a BadMessage naming topic, field, value
and range. The AsyncAPI document and the JSON Schemas in `docs/` are generated from these tables.

Nothing on the wire names a school, a room, a person or a device number (C13): a cart is known by
its controller's id, a device by the slot it sits in.
"""

import json

from homeslot.core.settings import CART_ID, is_writing
from homeslot.core.slots import STATES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Body = dict[str, Any]  # of one message, by the names of its fields
    Field = tuple[str, str, tuple[Any, ...]]

VERSION = 1
ROOT = "homeslot/1/"
MAX_PAYLOAD_BYTES = 8192
MAX_SLOTS = 80
MAX_BANKS = 8
FIRST_S, LAST_S = 1577836800, 4294967295  # 2020-01-01 to the end of 32 bits: no other time is one
SEQ_PER_BOOT = 1000000  # seq = boot * SEQ_PER_BOOT + n, n from 1: rises over reboots by itself

# Words. `unknown` is always the last: what cannot be sensed is said, never guessed.
BOLT = ("thrown", "open", "unknown")
DOOR = ("closed", "open", "unknown")
MAINS = ("on", "off", "unknown")
TAMPER = ("ok", "tampered", "unknown")
BANK = ("ok", "faulty", "unknown")
LINK = ("online", "offline")
SIDES = ("a", "b")
MODES = ("run", "repl")
BUSY = "busy"  # begins the `why` of a reply that is no refusal: ask again later
RESET = ("power_on", "pin", "watchdog", "soft", "unknown")
# fmt: off
COMMANDS = (
    "identify", "report", "time", "settings", "update", "nudge", "scan", "selftest", "logs",
    "restart", "ca",
)
# fmt: on

# What an event may be about: kind -> (words it may carry, highest index or 0 when there is one).
# A place has no words: it is an access point, by its BSSID.
EVENTS = {
    "slot": (tuple(STATES), MAX_SLOTS),
    "bank": (BANK, MAX_BANKS),
    "bolt": (BOLT, 0),
    "door": (DOOR, 0),
    "mains": (MAINS, 0),
    "tamper": (TAMPER, 0),
    "place": ((), 0),
}

# A field a line: name, type, allowed (see `fields`), and beside it what it means: docs/remarks.py
# reads that here, and a cart need not carry it. Types: int, word, text, bssid, bool, map; `?` may
# be null, `-` may be left out, `*` is a list of 1..MAX_SLOTS. `allowed` is (low, high) of a number
# or of a text's length, or the tuple of words.
_VERSION = (VERSION, VERSION)
_EPOCH_S = (FIRST_S, LAST_S)
_POSITIVE = (1, 2147483647)
_COUNT = (0, 1 << 31)
_TOTAL = (0, 1 << 40)
_SLOT = (1, MAX_SLOTS)
_MA = (-9000, 9000)
_NAME = (1, 32)
_PLAIN = "".join([chr(code) for code in range(32, 127)])  # printable ASCII
_BSSID = "a BSSID as aa:bb:cc:dd:ee:ff"
_BYTES = (0, 1 << 24)
# fmt: off
_CLOCK: "tuple[Any, ...]" = (
    "v", "int", _VERSION,  # version of this contract
    "boot", "int", _POSITIVE,  # number of this boot of the controller, rises by one
    "up_ms", "int", (0, 1 << 50),  # measured at: ms since this boot
    "at_s", "int?", _EPOCH_S,  # measured at: epoch s, null until the time is known
)
MESSAGES: "dict[str, tuple[Any, ...]]" = {
    "link": (
        "v", "int", _VERSION,  # version of this contract
        "boot", "int", _POSITIVE,  # the boot that connected
        "link", "word", LINK,  # offline is the last will, and said at a clean stop
    ),
    "hello": _CLOCK + (
        "firmware", "text", _NAME,  # firmware version
        "board", "text", _NAME,  # id of the board file
        "slots", "int", _SLOT,  # slots of the board
        "reset", "word", RESET,  # why the controller started
        "why", "text-", (0, 120),  # what led to a watchdog or soft reset, empty when unknown
        "resets", "map-", (0, 8),  # how often it has started so far, by cause
        "side", "word-", SIDES,  # side of the flash that runs
        "trial", "bool-", (),  # whether this firmware is on trial and may still be given up
        "safe", "bool-", (),  # whether boots failed, and only link, console and update run
        "gave_up", "text-", (0, 32),  # version of the last update that did not pass its trial
        "abilities", "word*", COMMANDS,  # commands this firmware carries out
        "settings", "map", (0, 64),  # settings in force, secrets left out
    ),
    "state": _CLOCK + (
        "seq", "int", (0, 1 << 52),  # number of the last event this snapshot includes
        "slots", "word*", tuple(STATES),  # state of each slot, slot 1 first
        "current_ma", "int?*", _MA,  # current of each slot in mA, null: unmeasured
        "banks", "word*", BANK,  # health of each bank of sensors, bank 1 first
        "bolt", "word", BOLT,  # bolt of the lock
        "door", "word", DOOR,  # door
        "mains", "word", MAINS,  # voltage at the cart's inlet
        "tamper", "word", TAMPER,  # tamper switch of the controller's box
        "battery_mv", "int?", (0, 20000),  # battery behind the controller in mV
        "temperature_c", "int?", (-55, 125),  # temperature in the cart in degrees Celsius
        "bssid", "bssid?", (),  # access point the cart is at, null while it hears none
        "rssi_dbm", "int?", (-127, 0),  # signal of the access point in use in dBm
    ),
    "event": _CLOCK + (
        "seq", "int", (1, 1 << 52),  # number of this event: never repeats, never goes back
        "kind", "word", tuple(EVENTS),  # what changed
        "index", "int-", _SLOT,  # which slot or bank, from 1
        "value", "text", (2, 17),  # what it is now: a word of its kind, or a BSSID
        "was", "text", (2, 17),  # what it was before
        "current_ma", "int?-", _MA,  # charge current of a slot at the change in mA
    ),
    "diag": _CLOCK + (
        "heap_free", "int", _TOTAL,  # free heap after collection in bytes
        "lag_ms", "int", _COUNT,  # longest delay of a scan since the last report in ms
        "bus_errors", "int", _TOTAL,  # bus transactions that failed since boot
        "outbox_depth", "int", _COUNT,  # events waiting for the broker
        "outbox_dropped", "int", _TOTAL,  # events lost since boot: no room, or damage on the flash
        "reconnects", "int", _COUNT,  # connections made since boot
        "refused", "int", _COUNT,  # commands that broke this contract since boot
    ),
    "cmd": (
        "v", "int", _VERSION,  # version of this contract
        "id", "int", _POSITIVE,  # number of the command, echoed in its reply
        "cmd", "word", COMMANDS,  # what to do
        "at_s", "int-", _EPOCH_S,  # time: the hub's epoch s
        "boot", "int-", _POSITIVE,  # time: the highest number of a boot the hub has heard of
        "slot", "int-", _SLOT,  # identify: the slot to light
        "for_s", "int-", (0, 3600),  # identify, nudge: for how long, 0 ends it
        "settings", "map-", (1, 64),  # settings: new values by name
        "bundle", "text-", (1, 64),  # update: a name that no other bundle has
        "offset", "int-", _BYTES,  # update: where in the bundle `data` belongs
        "data", "text-", (0, 2048),  # update: a piece of the bundle, or none; ca: DER; base64
        "mode", "word-", MODES,  # restart: `repl` once keeps the cart from starting, console only
    ),
    "reply": _CLOCK + (
        "id", "int", (0, 2147483647),  # number of the command, 0 where none could be read
        "ok", "bool", (),  # whether it was carried out
        "why", "text", (0, 120),  # why not, empty when it was
        "next", "int-", _BYTES,  # update: offset wanted next, the end when all is there
        "wants", "int-", _BYTES,  # update: bytes known to be wanted from there; 0: ask again
        "restart", "bool-", (),  # settings: whether some are in force only after a restart
        "lines", "text-*", (0, 120),  # logs, scan, selftest: what they have to say to people
        "chips", "map-", (1, 9),  # scan: hex addresses that answer, or held; `bus` and by channel
        "pins", "map-", (1, 32),  # scan: levels of the inputs
    ),
}
# fmt: on
# kind: (who sends it, retained), and beside it what it says.
TOPICS = {
    "link": ("cart", True),  # whether the cart is connected
    "hello": ("cart", True),  # what the cart is, after each connect
    "state": ("cart", True),  # snapshot of everything the cart senses
    "event": ("cart", False),  # one change
    "diag": ("cart", False),  # the controller's own health
    "cmd": ("hub", False),  # something the cart shall do
    "reply": ("cart", False),  # the answer to one command
}
# Which argument a command cannot do without.
# fmt: off
NEEDS = {
    "time": "at_s", "identify": "slot", "settings": "settings", "update": "bundle", "ca": "data",
}
# fmt: on


class BadMessage(ValueError):
    """A topic or payload outside the contract: `where` (topic), `field`, and what is wrong."""

    def __init__(self, where: str, field: str, problem: str) -> None:
        super().__init__("%s: %s %s" % (where, field, problem))
        self.where = where
        self.field = field
        self.problem = problem


def topic(cart: str, kind: str) -> str:
    """The topic of messages of `kind` of the cart with controller id `cart`."""
    return ROOT + cart + "/" + kind


def is_cart_id(cart: str) -> bool:
    """True for a controller id: 1 to 32 of a-z, 0-9 and the hyphen."""
    return 1 <= len(cart) <= 32 and all(c in CART_ID for c in cart)


def is_bssid(text: str) -> bool:
    """True for the address of an access point, as aa:bb:cc:dd:ee:ff."""
    return len(text) == 17 and all(
        text[i] == ":" if i % 3 == 2 else text[i] in "0123456789abcdef" for i in range(17)
    )


def fits(kind: str, value: str) -> bool:
    """True when an event of `kind` may say `value`."""
    words = EVENTS[kind][0]
    return value in words if words else is_bssid(value)


def split_topic(name: str) -> "tuple[str, str]":
    """(cart, kind) of a topic. Raises BadMessage for a topic that is not of this contract."""
    parts = name.split("/")
    if len(parts) != 4 or name[: len(ROOT)] != ROOT:
        raise BadMessage(_shown(name), "topic", "is not %s<cart>/<kind>" % ROOT)
    if not is_cart_id(parts[2]):
        raise BadMessage(_shown(name), "cart", "is not 1..32 of a-z, 0-9 and -")
    if parts[3] not in MESSAGES:
        raise BadMessage(_shown(name), "kind", "is not one of " + ", ".join(MESSAGES))
    return parts[2], parts[3]


def fields(kind: str) -> "list[Field]":
    """The fields of messages of `kind`: (name, type, allowed) each, as the table above says."""
    flat = MESSAGES[kind]
    return [(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]


def encode(where: str, kind: str, body: "Body") -> bytes:
    """The payload bytes of `body`. Raises BadMessage when our own message breaks the table."""
    check(where, kind, body)
    payload = json.dumps(body).encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(where, "payload", "is over %d bytes" % MAX_PAYLOAD_BYTES)
    return payload


def decode(where: str, kind: str, payload: "bytes | bytearray") -> "Body":
    """The checked body of `payload` (bytes). Raises BadMessage, and nothing else."""
    body = parse(where, payload)
    check(where, kind, body)
    return body


def parse(where: str, payload: "bytes | bytearray") -> "Body":
    """The JSON object in `payload`, not yet checked. Raises BadMessage, and nothing else."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(
            where, "payload", "has %d bytes, allowed %d" % (len(payload), MAX_PAYLOAD_BYTES)
        )
    try:
        body = json.loads(bytes(payload).decode())
    except (ValueError, RuntimeError, MemoryError):  # nested deeper than the stack or the heap
        raise BadMessage(where, "payload", "is not JSON")
    if not isinstance(body, dict):
        raise BadMessage(where, "payload", "is not a JSON object")
    return body


def check(where: str, kind: str, body: "Body") -> None:
    """Check `body` (dict) of `kind` against the table. Raises BadMessage at the first breach."""
    for name, of, allowed in fields(kind):
        if name not in body:
            if "-" in of:
                continue
            raise BadMessage(where, name, "is missing")
        value = body[name]
        single = of.rstrip("?-*")
        if "*" in of:
            _check_list(where, name, single, allowed, value, "?" in of)
        elif single == "map":
            _check_map(where, name, allowed, value)
        elif not (value is None and "?" in of):
            problem = _problem(single, allowed, value)
            if problem:
                raise BadMessage(where, name, problem)
    if kind == "event":
        _check_event(where, body)
    elif kind == "state" and len(body["slots"]) != len(body["current_ma"]):
        raise BadMessage(
            where,
            "current_ma",
            "has %d entries for %d slots" % (len(body["current_ma"]), len(body["slots"])),
        )
    elif kind == "cmd":
        needed = NEEDS.get(body["cmd"])
        if needed is not None and needed not in body:
            raise BadMessage(where, needed, "is missing for %s" % body["cmd"])


def _check_event(where: str, body: "Body") -> None:
    kind = body["kind"]
    words, highest = EVENTS[kind]
    for name in ("value", "was"):
        if not fits(kind, body[name]):
            allowed = ", ".join(words) or _BSSID
            raise BadMessage(where, name, "is %s, allowed for %s: %s" % (body[name], kind, allowed))
    index = body.get("index", 0)
    if (index == 0) != (highest == 0) or index > highest:
        raise BadMessage(where, "index", "is %d, allowed for %s: up to %d" % (index, kind, highest))


def _check_list(
    where: str, name: str, of: str, allowed: "tuple[Any, ...]", values: object, nullable: bool
) -> None:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_SLOTS:
        raise BadMessage(where, name, "is not a list of 1..%d" % MAX_SLOTS)
    for i in range(len(values)):
        if not (values[i] is None and nullable):
            problem = _problem(of, allowed, values[i])
            if problem:
                raise BadMessage(where, "%s[%d]" % (name, i), problem)


def _check_map(where: str, name: str, allowed: "tuple[Any, ...]", value: object) -> None:
    if not isinstance(value, dict) or not allowed[0] <= len(value) <= allowed[1]:
        raise BadMessage(where, name, "is not an object of %d..%d names" % allowed)
    for key, entry in value.items():
        if not _is_plain(key, 1, 32):
            raise BadMessage(where, name, "has a name that is not 1..32 printable characters")
        if isinstance(entry, str):
            good = len(entry) <= 128 and is_writing(entry)
        else:
            good = type(entry) is int and abs(entry) < 1 << 52
        if not good:
            raise BadMessage(
                where,
                "%s.%s" % (name, key),
                "is %s, allowed an integer or 0..128 printable characters" % _shown(entry),
            )


def _problem(of: str, allowed: "tuple[Any, ...]", value: object) -> str:
    """What is wrong with a value of type `of`; empty when nothing is."""
    if of == "int":
        # A bool is an int to isinstance, and 1.0 == 1: the type itself is asked.
        if type(value) is int and allowed[0] <= value <= allowed[1]:
            return ""
        wanted = "%d..%d" % allowed
    elif of == "word":
        if isinstance(value, str) and value in allowed:
            return ""
        wanted = ", ".join(allowed)
    elif of == "text":
        if _is_plain(value, allowed[0], allowed[1]):
            return ""
        wanted = "%d..%d printable ASCII characters" % allowed
    elif of == "bssid":
        if isinstance(value, str) and is_bssid(value):
            return ""
        wanted = _BSSID
    else:
        if isinstance(value, bool):
            return ""
        wanted = "true, false"
    return "is %s, allowed %s" % (_shown(value), wanted)


def _is_plain(text: object, low: int, high: int) -> bool:
    # A loop over the characters takes 80 ms for a piece of a bundle on a board.
    return isinstance(text, str) and low <= len(text) <= high and not text.strip(_PLAIN)


def _shown(value: object) -> str:
    """A value as a person may read it in a message: one short printable line."""
    try:
        text = repr(value)
    except (ValueError, RuntimeError, MemoryError):  # thousands of digits, or of nested lists
        text = "too large to show"
    return "".join(c if " " <= c <= "~" else "?" for c in text[:60])
