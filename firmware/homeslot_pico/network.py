"""ports.Network over the Wi-Fi of a Pico W (CYW43). It can show a key: no WPA2-Enterprise."""

import asyncio
import time

import network

from homeslot.mqtt.stream import TcpNetwork
from homeslot_pico.names import resolved

JOIN_MS = 20000
POLL_MS = 100
# Failed joins in a row, half an hour of them, after which the chip is switched off and on: some
# hang. Not sooner: switching off has hung as well (MicroPython issue 17621), and the watchdog bit.
PATIENCE = 30
# MicroPython reads the signal, but names no way to the access point's address (issue 11462): the
# CYW43 is asked itself. WLC_GET_BSSID is 23, doubled: bit 0 of the driver's command says `set`.
GET_BSSID = 46


class Wifi:
    """The way to the broker over the network `ssid` with the pre-shared `key`.

    `ca`: see homeslot.mqtt.stream.
    """

    def __init__(self, ssid, key, ca=None, join_ms=JOIN_MS):
        self._ssid = ssid
        self._key = key
        self._join_ms = join_ms
        self._nic = network.WLAN(network.WLAN.IF_STA)
        self._tcp = TcpNetwork(self.access_point, ca)
        self._trouble = "no_wifi"
        self._began_ms = None  # when the join began that goes on
        self._failed = 0

    async def open(self, host: str, port: int):
        """Join unless joined, then connect. Raises OSError that says which of the two failed.

        The name `host` is looked up anew each time: the hub may have moved.
        """
        await self._join()
        address = await resolved(host, self.name_server())
        return await self._tcp.open(address, port, host)

    def trouble(self):
        """What keeps the cart out of its network: "no_wifi", "wrong_key"; None when it is in."""
        return None if self._nic.isconnected() else self._trouble

    def name_server(self):
        """The address of the name server this network has named."""
        return self._nic.ifconfig()[3]

    def access_point(self):
        """(BSSID, RSSI in dBm) of the access point in use; None for what the chip does not say."""
        if not self._nic.isconnected():
            return (None, None)
        bssid = bytearray(6)
        self._nic.ioctl(GET_BSSID, bssid)
        rssi_dbm = self._nic.status("rssi")
        return (
            ":".join("%02x" % byte for byte in bssid) if any(bssid) else None,
            rssi_dbm if -127 <= rssi_dbm < 0 else None,
        )

    async def _join(self):
        nic = self._nic
        # A join whose caller lost patience goes on: the next caller waits for what is left of it.
        while not nic.isconnected():
            if self._began_ms is None:
                nic.active(True)
                nic.config(pm=network.WLAN.PM_NONE)  # asleep, the chip misses the broker's packets
                nic.connect(self._ssid, self._key)
                self._began_ms = time.ticks_ms()
            status = nic.status()
            if status < 0 or time.ticks_diff(time.ticks_ms(), self._began_ms) > self._join_ms:
                self._give_up(status)
            await asyncio.sleep_ms(POLL_MS)
        self._trouble = "no_wifi"
        self._began_ms = None
        self._failed = 0

    def _give_up(self, status):
        self._trouble = "wrong_key" if status == network.STAT_WRONG_PASSWORD else "no_wifi"
        self._began_ms = None
        self._failed += 1
        self._nic.disconnect()
        if self._failed % PATIENCE == 0:
            self._nic.deinit()
        raise OSError("Wi-Fi %s: %s" % (self._ssid, self._why(status)))

    def _why(self, status):
        if status == network.STAT_WRONG_PASSWORD:
            return "the key is wrong"
        if status == network.STAT_NO_AP_FOUND:
            return "no such network here"
        return "no address within %d ms" % self._join_ms
