"""The commands of a cart, each in a few lines: what the dispatcher's table is filled with.

What takes time or memory and is rarely asked for is loaded when it is.
"""

from homeslot import const
from homeslot.app.commands import CONSOLE, Refusal
from homeslot.app.resets import BOOT
from homeslot.core.settings import BadSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.app.node import Node
    from homeslot.app.update import Update
    from homeslot.contract import Body

_UPDATE_MS = const(60000)
_LOGS = const(3500)  # characters
REPL = "repl"  # a file: while it is there the cart is not started, once


class Hands:
    """The handlers of `cart`, offered to its dispatcher."""

    def __init__(self, cart: "Node") -> None:
        self._cart = cart
        for word in ("time", "report", "settings", "logs", "restart", "ca"):
            cart.commands.offer(word, getattr(self, "_" + word))
        if cart.updater is not None:
            self._offer_update(cart.updater)

    def _time(self, command: "Body", sender: str) -> None:
        """Set the clock; and start again where this cart had other numbers before it lost them."""
        cart = self._cart
        cart.keeper.set(command["at_s"], cart.clock.up_ms())
        heard = command.get("boot", 0)
        if heard > cart.boot:
            cart.files.write(BOOT, b"%d" % heard)
            self._leave("boot %d is over: the %s knows of boot %d" % (cart.boot, sender, heard))

    def _report(self, command: "Body", sender: str) -> None:
        """A snapshot for the hub; for the console also what the cart is and how it fares."""
        cart = self._cart
        if sender == CONSOLE and cart.console is not None:
            cart.console.say("hello", cart.link.hello)
            if cart.link.state is not None:
                cart.console.say("state", cart.link.state)
            cart.console.say("diag", cart.diag)
        elif cart.link.state is not None:
            cart.link.say("state", cart.link.state, True)
        else:
            cart.link.say("diag", cart.diag)

    def _settings(self, command: "Body", sender: str) -> "Body":
        cart = self._cart
        try:
            later = cart.stored.change(command["settings"], sender != CONSOLE)
        except BadSetting as error:
            raise Refusal(str(error).split("\n")[0])
        cart.log.say("settings changed by %s: %s" % (sender, ", ".join(command["settings"])))
        return {"restart": later}

    def _ca(self, command: "Body", sender: str) -> None:
        """Another CA to trust, or several with commas between, from the next connection on."""
        from homeslot.mqtt.tls import pem, trusting

        text = pem(command["data"].split(","))
        trusting(text)
        self._cart.files.write("ca.pem", text)
        self._cart.log.say("ca.pem changed by " + sender)

    def _logs(self, command: "Body", sender: str) -> "Body":
        """The last lines, as many as fit into a payload should every character need two."""
        lines, room = [""], _LOGS
        for line in reversed(self._cart.log.lines):
            room -= len(line) + 4
            if room < 0:
                break
            lines.insert(0, line)
        return {"lines": lines[:-1] or lines}

    def _offer_update(self, make: "Callable[[], Update]") -> None:
        made: "list[Update]" = []

        async def update(command: "Body", sender: str) -> "Body":
            if not made:
                made.append(make())
            said = made[0].obey(command)
            self._cart.light.show("update", _UPDATE_MS)
            if made[0].done:
                self._leave("update by " + sender)
            return said

        self._cart.commands.offer_slow("update", update)

    def _restart(self, command: "Body", sender: str) -> None:
        cart = self._cart
        if command.get("mode", "run") == REPL:
            if sender != CONSOLE:
                raise Refusal("mode: repl is for the console only")
            cart.files.write(REPL, b"1")
        if cart.sides is not None and cart.sides.safe:
            cart.sides.forgive()
        self._leave("restart asked for by " + sender)

    def _leave(self, why: str) -> None:
        self._cart.log.say(why)
        self._cart.commands.at_last(lambda: self._end(why))

    def _end(self, why: str) -> None:
        self._cart.leave(why)
        self._cart.system.restart()
