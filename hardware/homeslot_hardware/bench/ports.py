"""Serial ports: which may lead to a cart, and opening one."""

from __future__ import annotations

import errno
from dataclasses import dataclass

import serial
from serial.tools import list_ports

from homeslot_hardware.bench.problems import NoPort

# Raspberry Pi's vendor id; MicroPython's rp2 port shows itself under it on all boards we know
# (micropython, ports/rp2/mpconfigport.h: MICROPY_HW_USB_VID, MICROPY_HW_USB_PID).
VENDOR = 0x2E8A
READ_S = 0.05
WRITE_S = 5.0  # a cart takes its console's bytes within milliseconds
BAUD = 115200  # USB pays no regard to it
TAKEN = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port by its device name, and what USB says is there."""

    name: str
    product: str
    serial_number: str


def candidates() -> list[Port]:
    """The ports on USB that a MicroPython board may be at, by name."""
    found = [port for port in list_ports.comports() if port.vid == VENDOR]
    return sorted(
        (Port(p.device, p.product or "", p.serial_number or "") for p in found),
        key=lambda port: port.name,
    )


def choose(given: str | None) -> str:
    """The port to use: `given`, or the only candidate. Raises NoPort when that is not clear."""
    if given:
        return given
    found = [port.name for port in candidates()]
    if not found:
        raise NoPort("no board is on USB: is its cable one that carries data? Or say --port")
    if len(found) > 1:
        raise NoPort(f"there are several boards, say --port: {', '.join(found)}")
    return found[0]


def open_port(name: str) -> serial.Serial:
    """The port, opened for this program alone. Raises NoPort that says what to do."""
    try:
        return serial.Serial(
            name, baudrate=BAUD, timeout=READ_S, write_timeout=WRITE_S, exclusive=True
        )
    except (serial.SerialException, ValueError, OSError) as error:
        raise NoPort(f"{name}: {_why(error)}") from None


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in TAKEN:
        return "another program has it: close it (a serial monitor, a gateway, another bench)"
    if number in (errno.EACCES, errno.EPERM):
        return "this user may not open it: sudo usermod -aG dialout $USER, then log in anew"
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "there is no such port: homeslot-bench find lists those there are"
    return str(error)
