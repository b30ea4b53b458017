"""The firmware as the board gets it: it compiles for an RP2040, fits, and keeps to its layers."""

import ast
import sys
from pathlib import Path

import pytest

from homeslot_hardware.firmware import BOOT_PACKAGES, PACKAGES, compiled

FIRMWARE = Path(__file__).parents[2] / "firmware"
SOURCES = sorted(FIRMWARE.rglob("*.py"))
BOARD_MODULES = {"machine", "network", "neopixel", "onewire", "ds18x20", "rp2"}

# Imported code lives in the RAM that is also the heap: 264 kB on an RP2040, of which MicroPython
# with Wi-Fi leaves about 185 kB (an estimate). A third of that for code, not all of which is loaded
# at once; what is left of the heap is measured on the emulated board (tests/pico).
BUDGET_BYTES = 66000
# What is loaded only while it is used, or instead of others, and the start-up code do not count.
RARE = {
    "homeslot/app/safe.mpy",
    "homeslot/app/scan.mpy",
    "homeslot/app/selftest.mpy",
    "homeslot/app/update.mpy",
    "homeslot/bundle.mpy",
    "homeslot/core/ntp.mpy",
    "homeslot/mqtt/serial.mpy",
    "homeslot/sender.mpy",
    "homeslot/tree.mpy",
    "homeslot/tunnel.mpy",
    "homeslot_pico/ntp.mpy",
    "homeslot_pico/wired.mpy",
}


def _name(path):
    return str(path.relative_to(FIRMWARE))


def test_the_firmware_compiles_for_the_rp2040_within_its_budget(capsys):
    sizes = {}
    for name, code in compiled(FIRMWARE, PACKAGES + BOOT_PACKAGES).items():
        package = "when used" if name in RARE else str(Path(name).parent)
        sizes[package] = sizes.get(package, 0) + len(code)
    total = sum(n for package, n in sizes.items() if package not in ("when used", "homeslot_boot"))
    rows = [*sorted(sizes.items()), ("all", total)]
    with capsys.disabled():
        sys.stdout.write(f"\nfirmware as .mpy for armv6m, budget {BUDGET_BYTES} bytes\n")
        sys.stdout.writelines(f"  {package:20} {size:6}\n" for package, size in rows)
    assert total <= BUDGET_BYTES


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.is_relative_to(FIRMWARE / "homeslot")], ids=_name
)
def test_only_homeslot_pico_imports_what_only_a_board_has(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
    assert not imported & (BOARD_MODULES | {"homeslot_pico"})


@pytest.mark.parametrize("path", sorted((FIRMWARE / "homeslot_pico").glob("*.py")), ids=_name)
def test_nothing_happens_when_the_board_package_is_imported(path):
    harmless = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign):
            assert not any(isinstance(part, ast.Call) for part in ast.walk(node.value))
        else:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            assert docstring or isinstance(node, harmless), ast.unparse(node)
