"""A Pico W's `machine` for the tests: pins that remember, a bus without chips."""

mem32 = {0x40058008: 0, 0x4005800C: 0, 0x40064008: 1 << 8}  # as power-on leaves an RP2040
restarts = []  # one entry for each
levels = {}  # of inputs, by GP number; 1 unless said
pins = {}  # every Pin made, by GP number
clock = []  # all that the clock was set to
fed = []  # timeouts of the watchdogs that were fed


def reset():
    restarts.append(True)


class Pin:
    IN, OUT, PULL_UP, IRQ_FALLING = 0, 1, 1, 4

    def __init__(self, gp, mode=IN, pull=None, value=None):
        self.gp = gp
        self.mode = mode
        self.pull = pull
        self.level = value
        self.handler = None
        pins[gp] = self

    def value(self, level=None):
        if level is None:
            return levels.get(self.gp, 1)
        self.level = level

    def irq(self, handler, trigger):
        assert trigger == Pin.IRQ_FALLING
        self.handler = handler


class ADC:
    def __init__(self, pin):
        self.pin = pin

    def read_u16(self):
        return 49152


class I2C:
    def __init__(self, block, sda, scl, freq):
        self.wired = (block, sda.gp, scl.gp, freq)

    def _nobody(self, *arguments):
        raise OSError(5)  # EIO: no chip acknowledges

    writeto = writeto_mem = readfrom_mem_into = _nobody


class WDT:
    def __init__(self, timeout):
        self.timeout = timeout

    def feed(self):
        fed.append(self.timeout)


class RTC:
    def datetime(self, fields):
        clock.append(fields)
