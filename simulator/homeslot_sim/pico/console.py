"""The USB console of the emulated Pico, as a real host would hold it."""

from __future__ import annotations

from rp2040py.clock.clock import IClock
from rp2040py.peripherals.usb import RPUSBController
from rp2040py.usb.cdc import USBCDC

from homeslot_sim.terminal import Terminal

LOOK_NS = 50_000  # between a byte typed and the host's next offer to send
QUEUE = 512  # bytes of rp2040py's queue to the board


class Console(USBCDC):
    """What the board prints (`written`), and a way to type.

    rp2040py 0.3.6 answers the board's offer to receive with an empty packet at once, and the board
    offers again: every 28 us of emulated time the CPU is woken, and idle time costs as much as busy
    time. A real host does not answer until it has something to say. So does this one.
    """

    def __init__(self, usb: RPUSBController, clock: IClock) -> None:
        super().__init__(usb)
        self.written = bytearray()
        self.on_serial_data = self.written.extend
        self._given = 0  # bytes of `written` that a terminal has
        self._offer: tuple[int, int] | None = None
        self._answer = usb.on_endpoint_read or _nobody
        self._look = clock.create_alarm(self._take_offer)
        usb.on_endpoint_read = self._on_offer
        self._deaf = False
        self._untaken = 0  # packets that a deaf host leaves with the board
        self._taken = usb._indicate_buffer_ready
        usb._indicate_buffer_ready = self._on_taken  # type: ignore[method-assign]

    @property
    def text(self) -> str:
        """All the board has printed."""
        return self.written.decode("utf-8", "replace")

    def keys(self, data: bytes) -> None:
        """Send `data` to the board: at most what its queue of 512 bytes takes."""
        for byte in data:
            self.send_serial_byte(byte)
        self._look.schedule(LOOK_NS)

    def ignore(self, on: bool) -> None:
        """Be a host that has the port open and takes nothing from it, or be one no longer."""
        self._deaf = on
        while self._untaken and not on:
            self._untaken -= 1
            self._taken(self._in_endpoint, False)

    def forget(self) -> None:
        """What was written so far was for nobody."""
        self._given = len(self.written)

    def pass_on(self, terminal: Terminal) -> None:
        """Carry what has come in meanwhile, from the tool at `terminal` and to it."""
        self._given += terminal.give(self.written[self._given :])
        typed = terminal.take(QUEUE - self.tx_fifo.item_count)
        if typed:
            self.keys(typed)

    def _on_taken(self, endpoint: int, out: bool) -> None:
        if self._deaf and endpoint == self._in_endpoint and not out:
            self._untaken += 1
        else:
            self._taken(endpoint, out)

    def _on_offer(self, endpoint: int, size: int) -> None:
        if endpoint == self._out_endpoint and endpoint > 0 and self.tx_fifo.empty:
            self._offer = (endpoint, size)
        else:
            self._answer(endpoint, size)

    def _take_offer(self) -> None:
        if self._offer is not None and not self.tx_fifo.empty:
            offer, self._offer = self._offer, None
            self._answer(*offer)

    def _on_controller_reset(self) -> None:
        self._offer = None
        self._untaken = 0
        self._look.cancel()
        super()._on_controller_reset()


def _nobody(endpoint: int, size: int) -> None:
    """Where a controller has no host."""
