"""What the steps of a day say, besides the digest: one letter to one person, text and HTML.

A letter groups: one line for each cart and finding, never one for each slot. Its subject holds no
person's name (C13). The text part is complete alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from homeslot_hub.model import Finding, School, SchoolDay, Verdict
from homeslot_hub.rules import words
from homeslot_hub.rules.alerts import Alert
from homeslot_hub.rules.readiness import Readiness
from homeslot_hub.service.alert_words import OTHERWISE, grouped, in_hand, named, right_lines
from homeslot_hub.service.digest import TAGS, Digest, templates

Tone = Literal["alarm", "warning", "unknown", "good"]
# A correction: what was true at the deadline, by finding.
IN_TIME = "{} {} at the deadline after all: the report of it was measured in time and came late."
TRUE: dict[Finding, str] = {
    "out": "was home",
    "not_charging": "had drawn current",
    "unplugged": "was plugged in",
    "elsewhere": "was in its place",
    "unlocked": "was locked",
    "silent": "was in touch",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under one title, and what to do about them; `action` is empty when nothing.

    `link` is where to do it, called `label`; empty where that is nowhere.
    """

    title: str
    tone: Tone
    lines: tuple[str, ...]
    action: str = ""
    link: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What both templates say. `link` is where to answer, empty where there is nothing to."""

    subject: str
    school: str
    when: str
    headline: str
    paragraphs: tuple[str, ...]
    sections: tuple[Section, ...]
    link: str
    foot: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What one person is to hear of the alerts: what is wrong, in hand, comes and goes, is over."""

    wrong: tuple[Alert, ...] = ()
    corrected: tuple[Alert, ...] = ()
    right: tuple[Alert, ...] = ()
    flapping: tuple[Alert, ...] = ()
    in_hand: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class Decide:
    """What waits for a person's word on lock-downs: devices by name, empty where there are none.

    `lock` are known to be out and may be locked, `unlock` are home and locked, `untagged` are out
    and have no asset tag. `link` is where to decide, empty without links.
    """

    lock: str = ""
    unlock: str = ""
    untagged: str = ""
    link: str = ""


NOTHING, NO_LOCKS = Heard(), Decide()


def late(
    school: School,
    day: date,
    now_s: int,
    heard: Heard,
    link: str = "",
    decide: Decide = NO_LOCKS,
) -> Digest:
    """After the deadline: corrections, and what has come right since.

    `link`, here and below, is where the reader can answer for what is wrong, and `decide` what
    waits for their word on lock-downs.
    """
    parts = []
    home = _devices(a for a in heard.right if a.finding == "out")
    if heard.corrected:
        parts.append(words.count(len(heard.corrected), "correction"))
    if home:
        parts.append(f"{words.count(home, 'device')} came home late")
    others = len(heard.right) - home
    if others:
        parts.append(f"{words.count(others, 'thing')} put right")
    left = _devices(a for a in heard.wrong if a.finding == "out")
    if left:
        parts.append(f"{left} still out")
    sections = (
        *_changes(school, now_s, heard),
        *_decide(decide),
        *_wrong(school, now_s, heard, "Still wrong"),
    )
    return _letter(school, day, now_s, ", ".join(parts), (), sections, heard, link)


def overnight(
    school: School,
    day: date,
    now_s: int,
    heard: Heard,
    prepared: Sequence[Alert],
    link: str = "",
    decide: Decide = NO_LOCKS,
) -> Digest:
    """In the evening: what is still wrong, and for which devices a lock-down is prepared (C11).

    Those of `prepared` are known to be out, and there is no device management that is told.
    """
    out = _devices(a for a in heard.wrong if a.finding == "out")
    others = len(heard.wrong) - out
    parts = []
    if out:
        parts.append(f"{words.count(out, 'device')} missing overnight")
    if others:
        more = "other thing" if out else "thing"
        parts.append(f"{words.count(others, more)} wrong overnight")
    if not parts:
        parts.append("nothing is left to do overnight")
    sections = [
        *_decide(decide),
        *_wrong(school, now_s, heard, "Wrong overnight"),
        *_changes(school, now_s, heard),
    ]
    if prepared:
        sections.append(
            Section(
                "Lock-down prepared, not sent",
                "alarm",
                tuple(_of_carts(prepared)),
                "Nothing has been sent to any device: a sensor may be wrong. If they are lost, "
                "someone with a name has to decide it in your device management.",
            )
        )
    return _letter(school, day, now_s, ", ".join(parts), (), sections, heard, link)


