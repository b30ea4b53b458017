"""What can befall the chips and wires of a simulated cart, by name, below the drivers.

A scenario speaks of people and devices (`world`); this is what they do not see. It takes a body on
a bus with faults (`chips.faults.FaultyBus`).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from homeslot_sim.cart.body import Body

# Done to the bus: see FaultyBus. `kill` and `revive` take an address and a channel of the mux or
# None, `hold_sda` and `release_sda` a channel or None.
_OF_THE_BUS = ("kill", "revive", "hold_sda", "release_sda")


def befall(body: "Body", name: str, *args: "Any") -> None:
    """Let the mishap `name` happen to `body` now, or a verb of `world.VERBS`. Numbers are from 1.

    - `unplug-in-scan BANK BITS`: the bank comes off when so many bits more have been clocked
    - `freeze BANK ADDRESS`, `thaw BANK ADDRESS`: that chip's converter stands still, or goes on
    - `jam SLOT CLOSED`: the slot's switch says True or False whatever is there, None: no longer
    """
    bus: "Any" = body.bus
    if name in _OF_THE_BUS:
        getattr(bus, name)(*args)
    elif name == "unplug-in-scan":
        bank, bits = args
        bus.at_bits(bus.bits + bits, lambda: body.apply("bank-dies", [bank]))
    elif name in ("freeze", "thaw"):
        bank, address = args
        body.chips[bank - 1][address].frozen = name == "freeze"
    elif name == "jam":
        body.jam(*args)
    else:
        body.apply(name, args)
