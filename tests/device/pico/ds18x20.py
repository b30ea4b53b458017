"""A DS18B20 for the tests: what it measured is what it was at the last conversion."""

import onewire


class DS18X20:
    there = True
    celsius = 21.4
    measured = 85.0  # what the chip holds from power-on until its first conversion

    def __init__(self, bus):
        self.bus = bus

    def scan(self):
        return [b"\x28rom"] if DS18X20.there else []

    def convert_temp(self):
        DS18X20.measured = DS18X20.celsius

    def read_temp(self, rom):
        if not DS18X20.there:
            raise onewire.OneWireError
        return DS18X20.measured
