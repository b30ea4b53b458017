"""Answering a mail: its link leads to what is wrong, to be taken on, put off, or given back.

The rights of a link are these and no others: the alerts of its cart (or all of the school's) that
were opened by its day, in the name of its person, as long as the school still names them. Used
again it says how things stand, and does nothing that is done already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from homeslot_hub.model import Person, School
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.alerts import Alert, IllegalEvent, acknowledge, give_back, snooze
from homeslot_hub.rules.people import Role, known
from homeslot_hub.service.alert_book import SNOOZE_AT_MOST_S, TEXT_AT_MOST, AlertDesk, is_text
from homeslot_hub.service.alert_words import grouped, in_hand, named, right_lines
from homeslot_hub.service.digest import TAGS
from homeslot_hub.service.links import ALL_CARTS, Link, LinkError
from homeslot_hub.service.sheets import Action, Days, Form, Row, Sheet

MEANWHILE = "Something has changed meanwhile, and nothing was done. This is how it stands now."
NOTHING_CHOSEN = "Nothing was chosen: tick what it is about."


class BadForm(Exception):
    """What was sent cannot be done, and what is allowed."""


class Answers:
    """What the holder of an `answer` link sees and does. `desk` keeps the alerts of `schools`."""

    def __init__(self, schools: Sequence[School], desk: AlertDesk, now_s: int) -> None:
        self._schools = schools
        self._desk = desk
        self._now_s = now_s

    def sheet(self, link: Link) -> Sheet:
        """How what the link is about stands. Changes nothing. Raises LinkError, StoreError."""
        school, person, _ = holder(self._schools, link)
        alerts = self._alerts(link)
        wrong = [alert for alert in alerts if alert.state != "resolved"]
        rows = tuple(self._rows(school, alerts))
        carts = [cart for cart in school.carts if link.cart in (ALL_CARTS, cart.number)]
        one = carts[0] if link.cart != ALL_CARTS and carts else None
        headline = "Nothing is wrong here any more"
        if wrong:
            headline = words.count(len(grouped(wrong)), "thing is wrong", "things are wrong")
        return Sheet(
            school=school.name,
            place="All carts" if one is None else f"Cart {one.number} · {one.room}",
            headline=headline,
            rows=rows,
            actions=tuple(self._actions(school, person, wrong)),
            foot=foot(school, person, link, self._now_s),
        )

    def act(self, link: Link, form: Form) -> Sheet:
        """Do what `form` says; how things stand then. Raises LinkError, StoreError, BadForm."""
        school, person, _ = holder(self._schools, link)
        own = {alert.id: alert for alert in self._alerts(link)}
        chosen = chosen_of(form, own)
        what, act, why = self._meant(school, person, form)
        done = [own[number] for number in chosen if own[number].state != "resolved"]
        if what == "given back":
            done = [alert for alert in done if alert.in_hand]
        try:
            after = self._desk.act(
                [alert.id for alert in done], act, self._now_s, person.name, why, what
            )
        except IllegalEvent:
            raise BadForm(MEANWHILE) from None
        return replace(self.sheet(link), said=_said(school, what, after, self._now_s))

    def _alerts(self, link: Link) -> list[Alert]:
        return [
            alert
            for alert in self._desk.active(link.school, link.day)
            if alert.day <= link.day and link.cart in (ALL_CARTS, alert.cart)
        ]

    def _rows(self, school: School, alerts: Iterable[Alert]) -> Iterable[Row]:
        groups = grouped(alerts)
        for group in groups:
            first = group[0]
            if first.state == "resolved":
                continue
            tag, tone = TAGS[first.finding]
            note = ""
            if first.in_hand:
                said = in_hand(school, first, self._now_s)
                note = f"{said[:1].upper()}{said[1:]}."
            text = first.reason if len(group) == 1 else ""
            if first.hidden_by:
                text = f"Not known now: hidden by {first.hidden_by}."
            value = ",".join(str(alert.id) for alert in group)
            name = named(group)
            if text.startswith(name):
                name = ""
            yield Row(tag, tone, name, text, note, value, not first.in_hand)
        for group in groups:
            if group[0].state == "resolved":
                for line in right_lines(school, self._now_s, group):
                    yield Row("Right again", "good", "", line)

    def _actions(self, school: School, person: Person, wrong: Sequence[Alert]) -> Iterable[Action]:
        if any((alert.state, alert.who) != ("acknowledged", person.name) for alert in wrong):
            yield Action(
                "take",
                "I am on it",
                "It stands in your name and is not repeated. When it is right you are told.",
                "main",
                why="What are you doing about it? (may stay empty)",
            )
        if any(alert.in_hand for alert in wrong):
            text = "Nobody has it in hand any more, and it is repeated again."
            yield Action("back", "Give it back", text, "plain")
        if wrong:
            yield Action(
                "later",
                "Put it off",
                "Nobody is told of it until the deadline of that day. Then it speaks again.",
                "plain",
                why="Why? Name no student.",
                needed=True,
                until=self._days(school),
            )

    def _days(self, school: School) -> Days:
        today = calendar.school_day_of(school, self._now_s)
        last = calendar.school_day_of(school, self._now_s + SNOOZE_AT_MOST_S) - timedelta(days=1)
        ahead = (today + timedelta(days=days) for days in range(1, (last - today).days + 1))
        given = next((day for day in ahead if calendar.is_school_day(school, day)), last)
        return Days(today + timedelta(days=1), last, given)

    def _meant(
        self, school: School, person: Person, form: Form
    ) -> tuple[str, Callable[[Alert], Alert], str]:
        do = one_of(form, "do")
        if do == "back":
            return "given back", give_back, "by the link of a mail"
        if do == "take":
            why = why_of(form, "take", needed=False)
            return "acknowledged", lambda alert: acknowledge(alert, person.name, why), why
        if do != "later":
            raise BadForm(f"What to do is {do!a}: allowed take, later, back.")
        why = why_of(form, "later", needed=True)
        text, days = one_of(form, "until"), self._days(school)
        try:
            until = date.fromisoformat(text)
        except ValueError:
            until = date.min
        if not days.first <= until <= days.last:
            raise BadForm(
                f"The date is {text[:20]!a}: allowed {days.first.isoformat()} to "
                f"{days.last.isoformat()}."
            )
        until_s = calendar.deadline_s(school, until)
        return "snoozed", lambda alert: snooze(alert, person.name, why, until_s), why


def holder(schools: Sequence[School], link: Link) -> tuple[School, Person, frozenset[Role]]:
    """Whose link it is, of which school, and who they are there. Raises LinkError."""
    school = next((school for school in schools if school.name == link.school), None)
    found = None if school is None else known(school, link.email)
    if school is None or found is None:
        raise LinkError(
            "This link was made for someone whom the school does not name any more. Ask whoever "
            "looks after the hub."
        )
    return school, *found


def foot(school: School, person: Person, link: Link, now_s: int) -> str:
    """Whose link it is, and how long it holds."""
    ends = words.clock(school.zone, link.expires_s, now_s)
    return (
        f"This is the link of {person.name} <{person.email}>. What is done here is done in that "
        f"name, by whoever has the link: do not pass it on. It ends {ends}, {school.zone.key}."
    )


def one_of(form: Form, name: str) -> str:
    """The text of a field, empty when it was not sent."""
    return form.get(name, [""])[0].strip()


def why_of(form: Form, action: str, needed: bool) -> str:
    """The reason given for `action`. Raises BadForm."""
    why = one_of(form, f"why-{action}")
    if (why or needed) and not is_text(why):
        raise BadForm(
            f"The reason is {why[:20]!a}: allowed 1..{TEXT_AT_MOST} printable characters."
        )
    return why


def chosen_of(form: Form, own: Iterable[int]) -> list[int]:
    """The numbers that were ticked, each of `own`. Raises BadForm."""
    numbers = [text for value in form.get("row", []) for text in value.split(",")]
    if not numbers:
        raise BadForm(NOTHING_CHOSEN)
    names = {str(number): number for number in own}
    if not names.keys() >= set(numbers):
        raise BadForm(MEANWHILE)
    return [names[number] for number in numbers]


def _said(school: School, what: str, alerts: Sequence[Alert], now_s: int) -> str:
    if not alerts:
        return "Nothing was left to do."
    names = words.listed([named(group) for group in grouped(alerts)])
    if what == "given back":
        return f"Given back: {names}."
    undo = "To undo it, tick it below and give it back."
    if what == "snoozed":
        until = words.clock(school.zone, alerts[0].until_s or now_s, now_s)
        return f"Put off until {until}: {names}. {undo}"
    return f"Thank you, you are on it: {names}. {undo}"