def alarm(school: School, day: date, now_s: int, heard: Heard, link: str = "") -> Digest:
    """Out of hours (C12), at once: which carts are disturbed, and which have been put right."""
    disturbed = {alert.cart for alert in heard.wrong}
    parts = [
        f"{'carts' if len(numbers) > 1 else 'cart'} {words.ranges(sorted(numbers))} {said}"
        for numbers, said in (
            (disturbed, "disturbed out of hours"),
            ({alert.cart for alert in heard.right}, "put right again"),
        )
        if numbers
    ]
    where = (
        f"Cart {cart.number} belongs in {cart.room}; {cart.teacher.name} answers for it."
        for cart in school.carts
        if cart.number in disturbed
    )
    sections = (*_wrong(school, now_s, heard, "Now"), *_changes(school, now_s, heard))
    return _letter(school, day, now_s, ", ".join(parts), tuple(where), sections, heard, link)


def nudge(school: School, judged: SchoolDay, now_s: int) -> Digest:
    """Before the deadline, to one teacher: what of the carts in `judged` is not as it must be."""
    at = words.clock(school.zone, judged.deadline_s, judged.deadline_s)
    out = sum(cart.places.count("out") for cart in judged.carts)
    troubled = [cart for cart in judged.carts if cart.verdicts]
    headline = f"{words.count(out, 'device')} to come home by {at}"
    if not out:
        headline = words.count(len(troubled), "cart needs a hand", "carts need a hand")
        headline += f" before {at}"
    sections = []
    for cart in troubled:
        groups: defaultdict[tuple[Finding, str], list[Verdict]] = defaultdict(list)
        for verdict in cart.verdicts:
            groups[verdict.finding, verdict.action].append(verdict)
        title = f"Cart {cart.cart.number} · {cart.cart.room}"
        for (finding, action), group in groups.items():
            line = " ".join(verdict.reason for verdict in group)
            if len(group) > 1 and all(len(verdict.slots) == 1 for verdict in group):
                slots = (slot for verdict in group for slot in verdict.slots)
                line = f"{words.devices(cart.cart.number, slots)}."
            tag, tone = TAGS[finding]
            sections.append(Section(f"{title}: {tag.lower()}", tone, (line,), action))
    return _letter(school, date.fromisoformat(judged.day), now_s, headline, (), sections)


def morning(
    school: School,
    day: date,
    now_s: int,
    carts: Sequence[Readiness],
    heard: Heard,
    link: str = "",
    decide: Decide = NO_LOCKS,
) -> Digest:
    """Before the first bell (C10): what is charged or charging, what is not, what is not known."""
    good = sum(len(cart.charged) + len(cart.charging) for cart in carts)
    bad = sum(len(cart.idle) for cart in carts)
    away = sum(len(cart.away) for cart in carts)
    unknown = sum(len(cart.unknown) for cart in carts)
    parts = [f"{words.count(good, 'device')} charged or charging"]
    parts += [f"{bad} not"] * bool(bad) + [f"{away} away"] * bool(away)
    parts += [f"{unknown} unknown"] * bool(unknown)
    sections = []
    for title, tone, name, action in (
        ("In their slots, and drew nothing", "warning", "idle", "Check their charging cables."),
        ("Not in their slots", "alarm", "away", ""),
        ("Not known", "unknown", "unknown", "Look at these by eye before they are handed out."),
    ):
        lines = tuple(
            f"Cart {cart.cart.number} · {cart.cart.room}: "
            f"{words.devices(cart.cart.number, getattr(cart, name))}"
            for cart in carts
            if getattr(cart, name)
        )
        if lines:
            sections.append(Section(title, tone, lines, action))  # type: ignore[arg-type]  # (literals above)
    shown: list[Alert] = []
    for finding in ("disturbed", "unplugged"):
        wrong = [alert for alert in heard.wrong if alert.finding == finding]
        shown += wrong
        if wrong:
            lines = tuple(f"Cart {alert.cart}: {alert.reason}" for alert in wrong)
            tag, tone = TAGS[wrong[0].finding]
            sections.append(Section(tag, tone, lines, wrong[0].action))
    ready = [cart.cart.number for cart in carts if cart.ready]
    if ready:
        which = f"Cart{'' if len(ready) == 1 else 's'} {words.ranges(ready)}."
        sections.append(Section("All charged or charging", "good", (which,)))
    sections += [*_decide(decide), *_changes(school, now_s, heard)]
    heard = replace(heard, wrong=tuple(shown), in_hand=())
    return _letter(school, day, now_s, ", ".join(parts), (), sections, heard, link)


