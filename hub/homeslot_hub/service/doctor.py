"""What is wrong with an installation, and what to do (N13): a function of values for each check."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from homeslot.contract import FIRST_S
from homeslot_hub.model import LATE_AFTER_S, School
from homeslot_hub.rules import calendar, words
from homeslot_hub.rules.lockdown import Order
from homeslot_hub.service.keep import Tidied
from homeslot_hub.service.ports import DeadLetter, Notice, Refused, Stranger
from homeslot_hub.service.status import CartStatus

Level = Literal["ok", "look", "bad"]

DAY_S = 86400
LATELY_S = DAY_S  # what is older was seen, or is over
LETTERS_S = 7 * DAY_S  # a mail that was given up is worth a line for so long
WAITING_S = 3600  # a notice that waits for longer is not just being tried again
BACK_S = 300  # a clock this far behind what it has said before was set back
FEW_BYTES, TOO_FEW_BYTES = 2_000_000_000, 200_000_000
CERTIFICATE_DAYS = 30
TIDIED_S = 3 * DAY_S  # nights a hub may have been off
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `look`: a person should; `bad`: it does not work.

    `todo` says what to do, and is empty when all is well.
    """

    name: str
    level: Level
    said: str
    todo: str = ""


def private(modes: Iterable[tuple[str, int]]) -> Check:
    """Whether only their owner may read the secrets: `modes` are (path, permissions)."""
    open_to_others = [path for path, mode in modes if mode & 0o077]
    if not open_to_others:
        return Check("secrets", "ok", "for their owner alone")
    said = f"others may read {words.listed(_few(open_to_others))}"
    return Check("secrets", "bad", said, f"chmod go= {' '.join(open_to_others[:_SHOWN])}")


def database(damage: str, size: int, head: str) -> Check:
    """Whether the database is sound: `damage` is what SQLite says is wrong with it."""
    if damage:
        todo = "stop the hub, keep the file, and homeslot restore your last backup"
        return Check("database", "bad", damage, todo)
    said = f"sound, {size / 1e6:.1f} MB, records {head}"
    return Check("database", "ok", said)


def disk(free: int) -> Check:
    """Whether there is room for what carts will report."""
    said = f"{free / 1e9:.1f} GB free"
    if free < TOO_FEW_BYTES:
        return Check("disk", "bad", said, "make room: a full disk stops the taking in of reports")
    if free < FEW_BYTES:
        return Check("disk", "look", said, "make room before it is full")
    return Check("disk", "ok", said)


def tidied(last: Tidied, days: int, now_s: int, zone: ZoneInfo) -> Check:
    """Whether what is no longer kept was dropped: `last` is when, `days` [keep] history_days."""
    if last.stuck:
        todo = "homeslot verify says what it is; keep the file as it is, and compare your backups"
        return Check("tidying", "bad", last.stuck, todo)
    if not days:
        return Check("tidying", "ok", "the history is kept for ever")
    said = f"the history of the last {words.count(days, 'day')} is kept"
    if now_s - last.at_s > TIDIED_S:
        when = words.clock(zone, last.at_s, 0) if last.at_s else "never"
        todo = "a running homeslot serve does it each night; or homeslot tidy"
        return Check("tidying", "look", f"what is older was last dropped: {when}", todo)
    return Check("tidying", "ok", said)


def clock(now_s: int, newest_s: int | None, school: School) -> Check:
    """Whether this machine's clock can be right: `newest_s` is when a cart was last heard."""
    now = words.clock(school.zone, now_s, 0)
    todo = "set it, and see that it is kept by NTP (timedatectl)"
    if now_s < FIRST_S:
        return Check("clock", "bad", f"says {now}", todo)
    if newest_s is not None and now_s < newest_s - BACK_S:
        newest = words.clock(school.zone, newest_s, 0)
        return Check("clock", "bad", f"says {now}, and a cart was heard at {newest}", todo)
    return Check("clock", "ok", f"{now} in {school.zone.key}")


def hub(pid: str | None) -> Check:
    """Whether a hub serves this data folder: `pid` is that of the process that holds it."""
    if pid is None:
        return Check("hub", "look", "no homeslot serve runs here", "start it: homeslot serve")
    return Check("hub", "ok", f"homeslot serve runs, process {pid}")


def broker(where: str, error: str | None, stopped: bool) -> Check:
    """Whether the broker lets the hub in: `error` is why not. `stopped`: it comes with the hub."""
    if stopped:
        return Check("broker", "look", f"{where} comes with the hub", "start it: homeslot serve")
    if error is None:
        return Check("broker", "ok", f"{where} lets the hub in")
    return Check("broker", "bad", error, "see that it runs, and [broker] in the configuration")


def certificate(days: int | None) -> Check:
    """How long the broker's certificate lasts: `days`, None without TLS."""
    if days is None:
        return Check("certificate", "ok", "none: the broker speaks to this machine alone")
    if days < 0:
        said = f"ended {words.count(-days, 'day')} ago: no cart connects"
        return Check("certificate", "bad", said, "homeslot certificate renew")
    if days <= CERTIFICATE_DAYS:
        said = f"ends in {words.count(days, 'day')}"
        return Check("certificate", "look", said, "homeslot certificate renew")
    return Check("certificate", "ok", f"lasts {words.count(days, 'day')} more")


