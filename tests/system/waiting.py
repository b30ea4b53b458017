"""Waiting for what other processes do: a condition, looked at until it holds or time is up."""

import time
from collections.abc import Callable
from typing import TypeVar

SOON_S = 15.0
_LOOK_S = 0.02


T = TypeVar("T")


def wait_for(what: str, condition: Callable[[], T], within_s: float = SOON_S) -> T:
    """The first true value of `condition`; AssertionError when there was none in `within_s`."""
    ends = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < ends, f"{what}: not within {within_s:.0f} s"
        time.sleep(_LOOK_S)
    return value
