"""When a boot has proved itself: what homeslot_boot waits for, or it gives a firmware up."""

from homeslot import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.app.link import Link
    from homeslot.ports import Boot, Clock

_HEALTHY_MS = const(60000)


class Proof:
    """Confirms `boot` after a minute in which every task has shown life; on trial not before the
    broker has acknowledged a snapshot of `link`.
    """

    def __init__(self, boot: "Boot", clock: "Clock", link: "Link") -> None:
        self._boot = boot
        self._clock = clock
        self._link = link

    def given(self) -> bool:
        """Whether there is nothing more to prove. To be asked while every task shows life."""
        trial = self._boot.trial
        if self._clock.up_ms() < _HEALTHY_MS or (trial and not self._link.reported):
            return False
        try:
            self._boot.confirm()
        except OSError:
            return True  # a full flash: what is on trial is given up in time, what is not goes on
        if trial:
            self._link.say("hello", self._link.hello, True)
        return True
