"""Files on a board's flash, through the raw REPL of its MicroPython and mpremote.

While we are there nothing of homeslot runs. The board's own watchdog is the dead man's handle: each
thing we do feeds it, and should we be unplugged or killed the board starts again within nine
seconds, as it was.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any

import serial

from homeslot_hardware.bench.options import POLL_S, RETURN_WAITS
from homeslot_hardware.bench.problems import BenchError, NoCart, Unplugged

WATCHDOG_MS = 8388  # all an RP2040 can do (ports/rp2/machine_wdt.c)
CHUNK = 1024  # bytes written at once: what a small heap and a compiler bear as base64
MPY = 6  # of the .mpy format our compiler writes

# The names are not to be met in anybody's program: this runs in MicroPython's main module.
_BEGIN = f"""
import machine as _m, os as _os, sys as _sys, hashlib as _hl
from binascii import a2b_base64 as _b64, hexlify as _hex
_w = _m.WDT(timeout={WATCHDOG_MS})
_buffer = bytearray(1024)
def _hash(path):
 _w.feed()
 h, view = _hl.sha256(), memoryview(_buffer)
 with open(path, 'rb') as f:
  while True:
   n = f.readinto(_buffer)
   if not n: break
   h.update(view[:n])
 return _hex(h.digest()).decode()
def _walk(folder, found):
 for name, kind, *_ in _os.ilistdir(folder):
  path = folder + '/' + name
  if kind == 0x4000: _walk(path, found)
  else: found[path] = _hash(path)
 return found
def _folder(path):
 at = path.find('/', 1)
 while at > 0:
  try: _os.mkdir(path[:at])
  except OSError: pass
  at = path.find('/', at + 1)
"""


class Onboard:
    """The flash of the board at `port`. Every path is absolute."""

    def __init__(self, port: str, wait_s: float) -> None:
        self._port = port
        self._transport = _transport(port, wait_s)

    def enter(self) -> None:
        """Stop whatever runs. Raises NoCart when there is no MicroPython that fits."""
        self._do(lambda t: t.enter_raw_repl(soft_reset=False))
        # A watchdog that runs has been fed for the last time: its end must not come in the middle.
        self.run(f"import machine\nmachine.WDT(timeout={WATCHDOG_MS}).feed()")
        # With the program gone its memory is free; main.py is not run when we ask for this.
        self._do(lambda t: t.enter_raw_repl(soft_reset=True))
        self.run(_BEGIN)
        version = self.ask("_sys.implementation._mpy & 255")
        if version != MPY:
            raise NoCart(f"{self._port}: its MicroPython reads .mpy {version}, ours are {MPY}")

    def run(self, code: str) -> str:
        """Run `code`; what it printed. Raises NoCart with the last line of its traceback."""
        return str(self._do(lambda t: t.exec(code)).decode("utf-8", "replace"))

    def ask(self, expression: str) -> Any:
        """The value of `expression`, whose repr is a literal."""
        return ast.literal_eval(self.run(f"_w.feed()\nprint(repr({expression}))").strip())

    def hashes(self, folder: str) -> dict[str, str]:
        """The SHA-256 in hex of each file in `folder` and below, by path; {} when it is missing."""
        name = folder.strip("/")
        if name and name not in self.ask("_os.listdir('/')"):
            return {}
        found: dict[str, str] = self.ask(f"_walk({'/' + name if name else ''!r}, {{}})")
        return found

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None when there is none."""
        code = f"_w.feed()\ntry: print(open({path!r}, 'rb').read())\nexcept OSError: print(None)"
        content: bytes | None = ast.literal_eval(self.run(code).strip())
        return content

    def write(self, path: str, content: bytes, progress: Callable[[int], None]) -> None:
        """Replace the file `path` whole or not at all; `progress` is told each count of bytes."""
        code = f"_w.feed()\n_folder({path!r})\n_f = open({path + '.new'!r}, 'wb')\n"
        for at in range(0, len(content), CHUNK):
            piece = base64.b64encode(content[at : at + CHUNK]).decode()
            self.run(f"{code}_w.feed()\n_f.write(_b64({piece!r}))")
            progress(len(content[at : at + CHUNK]))
            code = ""
        self.run(f"{code}_w.feed()\n_f.close()\n_os.rename({path + '.new'!r}, {path!r})")

    def remove(self, path: str) -> None:
        """Delete the file `path`."""
        self.run(f"_w.feed()\n_os.remove({path!r})")

    def leave(self) -> None:
        """Start the board again."""
        self._do(lambda t: t.exec_raw_no_follow("import machine\nmachine.reset()"))

    def close(self) -> None:
        """Let go of the port. A board that was not left starts again by itself."""
        try:
            self._transport.close()
        except OSError:  # it was unplugged, and mpremote leaves it open
            self._transport.serial.close()

    def _do(self, act: Callable[[Any], Any]) -> Any:
        from mpremote.transport import TransportError, TransportExecError

        try:
            with redirect_stdout(io.StringIO()):  # it prints what it did not expect
                return act(self._transport)
        except TransportExecError as error:
            lines = error.error_output.strip().splitlines() or ["?"]
            raise NoCart(f"{self._port}: the board says {lines[-1]}") from None
        except TransportError as error:
            raise NoCart(f"{self._port}: no MicroPython answers: {error}") from None
        except (serial.SerialException, OSError) as error:
            raise Unplugged(f"{self._port}: the board was unplugged ({error})") from None


@contextmanager
def onboard(port: str, wait_s: float) -> Iterator[Onboard]:
    """The flash of the board at `port`, whatever runs there stopped, until the end of the block."""
    board = Onboard(port, wait_s)
    try:
        board.enter()
        yield board
    finally:
        board.close()


@contextmanager
def onboard_soon(port: str, wait_s: float) -> Iterator[Onboard]:
    """`onboard` of a board that may just be starting again: its port goes away and comes back."""
    ends_s = time.monotonic() + RETURN_WAITS * wait_s
    with ExitStack() as stack:
        while True:
            time.sleep(POLL_S)
            try:
                board = stack.enter_context(onboard(port, wait_s))
                break
            except BenchError:
                if time.monotonic() >= ends_s:
                    raise
        yield board


def differing(wanted: Mapping[str, bytes], there: Mapping[str, str]) -> list[str]:
    """Paths of `wanted` that are not `there` with the same SHA-256, in order."""
    return [p for p, c in wanted.items() if there.get(p) != hashlib.sha256(c).hexdigest()]


def _transport(port: str, wait_s: float) -> Any:
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    except ImportError:
        raise BenchError("mpremote is missing: pip install 'homeslot[flash]'") from None
    try:
        return SerialTransport(port, timeout=wait_s)
    except (TransportError, OSError) as error:
        raise NoCart(f"{port}: {error}") from None
