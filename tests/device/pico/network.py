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
