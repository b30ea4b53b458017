"""What the cart says: the bodies of its messages, and the numbers its events carry."""

from homeslot import __version__
from homeslot.contract import FIRST_S, LAST_S, SEQ_PER_BOOT, VERSION
from homeslot.core.settings import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.app.resets import Resets
    from homeslot.app.sensors import Sensors
    from homeslot.board import Board
    from homeslot.contract import Body
    from homeslot.core.settings import Values
    from homeslot.core.timekeeper import TimeKeeper
    from homeslot.ports import Boot, Clock, Events, Network, System


class Reporter:
    """Builds the message bodies of one boot (dicts as contract.MESSAGES says).

    `boot` is the number of this boot. Events go to `outbox` as they happen; snapshots, hello and
    diag are made when asked for.
    """

    def __init__(
        self,
        boot: int,
        board: "Board",
        settings: "Values",
        keeper: "TimeKeeper",
        outbox: "Events",
        clock: "Clock",
        network: "Network",
        system: "System",
        resets: "Resets",
        sides: "Boot | None" = None,
    ) -> None:
        self._boot = boot
        self._sides = sides
        self._board = board
        self._settings = settings
        self._keeper = keeper
        self._outbox = outbox
        self._clock = clock
        self._network = network
        self._system = system
        self._resets = resets
        self._seq = boot * SEQ_PER_BOOT
        self.abilities: "list[str]" = []  # commands that can be carried out

    def event(self, kind: str, index: int, value: str, was: str, current_ma: "int | None") -> None:
        """Put one change into the outbox; `index` is 0 where there is only one of its kind."""
        self._seq += 1
        if self._seq % SEQ_PER_BOOT == 0:  # the next numbers belong to the next boot: start it
            raise OverflowError("the numbers of this boot are used up")
        body = self._stamped(self._clock.up_ms())
        body.update({"seq": self._seq, "kind": kind, "value": value, "was": was})
        if index:
            body["index"] = index
        if kind == "slot":
            body["current_ma"] = current_ma
        self._outbox.put(body)

    def date(self, event: "Body") -> None:
        """Give an event from before the time was known its time, if it is known by now.

        One of an earlier boot keeps its uptime: when that boot began, this one cannot know.
        """
        if event["at_s"] is None and event["boot"] == self._boot:
            event["at_s"] = self._at_s(event["up_ms"])

    def link(self, word: str) -> "Body":
        """The body of `link`."""
        return {"v": VERSION, "boot": self._boot, "link": word}

    def hello(self) -> "Body":
        """The body of `hello`."""
        body = self._stamped(self._clock.up_ms())
        body.update(
            {
                "firmware": __version__,
                "board": self._board.id,
                "slots": self._board.slots,
                "reset": self._resets.cause,
                "why": self._resets.why,
                "resets": self._resets.counts,
                "abilities": self.abilities,
                "settings": shown(self._settings),
            }
        )
        sides = self._sides
        if sides is not None:
            body.update({"side": sides.side, "trial": sides.trial, "safe": sides.safe})
            body["gave_up"] = sides.gave_up
        return body

    def state(self, sensors: "Sensors") -> "Body":
        """The body of `state`: what the last scan of `sensors` found, with that scan's time."""
        body = self._stamped(sensors.scanned_ms)
        bssid, rssi_dbm = self._network.access_point()
        body.update(
            {
                "seq": self._seq,
                "slots": [slot.state for slot in sensors.slots],
                "current_ma": sensors.current_ma,
                "banks": sensors.banks,
                "battery_mv": self._system.battery_mv(),
                "temperature_c": self._system.temperature_c(),
                "bssid": None if bssid is None else sensors.place.bssid or bssid,
                "rssi_dbm": rssi_dbm,
            }
        )
        for name, switch in sensors.inputs.items():
            body[name] = switch.state
        return body

    def diag(self, lag_ms: int, bus_errors: int, connections: int, refused: int) -> "Body":
        """The body of `diag`."""
        body = self._stamped(self._clock.up_ms())
        body.update(
            {
                "heap_free": self._system.heap_free(),
                "lag_ms": lag_ms,
                "bus_errors": bus_errors,
                "outbox_depth": len(self._outbox),
                "outbox_dropped": self._outbox.dropped,
                "reconnects": connections,
                "refused": refused,
            }
        )
        return body

    def reply(self, command_id: int, why: str, said: "Body | None" = None) -> "Body":
        """The body of `reply`: carried out when `why` is empty; `said` is what else it says."""
        body = self._stamped(self._clock.up_ms())
        body.update({"id": command_id, "ok": not why, "why": why})
        if said:
            body.update(said)
        return body

    def _stamped(self, up_ms: int) -> "Body":
        return {"v": VERSION, "boot": self._boot, "up_ms": up_ms, "at_s": self._at_s(up_ms)}

    def _at_s(self, up_ms: int) -> "int | None":
        """Epoch s of `up_ms`; None while unknown, or when we were told a time that cannot be."""
        at_s = self._keeper.at_s(up_ms)
        return at_s if at_s is not None and FIRST_S <= at_s <= LAST_S else None
