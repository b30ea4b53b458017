"""The cart: firmware that runs the same on MicroPython and CPython."""

__version__ = "0.1.0"
