"""Reads a vector a line, as JSON, and prints what the core makes of it. Runs on both languages."""

import json
import sys

from homeslot import contract
from homeslot.board import Board
from homeslot.core.slots import Slot


def answer(vector):
    """The answer to [what, arguments…]."""
    what = vector[0]
    if what == "slot":
        slot, states = Slot(), []
        for now_ms, present, current_ma in vector[2]:
            left = slot.step(now_ms, present, current_ma, vector[1])
            states.append([left, slot.state, slot.bouncing])
        return states
    if what == "board":
        board = Board(vector[1])
        banks = [[b.channel, b.inputs, b.current_addresses] for b in board.banks]
        return [board.slots, banks]
    try:
        if what == "topic":
            return contract.split_topic(vector[1])
        if what == "decode":
            return contract.decode("t", vector[1], bytes(vector[2]))
        contract.check("t", vector[1], vector[2])
        return contract.decode("t", vector[1], contract.encode("t", vector[1], vector[2]))
    except contract.BadMessage as error:
        return ["refused", error.field]


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
