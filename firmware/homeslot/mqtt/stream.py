"""The Network port over asyncio's TCP streams: CPython, MicroPython's unix port and the Pico."""

import asyncio
import errno
import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from homeslot.ports import Stream

    AccessPoint = tuple[str | None, int | None]


def no_access_point() -> "AccessPoint":
    """The access point of a wire: none."""
    return (None, None)


def no_trouble() -> "str | None":
    """What keeps a wire from being joined: nothing."""
    return None


class TcpNetwork:
    """ports.Network over TCP; `access_point` is asked for (BSSID, RSSI in dBm) where there is one.

    With `ca` everything goes through TLS, with a broker whose certificate is by the CA that `ca()`
    gives as PEM at each connection (see mqtt.tls). MicroPython greets at the first read or write: a
    broker that is not trusted is an OSError from there.

    MicroPython looks names up without yielding: give it an address where that matters, and the name
    for the broker's certificate. It notices a refused connection only at the first read or write,
    and leaves the socket of an `open` that was cancelled to the garbage collector (on the unix
    port, to the end of the process).
    """

    def __init__(
        self,
        access_point: "Callable[[], AccessPoint]" = no_access_point,
        ca: "Callable[[], bytes | None] | None" = None,
    ) -> None:
        self.access_point = access_point
        self._ca = ca
        self.trouble = no_trouble

    async def open(self, host: str, port: int, name: "str | None" = None) -> "Stream":
        """Connect; with TLS the broker's certificate is to bear `name`, else `host`.

        Raises OSError.

        Raises MemoryError where the heap is in too many pieces for TLS, which wants 17 kB in one:
        trying again would not mend that, a new start does.
        """
        tls = None
        if self._ca is not None:
            from homeslot.mqtt.tls import trusting  # not loaded where there is no TLS

            gc.collect()
            tls = trusting(self._ca())
        try:
            reader, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=name if tls else None
            )
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise MemoryError("no room for a connection")
            raise
        return TcpStream(reader, writer)


class TcpStream:
    """ports.Stream over a pair of asyncio streams.

    On MicroPython cancel whoever reads or writes before `close`: its poll never wakes a task for a
    socket that was closed under it.
    """

    def __init__(self, reader: "asyncio.StreamReader", writer: "asyncio.StreamWriter") -> None:
        self._reader = reader
        self._writer: "asyncio.StreamWriter | None" = writer

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" when the peer has closed or we have."""
        try:
            return await self._reader.read(n)
        except ValueError as error:
            raise _refused(error)

    async def write(self, data: bytes) -> None:
        """Hand `data` to the network. Raises OSError."""
        if self._writer is None:
            raise OSError("the stream is closed")
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ValueError as error:
            raise _refused(error)

    async def close(self) -> None:
        """Give the connection up at once, also when the peer is dead; unsent bytes are dropped."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.close()
        transport = getattr(writer, "transport", None)
        if transport is not None:
            transport.abort()  # CPython: wait_closed would wait for a dead peer to read
        try:
            await writer.wait_closed()
        except OSError:
            pass


def _refused(error: ValueError) -> OSError:
    """What MicroPython's TLS thinks of the peer's certificate; it says so as a ValueError."""
    return OSError(" ".join(str(error).split()))
