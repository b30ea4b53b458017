"""The digest: one mail per school day that says what is wrong, where, since when and what to do.

Carts that need a hand come first, the most urgent first; inside a cart causes stand before
symptoms, as judged. It is sent when all is home too, so that its absence means something. The
subject holds no person's name (C13). The text part is complete alone.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from homeslot_hub.model import CartVerdict, Finding, Person, Place, School, SchoolDay, Verdict
from homeslot_hub.rules import words
from homeslot_hub.rules.alerts import Alert, subjects
from homeslot_hub.service.alert_words import grouped, in_hand, named
from homeslot_hub.service.ports import Notice

TEXT_COLUMNS = 78
_DEVICE = re.compile(r"(?<![\w-])(\d{1,4}-\d{1,3})(?![\w-])")
PLACES: tuple[Place, ...] = ("home", "out", "unknown", "excused")  # in the order of any tally
LINES_AT_MOST = 6  # of one group: more times than this become "between … and …"

# Between carts: danger first, then what is lost or open tonight, then what is not known.
URGENT_FIRST: tuple[Finding, ...] = (
    "power_fault",
    "elsewhere",
    "disturbed",
    "unlocked",
    "substitute",
    "out",
    "silent",
    "unplugged",
    "sensor_fault",
    "over_allotment",
    "returned",
    "not_charging",
)
Tone = Literal["alarm", "warning", "unknown"]
TAGS: dict[Finding, tuple[str, Tone]] = {
    "power_fault": ("Power fault", "alarm"),
    "elsewhere": ("Not in its place", "alarm"),
    "unlocked": ("Not locked", "alarm"),
    "disturbed": ("Disturbed", "alarm"),
    "out": ("Out", "alarm"),
    "silent": ("Silent", "unknown"),
    "unplugged": ("Not plugged in", "warning"),
    "sensor_fault": ("Sensor fault", "unknown"),
    "not_charging": ("Not charging", "warning"),
    "over_allotment": ("Over allotment", "warning"),
    "substitute": ("Substitute day", "alarm"),
    "returned": ("Came back", "warning"),
}
# What several verdicts about one slot each are called together, by finding and rule.
TOGETHER = {
    ("out", "C2"): "{} devices are out of their slots:",
    ("out", "C3"): "{} devices left their slots while the cart was locked and shut:",
    ("not_charging", "C7"): "{} devices have drawn nothing:",
    ("power_fault", "C1"): "{} slots have drawn too much current or fed some back:",
    ("sensor_fault", "C1"): "Something draws current in {} slots whose switches say empty:",
    ("sensor_fault", "C2"): "The switches of {} slots cannot be believed:",
    ("returned", "N8"): "{} devices are in their slots, but recorded as in repair:",
    ("returned", "N9"): "{} devices are in their slots, but recorded as lost:",
    ("returned", "N17"): "{} devices are in their slots, but recorded as retired:",
    ("sensor_fault", "C7"): "{} devices are in their slots, but their charging is not measured:",
}


@dataclass(frozen=True, slots=True)
class Digest:
    """One mail: its subject, its plain text (at most 78 columns) and its HTML."""

    subject: str
    text: str
    html: str

    def to(
        self,
        person: Person,
        school: School,
        day: date,
        rule: str,
        created_s: int,
        thread: str = "",
        after_s: int = 0,
        expires_s: int = 0,
    ) -> Notice:
        """The mail as it goes to `person`, for `rule` of `day`; the rest as ports.Notice has it."""
        return Notice(
            school=school.name,
            day=day.isoformat(),
            rule=rule,
            name=person.name,
            email=person.email,
            subject=self.subject,
            text=self.text,
            html=self.html,
            created_s=created_s,
            thread=thread,
            after_s=after_s,
            expires_s=expires_s,
        )


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing a reader must know about a cart: what, since when, what hides behind it, what next.

    `lines` say which since when, where `what` speaks of several. Texts are empty when not needed.
    """

    tag: str
    tone: Tone
    what: str
    lines: tuple[str, ...]
    known: str
    hidden: str
    in_hand: tuple[str, ...]
    action: str


