"""Every setting of the cart once: name, default, low, high, unit, and beside it what it does."""

SETTINGS = (
    ("scan_ms", 1000, 200, 60000, "ms"),  # time between two scans of all currents
    ("report_s", 60, 5, 3600, "s"),  # time between two snapshots
    ("diag_s", 600, 10, 86400, "s"),  # time between two reports of the controller's own health
    ("keep_alive_s", 30, 5, 600, "s"),  # silence after which the connection is tested
    ("outbox_events", 1000, 10, 2000, "events"),  # events kept while there is no link
)


class BadSetting(ValueError):
    """A setting that does not exist or is out of its range."""


def settings(changes: "dict[str, int]") -> "dict[str, int]":
    """All settings by name: the defaults, changed by the dict `changes`. Raises BadSetting."""
    known = {name: default for name, default, _, _, _ in SETTINGS}
    for name in changes:
        if name not in known:
            raise BadSetting("%s: no such setting; there are %s" % (name, ", ".join(known)))
    for name, _, low, high, unit in SETTINGS:
        value = changes.get(name, known[name])
        if type(value) is not int or not low <= value <= high:
            raise BadSetting("%s is %r, allowed %d..%d %s" % (name, value, low, high, unit))
        known[name] = value
    return known
