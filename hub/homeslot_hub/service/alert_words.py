"""How alerts are spoken of, in mails, on pages and on the command line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from homeslot_hub.model import Finding, School
from homeslot_hub.rules import words
from homeslot_hub.rules.alerts import Alert

# What has become of it, by finding; `{}` are devices or the cart, and when it was measured.
RIGHT: dict[Finding, str] = {
    "out": "{} came home late at {}.",
    "not_charging": "{} charges since {}.",
    "unplugged": "{} has power again since {}.",
    "elsewhere": "{} is back in its place since {}.",
    "unlocked": "{} is locked since {}.",
    "disturbed": "{}: what was opened is shut, and what was taken is back, since {}.",
    "silent": "{} is heard again since {}.",
    "power_fault": "{} draws what it should since {}.",
}
OTHERWISE = "{}: what was said of it has been right since {}."


def grouped(alerts: Iterable[Alert]) -> list[list[Alert]]:
    """Alerts of one cart and finding together; of those about no single slot each alone."""
    groups: defaultdict[tuple[object, ...], list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda alert: (alert.cart, alert.slots)):
        alone = "" if alert.subject.startswith("slot ") else alert.subject
        groups[
            alert.cart, alert.finding, alone, alert.state, alert.who, alert.why, alert.until_s
        ].append(alert)
    return list(groups.values())


def named(alerts: Sequence[Alert]) -> str:
    """What a group is about: its devices, or its cart and the part of it."""
    first = alerts[0]
    if first.subject.startswith("slot "):
        return words.devices(first.cart, (slot for alert in alerts for slot in alert.slots))
    return f"Cart {first.cart}, {first.subject}" if first.subject else f"Cart {first.cart}"


def in_hand(school: School, alert: Alert, now_s: int) -> str:
    """Who has it in hand, until when and why: `snoozed until Fri 20 Nov 17:00 by Ann Lee: trip`."""
    until = ""
    if alert.until_s is not None:
        until = f" until {words.clock(school.zone, alert.until_s, now_s)}"
    why = f": {alert.why.rstrip('.')}" if alert.why else ""
    return f"{alert.state}{until} by {alert.who}{why}"


def right_lines(school: School, now_s: int, alerts: Sequence[Alert]) -> list[str]:
    """That a group of alerts which are over is right again, and since when."""
    at: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda alert: alert.resolved_s or 0):
        at[words.clock(school.zone, alert.resolved_s or now_s, now_s)].append(alert)
    text = RIGHT.get(alerts[0].finding, OTHERWISE)
    return [text.format(named(group), clock) for clock, group in at.items()]
