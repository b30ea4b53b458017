"""A cart's day again at register level, laid beside what the quick cart said on it.

The firmware runs on simulated chips, polling, from the boot the day began with: the same world, the
same batteries, the same deeds. Its converters are without noise: noise of a step or two moves the
moment at which a falling current passes a threshold by up to a minute.

Both must have said the same of each thing in the same order, and each at the same time but for
TOLERANCE_MS: one scan, and what a converter takes. So a current that ends just when it has held for
long enough may be said by one of them and not by the other. What a cart says within the last
seconds before its controller loses power is not compared: it may be said or not.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from homeslot import contract
from homeslot.board import Board
from homeslot_hardware import boards
from homeslot_sim.cart.rig import Rig
from homeslot_sim.cart.world import World
from homeslot_sim.memory_broker import MemoryBroker
from homeslot_sim.scenario import DEFAULT_BOARD
from homeslot_sim.score.district import OFF_BEAT_MS, Morning
from homeslot_sim.score.plan import REPORT_S, SCAN_MS
from homeslot_sim.score.quick_cart import Told
from homeslot_sim.virtual_time import VirtualClock, VirtualLoop, run

TOLERANCE_MS = SCAN_MS + 500
DRAWS = ("trickle", "charging")  # what is said of a current
NONE_MS = Board(boards.load(DEFAULT_BOARD)).thresholds["none_ms"]  # so long after it, `idle` is
DRAIN_MS = 180000  # for a cart that was offline at the end to hand in what it kept


@dataclass(frozen=True, slots=True)
class Day:
    """One cart's day: how it began, what befell it, and what the quick cart `told` until its end.

    `start_s` is the epoch second of the district's ms 0; the times of what was told, and the end,
    are ms since the boot the day began with.
    """

    cart: int
    morning: Morning
    start_s: int
    told: list[Told]
    end_ms: int


def cut_short(day: Day) -> int:
    """How long the day is compared, in ms since its boot: until the controller loses power."""
    boot_ms = day.morning.at_ms + OFF_BEAT_MS
    for deed in day.morning.deeds:
        if deed.verb == "power-off":
            return (deed.at_s - day.start_s) * 1000 - boot_ms - 5000
    return day.end_ms


def at_register_level(day: Day) -> list[Told]:
    """What the firmware says on that day, at register level, in virtual time."""
    loop = VirtualLoop()
    return run(_live(day, VirtualClock(loop)), loop)


async def _live(day: Day, clock: VirtualClock) -> list[Told]:
    heard: list[Told] = []
    name = f"cart-{day.cart}"
    broker = MemoryBroker(clock, lambda user, password: True)

    def hear(topic: str, payload: bytes, retained: bool) -> None:
        kind = contract.split_topic(topic)[1]
        body: dict[str, Any] = contract.decode(topic, kind, payload)
        if kind == "event":
            index = body.get("index", 0)
            heard.append((body["up_ms"], body["kind"], index, body["value"], body["was"]))

    broker.attach(hear)
    world = World(len(day.morning.good["device"]), len(day.morning.good["bank"]))
    world.good = deepcopy(day.morning.good)
    boot_ms = day.morning.at_ms + OFF_BEAT_MS
    end_ms = cut_short(day)
    deeds: list[tuple[int, str, list[int]]] = [
        ((deed.at_s - day.start_s) * 1000 - boot_ms, deed.verb, list(deed.numbers))
        for deed in day.morning.deeds
    ]
    plan = {
        "cart": name,
        "secret": name,
        "host": "broker",
        "port": 1883,
        "board": boards.load(DEFAULT_BOARD),
        "settings": {"scan_ms": SCAN_MS, "report_s": REPORT_S},
        "seed": day.cart,
        "noise_steps": 0,
        "deeds": [deed for deed in deeds if deed[0] < end_ms] + [(end_ms, "link-up", [])],
    }
    network = broker.network()
    rig = Rig(plan, clock, clock, network, world=world, cells=day.morning.batteries.later(boot_ms))
    cart = asyncio.create_task(rig.run())
    while clock.up_ms() < end_ms + DRAIN_MS:
        await clock.sleep_ms(1000)
        if cart.done():
            await cart
    cart.cancel()
    await asyncio.gather(cart, return_exceptions=True)
    await broker.close()
    return heard


def differences(day: Day, registers: list[Told]) -> list[str]:
    """Where the two do not agree, in words; empty when they do."""
    end_ms = cut_short(day)
    quick, slow = _by_thing(day.told, end_ms), _by_thing(registers, end_ms)
    found = []
    for thing in sorted({*quick, *slow}):
        name = " ".join(map(str, thing)) if thing[1] else thing[0]
        ours = _lasting(quick[thing], slow[thing])
        theirs = _lasting(slow[thing], quick[thing])
        # What one said so near to the end that the other may have said it after is no matter.
        while ours and len(ours) > len(theirs) and ours[-1][0] > end_ms - TOLERANCE_MS:
            ours.pop()
        while theirs and len(theirs) > len(ours) and theirs[-1][0] > end_ms - TOLERANCE_MS:
            theirs.pop()
        if [told[1:] for told in ours] != [told[1:] for told in theirs]:
            found.append(f"{name}: quick {_words(ours)}, registers {_words(theirs)}")
            continue
        for one, other in zip(ours, theirs, strict=True):
            if abs(one[0] - other[0]) > TOLERANCE_MS:
                found.append(f"{name} {one[1]}: quick at {one[0]} ms, registers at {other[0]} ms")
    return found


def _lasting(ours: list[Any], theirs: list[Any]) -> list[Any]:
    """`ours` without the currents that `theirs` has not and that ended when they were said."""
    kept, rest = list[Any](), ours
    while rest:
        at_ms, *said = rest[0]
        shared = any(abs(t[0] - at_ms) <= TOLERANCE_MS and [*t[1:]] == said for t in theirs)
        if not shared and _ended_at_once(rest[:2]):
            rest = rest[2:]
        else:
            kept, rest = [*kept, rest[0]], rest[1:]
    return kept


def _ended_at_once(told: list[Any]) -> bool:
    """Whether the second says that the current which the first says ended just then."""
    if len(told) < 2:
        return False
    (from_ms, value, was), (to_ms, after, before) = told
    back = value in DRAWS and was == after == "idle" and before == value
    return back and to_ms - from_ms <= NONE_MS + TOLERANCE_MS


def _by_thing(told: list[Told], end_ms: int) -> defaultdict[tuple[str, int], list[Any]]:
    things: defaultdict[tuple[str, int], list[Any]] = defaultdict(list)
    for at_ms, kind, index, value, was in sorted(told, key=lambda one: one[0]):
        if at_ms < end_ms:
            things[kind, index].append((at_ms, value, was))
    return things


def _words(told: list[Any]) -> str:
    return ", ".join(f"{value} at {at_ms}" for at_ms, value, _ in told) or "nothing"
