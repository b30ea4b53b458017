"""The emulated Pico W: the real MicroPython on rp2040py, with our chips on its pins."""

# What the board dials; rp2040py's gateway. Its own address is 10.0.0.2.
HUB = "10.0.0.1"
