"""What each simulated cart needs to know to live its day: a plan of plain JSON values."""

from __future__ import annotations

from typing import Any

from homeslot.core.settings import settings
from homeslot_hardware import boards
from homeslot_sim.scenario import Scenario, ScenarioCart


def plan(
    scenario: Scenario,
    cart: ScenarioCart,
    host: str,
    port: int,
    secret: str,
    ca: str | None = None,
) -> dict[str, Any]:
    """The plan of `cart` for `cart.rig.Rig`: who it is, where its broker is, what happens to it.

    With `ca`, a CA as PEM, it goes there by TLS.
    """
    return {
        "cart": cart.controller,
        "secret": secret,
        "host": host,
        "port": port,
        "board": boards.load(scenario.board),
        "ca": ca,
        "settings": {"scan_ms": scenario.scan_ms, "tls": int(ca is not None)},
        "seed": cart.number,
        "deeds": [
            [(deed.at_s - scenario.start_s) * 1000, deed.verb, list(deed.numbers)]
            for deed in scenario.deeds
            if deed.cart == cart.number
        ],
    }


def cart_settings(controller: str, **changes: int) -> dict[str, Any]:
    """All settings of a cart that has no need of an address."""
    return settings({"cart": controller, "secret": controller, "host": "broker", **changes})


def pace_steps(scenario: Scenario) -> list[list[float]]:
    """The steps of `cart.pace.Pace` for the scaled runtimes: [from ms, factor]."""
    return [[(at_s - scenario.start_s) * 1000, factor] for at_s, factor in scenario.pace]
