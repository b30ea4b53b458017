"""A Pico W's `network` for the tests: a station that joins after a few looks, or never."""

STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 3
STAT_WRONG_PASSWORD, STAT_NO_AP_FOUND, STAT_CONNECT_FAIL = -3, -2, -1


said = []  # every (ssid, key) shown


class WLAN:
    IF_STA, PM_NONE = 0, 0

    outcome = STAT_GOT_IP  # what a join comes to
    looks = 3  # how often one looks until then
    bssid = b"\xaa\xbb\xcc\x00\x11\x22"
    rssi = -61

    def __init__(self, interface):
        self._status = STAT_IDLE
        self._left = 0

    def active(self, up):
        pass

    def config(self, pm):
        pass

    def connect(self, ssid, key):
        said.append((ssid, key))
        self._status = STAT_CONNECTING
        self._left = WLAN.looks

    def ifconfig(self):
        return ("127.0.0.2", "255.255.255.0", "127.0.0.1", "127.0.0.1")

    def deinit(self):
        said.append("off")

    def disconnect(self):
        self._status = STAT_IDLE

    def status(self, about=None):
        if about == "rssi":
            return WLAN.rssi
        return self._status

    def isconnected(self):
        if self._status == STAT_CONNECTING:
            self._left -= 1
            if self._left <= 0:
                self._status = WLAN.outcome
        return self._status == STAT_GOT_IP

    def ioctl(self, command, buffer):
        assert command == 46  # WLC_GET_BSSID, get
        buffer[:] = WLAN.bssid


class WIZNET5K:
    """The W5500 of the W5500-EVB-Pico: a link, and an address after a few looks.

    As extmod/network_wiznet5k.c of MicroPython 1.27 with lwIP: `isconnected` needs both, `status`
    is 0 without a link, 1 while the interface is down, 2 while it is up.
    """

    cable = True
    server = True  # of DHCP
    looks = 3  # how often one looks until there is an address
    resets = 0  # of the chip

    def __init__(self):
        self._up = False
        self._left = 0

    def active(self, up):
        if up and not self._up:
            WIZNET5K.resets += 1
            self._left = WIZNET5K.looks
        self._up = up

    def status(self):
        return (2 if self._up else 1) if WIZNET5K.cable else 0

    def ifconfig(self):
        return ("127.0.0.2", "255.255.255.0", "127.0.0.1", "127.0.0.1")

    def isconnected(self):
        if WIZNET5K.cable and WIZNET5K.server and self._up and self._left > 0:
            self._left -= 1
        return WIZNET5K.cable and self._up and self._left == 0
