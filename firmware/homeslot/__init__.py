"""The cart: firmware that runs the same on MicroPython and CPython."""

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


def const(value: "T") -> "T":
    """`value`. MicroPython's compiler knows this call: it puts the value where its name is used,
    and a name that begins with an underscore takes no memory at all."""
    return value
