"""Chips at register level on a simulated I2C bus: what the drivers talk to when there is no metal.

It runs below the firmware on MicroPython and on CPython, so it is written in the subset common to
both. The facts come from the datasheets: TI SCPS207 (TCA9548A), Microchip DS20001952 revision D
(MCP23017), TI SBOS576B (INA3221).
"""
