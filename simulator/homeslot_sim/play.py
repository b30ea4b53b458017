"""Plays a scenario: runs it, writes what came of it, and says whether the hub told the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from homeslot_sim.compare import Row, compare
from homeslot_sim.hub import InProcessHub, ServedHub, Settings, settings
from homeslot_sim.narrator import Narrator
from homeslot_sim.runtimes import NoRuntime, cpython, micropython
from homeslot_sim.scenario import Scenario
from homeslot_sim.truth import truths

Runtime = Literal["cpython", "micropython", "pico"]
# How far a moment may be off: a cart's report interval and a scan; in scaled time, where a day runs
# at hundreds of seconds a second, also what a busy machine makes a process wait.
TOLERANCE_S: dict[Runtime, int] = {"cpython": 90, "micropython": 600, "pico": 300}
OUTPUTS = ("digest.txt", "digest.html", "digest.eml", "verdict.json", "truth.json", "homeslot.db")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended: the digest's text, and truth against verdict."""

    digest: str
    rows: tuple[Row, ...]

    @property
    def agree(self) -> bool:
        """Whether the hub told the truth, the whole truth and nothing else."""
        return all(row.agree for row in self.rows)


def play(
    scenario: Scenario,
    runtime: Runtime,
    out: Path,
    say: Callable[[str], None],
    tls: bool = False,
    configured: Callable[[Settings], Settings] = lambda settings: settings,
) -> Outcome:
    """Live the day of `scenario` on `runtime`, write OUTPUTS into `out`; `say` gets the progress.

    With `tls` the carts reach the hub by it, on a runtime that has a network. `configured` is what
    somebody has made of the hub's settings.

    Raises NoRuntime, or what a defect in a cart or the hub raised.
    """
    if tls and runtime == "cpython":
        raise NoRuntime("on cpython carts and hub are one process: there is nothing to encrypt")
    if scenario.needs_virtual_time and runtime != "cpython":
        raise NoRuntime("a server or a controller that stops and starts can be played on cpython")
    narrator = Narrator(scenario, say)
    hub_settings = configured(settings(scenario, out, tls))
    school = hub_settings.schools[0]
    true = truths(scenario, school.silent_after_s, school.idle_after_s)
    _write(out / "truth.json", {"carts": [cart.as_json() for cart in true]})
    hub: InProcessHub | ServedHub
    if runtime == "cpython":
        hub = InProcessHub(hub_settings)
        try:
            cpython.live(scenario, hub, narrator.tell)
        finally:
            hub.close()
    else:
        hub = ServedHub(hub_settings)
        try:
            _served(runtime)(scenario, hub, narrator.tell)
        finally:
            hub.close()
    for suffix in ("txt", "html", "eml"):
        (out / f"digest.{suffix}").write_bytes(hub.digest(suffix))
    _write(out / "verdict.json", hub.verdict())
    rows = compare(true, hub.said(), scenario.zone, TOLERANCE_S[runtime])
    return Outcome((out / "digest.txt").read_text(encoding="utf-8"), tuple(rows))


def _served(runtime: Runtime) -> Callable[[Scenario, ServedHub, Callable[[int], None]], None]:
    if runtime == "micropython":
        return micropython.live
    try:
        from homeslot_sim.runtimes import pico
    except ModuleNotFoundError as error:
        raise NoRuntime(f"no {error.name} here; install homeslot[pico]") from None
    return pico.live


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
