"""The life of an alert: one thing that is wrong at one cart, until it is right again.

Theory of operation. An alert is unique by (school, school day, cart, finding, subject); the day is
the one it was opened on. While it is not resolved, the same thing on later days is the same alert.
`look` takes the alerts of a cart, what was judged of it at a moment and the facts of that moment,
and returns the alerts that changed. It says one of three things of each alert:

- *wrong*: the verdict stands;
- *hidden*: a cause stands that keeps the verdict from being reached (HIDES). Nothing is known of
  the symptom then: it is neither repeated nor resolved, and the cause is recorded with it;
- *right*: neither. It is resolved as of when that was measured, not of when it was learned.

A disturbance (C12) is opened whenever it is found, since it is found only when it is to be told; it
ends with the off hours it belongs to, and is superseded by none.

What is resolved and wrong again within the same evening is the same alert, opened again; later it
is another one, and the first is `superseded` where its end has not been told yet. More than
FLAPS_AT_MOST such changes within FLAP_WINDOW_S make it `flapping`: every change stays in its
history, and it is said in one line until it has come to rest.

`correct` lays the verdicts of a deadline, judged again by what has come in since, beside what was
said of it. What was measured in time and arrived late corrects each alert once.

Who is told what is in `told` and `closed`: the addresses of those who heard that it is wrong, and
of those who heard that it is right again. Only who was told the first is told the second, once.
What stands in no row of STATES cannot happen: IllegalEvent names the event, the alert, its state.

Nothing here depends on the order in which reports came in, only on what they say was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from homeslot_hub.model import CartFacts, CartVerdict, Confidence, Finding, Verdict
from homeslot_hub.rules import words

State = Literal["open", "notified", "acknowledged", "snoozed", "resolved"]
Event = Literal["wrong", "right", "told", "acknowledge", "snooze", "end"]

# What leads from one state to another, by event: `end` is that of a snooze, or being given back.
STATES: dict[State, dict[Event, State]] = {
    "open": {
        "wrong": "open",
        "right": "resolved",
        "told": "notified",
        "acknowledge": "acknowledged",
        "snooze": "snoozed",
    },
    "notified": {
        "wrong": "notified",
        "right": "resolved",
        "told": "notified",
        "acknowledge": "acknowledged",
        "snooze": "snoozed",
    },
    "acknowledged": {
        "wrong": "acknowledged",
        "right": "resolved",
        "told": "acknowledged",
        "acknowledge": "acknowledged",
        "snooze": "snoozed",
        "end": "notified",
    },
    "snoozed": {
        "wrong": "snoozed",
        "right": "resolved",
        "told": "snoozed",
        "acknowledge": "acknowledged",
        "snooze": "snoozed",
        "end": "notified",
    },
    "resolved": {"wrong": "open", "told": "resolved"},
}
EVENTS: tuple[Event, ...] = ("wrong", "right", "told", "acknowledge", "snooze", "end")

_ALL: frozenset[Finding] = frozenset(get_args(Finding))
_OF_SLOTS: frozenset[Finding] = frozenset({"out", "not_charging", "power_fault", "returned"})
# Which findings a cause hides, where it is about the same part of the cart (see `_reaches`).
HIDES: dict[Finding, frozenset[Finding]] = {
    "silent": _ALL - {"silent"},
    "sensor_fault": _ALL - {"silent", "sensor_fault"},
    "unplugged": frozenset({"not_charging"}),
    "out": frozenset({"not_charging"}),
}
# What a sensor fault that is not about slots hides.
_BLIND: dict[str, frozenset[Finding]] = {
    "mains": frozenset({"unplugged", "not_charging"}),
    "lock": frozenset({"unlocked", "disturbed"}),
}

FLAPS_AT_MOST = 4  # changes within the window that are still told one by one
FLAP_WINDOW_S = 2 * 3600
FLIPS_KEPT = 20
AFTER_HOURS_S = 12 * 3600  # so long after a deadline, what is resolved and wrong again is reopened


class IllegalEvent(Exception):
    """Something that cannot happen to an alert in its state, and which."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong. `cart` is the cart's number; `subject` says which part of it.

    `slots` are those it is about, `hides` those about which nothing is known because of it.
    `since_s` is measured, None where that is not known; so is `resolved_s`. `hidden_by` names its
    cause while that stands. `who`, `why` and `until_s` are those of the acknowledgement or snooze.
    `said_day` is the last school day whose digest it stood in, or was to. `correction`: the digest
    was wrong to say it (withdrawn) or not to say it (added). `flips` are the moments at which it
    became right or wrong again, `id` its number in the store, 0 before that.
    """

    school: str
    day: str
    cart: int
    finding: Finding
    subject: str
    rule: str
    slots: tuple[int, ...]
    hides: tuple[int, ...]
    since_s: int | None
    confidence: Confidence
    reason: str
    action: str
    opened_s: int
    state: State = "open"
    hidden_by: str = ""
    who: str = ""
    why: str = ""
    until_s: int | None = None
    resolved_s: int | None = None
    said_day: str = ""
    correction: Literal["", "withdrawn", "added"] = ""
    flips: tuple[int, ...] = ()
    told: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    id: int = 0

    @property
    def key(self) -> tuple[int, str, str]:
        """What it is about, whatever the day: at most one alert of a school that is not resolved
        has it."""
        return self.cart, self.finding, self.subject

    @property
    def over(self) -> bool:
        """Resolved, and everyone who was told of it knows."""
        return self.state == "resolved" and self.told <= self.closed

    @property
    def in_hand(self) -> bool:
        """Someone has taken it on, or put it off to a certain time."""
        return self.state in ("acknowledged", "snoozed")

    def flapping(self, now_s: int) -> bool:
        """Whether it has changed more often of late than anyone wants to hear of."""
        return sum(flip_s > now_s - FLAP_WINDOW_S for flip_s in self.flips) > FLAPS_AT_MOST


def step(alert: Alert, event: Event) -> State:
    """The state of `alert` after `event`. Raises IllegalEvent."""
    row = STATES[alert.state]
    if event not in row:
        about = words.device(alert.cart, alert.slots[0]) if len(alert.slots) == 1 else alert.subject
        raise IllegalEvent(
            f"{alert.finding} {about} of cart {alert.cart} ({alert.day}) is {alert.state}: "
            f"{event} cannot happen to it"
        )
    return row[event]


def subjects(verdict: Verdict) -> tuple[str, ...]:
    """The parts of a cart that `verdict` is about, each with an alert of its own."""
    if verdict.about or not verdict.slots:
        return (verdict.about,)
    return tuple(f"slot {slot}" for slot in verdict.slots)


def look(
    alerts: Iterable[Alert],
    judged: CartVerdict,
    facts: CartFacts,
    school: str,
    day: str,
    opens: bool,
) -> list[Alert]:
    """The alerts of one cart that are changed, or new, by what was judged of it at its moment.

    `alerts` are those of the cart that are not resolved, and the resolved ones of `day` that may be
    opened again. `facts` are those that were judged. New ones are opened, on `day`, only where
    `opens`: a device that is lifted out in a lesson is nobody's business. A disturbance is opened
    all the same, and says of the lock what is to be said.
    """
    found = _found(judged)
    disturbed = any(finding == "disturbed" for finding, _ in found)
    changed = []
    # An alert that is not resolved is the one that goes on; a resolved one may be opened again.
    for alert in sorted(alerts, key=lambda alert: alert.state == "resolved"):
        wrong = found.pop((alert.finding, alert.subject), None)
        if wrong is not None:
            after = _wrong(alert, wrong, judged.at_s)
        elif alert.state == "resolved":
            continue
        else:
            after = _not_found(alert, judged, facts)
        if after != alert:
            changed.append(after)
    changed += [
        _opened(school, day, judged, subject, verdicts)
        for (finding, subject), verdicts in found.items()
        if finding == "disturbed" or (opens and not (disturbed and finding == "unlocked"))
    ]
    return changed


def correct(
    alerts: Sequence[Alert], judged: CartVerdict, facts: CartFacts, school: str, day: str
) -> list[Alert]:
    """The alerts of one cart that its deadline of `day`, judged again, shows to be amiss.

    `judged` and `facts` are as of that deadline. Each alert is corrected once.
    """
    found = _found(judged)
    known = {(alert.finding, alert.subject): alert for alert in alerts if alert.said_day == day}
    corrected = []
    for key, alert in known.items():
        if key in found or alert.correction or alert.closed:
            continue
        if alert.state == "resolved":  # by a later look, and nobody has been told yet
            alert = replace(alert, state="notified", flips=alert.flips[:-1])
        after = _not_found(alert, judged, facts)
        if after.state == "resolved":
            corrected.append(replace(after, correction="withdrawn"))
    off_the_air = any(finding == "silent" for finding, _ in known)
    for key, verdicts in found.items():
        if key[0] == "elsewhere" and off_the_air:
            continue  # a cart hears where it is on the air alone (C9)
        before = [a for a in alerts if (a.finding, a.subject) == key]
        if key in known or any(_stood(alert, judged.at_s) or alert.day == day for alert in before):
            continue
        opened = _opened(school, day, judged, key[1], verdicts)
        corrected.append(replace(opened, correction="added", said_day=day))
    return corrected


def _stood(alert: Alert, at_s: int) -> bool:
    """Whether it was wrong at `at_s`, as far as is known."""
    return alert.state != "resolved" or (alert.resolved_s or 0) > at_s


def superseded(alerts: Iterable[Alert]) -> list[Alert]:
    """The alerts that are changed because what was resolved is wrong again on a later day.

    That it was right in between is no news to who hears that it is wrong: the end of the old alert
    is told to nobody, and who was told of it counts as told of the new one, whose end they hear.
    """
    alerts = list(alerts)
    ended: dict[tuple[int, str, str], list[Alert]] = {}
    for alert in alerts:
        untold = alert.state == "resolved" and not alert.over and alert.correction != "withdrawn"
        if untold and alert.finding != "disturbed":
            ended.setdefault(alert.key, []).append(alert)
    changed = []
    for alert in alerts if ended else ():
        if alert.state != "resolved" and alert.key in ended:
            old = ended.pop(alert.key)
            told = alert.told.union(*(one.told - one.closed for one in old))
            changed.append(replace(alert, told=told))
            changed += [replace(one, closed=one.told) for one in old]
    return changed


def said(alerts: Iterable[Alert], day: str, email: str) -> list[Alert]:
    """`alerts` after the digest of `day` has said to `email` what of them is wrong."""
    return [
        replace(tell(alert, email), said_day=day, correction="")
        for alert in alerts
        if alert.state != "resolved" and not alert.hidden_by
    ]


def tell(alert: Alert, email: str) -> Alert:
    """`alert` after `email` has been told how it is now."""
    told, closed = alert.told | {email}, alert.closed
    if alert.state == "resolved":
        closed = closed | {email}
    return replace(alert, state=step(alert, "told"), told=told, closed=closed)


def wake(alert: Alert, now_s: int) -> Alert:
    """`alert`, whose snooze may have ended by `now_s`: then it speaks again."""
    if alert.state != "snoozed" or alert.until_s is None or now_s < alert.until_s:
        return alert
    return replace(alert, state=step(alert, "end"), who="", why="", until_s=None)


def abandon(alert: Alert, now_s: int) -> Alert:
    """`alert` of a cart that is not the school's any more, or of a night that is over: nobody needs
    to hear of it again."""
    if alert.over:
        return alert
    resolved_s = now_s if alert.resolved_s is None else alert.resolved_s
    return replace(alert, state="resolved", resolved_s=resolved_s, closed=alert.told)


def expire(alert: Alert, day: str, now_s: int) -> Alert:
    """`alert`, which may be a disturbance of other off hours than those of `day` ("": of none)."""
    return abandon(alert, now_s) if alert.finding == "disturbed" and alert.day != day else alert


def acknowledge(alert: Alert, who: str, why: str) -> Alert:
    """`alert`, taken on by `who`: it is not repeated, and its end is still told."""
    state = step(alert, "acknowledge")
    return replace(alert, state=state, who=who, why=why, until_s=None)


def snooze(alert: Alert, who: str, why: str, until_s: int) -> Alert:
    """`alert`, put off by `who` until `until_s` (epoch s): then it speaks again by itself."""
    return replace(alert, state=step(alert, "snooze"), who=who, why=why, until_s=until_s)


def give_back(alert: Alert) -> Alert:
    """`alert`, which nobody has in hand any more: it speaks again."""
    return replace(alert, state=step(alert, "end"), who="", why="", until_s=None)


def change(before: Alert | None, after: Alert) -> str:
    """What has happened between the two, for the history of the alert; empty where nothing has."""
    if before is None:
        return "opened by a correction" if after.correction else "opened"
    if after.correction and after.correction != before.correction:
        return "withdrawn by a correction"
    if after.hidden_by != before.hidden_by:
        return f"hidden by {after.hidden_by}" if after.hidden_by else "no longer hidden"
    if before.state == "resolved" and after.state == "open":
        return "opened again"
    if after.state != before.state or after.until_s != before.until_s:
        woken = (before.state, after.state) == ("snoozed", "notified")
        return "speaks again" if woken else after.state
    return ""


def _found(judged: CartVerdict) -> dict[tuple[Finding, str], list[Verdict]]:
    found: dict[tuple[Finding, str], list[Verdict]] = {}
    for verdict in judged.verdicts:
        for subject in subjects(verdict):
            found.setdefault((verdict.finding, subject), []).append(verdict)
    return found


def _opened(
    school: str, day: str, judged: CartVerdict, subject: str, verdicts: Sequence[Verdict]
) -> Alert:
    first = verdicts[0]
    return Alert(
        school=school,
        day=day,
        cart=judged.cart.number,
        finding=first.finding,
        subject=subject,
        opened_s=judged.at_s,
        **_described(subject, verdicts),
    )


def _described(subject: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What the verdicts say, as fields of an alert."""
    first = verdicts[0]
    slots = first.slots
    if subject.startswith("slot "):
        slots = (int(subject.removeprefix("slot ")),)
    return {
        "rule": first.rule,
        "slots": slots,
        "hides": tuple(sorted({slot for verdict in verdicts for slot in verdict.hides})),
        "since_s": first.since_s,
        "confidence": first.confidence,
        "reason": " ".join(verdict.reason for verdict in verdicts),
        "action": first.action,
    }


