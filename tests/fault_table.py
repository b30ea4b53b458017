"""Every way in which a sense of the cart can fail, and exactly what the cart says of it.

The table is read by one test for each runtime (tests/firmware, tests/device, tests/pico) and by
CPython and MicroPython alike. A fault is done to a cart that is at rest, with every device in its
slot and drawing, and then lifted; a deed is (ms after that, name, arguments) as in
`homeslot_sim.cart.mishaps`. What is told are (kind, index, value, was), in that order and nothing
else; WAS stands for what the thing was before the fault. So the states are known too: those before
the fault, changed by what was told.
"""

WAS = "what it was before"
SWITCHES = 0x20
CURRENTS = 0x41  # of the second current chip of a bank, slots 4 to 6 of it
SHELF_MS = 66000  # in which a shelf rests: longer than it takes to call a device idle


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
        ((0, "kill", SWITCHES, 0),),
        LASTS_MS,
        _faulty(1),
        ((0, "revive", SWITCHES, 0),),
        HEALS_MS,
        _sound(1),
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
        ((0, "freeze", 3, CURRENTS),),
        LASTS_MS,
        (("bank", 3, "faulty", "ok"),) + _slots((24, 25, 26), "unmeasured", WAS),
        ((0, "thaw", 3, CURRENTS),),
        HEALS_MS,
        (("bank", 3, "ok", "faulty"),) + _slots((24, 25, 26), WAS, "unmeasured"),
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
        "a bank holds the bus down",
        ((0, "hold_sda", 0),),
        LASTS_MS,
        _faulty(1),
        ((0, "release_sda", 0),),
        HEALS_MS,
        _sound(1),
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
        "a device is taken while its current chip is frozen",
        ((0, "freeze", 3, CURRENTS), (500, "out", 25)),
        LASTS_MS,
        (
            ("bank", 3, "faulty", "ok"),
            ("slot", 24, "unmeasured", WAS),
            ("slot", 25, "empty", WAS),
            ("slot", 26, "unmeasured", WAS),
        ),
        ((0, "in", 25), (3000, "thaw", 3, CURRENTS)),  # a scan lies between, whenever it is
        HEALS_MS,
        (
            ("slot", 25, "idle", "empty"),
            ("slot", 25, "unmeasured", "idle"),
            ("bank", 3, "ok", "faulty"),
        )
        + _slots((24, 25, 26), WAS, "unmeasured"),
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
        "shelves charge in rotation",
        ((0, "shelf-off", 1), (SHELF_MS, "shelf-on", 1), (SHELF_MS, "shelf-off", 2)),
        2 * SHELF_MS,
        _slots(_of(1), "idle", WAS) + _slots(_of(1), WAS, "idle") + _slots(_of(2), "idle", WAS),
        ((0, "shelf-on", 2),),
        10000,
        _slots(_of(2), WAS, "idle"),
    ),
    (
        "a switch bounces",
        _chattering(22, 3000),
        4000,
        (),
        (),
        0,
        (),
    ),
    (
        "a switch never comes to rest",
        _chattering(23, 7000),
        7000,
        (("slot", 23, "unsteady", WAS),),
        (),
        10000,
        (("slot", 23, WAS, "unsteady"),),
    ),
    (
        "current without a device",
        ((0, "jam", 24, False),),
        12000,
        (("slot", 24, "mismatch", WAS),),
        ((0, "jam", 24, None),),
        12000,
        (("slot", 24, "idle", "mismatch"), ("slot", 24, WAS, "idle")),
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


def states_of(snapshot):
    """The states by (kind, index) of a `state` body."""
    states = {("slot", i + 1): word for i, word in enumerate(snapshot["slots"])}
    states.update({("bank", i + 1): word for i, word in enumerate(snapshot["banks"])})
    for kind in ("door", "bolt", "mains", "tamper"):
        states[(kind, 0)] = snapshot[kind]
    return states
