"""The cart on a Pico W, as homeslot_boot starts it."""

import asyncio
import json
import sys
import time

from machine import I2C, Pin

from homeslot import __version__
from homeslot.app.hands import REPL
from homeslot.app.node import Ports
from homeslot.board import Board
from homeslot.core.settings import NEEDED
from homeslot.folder import Folder
from homeslot.stored import Stored
from homeslot_pico.clock import Clock
from homeslot_pico.pins import Pins
from homeslot_pico.serial import Usb
from homeslot_pico.system import System

WIFI = ("wifi_ssid", "wifi_key")
SHOWN_MS = 500  # for the console to show why


def updater(boot, board: str):
    """What installs bundles (app.update.Update). Loaded when the first one comes."""
    from homeslot.app.update import Update
    from homeslot.tree import Tree

    return Update(Tree("/" + boot.side), Tree("/" + boot.other), boot, board, __version__)


def main(boot=None) -> None:
    """Run the cart until it loses power; where it cannot, say so on the console and end.

    `boot` is what chose the side of the flash this is on (ports.Boot). A defect is shown on the
    console and starts the controller again. To copy files in peace, send the command `restart` with
    mode `repl`, or hold the button while the controller starts: the console is then MicroPython's,
    and no watchdog runs.
    """
    files = Folder(".")
    text = files.read("board.json")
    if text is None:
        return print("homeslot: board.json is not there: copy the file of the cart's board to it")
    board = json.loads(text)
    pins = Pins(board["pins"])
    if "button" in board["pins"] and not pins.read("button"):
        return print("homeslot: the button is held: not started")
    if files.read(REPL):
        files.remove(REPL)
        return print("homeslot: as asked for, not started this once")
    stored = Stored(files)
    system = System(board["pins"], board["circuit"])
    system.feed_watchdog()
    network, needed = _way(board["controller"], stored.values, files)
    ports = Ports(
        Board(board),
        stored,
        Clock(),
        pins,
        network,
        files,
        system,
        tell=lambda text: print("homeslot: " + text),
        serial=Usb(),
        sides=boot,
        updater=None if boot is None else lambda: updater(boot, board["id"]),
        needed=needed,
    )
    if boot is not None and boot.safe:
        from homeslot.app.safe import Safe

        cart = Safe(ports, boot)
    else:
        from homeslot.app.cart import Cart

        i2c = board["i2c"]
        bus = I2C(i2c["id"], sda=Pin(i2c["sda"]), scl=Pin(i2c["scl"]), freq=i2c["freq_hz"])
        cart = Cart(ports, bus)
        if network is not None and stored.values["ntp"]:
            from homeslot_pico.ntp import BOUND_MS, Ntp

            ntp = Ntp(stored.values["ntp"], network, cart)
            cart.supervisor.task("ntp", BOUND_MS, ntp.run)
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


def _way(controller, values, files):
    """The way to the hub (None: a gateway at the console), and the settings it needs.

    Only the way that is gone is loaded.
    """
    if values["gateway"]:
        return None, NEEDED
    ca = (lambda: files.read("ca.pem")) if values["tls"] else None
    if controller.startswith("w5500"):
        from homeslot_pico.wired import Wired

        return Wired(ca), NEEDED
    from homeslot_pico.network import Wifi

    return Wifi(values["wifi_ssid"], values["wifi_key"], ca), NEEDED + WIFI