def _wrong(alert: Alert, verdicts: Sequence[Verdict], at_s: int) -> Alert:
    fresh = replace(alert, hidden_by="", **_described(alert.subject, verdicts))
    if alert.state != "resolved":
        return replace(fresh, state=step(alert, "wrong"))
    flip_s = fresh.since_s if fresh.since_s is not None else at_s
    return replace(
        fresh,
        state=step(alert, "wrong"),
        resolved_s=None,
        correction="",
        flips=_flipped(alert, flip_s),
        told=alert.told - alert.closed,
        closed=frozenset(),
    )


def _not_found(alert: Alert, judged: CartVerdict, facts: CartFacts) -> Alert:
    for cause in judged.verdicts:
        if _reaches(cause, alert):
            return replace(alert, hidden_by=f"{cause.finding} {subjects(cause)[0]}".strip())
    if alert.finding == "not_charging" and not _drew(alert, facts):
        return replace(alert, hidden_by="")  # put back just now, or nobody saw whether it draws
    right_s = _right_since_s(alert, facts)
    right_s = judged.at_s if right_s is None else right_s
    return replace(
        alert,
        state=step(alert, "right"),
        hidden_by="",
        resolved_s=right_s,
        who="",
        why="",
        until_s=None,
        flips=_flipped(alert, right_s),
    )


