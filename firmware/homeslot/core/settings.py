"""Every setting of the cart once: name, default, low, high, unit, and beside it what it does.

A number lies in low..high. A text has low..high printable ASCII characters, or none: it is not set.
Only a Wi-Fi network may have a name in any script, of so many bytes (IEEE 802.11, 9.4.2.2).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]  # int or str by the name of the setting

SETTINGS = (
    ("cart", "", 1, 32, "of a-z, 0-9 and -"),  # id of the cart, as `homeslot cart add` gave it
    ("secret", "", 1, 128, "characters"),  # secret of the cart, as `homeslot cart add` showed it
    ("host", "", 1, 128, "characters"),  # name or address of the hub
    ("port", 1883, 1, 65535, ""),  # port of the hub's broker
    ("gateway", 0, 0, 1, ""),  # 1: the way to the hub is `homeslot gateway` on the USB cable
    ("tls", 0, 0, 1, ""),  # 1: the broker is reached by TLS, and its CA is in `ca.pem`
    ("wifi_ssid", "", 1, 32, "bytes"),  # name of the Wi-Fi network
    ("wifi_key", "", 8, 63, "characters"),  # pre-shared key of the Wi-Fi network
    ("ntp", "", 1, 128, "characters"),  # time server to ask until the hub tells the time; or none
    ("scan_ms", 1000, 200, 60000, "ms"),  # time between two scans of all currents
    ("report_s", 60, 5, 3600, "s"),  # time between two snapshots
    ("diag_s", 600, 10, 86400, "s"),  # time between two reports of the controller's own health
    ("keep_alive_s", 30, 5, 600, "s"),  # silence after which the connection is tested
    ("spare_slots", 0, 0, 80, "slots"),  # slots that may be empty with all home on the light
    ("outbox_events", 1000, 10, 2000, "events"),  # events kept while there is no link
)
# The way to the hub: a mistake in one of these from afar, and nobody reaches the cart from there.
WAY = ("cart", "secret", "host", "port", "gateway", "tls", "wifi_ssid", "wifi_key")
SECRETS = ("secret", "wifi_key")  # written, and never shown
NEEDED = ("cart", "secret", "host")  # without these no cart can report
ON_A_CABLE = ("cart", "secret")  # nor without these through a gateway, which knows the rest
CART_ID = "abcdefghijklmnopqrstuvwxyz0123456789-"  # what the id of a cart is made of


class BadSetting(ValueError):
    """Settings that do not exist or are out of their range: a line for each."""


def problems(changes: "Values") -> "list[str]":
    """Everything that is wrong with `changes`, each in a line that shows no secret."""
    rows = {row[0]: row for row in SETTINGS}
    found = []
    for name, value in changes.items():
        if name not in rows:
            found.append("%s: no such setting; there are %s" % (name, ", ".join(rows)))
        elif not _fits(rows[name], value):
            _, _, low, high, unit = rows[name]
            shown = "wrong" if name in SECRETS else repr(value)
            found.append(("%s is %s, allowed %d..%d %s" % (name, shown, low, high, unit)).rstrip())
    return found


def settings(changes: "Values") -> "Values":
    """All settings by name: the defaults, changed by the dict `changes`. Raises BadSetting."""
    found = problems(changes)
    if found:
        raise BadSetting("\n".join(found))
    values: "Values" = {row[0]: row[1] for row in SETTINGS}
    values.update(changes)
    return values


def missing(values: "Values", needed: "tuple[str, ...]" = NEEDED) -> "list[str]":
    """Those of `needed` that are not set; a gateway needs less."""
    if values["gateway"]:
        needed = ON_A_CABLE
    return [name for name in needed if not values[name]]


def shown(values: "Values") -> "Values":
    """All but the secrets."""
    return {name: value for name, value in values.items() if name not in SECRETS}


def is_writing(text: str) -> bool:
    """Whether `text` has neither controls nor halves of a character."""
    return not any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text)


def _fits(row: "tuple[str, int | str, int, int, str]", value: object) -> bool:
    name, default, low, high, _ = row
    if type(value) is not type(default):  # a bool is an int to isinstance
        return False
    if isinstance(value, str):
        if name == "cart" and not all(c in CART_ID for c in value):
            return False
        if name == "wifi_ssid":
            return not value or (is_writing(value) and low <= len(value.encode()) <= high)
        return not value or (low <= len(value) <= high and all(" " <= c <= "~" for c in value))
    return isinstance(value, int) and low <= value <= high
