"""The commands of a cart that senses: it shows which slot is meant, and looks into itself.

What takes memory and is rarely asked for is loaded when it is.
"""

from homeslot import const
from homeslot.app.commands import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.app.cart import Cart
    from homeslot.contract import Body

_IDENTIFY_S = const(30)
_NUDGE_S = const(600)


class Looks:
    """The handlers of `cart`, offered to its dispatcher beside those of app.hands."""

    def __init__(self, cart: "Cart") -> None:
        self._cart = cart
        cart.commands.offer("identify", self._identify)
        cart.commands.offer("nudge", self._nudge)
        cart.commands.offer_slow("scan", self._scan)
        cart.commands.offer_slow("selftest", self._selftest)

    def _identify(self, command: "Body", sender: str) -> None:
        cart, slot = self._cart, command["slot"]
        if slot > cart.board.slots:
            raise Refusal("slot is %d: this board has 1..%d" % (slot, cart.board.slots))
        cart.light.show("identify", command.get("for_s", _IDENTIFY_S) * 1000, slot)

    def _nudge(self, command: "Body", sender: str) -> None:
        self._cart.light.show("nudge", command.get("for_s", _NUDGE_S) * 1000)

    async def _scan(self, command: "Body", sender: str) -> "Body":
        from homeslot.app.scan import scan

        return await scan(self._cart)

    async def _selftest(self, command: "Body", sender: str) -> "Body":
        from homeslot.app.selftest import selftest

        return selftest(self._cart)