def _flipped(alert: Alert, at_s: int) -> tuple[int, ...]:
    return (*alert.flips, at_s)[-FLIPS_KEPT:]


def _reaches(cause: Verdict, alert: Alert) -> bool:
    """Whether nothing can be said of `alert` while `cause` stands."""
    if alert.finding not in HIDES.get(cause.finding, ()):
        return False
    if cause.finding in ("silent", "unplugged"):
        return True
    if cause.about in _BLIND:
        return alert.finding in _BLIND[cause.about]
    slots = set(cause.hides)
    if alert.finding not in ("out", "disturbed") or cause.finding == "out":
        slots.update(cause.slots)  # what draws there is not known, or nothing is there
    return not slots.isdisjoint(alert.slots)


def _drew(alert: Alert, facts: CartFacts) -> bool:
    slots = facts.slots
    return all(slot <= len(slots) and slots[slot - 1].drew is True for slot in alert.slots)


def _right_since_s(alert: Alert, facts: CartFacts) -> int | None:
    """Since when what `alert` is about has been right, as measured; None where no sensor says."""
    if alert.finding == "unplugged":
        return facts.mains.since_s
    if alert.finding == "unlocked":
        since_s = [fact.since_s for fact in (facts.door, facts.bolt) if fact.since_s is not None]
        return max(since_s, default=None)
    if alert.finding == "disturbed":
        things = (facts.door, facts.bolt, *(slot.presence for slot in facts.slots))
        return max((f.since_s for f in things if f.since_s is not None), default=None)
    if alert.finding in _OF_SLOTS and alert.slots and alert.slots[0] <= len(facts.slots):
        slot = facts.slots[alert.slots[0] - 1]
        return slot.presence.since_s if alert.finding == "out" else slot.charge.since_s
    return None