def mail(host: str | None, error: str | None) -> Check:
    """Whether the mail server takes our login: `error` is why not, `host` None without [mail]."""
    if host is None:
        said, todo = "none configured: digests are files only", "fill in [mail]"
        return Check("mail", "look", said, todo)
    if error is not None:
        return Check("mail", "bad", f"{host}: {error}", "see [mail] in the configuration")
    return Check("mail", "ok", f"{host} is there and takes the login")


def carts(known: Sequence[CartStatus]) -> Check:
    """Whether each cart is heard."""
    names = {status.verdict.cart.controller: _cart(status) for status in known}
    never = [names[s.verdict.cart.controller] for s in known if s.facts.heard_s is None]
    silent = [
        names[s.verdict.cart.controller]
        for s in known
        if s.facts.heard_s is not None
        and any(wrong.finding == "silent" for wrong in s.verdict.verdicts)
    ]
    said = [f"never heard: {words.listed(_few(never))}"] * bool(never)
    said += [f"silent: {words.listed(_few(silent))}"] * bool(silent)
    if said:
        todo = "see that their controllers are on and reach the network; docs/running.md"
        return Check("carts", "look", "; ".join(said), todo)
    if not known:
        return Check("carts", "look", "none configured", "homeslot cart add")
    return Check("carts", "ok", f"all {len(known)} are heard")


def strangers(known: Iterable[Stranger], now_s: int) -> Check:
    """Whether a controller reports that no school has."""
    lately = [one.controller for one in known if one.last_s > now_s - LATELY_S]
    if not lately:
        return Check("strangers", "ok", "none")
    todo = "homeslot cart add, or find out who set them up"
    return Check("strangers", "look", f"not configured: {words.listed(_few(lately))}", todo)


def refused(known: Sequence[Refused], now_s: int) -> Check:
    """Whether messages were refused lately: `known` are those kept, the newest first."""
    lately = [one for one in known if one.arrived_s > now_s - LATELY_S]
    if not lately:
        return Check("refused", "ok", "nothing within a day")
    said = f"{words.count(len(lately), 'message')} within a day, the last: {lately[0].reason}"
    return Check("refused", "look", said, "homeslot refused")


def letters(dead: Iterable[DeadLetter], now_s: int) -> Check:
    """Whether a mail was given up lately."""
    lately = [one for one in dead if one.notice.created_s > now_s - LETTERS_S]
    if not lately:
        return Check("given up", "ok", "no mail within a week")
    first = lately[0]
    count = words.count(len(lately), "mail")
    said = f"{count} within a week, the last to {first.notice.email}: {first.error}"
    return Check("given up", "bad", said, "put right the address or [mail]; it is in digests/")


def waiting(notices: Collection[Notice], now_s: int) -> Check:
    """Whether a notice waits for its files or its mail for longer than tries take."""
    late = [one for one in notices if one.created_s < now_s - WAITING_S]
    if late:
        days = words.listed(sorted({one.day for one in late}))
        said = f"{words.count(len(late), 'notice')} not delivered for over an hour, of {days}"
        return Check("delivery", "bad", said, "homeslot status, and the hub's log, say why")
    said = "nothing waits" if not notices else f"{words.count(len(notices), 'notice')} on the way"
    return Check("delivery", "ok", said)


def lock_downs(orders: Iterable[Order]) -> Check:
    """Whether a lock-down, or its end, could not be sent to the device management (C11)."""
    failed = [order for order in orders if order.state == "given up"]
    if not failed:
        return Check("lock-downs", "ok", "none given up")
    names = words.listed(_few([order.device for order in failed]))
    said = f"given up: {names}, the last: {failed[-1].error}"
    return Check("lock-downs", "bad", said, "see [mdm], then: homeslot lockdown list, confirm")


def judged(school: School, opened_s: int | None, day: date | None, done: bool, now_s: int) -> Check:
    """Whether the last due school day was judged (C8): who else would say that nobody did?

    `day` is that day, `done` whether it stands in the due table; the hub has known the school since
    `opened_s`.
    """
    name = f"deadline of {school.name}"
    if day is None or opened_s is None or calendar.deadline_s(school, day) <= opened_s:
        return Check(name, "ok", "none has come since the hub first ran")
    said = words.clock(school.zone, calendar.deadline_s(school, day), 0)
    if done:
        return Check(name, "ok", f"{said} was judged")
    if now_s - calendar.deadline_s(school, day) - school.grace_s <= LATE_AFTER_S:
        return Check(name, "look", f"{said} is not judged yet", "look again in ten minutes")
    todo = "see that homeslot serve runs: it judges it then, and says that it is late"
    return Check(name, "bad", f"{said} HAS NOT BEEN JUDGED", todo)


def _cart(status: CartStatus) -> str:
    return f"cart {status.verdict.cart.number} ({status.verdict.cart.room})"


def _few(names: Sequence[str]) -> list[str]:
    more = len(names) - _SHOWN
    return [*names[:_SHOWN], *[f"{more} more"] * (more > 0)]
