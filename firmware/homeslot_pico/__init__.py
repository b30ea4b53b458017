"""The cart on a Raspberry Pi Pico W: the ports of homeslot on `machine` and `network`."""
