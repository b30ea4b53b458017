"""The chips of a bank board, on an injected I2C bus (`ports.Bus`).

A chip that does not answer raises OSError, from the bus; one that answers what this chip cannot
raises WrongChip. Neither is swallowed here, and both mend the same way: run `setup()` again until
it returns. That also brings a chip back that lost its power, and with it what it had been told.
"""

import errno


class WrongChip(OSError):
    """The chip at `address` answered `found` where `expected` must stand in `what`."""

    def __init__(self, address: int, what: str, expected: int, found: int) -> None:
        super().__init__(
            errno.ENODEV,
            "chip at 0x%02x: %s is %04xh, expected %04xh" % (address, what, found, expected),
        )
        self.address = address
        self.expected = expected
        self.found = found
