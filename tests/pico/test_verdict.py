"""A tiny scenario on emulated boards: the hub says of it what it says on CPython."""

import json

from homeslot_sim.play import play
from homeslot_sim.scenario import load

from .test_parts import SCENARIO


def test_the_verdict_on_emulated_boards_is_that_on_cpython(tmp_path):
    file = tmp_path / "tiny.scenario"
    file.write_text(SCENARIO)
    verdicts = {}
    for runtime in ("cpython", "pico"):
        folder = tmp_path / runtime
        folder.mkdir()
        outcome = play(load(file), runtime, folder, lambda line: None)
        assert outcome.agree, outcome.rows
        verdicts[runtime] = essence(json.loads((folder / "verdict.json").read_text()))
    assert verdicts["pico"] == verdicts["cpython"]
    found = {
        (cart, finding) for cart, _, findings in verdicts["pico"] for _, finding, _ in findings
    }
    assert found == {(7, "out"), (8, "sensor_fault"), (8, "unplugged")}


def essence(verdict):
    return [
        (c["cart"], c["places"], [(v["rule"], v["finding"], v["slots"]) for v in c["verdicts"]])
        for c in verdict["carts"]
    ]
