"""A program for both interpreters: drivers on simulated chips, every answer on a line of JSON.

Reads from standard input a board file and a list of steps, one JSON object in all:
["switch", slot, level], ["current", slot, mA], ["wait", ms], ["kill", address, channel],
["revive", address, channel], ["replug", bank], ["pull", bank, after bits], ["hold", channel],
["reset"], ["setup", bank], ["scan"], ["scans", how many], ["free"]. Every step answers with what
it gave or the error it met, and with the bits clocked until then.
"""

import gc
import json
import sys

from homeslot.board import Board
from homeslot.drivers.ina3221 import INA3221
from homeslot.drivers.mcp23017 import MCP23017
from homeslot.drivers.tca9548a import TCA9548A
from homeslot_sim.chips import faults, ina3221, mcp23017, tca9548a


class Drivers:
    """The drivers of one bank; each call ends with the first chip that does not answer."""

    def __init__(self, i2c, mux, board, bank):
        self._mux = mux
        self._bank = bank
        self._switches = MCP23017(i2c, bank.presence_address)
        self._currents = [
            INA3221(i2c, address, board.shunt_mohm, board.current_config)
            for address in bank.current_addresses
        ]

    def select(self):
        self._mux.select(self._bank.channel)

    def setup(self):
        self.select()
        self._switches.setup()
        for chip in self._currents:
            chip.setup()

    def read_switches(self):
        self.select()
        return self._switches.read()

    def read_currents(self, into, offset):
        for k in range(len(self._currents)):
            self.read_chip(k, into, offset)

    def read_chip(self, k, into, offset):
        self.select()
        for slot in range(3 * k, min(3 * k + 3, len(self._bank.inputs))):
            into[offset + slot] = self._currents[k].current_ma(slot - 3 * k)


class World:
    def __init__(self, board):
        self.board = board
        self.now_ms = 0
        self.currents_ma = [0] * board.slots
        self.wires = faults.FaultyBus()
        self.mux_chip = tca9548a.TCA9548A()
        self.wires.attach(board.mux_address, self.mux_chip)
        self.mux = TCA9548A(self.wires, board.mux_address)
        self.interrupts = []
        self.noise = ina3221.Noise(1)
        self.banks = []
        self.pulled = {}
        first = 0
        for text in board.banks:
            chips = {text.presence_address: mcp23017.MCP23017(self.interrupts.append)}
            for k in range(len(text.current_addresses)):
                chips[text.current_addresses[k]] = ina3221.INA3221(
                    self.up_ms, Slots(self, first + 3 * k), board.shunt_mohm, noise=self.noise
                )
            self.mux_chip.plug(text.channel, chips)
            self.banks.append(Drivers(self.wires, self.mux, board, text))
            first += len(text.inputs)

    def up_ms(self):
        return self.now_ms

    def switch(self, slot, level):
        text = self.board.banks[slot // 10]
        chip = self.mux_chip.channels[text.channel][text.presence_address]
        chip.drive(text.inputs[slot % 10], level)

    def current(self, slot, ma):
        self.currents_ma[slot] = ma

    def wait(self, ms):
        self.now_ms += ms

    def kill(self, address, channel):
        self.wires.kill(address, channel)

    def revive(self, address, channel):
        self.wires.revive(address, channel)

    def replug(self, b):
        channel = self.board.banks[b].channel
        self.mux_chip.plug(channel, self.pulled.pop(b, None) or self.mux_chip.unplug(channel))

    def pull(self, b, after_bits):
        def call():
            self.pulled[b] = self.mux_chip.unplug(self.board.banks[b].channel)

        self.wires.at_bits(self.wires.bits + after_bits, call)

    def hold(self, channel):
        self.wires.hold_sda(channel)

    def reset(self):
        self.mux_chip.reset_pin(0)
        self.mux_chip.reset_pin(1)

    def setup(self, b):
        return _outcome(self.banks[b].setup, [])

    def scan(self):
        masks = []
        read_ma = [None] * self.board.slots
        for b in range(len(self.banks)):
            masks.append(_outcome(self.banks[b].read_switches, []))
            masks.append(_outcome(self.banks[b].read_currents, [read_ma, 10 * b]))
        masks.append(_outcome(self.mux.off, []))
        said, self.interrupts[:] = list(self.interrupts), []
        return [masks, read_ma, said]

    def scans(self, count):
        for _ in range(count):
            self.wait(1000)
            self.scan()

    def free(self):
        """Bytes of heap free after a collection; only MicroPython can tell."""
        gc.collect()
        return gc.mem_free() if hasattr(gc, "mem_free") else None


class Slots:
    def __init__(self, world, first):
        self._world = world
        self._first = first

    def current_ma(self, channel, now_ms):
        slot = self._first + channel
        currents_ma = self._world.currents_ma
        return currents_ma[slot] if slot < len(currents_ma) else 0

    def voltage_mv(self, channel, now_ms):
        return 5000


def _outcome(call, arguments):
    try:
        return call(*arguments)
    except OSError as error:
        return ["OSError", type(error).__name__ == "WrongChip", error.errno]


def main():
    given = json.loads(sys.stdin.read())
    world = World(Board(given["board"]))
    for step in given["steps"]:
        answer = getattr(world, step[0])(*step[1:])
        line = json.dumps([step, answer, world.wires.bits, world.wires.waited_ms])
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
