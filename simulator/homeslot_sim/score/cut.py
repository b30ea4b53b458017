"""One cart's day as a scenario file: how the day found it, and what befell it, broker and hub.

A scenario begins with all home and well, so the first minutes bring the cart to where it stood:
what is out is taken out, and what came home to a dead cable comes home to it once more. What the
cart had said before is said again; since when something is so is then the beginning of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from homeslot_sim.cart.world import ASPECTS, CART, VERBS
from homeslot_sim.scenario import GRACE_S, Deed
from homeslot_sim.score.district import District, Morning, Place

FOUND_S = (0, 90, 180)  # from the beginning: what is out; what came to no current; the rest
BEFORE_S, QUIET_S = 7200, 3600  # so long before it is judged, and before something happens
STOOD = {aspect: verb for verb, (aspect, good) in VERBS.items() if not good}
AFTER_S = 600  # lived on after it was judged


def scenario_text(
    lived: District, place: Place, morning: Morning, deadline_s: int, judged_s: int, why: str
) -> str:
    """The day of `place` that began as `morning`, judged at `judged_s`, as text of a scenario.

    `why` is a line about it.
    """
    school, cart, zone = place.school, place.plan, place.school.zone
    deadline = datetime.fromtimestamp(deadline_s, zone)
    until = datetime.fromtimestamp(max(judged_s, deadline_s + GRACE_S) + AFTER_S, zone)
    last = (deadline + timedelta(days=1)).replace(hour=0, minute=0, second=0) - timedelta(minutes=1)
    midnight_s = int(deadline.replace(hour=0, minute=0, second=0).timestamp())
    timed = [(deed.at_s, f"cart {cart.number}  {_deed(deed)}") for deed in morning.deeds]
    timed += [(at_s, what) for at_s, what in lived.server.log if at_s >= midnight_s + 300]
    begin_s = min([deadline_s - BEFORE_S, *(at_s - QUIET_S for at_s, _ in timed)])
    begin = datetime.fromtimestamp(max(begin_s, midnight_s), zone).replace(minute=0, second=0)
    head = [
        f"# {why}",
        f"school       {school.name}",
        f"zone         {zone.key}",
        f"date         {deadline:%Y-%m-%d}",
        f"from         {begin:%H:%M}",
        f"until        {min(until, last):%H:%M}",
        f"deadline     {deadline:%H:%M}",
        f"coordinator  {school.coordinator.name} <{school.coordinator.email}>",
        f"cart {cart.number}  room {cart.room}  teacher {cart.teacher.name} <{cart.teacher.email}>"
        + (f"  spare {_numbers(tuple(sorted(cart.spare)))}" if cart.spare else "")
        + ("  front open" if cart.front_open else "")
        + ("  rotates" if cart.rotates else ""),
        "",
        "# As the day found it.",
        *_found(lived, place, morning, int(begin.timestamp())),
        "",
        "# The day.",
    ]
    end_s = int(min(until, last).timestamp())
    lines = [
        f"{datetime.fromtimestamp(at_s, zone):%H:%M:%S}  {what}"
        for at_s, what in sorted(timed, key=lambda one: one[0])
        if at_s <= end_s
    ]
    return "\n".join((*head, *_joined(lines))) + "\n"


def _found(lived: District, place: Place, morning: Morning, begin_s: int) -> Iterator[str]:
    """The deeds from `begin_s` on that bring a cart with all home to where the day found it."""
    good, zone = morning.good, place.school.zone
    found = [f"{datetime.fromtimestamp(begin_s + s, zone):%H:%M:%S}" for s in FOUND_S]
    histories, at_s = place.histories.of, lived.time.start_s + morning.at_ms // 1000
    cart = f"cart {place.plan.number}"
    out = [i + 1 for i, here in enumerate(good["device"]) if not here]
    unfed = []
    for i, connected in enumerate(good["cable"]):
        came_s, left_s = histories["device"][i].since_s(at_s), histories["cable"][i].since_s(at_s)
        if not connected and good["device"][i] and came_s is not None and left_s is not None:
            unfed += [i + 1] * (left_s <= came_s)
    pulled = [i + 1 for i, connected in enumerate(good["cable"]) if not connected]
    for aspect, numbers in (("device", out + unfed), ("cable", pulled)):
        early = [n for n in numbers if aspect == "device" or n in out + unfed]
        if early:
            yield f"{found[0]}  {cart}  {STOOD[aspect]} {_numbers(tuple(sorted(early)))}"
    if unfed:
        yield f"{found[1]}  {cart}  in {_numbers(tuple(unfed))}"
    late = [n for n in pulled if n not in out + unfed]
    if late:
        yield f"{found[2]}  {cart}  disconnect {_numbers(tuple(late))}"
    for aspect, of in good.items():
        numbers = [i + 1 for i, well in enumerate(of) if not well]
        if aspect in ("device", "cable") or not numbers:
            continue
        which = "" if ASPECTS[aspect] == CART else f" {_numbers(tuple(numbers))}"
        yield f"{found[2]}  {cart}  {STOOD[aspect]}{which}"


def _deed(deed: Deed) -> str:
    return f"{deed.verb} {_numbers(deed.numbers)}".strip()


def _joined(lines: list[str]) -> Iterator[str]:
    """Lines about the same second and cart as one, with commas."""
    for head, same in groupby(lines, lambda line: line.split("  ")[:2]):
        if head[1].startswith("cart"):
            yield "  ".join((*head, ", ".join(line.split("  ", 2)[2] for line in same)))
        else:
            yield from same


def _numbers(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))
