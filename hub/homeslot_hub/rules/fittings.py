"""C3, C6 and C9: lock, mains, place and the controller's box of a cart that was heard."""

from __future__ import annotations

from homeslot_hub.model import Verdict
from homeslot_hub.rules import words
from homeslot_hub.rules.case import Case, latest_s, sensor_fault


def judge_mains(case: Case, home: tuple[int, ...]) -> list[Verdict]:
    """C6. Mains off hides whether the devices of the slots `home` would charge."""
    mains = case.facts.mains
    if mains.value == "on":
        return []
    if mains.value == "off":
        reason = f"The cart has been without power{case.since(mains.since_s)}."
        evidence = "No voltage at the cart's inlet."
        action = "Plug the cart into the wall. If it is plugged in, check that the outlet is live."
        return [
            Verdict("C6", "unplugged", (), mains.since_s, "known", reason, evidence, action, home)
        ]
    reason = "Whether the cart is plugged in is not known: its mains sensor says nothing."
    action = "Look whether the cart is plugged in, then have a technician check the sensor."
    evidence = "Mains reported unknown."
    return [sensor_fault("C6", (), mains.since_s, reason, evidence, action, about="mains")]


def judge_place(case: Case) -> list[Verdict]:
    """C9: which access point the cart hears, where the school has said which its storage place has.

    One that hears none (a wired controller, a gateway) cannot tell, and is not asked.
    """
    place, storage = case.facts.place, case.cart.storage
    if not storage or place.value == "unknown" or place.value in storage:
        return []
    reason = f"The cart has not been in its storage place{case.since(place.since_s)}."
    evidence = f"It hears the access point {place.value}, which is none of its storage place."
    action = (
        f"Bring the cart back to {case.cart.room}. If it is there, the access point is a new one: "
        "add it to `storage` of this cart in the hub's configuration."
    )
    return [Verdict("C9", "elsewhere", (), place.since_s, "inferred", reason, evidence, action)]


def judge_box(case: Case) -> list[Verdict]:
    """C3: an opened box lets anyone rewire what the cart says of itself."""
    tamper = case.facts.tamper
    if tamper.value != "tampered":
        return []
    reason = f"The controller's box has been open{case.since(tamper.since_s)}."
    action = "Close the box. If nobody had reason to open it, have the wiring inside checked."
    evidence = "Tamper switch open."
    return [sensor_fault("C3", (), tamper.since_s, reason, evidence, action, about="box")]


def judge_lock(case: Case) -> list[Verdict]:
    """C3, where the cart's policy is `locked`: door closed and bolt thrown, or say what is not."""
    bolt, door = case.facts.bolt, case.facts.door
    if case.cart.lock == "open" or (door.value == "closed" and bolt.value == "thrown"):
        return []
    evidence = f"Door {door.value}, bolt {bolt.value}."
    since_s = latest_s(door, bolt)
    if door.value == "open" and bolt.value == "thrown":
        since = case.since(since_s)
        reason = f"The door says open while its bolt says thrown{since}: one switch is wrong."
        action = "Lock the cart by hand, then have a technician check both switches."
        return [sensor_fault("C3", (), since_s, reason, evidence, action, about="lock")]
    if "open" in (door.value, bolt.value):
        if door.value == "open":
            since_s = door.since_s
            reason = f"The door has been open{case.since(since_s)}."
        else:
            since_s = bolt.since_s
            shut = "closed" if door.value == "closed" else "not known to be closed"
            reason = f"The cart has not been locked{case.since(since_s)}; its door is {shut}."
        action = "Close the door and lock the cart."
        return [Verdict("C3", "unlocked", (), since_s, "known", reason, evidence, action)]
    blind = [name for name, fact in (("door", door), ("bolt", bolt)) if fact.value == "unknown"]
    reason = (
        "Whether the cart is locked is not known: "
        f"the switch of its {words.listed(blind)} says nothing."
    )
    action = "Look whether the cart is locked, then have a technician check its switches."
    return [sensor_fault("C3", (), since_s, reason, evidence, action, about="lock")]