@dataclass(frozen=True, slots=True)
class CartPart:
    """One cart that needs a hand. `link` is where to answer for it, empty without one."""

    title: str
    room: str
    teacher: Person
    tally: str
    troubles: tuple[Trouble, ...]
    excused: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything both templates say, in words."""

    subject: str
    school: str
    when: str
    outcome: str
    tally: tuple[tuple[str, int], ...]
    late: str
    carts: tuple[CartPart, ...]
    fine: str
    excused: tuple[str, ...]
    strangers: str
    notes: tuple[str, ...]
    foot: str


def compose(
    day: SchoolDay, alerts: Iterable[Alert] = (), link: Callable[[int], str] | None = None
) -> Digest:
    """The digest of one judged school day, for the school's coordinator.

    What somebody has in hand by `alerts` is marked. `link` gives the address of the page on which
    to answer for the cart with a number.
    """
    taken: defaultdict[int, list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.in_hand:
            taken[alert.cart].append(alert)
    page = _page(day, taken, link or (lambda cart: ""))
    pages = templates()
    return Digest(
        page.subject,
        pages.get_template("digest.txt.j2").render(page=page),
        pages.get_template("digest.html.j2").render(page=page),
    )


@functools.cache
def templates() -> Environment:
    """The templates of mails, with what they use to lay out text."""
    made = Environment(
        loader=PackageLoader("homeslot_hub.service"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["wrap"] = _wrap
    made.filters["whole"] = _whole
    made.filters["mailto"] = lambda email: "mailto:" + quote(email, safe="@")
    return made


def _whole(text: str) -> Markup:
    """`text` as HTML in which no line breaks within a device's number: 5-10 is not 5 and 10."""
    return Markup(_DEVICE.sub(r'<span class="n">\1</span>', str(escape(text))))  # noqa: S704 escaped


def _wrap(text: str, indent: int = 0, hang: int = 0) -> str:
    """`text` in lines of the text part, indented; all but the first `hang` more."""
    return textwrap.fill(
        text,
        TEXT_COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_on_hyphens=False,
    )


def _page(day: SchoolDay, taken: Mapping[int, Sequence[Alert]], link: Callable[[int], str]) -> Page:
    school = day.school
    at = words.clock(school.zone, day.deadline_s, day.deadline_s)
    judged = words.clock(school.zone, day.judged_s, day.deadline_s)
    on = date.fromisoformat(day.day)
    troubled = sorted((cart for cart in day.carts if not cart.all_home), key=_urgency)
    fine = [cart for cart in day.carts if cart.all_home]
    outcome = _outcome(day, len(troubled))
    late = due = ""
    if day.late_s:
        due = words.clock(school.zone, day.deadline_s + school.grace_s, day.deadline_s)
        # A calendar that comes to be known late makes a day due after the fact.
        unknown = " or did not know yet that this is a school day" if school.feeds else ""
        late = (
            f"This digest is late: it was worked out at {judged} instead of {due}, because the "
            f"hub was not at work then{unknown}. It says how things stood at {at}."
        )
    name = " ".join(school.name.split())
    moment = f"{on:%a} {on.day} {on:%b}, {at}{' (late)' if late else ''}"
    return Page(
        subject=f"{name}, {moment}: {outcome}",
        school=name,
        when=f"{on:%A} {on.day} {on:%B} {on.year}, {at}",
        outcome=outcome[:1].upper() + outcome[1:],
        tally=tuple(
            (word, number)
            for word in PLACES
            if (number := _places(day.carts, word)) or word != "excused"
        ),
        late=late,
        carts=tuple(
            _cart_part(day, cart, taken.get(cart.cart.number, ()), link(cart.cart.number))
            for cart in troubled
        ),
        fine=_fine(fine) if troubled else f"{_numbers(fine)}." if fine else "",
        excused=_excused(fine),
        strangers=_strangers(day.unknown_controllers),
        notes=tuple(trouble.text for trouble in day.calendar_troubles),
        foot=(
            f"What counts is what the carts measured by {at}{_own_deadlines(day)}; worked out at "
            f"{judged}. "
            f"Times are those of {school.zone.key}." + f" Records {day.head}." * bool(day.head)
        ),
    )


