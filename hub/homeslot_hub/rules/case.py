"""What a rule is given, one cart at one moment, and the words it needs about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from homeslot_hub.model import Cart, CartFacts, CartRegister, Fact, School, Verdict
from homeslot_hub.rules import words


@dataclass(frozen=True, slots=True)
class Case:
    """One cart with the facts of it at `at_s`, and what the register said of it then."""

    school: School
    cart: Cart
    facts: CartFacts
    at_s: int
    register: CartRegister = field(default_factory=CartRegister)

    def clock(self, moment_s: int) -> str:
        """`moment_s` on the school's wall, as seen from the moment of the case."""
        return words.clock(self.school.zone, moment_s, self.at_s)

    def since(self, since_s: int | None) -> str:
        """` since 13:05`, nothing when that is not known."""
        return "" if since_s is None else f" since {self.clock(since_s)}"

    def device(self, slot: int) -> str:
        """The name of the device of `slot` (C4), with its asset tag where one is recorded (N11)."""
        name = words.device(self.cart.number, slot)
        record = self.register.slots.get(slot)
        if record is None or record.device is None or not record.device.tag:
            return name
        return f"{name} (tag {record.device.tag})"


def sensor_fault(
    rule: str,
    slots: tuple[int, ...],
    since_s: int | None,
    reason: str,
    evidence: str,
    action: str,
    hides: tuple[int, ...] = (),
    about: str = "",
) -> Verdict:
    """The verdict that `rule` cannot be answered, because what senses it is not to be believed."""
    return Verdict(
        rule, "sensor_fault", slots, since_s, "unknown", reason, evidence, action, hides, about
    )


def latest_s(*facts: Fact) -> int | None:
    """Since when all of `facts` hold together; None when that is not known of any."""
    return max((fact.since_s for fact in facts if fact.since_s is not None), default=None)
