"""What the tests of the simulated chips share: a clock to advance and currents to set."""

import os

import pytest

# Blinka is told that there is no board under it before any CircuitPython driver is imported.
os.environ["BLINKA_OS_AGNOSTIC"] = "1"
os.environ["BLINKA_SKIP_DEPENDENCY_CHECK"] = "1"


class Clock:
    def __init__(self):
        self.now_ms = 0

    def up_ms(self):
        return self.now_ms


class Source:
    """Currents in mA and voltages in mV by channel, and the times they were asked for."""

    def __init__(self):
        self.ma = [0, 0, 0]
        self.mv = [0, 0, 0]
        self.asked_ms = []

    def current_ma(self, channel, now_ms):
        self.asked_ms.append(now_ms)
        return self.ma[channel]

    def voltage_mv(self, channel, now_ms):
        return self.mv[channel]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def source():
    return Source()
