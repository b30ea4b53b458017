"""One simulated cart: devices, cables, doors and chips, and the firmware on top.

Everything in this package runs on MicroPython and on CPython (the common subset).
"""
