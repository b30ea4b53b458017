"""Every way in which a sense of the cart can fail, and exactly what the cart says of it.

The table is read by one test for each runtime (tests/firmware, tests/device, tests/pico) and by
CPython and MicroPython alike. A fault is done to a cart that is at rest, with every device in its
slot and drawing, and then lifted; a deed is (ms after that, name, arguments) as in
`homeslot_sim.cart.mishaps`. What is told are (kind, index, value, was), in that order and nothing
else; WAS stands for what the thing was before the fault. So the states are known too: those before
the fault, changed by what was told.
"""

from homeslot.core.slots import STATES

WAS = "what it was before"
SWITCHES = 0x20
CURRENTS = 0x41  # of the second current chip of a bank, slots 4 to 6 of it
MUX = 0x70
SHELF_MS = 70000  # in which a shelf rests: longer than it takes to call a device idle


def _slots(numbers, value, was):
    return tuple([("slot", i, value, was) for i in numbers])


def _faulty(*banks):
    """Banks of which nothing is known, and the slots of each right behind it."""
    told = ()
    for bank in banks:
        told += (("bank", bank, "faulty", "ok"),) + _slots(_of(bank), "unknown", WAS)
    return told


def _sound(*banks):
    told = ()
    for bank in banks:
        told += (("bank", bank, "ok", "faulty"),) + _slots(_of(bank), WAS, "unknown")
    return told


def _of(bank):
    return range(10 * bank - 9, 10 * bank + 1)


def _chattering(slot, for_ms):
    """A switch that is open for 100 ms and closed for 100 ms, and then closed."""
    deeds = [(at_ms, "jam", slot, at_ms % 200 > 0) for at_ms in range(0, for_ms, 100)]
    return tuple(deeds + [(for_ms, "jam", slot, None)])


def _flickering(for_ms):
    """Mains that are off for 600 ms and on for 400 ms."""
    deeds = []
    for at_ms in range(0, for_ms, 1000):
        deeds += [(at_ms, "unplug"), (at_ms + 600, "plug")]
    return tuple(deeds)


# Dead chips are probed with back-off: the fault is lifted in the middle of a pause.
LASTS_MS = 22000
HEALS_MS = 25000

