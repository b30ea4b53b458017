"""What can go wrong on a bench, one root for all of it."""

from __future__ import annotations


class BenchError(Exception):
    """What could not be done, and what to do about it. Exit status 1."""


class NoPort(BenchError):
    """There is no such serial port, it is taken, or this user may not open it."""


class NoCart(BenchError):
    """What is at the port is no homeslot cart, or does not answer as one."""


class Unplugged(BenchError):
    """The port went away in the middle."""


class Refused(BenchError):
    """The cart said no, and why."""


class BadInput(BenchError):
    """What was given makes no sense, and what is allowed. Exit status 2."""
