"""What this one cart has to be told before it can report: `settings.json` on the flash."""

import json

from homeslot.contract import is_cart_id
from homeslot.core.settings import SETTINGS, BadSetting, settings

# (name, type, low, high, what it is). Range of a number, or of a text's length.
FIELDS = (
    ("wifi_ssid", str, 1, 32, "name of the Wi-Fi network"),
    ("wifi_key", str, 8, 63, "its pre-shared key"),
    ("host", str, 1, 253, "address of the hub"),
    ("port", int, 1, 65535, "port of the hub's broker, usually 1883"),
    ("cart", str, 1, 32, "the cart's id, as `homeslot cart add` gave it"),
    ("secret", str, 1, 128, "the cart's secret, as `homeslot cart add` showed it"),
)
SECRETS = ("wifi_key", "secret")


class BadSettings(ValueError):
    """The settings cannot be used; its text has a line for each thing wrong."""


def parse(text):
    """The settings in the JSON `text` (bytes, None: no file). Raises BadSettings: all at once.

    Those of core.settings may be among them; `changes` has them.
    """
    names = [field[0] for field in FIELDS]
    if text is None:
        raise BadSettings("is not there; it needs " + ", ".join(names))
    try:
        given = json.loads(text.decode())
    except ValueError:
        raise BadSettings("is not JSON")
    if not isinstance(given, dict):
        raise BadSettings("is not a JSON object")
    changes = {name: given.pop(name) for name, _, _, _, _ in SETTINGS if name in given}
    wrong = ["%s: no such setting" % name for name in given if name not in names]
    for name, kind, low, high, meaning in FIELDS:
        value = given.get(name)
        size = len(value) if isinstance(value, str) else value
        if type(value) is not kind or not low <= size <= high:
            said = "missing" if value is None else "wrong" if name in SECRETS else repr(value)
            unit = " characters" if kind is str else ""
            wrong.append("%s is %s: %s, %d..%d%s" % (name, said, meaning, low, high, unit))
    if not wrong and not is_cart_id(given["cart"]):
        wrong.append("cart is %r: allowed are a-z, 0-9 and -" % given["cart"])
    try:
        settings(changes)
    except BadSetting as error:
        wrong.append(str(error))
    if wrong:
        raise BadSettings("\n".join(wrong))
    given["changes"] = changes
    return given
