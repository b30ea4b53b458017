"""ports.Network over the Wi-Fi of a Pico W (CYW43). It can show a key: no WPA2-Enterprise."""

import asyncio

import network

from homeslot.mqtt.stream import TcpNetwork

JOIN_MS = 20000
POLL_MS = 100
# MicroPython reads the signal, but names no way to the access point's address (issue 11462): the
# CYW43 is asked itself. WLC_GET_BSSID is 23, doubled: bit 0 of the driver's command says `set`.
GET_BSSID = 46


class Wifi:
    """The way to the broker over the network `ssid` with the pre-shared `key`."""

    def __init__(self, ssid, key):
        self._ssid = ssid
        self._key = key
        self._nic = network.WLAN(network.WLAN.IF_STA)
        self._tcp = TcpNetwork(self.access_point)

    async def open(self, host: str, port: int):
        """Join unless joined, then connect. Raises OSError that says which of the two failed."""
        await self._join()
        return await self._tcp.open(host, port)

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
        if nic.isconnected():
            return
        nic.active(True)
        nic.config(pm=network.WLAN.PM_NONE)  # asleep, the chip misses the broker's packets
        if nic.status() != network.STAT_CONNECTING:  # a join whose caller lost patience goes on
            nic.connect(self._ssid, self._key)
        for _ in range(JOIN_MS // POLL_MS):
            if nic.isconnected():
                return
            if nic.status() < 0:
                break
            await asyncio.sleep_ms(POLL_MS)
        why = _why(nic.status())
        nic.disconnect()
        raise OSError("Wi-Fi %s: %s" % (self._ssid, why))


def _why(status):
    if status == network.STAT_WRONG_PASSWORD:
        return "the key is wrong"
    if status == network.STAT_NO_AP_FOUND:
        return "no such network here"
    return "no address within %d s" % (JOIN_MS // 1000)
