"""Deciding about lock-downs (C11) by the link of a mail: what waits, to be sent or not to be.

The rights of a link are these and no others: the orders prepared by its day for its school, in the
name of its person, as long as they are its coordinator, principal or IT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from homeslot_hub.model import Person, School
from homeslot_hub.rules import words
from homeslot_hub.rules.lockdown import WORDS, IllegalOrder, Order, State
from homeslot_hub.rules.people import LOCKS, Role
from homeslot_hub.service.answers import (
    MEANWHILE,
    BadForm,
    chosen_of,
    foot,
    holder,
    one_of,
    why_of,
)
from homeslot_hub.service.links import Link, LinkError
from homeslot_hub.service.lockdowns import Decided, LockDowns, devices
from homeslot_hub.service.sheets import Action, Form, Row, Sheet, SheetTone

# How an order stands, and how that looks; a lock's `sent` may be taken back.
STANDS: dict[State, tuple[str, SheetTone]] = {
    "prepared": ("waits for your word", "warning"),
    "confirmed": ("on its way", "unknown"),
    "sent": ("sent", "alarm"),
    "withdrawn": ("not sent", "good"),
    "given up": ("could not be sent", "alarm"),
}


class Decisions:
    """What the holder of a `lock-down` link sees and does. `lock_downs` are None without [mdm]."""

    def __init__(self, schools: Sequence[School], lock_downs: LockDowns | None, now_s: int) -> None:
        self._schools = schools
        self._kept = lock_downs
        self._now_s = now_s

    def sheet(self, link: Link) -> Sheet:
        """How the orders stand. Changes nothing. Raises LinkError, StoreError."""
        school, person, _ = self._holder(link)
        orders = self._orders(link)
        waiting = [order for order in orders if order.state in ("prepared", "given up")]
        headline = "Nothing waits for your word"
        if waiting:
            count = words.count(len(waiting), "device waits", "devices wait")
            headline = f"{count} for your word"
        return Sheet(
            school=school.name,
            place="Lock-down",
            headline=headline,
            rows=tuple(self._row(school, order) for order in orders),
            actions=tuple(_actions(orders)),
            foot=foot(school, person, link, self._now_s),
        )

    def act(self, link: Link, form: Form) -> Sheet:
        """Do what `form` says; how things stand then. Raises LinkError, StoreError, BadForm."""
        _, person, _ = self._holder(link)
        own = {order.id: order for order in self._orders(link)}
        chosen = [own[number] for number in chosen_of(form, own)]
        do = one_of(form, "do")
        if do not in ("send", "keep"):
            raise BadForm(f"What to do is {do!a}: allowed send, keep.")
        why = why_of(form, do, needed=False) or "by the link of a mail"
        kept = self._lock_downs()
        try:
            if do == "send":
                numbers = [o.id for o in chosen if o.state not in ("confirmed", "sent")]
                done = kept.confirm(numbers, person.name, why, self._now_s)
            else:
                numbers = [o.id for o in chosen if o.state != "withdrawn"]
                done = kept.withdraw(numbers, person.name, why, self._now_s)
        except IllegalOrder:
            raise BadForm(MEANWHILE) from None
        return replace(self.sheet(link), said=_said(done), wrong=" ".join(done.refused))

    def _holder(self, link: Link) -> tuple[School, Person, frozenset[Role]]:
        school, person, roles = holder(self._schools, link)
        if not roles & LOCKS:
            raise LinkError("Only the school's coordinator, principal or IT may decide this.")
        return school, person, roles

    def _lock_downs(self) -> LockDowns:
        if self._kept is None:
            raise LinkError("This hub has no device management any more that could be told.")
        return self._kept

    def _orders(self, link: Link) -> list[Order]:
        """Those that are open, and what became of those of the link's own evening."""
        return [
            order
            for order in self._lock_downs().orders(link.school)
            if order.day == link.day or (order.day < link.day and order.open)
        ]

    def _row(self, school: School, order: Order) -> Row:
        stands, tone = STANDS[order.state]
        since = words.clock(school.zone, order.prepared_s, self._now_s)
        about = self._lock_downs().about(order)
        what = WORDS[order.action].capitalize()
        text = f"{about} {what} prepared {since}, for the asset tag {order.tag}."
        note = f"{order.who}: {order.why}." if order.who else ""
        if order.error and order.open:
            note += f" The device management did not take it: {order.error}."
        final = order.state == "withdrawn" or (order.action, order.state) == ("unlock", "sent")
        return Row(stands, tone, "", text, note.strip(), "" if final else str(order.id))


def _actions(orders: Sequence[Order]) -> Iterable[Action]:
    open_ = [order for order in orders if order.open]
    sent = any((order.action, order.state) == ("lock", "sent") for order in orders)
    waiting = {order.action for order in open_ if order.state in ("prepared", "given up")}
    why = "Why? Name no student. (may stay empty)"
    if waiting:
        text = "What is ticked is sent to the device management, each device by its asset tag."
        if "lock" in waiting:
            text += " A device that is home by now is not locked."
        label = "Send what is ticked"
        if len(waiting) == 1:
            label = "Lock what is ticked" if "lock" in waiting else "Unlock what is ticked"
        yield Action("send", label, text, "alarm" if "lock" in waiting else "main", why=why)
    if open_ or sent:
        text = "What is ticked is not sent."
        if sent:
            text += " What was locked already is unlocked."
        label = "Leave it locked" if waiting == {"unlock"} else "Do not lock it"
        yield Action("keep", label, text, "plain", why=why)


def _said(done: Decided) -> str:
    if not done.orders:
        return "" if done.refused else "Nothing was left to do."
    parts = []
    for action, state, said in (
        ("lock", "confirmed", "Will be locked: {}. To undo it, tick it and do not lock it, below."),
        ("unlock", "confirmed", "Will be unlocked: {}."),
        ("lock", "withdrawn", "Not locked: {}. It is asked again tomorrow, if it is still out."),
        ("unlock", "withdrawn", "Stays locked: {}."),
    ):
        mine = [o for o in done.orders if (o.action, o.state) == (action, state)]
        if mine:
            parts.append(said.format(devices(mine)))
    return " ".join(parts)