# name, deeds, how long they take, what is told; deeds that lift it, how long, what is told then.
FAULTS = (
    (
        "a switch chip stops answering",
        ((0, "kill", SWITCHES, 1),),
        LASTS_MS,
        _faulty(2),
        ((0, "revive", SWITCHES, 1),),
        HEALS_MS,
        _sound(2),
    ),
    (
        "a current chip stops answering",
        ((0, "kill", CURRENTS, 1),),
        LASTS_MS,
        (("bank", 2, "faulty", "ok"),) + _slots((14, 15, 16), "unmeasured", WAS),
        ((0, "revive", CURRENTS, 1),),
        HEALS_MS,
        (("bank", 2, "ok", "faulty"),) + _slots((14, 15, 16), WAS, "unmeasured"),
    ),
    (
        "a current chip is frozen in its last conversion",
        ((0, "freeze", 2, CURRENTS),),
        LASTS_MS,
        (("bank", 2, "faulty", "ok"),) + _slots((14, 15, 16), "unmeasured", WAS),
        ((0, "thaw", 2, CURRENTS),),
        HEALS_MS,
        (("bank", 2, "ok", "faulty"),) + _slots((14, 15, 16), WAS, "unmeasured"),
    ),
    (
        "a device is taken while its current chip is frozen",
        ((0, "freeze", 2, CURRENTS), (500, "out", 15)),
        LASTS_MS,
        (
            ("bank", 2, "faulty", "ok"),
            ("slot", 14, "unmeasured", WAS),
            ("slot", 15, "empty", WAS),
            ("slot", 16, "unmeasured", WAS),
        ),
        ((0, "in", 15), (1000, "thaw", 2, CURRENTS)),
        HEALS_MS,
        (
            ("slot", 15, "idle", "empty"),
            ("slot", 15, "unmeasured", "idle"),
            ("bank", 2, "ok", "faulty"),
        )
        + _slots((14, 15, 16), WAS, "unmeasured"),
    ),
    (
        "a bank holds the bus down",
        ((0, "hold_sda", 1),),
        LASTS_MS,
        _faulty(2),
        ((0, "release_sda", 1),),
        HEALS_MS,
        _sound(2),
    ),
    (
        "the bus is held down at the controller",
        ((0, "hold_sda", None),),
        LASTS_MS,
        _faulty(1, 2, 3),
        ((0, "release_sda", None),),
        HEALS_MS,
        _sound(1, 2, 3),
    ),
    (
        "the mux stops answering",
        ((0, "kill", MUX, None),),
        LASTS_MS,
        _faulty(1, 2, 3),
        ((0, "revive", MUX, None),),
        HEALS_MS,
        _sound(1, 2, 3),
    ),
    (
        "a bank is unplugged in mid-scan",
        ((0, "unplug-in-scan", 2, 1000),),  # of the 2240 bits of a scan: while it is read
        LASTS_MS,
        _faulty(2),
        ((0, "bank-heals", 2),),
        HEALS_MS,
        _sound(2),
    ),
    (
        "a switch bounces",
        _chattering(12, 5000),
        6000,
        (),
        (),
        0,
        (),
    ),
    (
        "a switch never comes to rest",
        _chattering(12, 12000),
        12000,
        (("slot", 12, "unsteady", WAS),),
        (),
        10000,
        (("slot", 12, WAS, "unsteady"),),
    ),
    (
        "current without a device",
        ((0, "jam", 12, False),),
        12000,
        (("slot", 12, "mismatch", WAS),),
        ((0, "jam", 12, None),),
        12000,
        (("slot", 12, "idle", "mismatch"), ("slot", 12, WAS, "idle")),
    ),
    (
        "the door is open with the bolt thrown",
        ((0, "open"),),
        7000,
        (("door", 0, "open", "closed"),),
        ((0, "close"),),
        7000,
        (("door", 0, "closed", "open"),),
    ),
    (
        "the mains flicker",
        _flickering(10000),
        13000,
        (),
        (),
        0,
        (),
    ),
    (
        "shelves charge in rotation",
        ((0, "shelf-off", 1), (SHELF_MS, "shelf-on", 1), (SHELF_MS, "shelf-off", 2)),
        2 * SHELF_MS,
        _slots(_of(1), "idle", WAS) + _slots(_of(1), WAS, "idle") + _slots(_of(2), "idle", WAS),
        ((0, "shelf-on", 2),),
        10000,
        _slots(_of(2), WAS, "idle"),
    ),
)


def changed(states, told):
    """`states`, a dict by (kind, index), after what was `told`: [(kind, index, value, was)].

    Raises AssertionError when an event does not say of a thing that it was what it was before.
    """
    after = dict(states)
    for kind, index, value, was in told:
        assert after[(kind, index)] == was, (kind, index, value, was)
        after[(kind, index)] = value
    return after


def expected(told, before):
    """`told` of the table with WAS filled in from `before`, states by (kind, index)."""
    return [
        tuple(
            [before[(kind, index)] if word is WAS else word for word in (kind, index, value, was)]
        )
        for kind, index, value, was in told
    ]


def absent(told, out):
    """The events that take a device for gone that is not among the slots `out`."""
    return [e for e in told if e[0] == "slot" and STATES[e[2]][0] is False and e[1] not in out]


def states_of(snapshot):
    """The states by (kind, index) of a `state` body."""
    states = {("slot", i + 1): word for i, word in enumerate(snapshot["slots"])}
    states.update({("bank", i + 1): word for i, word in enumerate(snapshot["banks"])})
    for kind in ("door", "bolt", "mains", "tamper"):
        states[(kind, 0)] = snapshot[kind]
    return states
