"""The same day on every board that ships: the simulator wires what the board file says."""

from pathlib import Path

import pytest

from homeslot.board import Board
from homeslot.mqtt.stream import TcpNetwork
from homeslot_hardware import boards, parts
from homeslot_hardware.controllers import CONTROLLERS
from homeslot_sim.cart.body import Body
from homeslot_sim.cart.rig import Air
from homeslot_sim.cart.world import World
from homeslot_sim.chips.ina3221 import INA3221
from homeslot_sim.chips.mcp23017 import MCP23017
from homeslot_sim.plans import plan
from homeslot_sim.play import play
from homeslot_sim.scenario import load, parse

DAY = (Path(__file__).parents[1] / "system" / "scenarios" / "short-day.scenario").read_text()


@pytest.mark.parametrize("name", boards.names())
def test_the_hub_tells_the_truth_about_a_short_virtual_day_on_the_board(name, tmp_path):
    scenario = parse(f"{DAY}\nboard {name}\n")
    planned = plan(scenario, scenario.carts[0], "hub", 1883, "secret")
    assert planned["board"] == boards.load(name)
    outcome = play(scenario, "cpython", tmp_path, lambda line: None)
    assert outcome.rows
    assert outcome.agree, outcome.rows


@pytest.mark.parametrize("name", boards.names())
def test_the_simulated_chips_are_those_of_the_board_file_and_of_its_parts_list(name):
    text = boards.load(name)
    slots = sum(bank["slots"] for bank in text["banks"])
    body = Body(Board(text), World(slots, len(text["banks"])), lambda: 0, 1)
    wired = [
        {int(chip["address"], 16) for chip in (bank["presence"], *bank["current"])}
        for bank in text["banks"]
    ]
    assert [set(chips) for chips in body.chips] == wired
    bought = {row.part.what: row.quantity for row in parts.parts(text)}
    there = [type(chip) for chips in body.chips for chip in chips.values()]
    assert there.count(MCP23017) == bought[parts.PARTS["presence"].what]
    assert there.count(INA3221) == bought[parts.PARTS["current"].what]


@pytest.mark.parametrize("name", boards.names())
def test_a_board_with_a_cable_hears_no_access_point(name):
    text = boards.load(name)
    network = Air(TcpNetwork(), World(1, 1), text)
    hears = CONTROLLERS[text["controller"]].network.startswith("Wi-Fi")
    assert (network.access_point() != (None, None)) == hears


def test_without_a_board_line_every_cart_has_the_reference_board(tmp_path):
    file = tmp_path / "day.scenario"
    file.write_text(DAY)
    assert load(file).board == "pico-w-30"