@dataclass(frozen=True, slots=True)
class Week:
    """One week: its school days judged and missed, and the alerts that were opened in it."""

    judged: int
    missed: int
    alerts: tuple[Alert, ...]


def week(school: School, day: date, now_s: int, summary: Week) -> Digest:
    """The week that ends with `day`, for a regular meeting."""
    said = [alert for alert in summary.alerts if alert.told]
    days = words.count(summary.judged, "deadline")
    headline = f"the week: {days} judged, {words.count(len(said), 'alert')}"
    if summary.missed:
        headline += f", {words.count(summary.missed, 'day')} not judged"
    by_cart: defaultdict[int, defaultdict[Finding, list[Alert]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for alert in said:
        by_cart[alert.cart][alert.finding].append(alert)
    lines = []
    for cart, findings in sorted(by_cart.items()):
        counts = [
            f"{TAGS[finding][0].lower()} {len(alerts)}"
            + f" ({sum(a.state != 'resolved' for a in alerts)} still)"
            * any(a.state != "resolved" for a in alerts)
            for finding, alerts in findings.items()
        ]
        lines.append(f"Cart {cart}: {', '.join(counts)}.")
    quiet = [cart.number for cart in school.carts if cart.number not in by_cart]
    sections = []
    if lines:
        sections.append(Section("Alerts by cart", "warning", tuple(lines)))
    if quiet:
        which = f"Cart{'' if len(quiet) == 1 else 's'} {words.ranges(quiet)}."
        sections.append(Section("No alert all week", "good", (which,)))
    return _letter(school, day, now_s, headline, (), sections)


def unjudged(school: School, day: date, due_s: int, now_s: int) -> Digest:
    """The dead man's letter: a deadline that is due has not been judged."""
    due = words.clock(school.zone, due_s, due_s)
    headline = f"the deadline of {day:%a} {day.day} {day:%b} has not been judged"
    paragraphs = (
        f"It was due at {due}. Nobody has been told how the carts stand: the digest is missing.",
        "Most often the hub cannot write its database: a full disk, a file it may not write, "
        "another program that holds it. `homeslot status` and the log of `homeslot serve` say "
        "which. Once that is put right the deadline is judged by itself, late. Until then look at "
        "the carts by eye.",
    )
    return _letter(school, day, now_s, headline, paragraphs, ())


def _letter(
    school: School,
    day: date,
    now_s: int,
    headline: str,
    paragraphs: Sequence[str],
    sections: Sequence[Section],
    heard: Heard = NOTHING,
    link: str = "",
) -> Digest:
    name = " ".join(school.name.split())
    at = words.clock(school.zone, now_s, now_s)
    page = Page(
        subject=f"{name}, {day:%a} {day.day} {day:%b}: {headline}",
        school=name,
        when=f"{day:%A} {day.day} {day:%B} {day.year}",
        headline=headline[:1].upper() + headline[1:],
        paragraphs=tuple(paragraphs),
        sections=tuple(sections),
        link=link if heard.wrong or heard.in_hand else "",
        foot=f"Worked out at {at} from what the carts had measured. Times are those of "
        f"{school.zone.key}.",
    )
    pages = templates()
    return Digest(
        page.subject,
        pages.get_template("letter.txt.j2").render(page=page),
        pages.get_template("letter.html.j2").render(page=page),
    )


def _devices(alerts: Iterable[Alert]) -> int:
    return len({(alert.cart, slot) for alert in alerts for slot in alert.slots})


def _wrong(school: School, now_s: int, heard: Heard, title: str) -> list[Section]:
    sections = []
    groups: defaultdict[tuple[Finding, str], list[Alert]] = defaultdict(list)
    for alert in heard.wrong:
        groups[alert.finding, alert.action].append(alert)
    for (finding, action), alerts in groups.items():
        tag, tone = TAGS[finding]
        lines = tuple(_wrong_lines(alerts))
        sections.append(Section(f"{title}: {tag.lower()}", tone, lines, action))
    if heard.flapping:
        lines = tuple(
            f"{named(alerts)}: {max(len(a.flips) for a in alerts)} changes, "
            f"{'right' if alerts[0].state == 'resolved' else 'wrong'} for now."
            for alerts in grouped(heard.flapping)
        )
        sections.append(Section("Comes and goes", "warning", lines))
    if heard.in_hand:
        lines = tuple(_in_hand(school, now_s, alerts) for alerts in grouped(heard.in_hand))
        sections.append(Section("In hand", "good", lines))
    return sections


def _wrong_lines(alerts: Sequence[Alert]) -> Iterable[str]:
    for group in grouped(alerts):
        first = group[0]
        reason = first.reason if len(group) == 1 else f"{named(group)}."
        hides = sorted({slot for alert in group for slot in alert.hides})
        if hides:
            reason += f" Hidden behind this: {words.slot_numbers(hides)}."
        # A device's name has the cart in it already.
        yield reason if first.finding == "out" else f"Cart {first.cart}: {reason}"


def _decide(decide: Decide) -> list[Section]:
    sections = []
    where = "on the page below" if decide.link else "with `homeslot lockdown confirm`"
    more = {"link": decide.link, "label": "Decide about it"} if decide.link else {}
    if decide.lock:
        action = (
            "Nothing has been sent to any device: a sensor may be wrong. If they are lost, have "
            f"them locked {where}. One that comes home first is not locked."
        )
        title = "Lock-down prepared, not sent"
        sections.append(Section(title, "alarm", (f"{decide.lock}.",), action, **more))
    if decide.untagged:
        sections.append(
            Section(
                "Cannot be locked down: no asset tag",
                "warning",
                (f"{decide.untagged}.",),
                "Record the tags, so that it works next time: `homeslot register set`.",
            )
        )
    if decide.unlock:
        action = (
            "Read their tags: a slot does not say which device is in it. If they are back, have "
            f"them unlocked {where}."
        )
        title = "Locked, and in their slots again"
        sections.append(Section(title, "warning", (f"{decide.unlock}.",), action, **more))
    return sections


def _in_hand(school: School, now_s: int, alerts: Sequence[Alert]) -> str:
    tag = TAGS[alerts[0].finding][0].lower()
    return f"{named(alerts)} ({tag}), {in_hand(school, alerts[0], now_s)}."


def _changes(school: School, now_s: int, heard: Heard) -> list[Section]:
    sections = []
    if heard.corrected:
        lines = tuple(
            line
            for alerts in grouped(heard.corrected)
            for line in _corrected_lines(school, now_s, alerts)
        )
        sections.append(Section("Corrected: at the deadline it was otherwise", "unknown", lines))
    if heard.right:
        lines = tuple(
            line for alerts in grouped(heard.right) for line in right_lines(school, now_s, alerts)
        )
        sections.append(Section("Right again", "good", lines))
    return sections


def _corrected_lines(school: School, now_s: int, alerts: Sequence[Alert]) -> list[str]:
    added = [alert for alert in alerts if alert.correction == "added"]
    withdrawn = [alert for alert in alerts if alert.correction != "added"]
    lines = []
    if withdrawn:
        true = TRUE.get(withdrawn[0].finding)
        if true is None:
            lines.append(OTHERWISE.format(named(withdrawn), _clock(school, now_s, withdrawn[0])))
        else:
            were = true.replace("was ", "were ", 1) if len(withdrawn) > 1 else true
            lines.append(IN_TIME.format(named(withdrawn), were))
    for alert in added:
        over = ""
        if alert.state == "resolved":
            over = f" It has been right since {_clock(school, now_s, alert)}."
        lines.append(f"Not in the digest, as it was reported late: {alert.reason}{over}")
    return lines


def _clock(school: School, now_s: int, alert: Alert) -> str:
    return words.clock(school.zone, alert.resolved_s or now_s, now_s)


def _of_carts(alerts: Iterable[Alert]) -> Iterable[str]:
    for group in grouped(alerts):
        yield f"{named(group)}."