def _own_deadlines(day: SchoolDay) -> str:
    """` (cart 4 by 15:30)`: the carts that were judged as of a deadline of their own."""
    own: defaultdict[int, list[CartVerdict]] = defaultdict(list)
    for cart in day.carts:
        if cart.at_s != day.deadline_s:
            own[cart.at_s].append(cart)
    said = (
        f"{_numbers(carts)} by {words.clock(day.school.zone, at_s, day.deadline_s)}"
        for at_s, carts in sorted(own.items())
    )
    return f" ({', '.join(said)})" if own else ""


def _urgency(cart: CartVerdict) -> tuple[int, int]:
    ranks = (URGENT_FIRST.index(verdict.finding) for verdict in cart.verdicts)
    return min(ranks), cart.cart.number


def _places(carts: Sequence[CartVerdict], word: str) -> int:
    return sum(cart.places.count(word) for cart in carts)


def _outcome(day: SchoolDay, troubled: int) -> str:
    """`1 device out, 10 unknown, 3 carts need a hand`, or that all is well."""
    if not day.carts:
        return "no carts are configured"
    home, out, unknown, excused = (_places(day.carts, word) for word in PLACES)
    if not troubled:
        carts = words.count(len(day.carts), "cart")
        return f"{_all_home(home, excused)}, {carts} {_secured(day.carts)}"
    parts = []
    if out:
        parts.append(f"{words.count(out, 'device')} out")
    if unknown:
        parts.append(f"{unknown} unknown" if out else f"{words.count(unknown, 'device')} unknown")
    if not parts:
        parts.append(_all_home(home, excused))
    elif excused:
        parts.append(f"{excused} excused")
    parts.append(words.count(troubled, "cart needs a hand", "carts need a hand"))
    return ", ".join(parts)


def _all_home(home: int, excused: int) -> str:
    """`all 30 devices home`, or `28 devices home, 2 excused`."""
    devices = words.count(home, "device")
    return f"{devices} home, {excused} excused" if excused else f"all {devices} home"


def _secured(carts: Sequence[CartVerdict]) -> str:
    """`locked and plugged in`, or which of the carts nobody asks to lock."""
    unlocked = [cart for cart in carts if cart.cart.lock == "open"]
    if not unlocked:
        return "locked and plugged in"
    whose = "" if len(unlocked) == len(carts) else f" of {_numbers(unlocked)}"
    return f"{'locked and ' if whose else ''}plugged in (no lock is asked{whose or ' for'})"


def _numbers(carts: Sequence[CartVerdict]) -> str:
    numbers = words.ranges(cart.cart.number for cart in carts)
    return f"cart{'' if len(carts) == 1 else 's'} {numbers}"


def _fine(carts: Sequence[CartVerdict]) -> str:
    if not carts:
        return ""
    outcome = _all_home(_places(carts, "home"), _places(carts, "excused"))
    return f"{_numbers(carts)}. {outcome[:1].upper()}{outcome[1:]}, {_secured(carts)}."


def _strangers(controllers: Sequence[str]) -> str:
    if not controllers:
        return ""
    return (
        f"{', '.join(controllers)}. Not believed until added with `homeslot cart add`; if you do "
        "not know it, find out who set it up."
    )


