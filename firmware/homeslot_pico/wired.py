"""ports.Network over the cable of a W5500-EVB-Pico.

What `network.WIZNET5K` does is read from its documentation and from the driver in MicroPython 1.27
(extmod/network_wiznet5k.c, with lwIP), whose build for this board knows the chip's own pins:
`active(True)` resets the chip and asks for an address by DHCP, `isconnected` says whether there are
both a cable and an address, and `status` is 0 without a cable, 2 with one.
"""

import asyncio

import network

from homeslot.mqtt.stream import TcpNetwork, no_access_point
from homeslot_pico.names import resolved

LEASE_MS = 20000
POLL_MS = 100
NO_CABLE = 0


class Wired:
    """The way to the broker over the cable, with an address from the school's DHCP.

    `ca`: see homeslot.mqtt.stream.
    """

    def __init__(self, ca=None, lease_ms=LEASE_MS):
        self._lease_ms = lease_ms
        self._nic = network.WIZNET5K()
        self._tcp = TcpNetwork(ca=ca)
        self.access_point = no_access_point

    async def open(self, host: str, port: int):
        """Get an address unless there is one, then connect. Raises OSError that says why not.

        The wait for an address is bounded.
        """
        nic = self._nic
        nic.active(True)  # does nothing where it is
        for _ in range(self._lease_ms // POLL_MS):
            if nic.isconnected():
                address = await resolved(host, self.name_server())
                return Cabled(await self._tcp.open(address, port, host), self)
            await asyncio.sleep_ms(POLL_MS)
        why = self._why()
        nic.active(False)  # the next try begins with a reset of the chip and a new DHCP
        raise OSError("Ethernet: " + why)

    def trouble(self):
        """ "no_wifi" while there is no cable or no address: the cart is in no network."""
        return None if self._nic.isconnected() else "no_wifi"

    def name_server(self):
        """The address of the name server this network has named."""
        return self._nic.ifconfig()[3]

    def check(self) -> None:
        """Raise OSError while the cable is out."""
        if not self._nic.isconnected():
            raise OSError("Ethernet: " + self._why())

    def _why(self):
        if self._nic.status() == NO_CABLE:
            return "no cable, or nothing at its other end"
        return "no address within %d s" % (self._lease_ms // 1000)


class Cabled:
    """ports.Stream that notices a pulled cable as soon as there is something to say.

    TCP would go on trying. Who only listens is told by the broker's silence, as everywhere.
    """

    def __init__(self, stream, wired):
        self._stream = stream
        self._wired = wired

    async def read(self, n: int) -> bytes:
        """Up to `n` bytes; b"" when the peer has closed."""
        return await self._stream.read(n)

    async def write(self, data: bytes) -> None:
        """Hand `data` to the network. Raises OSError, also when the cable is out."""
        self._wired.check()
        await self._stream.write(data)

    async def close(self) -> None:
        """Give the connection up at once."""
        await self._stream.close()
