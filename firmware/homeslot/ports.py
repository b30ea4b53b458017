"""What the cart asks of the outside. Types only: nothing here exists at run time."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from homeslot.contract import Body

    class Clock(Protocol):
        """Time since boot. On the board the real one; elsewhere virtual or scaled."""

        def up_ms(self) -> int:
            """Milliseconds since this boot; never goes back."""

        async def sleep_ms(self, ms: int) -> None:
            """Return after `ms` milliseconds of this clock."""

    class Bus(Protocol):
        """An I2C bus, with the methods of `machine.I2C`. A chip that does not answer: OSError."""

        def writeto(self, addr: int, buf: bytes) -> int:
            """Write `buf`; how many bytes were acknowledged."""

        def writeto_mem(self, addr: int, memaddr: int, buf: bytes) -> None:
            """Write `buf` from register `memaddr` on."""

        def readfrom_mem_into(self, addr: int, memaddr: int, buf: bytearray) -> None:
            """Fill `buf` from register `memaddr` on."""

    class Pins(Protocol):
        """The controller's pins by the names of the board file (`door`, `mains`, …)."""

        def read(self, name: str) -> int:
            """The level of an input: 0 or 1."""

        def write(self, name: str, level: int) -> None:
            """Drive an output to 0 or 1; `light` to a colour, 0xRRGGBB."""

        def on_fall(self, name: str, call: "Callable[[], None]") -> None:
            """Call `call` soon after each falling edge of an input."""

    class Stream(Protocol):
        """One connection to the broker."""

        async def read(self, n: int) -> bytes:
            """Up to `n` bytes as soon as there are any; b"" when the peer has closed."""

        async def write(self, data: bytes) -> None:
            """Hand all of `data` to the network. Raises OSError when the connection is gone."""

        async def close(self) -> None:
            """Give the connection up; a pending read returns b"" or raises OSError."""

    class Network(Protocol):
        """The way to the broker: Wi-Fi, wire or loopback."""

        async def open(self, host: str, port: int) -> Stream:
            """Connect. Raises OSError when that fails; the caller bounds the wait."""

        def access_point(self) -> "tuple[str | None, int | None]":
            """(BSSID, RSSI in dBm) of the access point in use; None where there is none."""

        def trouble(self) -> "str | None":
            """What keeps the cart from joining: "no_wifi" or "wrong_key"; None: it has joined."""

    class Serial(Protocol):
        """The serial console: USB on the board."""

        async def read(self, n: int) -> bytes:
            """Up to `n` bytes as soon as there are any; b"" when there will be no more."""

        def write(self, data: bytes) -> int:
            """Take what there is room for, at once; how many bytes that were."""

    class Files(Protocol):
        """A few small files that survive a power cut: what a call did is there when it returns.

        Every call may raise OSError, when the flash is full or worn.
        """

        def names(self) -> "list[str]":
            """The names of all files, in any order."""

        def read(self, name: str) -> "bytes | None":
            """The content of file `name`; None when there is none."""

        def read_at(self, name: str, at: int, count: int) -> bytes:
            """Up to `count` bytes from byte `at` on; fewer at the end, b"" when there is none."""

        def write(self, name: str, data: "bytes | bytearray | memoryview") -> None:
            """Replace file `name` whole or not at all."""

        def append(self, name: str, data: "bytes | bytearray | memoryview") -> None:
            """Add to the end of file `name`. A power cut may leave any part from its beginning."""

        def remove(self, name: str) -> None:
            """Delete file `name`; nothing happens when there is none."""

    class Boot(Protocol):
        """What started the firmware from one of two sides of the flash; see homeslot_boot.boot."""

        layout: int  # version of the flash's layout and of this port
        side: str  # "a" or "b": the one that runs
        other: str  # the one that does not
        trial: bool  # it has only this boot to be confirmed in
        safe: bool  # too many boots failed: provision, report and update, nothing else
        gave_up: str  # version of the last trial that failed; "" when none did

        def confirm(self) -> None:
            """This boot is healthy. Raises OSError."""

        def order_trial(self, version: str) -> None:
            """The next boot tries the other side, which has `version`. Raises OSError."""

        def forgive(self) -> None:
            """The next boot is not in safe mode. Raises OSError."""

    class System(Protocol):
        """The controller itself."""

        def reset_cause(self) -> str:
            """One of contract.RESET."""

        def heap_free(self) -> int:
            """Bytes free after a collection."""

        def battery_mv(self) -> "int | None":
            """Voltage of the battery behind the controller in mV."""

        def temperature_c(self) -> "int | None":
            """Temperature in the cart in degrees Celsius."""

        def set_clock(self, at_s: int) -> None:
            """Let the machine's own clock say epoch `at_s` seconds: TLS goes by it."""

        def feed_watchdog(self) -> None:
            """Show life: without it for some seconds the controller is reset."""

        def mark(self, number: int) -> None:
            """Keep `number` (0..255) over a reset by the watchdog, in place of the one before."""

        def marked(self) -> int:
            """The number the boot before marked last; 0 after power-on."""

        def restart(self) -> None:
            """Start the controller again, at once."""

    class Events(Protocol):
        """The events that wait for the hub; see outbox.Outbox."""

        changed: "Callable[[], None] | None"  # called when there may be something to send

        @property
        def dropped(self) -> int:
            """How many are lost since boot."""

        def __len__(self) -> int:
            """How many wait."""

        def put(self, event: Body) -> None:
            """Keep `event`."""

        def due(self, count: int) -> "list[Body]":
            """Up to `count` to be sent now."""

        def leave(self, seq: int) -> None:
            """Let go of the event numbered `seq`: the broker has it."""

        def connected(self) -> None:
            """What waits now is to be sent in order."""

        def keep(self) -> None:
            """Bring all that waits to the flash."""