def _cart_part(day: SchoolDay, judged: CartVerdict, taken: Sequence[Alert], link: str) -> CartPart:
    school, deadline_s = day.school, day.deadline_s
    cart, places = judged.cart, judged.places
    groups: defaultdict[tuple[Finding, str, str], list[Verdict]] = defaultdict(list)
    for verdict in judged.verdicts:
        groups[verdict.finding, verdict.rule, verdict.action].append(verdict)
    tally = [f"{places.count(word)} {word}" for word in PLACES if word in places]
    if judged.at_s != deadline_s:
        tally.append(f"at {words.clock(school.zone, judged.at_s, deadline_s)}, its own deadline")
    return CartPart(
        title=f"Cart {cart.number}",
        room=cart.room,
        teacher=cart.teacher,
        tally=", ".join(tally),
        troubles=tuple(_trouble(school, judged, group, taken) for group in groups.values()),
        excused=_excused([judged]),
        link=link,
    )


def _excused(carts: Sequence[CartVerdict]) -> tuple[str, ...]:
    """Why the excused need not be home; who they are, where that is more than LINES_AT_MOST."""
    reasons = tuple(said.reason for cart in carts for said in cart.excuses)
    if len(reasons) <= LINES_AT_MOST:
        return reasons
    names = ", ".join(
        words.devices(cart.cart.number, (said.slot for said in cart.excuses))
        for cart in carts
        if cart.excuses
    )
    return (f"{names}: `homeslot check` says why.",)


def _trouble(
    school: School, judged: CartVerdict, group: Sequence[Verdict], taken: Sequence[Alert]
) -> Trouble:
    first = group[0]
    about = {subject for verdict in group for subject in subjects(verdict)}
    mine = (a for a in taken if a.finding == first.finding and a.subject in about)
    tag, tone = TAGS[first.finding]
    together = TOGETHER.get((first.finding, first.rule))
    lines: tuple[str, ...] = ()
    if len(group) > 1 and together and all(len(verdict.slots) == 1 for verdict in group):
        what = together.format(len(group))
        lines = _since_lines(school, judged, group)
    else:
        what = " ".join(verdict.reason for verdict in group)
    hides = sorted({slot for verdict in group for slot in verdict.hides})
    hidden = ""
    if hides and first.finding == "unplugged":
        hidden = f"whether {words.slot_numbers(hides)} would charge."
    elif hides:
        hidden = f"{words.slot_numbers(hides)} (unknown, not missing)."
    return Trouble(
        tag=f"{tag} (likely)" if first.confidence == "inferred" else tag,
        tone=tone,
        what=what,
        lines=lines,
        known=first.evidence if first.finding == "silent" and first.since_s is not None else "",
        hidden=hidden,
        in_hand=tuple(
            f"{named(alerts)}, {in_hand(school, alerts[0], judged.at_s)}."
            for alerts in grouped(mine)
        ),
        action=first.action,
    )


def _since_lines(school: School, judged: CartVerdict, group: Sequence[Verdict]) -> tuple[str, ...]:
    """Which since when, the earliest first: `7-3, 7-9 to 7-11 since 13:05`."""
    slots_since: defaultdict[str, list[int]] = defaultdict(list)
    dated = sorted((v for v in group if v.since_s is not None), key=lambda v: v.since_s or 0)
    for verdict in dated:
        since = words.clock(school.zone, verdict.since_s or 0, judged.at_s)
        slots_since[since] += verdict.slots
    undated = [slot for v in group if v.since_s is None for slot in v.slots]
    number = judged.cart.number
    lines = [f"{words.devices(number, s)} since {since}" for since, s in slots_since.items()]
    if len(lines) > LINES_AT_MOST:
        times = list(slots_since)
        names = words.devices(number, (slot for verdict in dated for slot in verdict.slots))
        lines = [f"{names} since between {times[0]} and {times[-1]}"]
    if undated:
        lines.append(f"{words.devices(number, undated)}, since when is not known")
    return tuple(lines)
