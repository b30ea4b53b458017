"""One watch over all tasks: the watchdog is fed only while each has lately shown life.

Theory of operation. A task is a coroutine function that runs for ever and calls `life` before each
piece of its work. What goes wrong ends the boot, and each way of ending says which task it was:

- A task raises, or returns: `told` hears why, and `run` raises. Its caller restarts the controller.
- A task is silent for longer than its bound: `told` hears which, and the watchdog is never fed
  again. Where there is none, nothing happens: a simulated cart is not restarted.
- A task does not give the others their turn: nobody is left to be told. `mark` was given the number
  of the task that showed life last; the controller keeps it over the reset (see app.resets).

A task that waits for something to happen has nothing to show meanwhile: its `wake` is called when
half its bound has passed.
"""

import asyncio

from homeslot import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeslot.ports import Clock

_LOOK_MS = const(1000)


class Ended(Exception):
    """A task that should run for ever has returned; its text says which."""


class Supervisor:
    """Runs the tasks it was given.

    `feed()` feeds the watchdog, `told(why)` hears in words why the boot is about to end,
    `mark(number)` is called with the number of each task that shows life, from 1.
    """

    def __init__(
        self,
        clock: "Clock",
        feed: "Callable[[], None]",
        told: "Callable[[str], None]",
        mark: "Callable[[int], None]" = lambda number: None,
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._told = told
        self._mark = mark
        self._tasks: "list[_Task]" = []

    def task(
        self,
        name: str,
        bound_ms: "int | None",
        run: "Callable[[], Awaitable[None]]",
        wake: "Callable[[], None] | None" = None,
    ) -> None:
        """Have `run()` run; it shows life at least every `bound_ms`. To be called before `run`.

        With None it may wait for ever, as one does for what people type.
        """
        self._tasks.append(_Task(name, bound_ms, run, wake))

    def life(self, name: str) -> None:
        """The task `name` is alive, and about to do something. Raises LookupError."""
        number = 1
        for task in self._tasks:
            if task.name == name:
                task.lived_ms = self._clock.up_ms()
                return self._mark(number)
            number += 1
        raise LookupError(name)

    def name(self, number: int) -> str:
        """The name of the task that was marked `number`; "" when none has that number."""
        return self._tasks[number - 1].name if 0 < number <= len(self._tasks) else ""

    async def run(self) -> None:
        """Run all tasks. Ends only by raising what a task raised, or Ended."""
        now_ms = self._clock.up_ms()
        for task in self._tasks:
            task.lived_ms = now_ms
        await asyncio.gather(self._watch(), *[self._live(task) for task in self._tasks])

    async def _live(self, task: "_Task") -> None:
        try:
            await task.run()
            raise Ended(task.name)
        except Exception as error:
            self._told("%s died: %s %s" % (task.name, type(error).__name__, error))
            raise

    async def _watch(self) -> None:
        while True:
            now_ms = self._clock.up_ms()
            for task in self._tasks:
                if task.bound_ms is None:
                    continue
                silent_ms = now_ms - task.lived_ms
                if silent_ms > task.bound_ms:
                    return self._told("%s showed no life for %d ms" % (task.name, silent_ms))
                if task.wake is not None and silent_ms > task.bound_ms // 2:
                    task.wake()
            self._feed()
            await self._clock.sleep_ms(_LOOK_MS)


class _Task:
    """One task and when it last showed life."""

    def __init__(
        self,
        name: str,
        bound_ms: "int | None",
        run: "Callable[[], Awaitable[None]]",
        wake: "Callable[[], None] | None",
    ) -> None:
        self.name = name
        self.bound_ms = bound_ms
        self.run = run
        self.wake = wake
        self.lived_ms = 0
