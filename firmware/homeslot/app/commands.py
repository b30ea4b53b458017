"""What the cart does when it is told to, whoever says it: one table for the hub and the console.

A handler takes the checked body of a `cmd` and its sender, and returns what its reply says beside
`ok` (a dict, or None). It raises Refusal where it will not; an OSError, say of the flash, is a
refusal too. One that takes time is a coroutine function: those run one after the other.
"""

import asyncio

from homeslot import const
from homeslot.contract import BUSY
from homeslot.log import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeslot.app.reporter import Reporter
    from homeslot.contract import Body
    from homeslot.ports import Clock

    MakeBody = Callable[[], Body]
    Answer = Callable[[MakeBody], None]
    Handler = Callable[[Body, str], Body | None]
    SlowHandler = Callable[[Body, str], Awaitable[Body | None]]

HUB, CONSOLE = "hub", "console"
_WAITING = const(4)
_WHY = const(120)  # characters, see contract
_LAST_WORDS_MS = const(1000)  # for the reply to leave


class Refusal(Exception):
    """A command that is not carried out. Its text is the reply's `why`."""


class Commands:
    """The table: `offer` what can be done, then `obey`. `run` is the task of what takes time."""

    def __init__(self, reporter: "Reporter", clock: "Clock") -> None:
        self._reporter = reporter
        self._clock = clock
        self._handlers: "dict[str, Handler]" = {}
        self._slow: "dict[str, SlowHandler]" = {}
        self._waiting: "list[tuple[Body, str, Answer]]" = []
        self._more = asyncio.Event()
        self.wake = self._more.set  # have `run` look around, and show life
        self._last: "Callable[[], None] | None" = None

    def offer(self, word: str, handler: "Handler") -> None:
        """Let `handler` carry out the command `word` as it comes."""
        self._handlers[word] = handler
        self._reporter.abilities.append(word)

    def offer_slow(self, word: str, handler: "SlowHandler") -> None:
        """Let the coroutine function `handler` carry out `word` in its turn."""
        self._slow[word] = handler
        self._reporter.abilities.append(word)

    def at_last(self, call: "Callable[[], None]") -> None:
        """Call `call`, which ends this boot, when the reply has had time to leave."""
        self._last = call
        self._more.set()

    def obey(self, command: "Body", sender: str, answer: "Answer") -> None:
        """Carry out `command`; `answer` is called once with what makes the body of the reply.

        What takes time is not done twice when it comes again meanwhile: a broker that is not
        thanked soon enough says it again.
        """
        word = command["cmd"]
        if word in self._slow:
            if any([waits == command and by == sender for waits, by, _ in self._waiting]):
                return
            if len(self._waiting) < _WAITING:
                self._waiting.append((command, sender, answer))
                self._more.set()
            else:
                self._reply(answer, command, "%s: %d commands wait" % (BUSY, _WAITING), None)
            return
        if word not in self._handlers:
            self._reply(answer, command, "this firmware cannot " + word, None)
            return
        why, said = "", None
        try:
            said = self._handlers[word](command, sender)
        except (Refusal, OSError) as error:
            why = _why(error)
        self._reply(answer, command, why, said)

    async def run(self, beat: "Callable[[], None]") -> None:
        """Carry out what takes time, for ever. `beat()` is called at every sign of life."""
        while True:
            beat()
            while self._waiting:
                beat()
                command, sender, answer = self._waiting[0]
                why, said = "", None
                try:
                    said = await self._slow[command["cmd"]](command, sender)
                except (Refusal, OSError) as error:
                    why = _why(error)
                self._waiting.pop(0)
                self._reply(answer, command, why, said)
            if self._last is not None:
                await self._clock.sleep_ms(_LAST_WORDS_MS)
                self._last()
            await self._more.wait()
            self._more.clear()

    def _reply(self, answer: "Answer", command: "Body", why: str, said: "Body | None") -> None:
        number = command["id"]
        answer(lambda: self._reporter.reply(number, why, said))


def _why(error: Exception) -> str:
    return plain(str(error) or type(error).__name__)[:_WHY]
