"""The cart on a Pico W, as homeslot_boot starts it."""

import asyncio
import json
import sys
import time

from machine import I2C, Pin

from homeslot.app.cart import Cart
from homeslot.board import Board
from homeslot.folder import Folder
from homeslot_pico.clock import Clock
from homeslot_pico.network import Wifi
from homeslot_pico.pins import Pins
from homeslot_pico.settings import BadSettings, parse
from homeslot_pico.system import System

SHOWN_MS = 500  # for the console to show why


def main(boot=None) -> None:
    """Run the cart until it loses power; where it cannot, say so on the console and end.

    `boot` is what chose the side of the flash this is on (ports.Boot). A defect is shown on the
    console and starts the controller again. To copy files in peace, hold the button while the
    controller starts.
    """
    files = Folder(".")
    text = files.read("board.json")
    if text is None:
        return print("homeslot: board.json is not there: copy the file of the cart's board to it")
    try:
        settings = parse(files.read("settings.json"))
    except BadSettings as error:
        return print("homeslot: settings.json: " + "\n  ".join(str(error).split("\n")))
    board = json.loads(text)
    pins = Pins(board["pins"])
    if "button" in board["pins"] and not pins.read("button"):
        return print("homeslot: the button is held: not started")
    i2c = board["i2c"]
    clock = Clock()
    system = System(board["pins"], board["circuit"])
    system.feed_watchdog()
    cart = Cart(
        board=Board(board),
        cart=settings["cart"],
        host=settings["host"],
        port=settings["port"],
        secret=settings["secret"],
        changes=settings["changes"],
        clock=clock,
        wire_clock=clock,
        bus=I2C(i2c["id"], sda=Pin(i2c["sda"]), scl=Pin(i2c["scl"]), freq=i2c["freq_hz"]),
        pins=pins,
        network=Wifi(settings["wifi_ssid"], settings["wifi_key"]),
        files=files,
        system=system,
        tell=lambda text: print("homeslot: " + text),
        sides=boot,
    )
    try:
        asyncio.run(cart.run())
    except KeyboardInterrupt:
        cart.resets.last_words("stopped from the console")
        raise
    except Exception as error:
        sys.print_exception(error)
        time.sleep_ms(SHOWN_MS)
        system.restart()
        raise
