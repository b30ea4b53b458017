"""What is really so with one cart, whatever its sensors say: the source of the truth.

Every aspect is good (True) or not; a verb of a scenario changes it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SLOTS, BANKS, CART = "slots", "banks", "cart"

# aspect: of what it is one. True means in its slot, connected, drawing no more than it should,
# drawing and not feeding, its switch free to move, powered, working, plugged in, locked, closed,
# on the air, in its storage room, its controller on.
ASPECTS = {
    "device": SLOTS,
    "cable": SLOTS,
    "load": SLOTS,
    "flow": SLOTS,
    "switch": SLOTS,
    "shelf": BANKS,
    "bank": BANKS,
    "mains": CART,
    "bolt": CART,
    "door": CART,
    "link": CART,
    "place": CART,
    "power": CART,
}
# verb of a scenario: (aspect, what it becomes)
VERBS = {
    "in": ("device", True),
    "out": ("device", False),
    "connect": ("cable", True),
    "disconnect": ("cable", False),
    "relieve": ("load", True),
    "overload": ("load", False),
    "feed": ("flow", True),
    "backfeed": ("flow", False),
    "unstick": ("switch", True),
    "stick": ("switch", False),  # it stays open, whatever is in the slot
    "shelf-on": ("shelf", True),
    "shelf-off": ("shelf", False),
    "bank-heals": ("bank", True),
    "bank-dies": ("bank", False),
    "plug": ("mains", True),
    "unplug": ("mains", False),
    "lock": ("bolt", True),
    "unlock": ("bolt", False),
    "close": ("door", True),
    "open": ("door", False),
    "link-up": ("link", True),
    "link-down": ("link", False),
    "return": ("place", True),
    "roam": ("place", False),
    "power-on": ("power", True),
    "power-off": ("power", False),
}


class World:
    """One cart with `slots` slots in `banks` banks; at first all is home and well.

    `good[aspect]` is a list: one entry per slot, per bank, or one for all.
    """

    def __init__(self, slots: int, banks: int) -> None:
        counts = {SLOTS: slots, BANKS: banks, CART: 1}
        self.good = {name: [True] * counts[of] for name, of in ASPECTS.items()}

    def apply(self, verb: str, numbers: "Sequence[int]") -> None:
        """Do `verb` to the slots or banks `numbers` (from 1; [] for all, and for the cart)."""
        aspect, value = VERBS[verb]
        for i in [n - 1 for n in numbers] or range(len(self.good[aspect])):
            self.good[aspect][i] = value
