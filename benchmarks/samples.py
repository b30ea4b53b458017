"""A district of carts and the messages they send, for the benchmarks."""

from zoneinfo import ZoneInfo

from homeslot import contract
from homeslot_hub.model import Cart, Message, Person, School

SOMEONE = Person("Rosa Diaz", "rosa@school.example")
START_S = 1794922200  # a Tuesday, 07:30 in Chicago
SLOTS = 30


def controller(number):
    """The controller of cart `number`."""
    return f"cart-{number}"


def school(carts):
    """One school with `carts` carts of 30 slots."""
    return School(
        name="Everywhere",
        zone=ZoneInfo("America/Chicago"),
        coordinator=SOMEONE,
        carts=tuple(
            Cart(controller(number), number, f"room {number}", SOMEONE)
            for number in range(1, carts + 1)
        ),
    )


def snapshot(number, tick, out=()):
    """(topic, payload) of cart `number`'s snapshot at its minute `tick`; slots `out` are empty."""
    topic = contract.topic(controller(number), "state")
    slots = ["empty" if slot in out else "charging" for slot in range(1, SLOTS + 1)]
    body = {
        "v": contract.VERSION,
        "boot": 1,
        "up_ms": (tick + 1) * 60000,
        "at_s": START_S + (tick + 1) * 60,
        "seq": contract.SEQ_PER_BOOT,
        "slots": slots,
        "current_ma": [1500 + (number * 31 + tick * 7 + i) % 600 for i in range(SLOTS)],
        "banks": ["ok", "ok", "ok"],
        "bolt": "thrown",
        "door": "closed",
        "mains": "on",
        "tamper": "ok",
        "battery_mv": 5000,
        "temperature_c": 24,
        "bssid": "02:00:00:00:00:01",
        "rssi_dbm": -60,
    }
    return topic, contract.encode(topic, "state", body)


def message(number, tick, out=()):
    """The same as the hub takes it."""
    return Message(*snapshot(number, tick, out), retained=False, arrived_s=START_S)
