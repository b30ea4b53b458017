"""The emulated Pico W: the real MicroPython on rp2040py, with our chips on its pins."""
