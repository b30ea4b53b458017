"""The command `selftest`: what a cart can check of itself. Loaded when it is first asked for."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.app.cart import Cart
    from homeslot.contract import Body

SCRATCH = "scratch"  # a file
PATTERN = b"homeslot"
LEAST_HEAP = 24000  # bytes; TLS takes 20 kB (MicroPython, mbedtls)


def selftest(cart: "Cart") -> "Body":
    """A line for each check, `ok` or `fail` first; the reply is `ok` when all are."""
    sensors, link = cart.sensors, cart.link
    connected = bool(link.connections) and link.trouble is None
    heap_free = cart.system.heap_free()
    flash = _flash(cart)
    checks = [
        (not cart.unset, "settings", " ".join(cart.unset) or "none is missing"),
        (flash == "", "flash", flash or "written and read back"),
        (
            all(switch.state != "unknown" for switch in sensors.inputs.values()),
            "switches",
            " ".join(["%s=%s" % (name, s.state) for name, s in sensors.inputs.items()]),
        ),
        (sensors.bus_errors == 0, "bus errors", str(sensors.bus_errors)),
        (cart.keeper.at_s(0) is not None, "clock", "set" if cart.keeper.at_s(0) else "not set"),
        (connected, "link", "made" if connected else link.trouble or "not tried yet"),
        # An interpreter that does not know says 0.
        (heap_free == 0 or heap_free >= LEAST_HEAP, "heap free", "%d bytes" % heap_free),
    ]
    for b in range(len(sensors.banks)):
        word = sensors.banks[b]
        checks.append((word == "ok", "bank %d" % (b + 1), word))
    failed = sum([not passed for passed, _, _ in checks])
    said: "Body" = {
        "lines": ["%s %s: %s" % ("ok" if p else "fail", what, how) for p, what, how in checks]
    }
    if failed:
        said.update({"ok": False, "why": "%d of %d checks failed" % (failed, len(checks))})
    return said


def _flash(cart: "Cart") -> str:
    """What is wrong with the flash; empty when it keeps what is written."""
    try:
        cart.files.write(SCRATCH, PATTERN)
        kept = cart.files.read(SCRATCH)
        cart.files.remove(SCRATCH)
    except OSError as error:
        return str(error)
    return "" if kept == PATTERN else "reads back something else"
