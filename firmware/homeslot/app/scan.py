"""The command `scan`: which chips answer where, against what the board file expects.

Loaded when it is first asked for.
"""

import asyncio
import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeslot.app.cart import Cart
    from homeslot.contract import Body
    from homeslot.ports import Bus, Pins

FIRST, LAST = 0x08, 0x77  # addresses of chips; the others are reserved (NXP UM10204, table 4)
CHANNELS = 8
HELD = "held"  # in the place of addresses
INPUTS = ("door", "bolt", "mains", "tamper", "bank_interrupt", "button")


class Held(Exception):
    """SDA or SCL is held down: nobody can be asked."""


async def scan(cart: "Cart") -> "Body":
    """Ask every address on the bus and behind each channel of the mux, and read the inputs.

    `chips` has those that answer, in hex, by "bus" and channel number, or HELD; channels only where
    the mux answers. `pins` has the levels, `lines` what is not as the board file says. Between two
    channels the others have their turn.
    """
    board, bus, pins = cart.board, cart.bus, cart.pins
    mux = board.mux_address
    expected = {bank.channel: [bank.presence_address] for bank in board.banks}
    for bank in board.banks:
        expected[bank.channel] += bank.current_addresses
    lines = []
    trunk: "list[int]" = []
    chips = {"bus": HELD}
    for _ in range(2):  # what holds it may be behind a channel that was open, and is not any more
        try:
            trunk = _behind(bus, pins, mux, 0, ())
            chips["bus"] = _hex(trunk)
            break
        except Held:
            pass
    if chips["bus"] == HELD:
        lines.append("bus: SDA or SCL is held down before the mux")
    elif mux not in trunk:
        lines.append("bus: the mux at 0x%02x does not answer" % mux)
    for channel in range(CHANNELS if mux in trunk else 0):
        await asyncio.sleep(0)
        try:
            found = _behind(bus, pins, mux, 1 << channel, trunk)
        except Held:
            lines.append("channel %d: SDA or SCL is held down" % channel)
            chips[str(channel)] = HELD
            continue
        chips[str(channel)] = _hex(found)
        wanted = expected.get(channel, [])
        for address in sorted(wanted + found):
            if address not in found:
                lines.append("channel %d: 0x%02x does not answer" % (channel, address))
            elif address not in wanted:
                lines.append("channel %d: 0x%02x is not of this board" % (channel, address))
    levels = {name: pins.read(name) for name in INPUTS if name in board.lines}
    return {"chips": chips, "pins": levels, "lines": lines[:40] or ["all as the board file says"]}


def _behind(bus: "Bus", pins: "Pins", mux: int, channels: int, but: "Iterable[int]") -> "list[int]":
    """The addresses that answer with the mux at `channels` (a bit each), without those of `but`."""
    try:
        _switch(bus, mux, channels)
        found = [a for a in range(FIRST, LAST + 1) if a not in but and _answers(bus, a, mux)]
        _switch(bus, mux, 0)
    except Held:
        pins.write("mux_reset", 0)
        pins.write("mux_reset", 1)
        raise
    return found


def _switch(bus: "Bus", mux: int, channels: int) -> None:
    try:
        bus.writeto(mux, bytes([channels]))
    except OSError as error:
        _unless_held(error)


def _answers(bus: "Bus", address: int, mux: int) -> bool:
    """Read register 0, which changes nothing in the board's chips; the mux has none to name."""
    try:
        if address == mux:
            bus.writeto(address, b"\x00")
        else:
            bus.readfrom_mem_into(address, 0, bytearray(1))
    except OSError as error:
        _unless_held(error)
        return False
    return True


def _unless_held(error: OSError) -> None:
    if error.errno == errno.ETIMEDOUT:
        raise Held


def _hex(addresses: "list[int]") -> str:
    """What fits into a field of the contract: 42 addresses; a board has 9 behind a channel."""
    return " ".join(["%02x" % address for address in addresses])[:125]
