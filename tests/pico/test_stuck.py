"""Nothing stuck, on the emulated Pico W: what starves, hangs, or refuses.

Times are the board's own, as in test_field.
"""

FIRST_REPORT_MS = 10000
PATIENCE_MS = 120000  # back-off at its cap, and a join

# Two ways for a task to fail, as a defect in it would: it waits for what never comes, or gives
# nobody else a turn (with a quicker watchdog: an emulated CPU is slow at doing nothing busily).
# Typed at MicroPython's own prompt, which the console is after an interrupt.
WAITS = "await asyncio.sleep(600)"
HOLDS_UP = "machine.WDT(timeout=500); time.sleep(600)"
DEFECT = """import asyncio, machine, time
from homeslot.app import cart
async def scan(self):
 self.supervisor.life("scan")
 %s
cart.Cart._scan = scan
asyncio.new_event_loop()
from homeslot_pico.main import main
main()
"""


def start_with(board, defect):
    """Start the firmware of `board` anew, with a scan that ends in `defect`."""
    board.keys(b"\x03")
    board.until(lambda: "KeyboardInterrupt" in board.status.console, 2000, "the prompt")
    board.keys(f"exec({DEFECT % defect!r})\r".encode())


def last(ear, kind, boot):
    """The last message of `kind` if it is of `boot`."""
    said = ear.said(kind)
    return said[-1] if said and said[-1]["boot"] == boot else None


def test_a_task_that_starves_resets_the_board_and_the_next_report_names_it(online, ear):
    online.apply("out", [5])
    online.until(lambda: ear.event(kind="slot", index=5, value="empty"), 5000, "the event")
    start_with(online, WAITS)
    # 5 s between two scans and 10 of patience, then the watchdog's 8.4 s.
    online.until(lambda: online.status.resets == 1, 40000, "the watchdog")
    assert "scan showed no life for 1" in online.status.console
    began_ms = online.now_ms
    online.until(lambda: last(ear, "state", 3), FIRST_REPORT_MS, "a report")
    assert online.now_ms - began_ms <= FIRST_REPORT_MS
    hello, state = last(ear, "hello", 3), last(ear, "state", 3)
    assert hello["reset"] == "watchdog"
    assert hello["why"].startswith("scan showed no life for 1")
    assert hello["resets"] == {"power_on": 2, "watchdog": 1}  # nobody cut power at the prompt
    assert (state["bssid"], state["rssi_dbm"]) == ("02:00:00:00:00:01", -60)  # the radio was off
    assert state["slots"][4] == "empty"
    assert state["seq"] > ear.event(kind="slot", index=5)["seq"]


def test_a_task_that_hangs_resets_the_board_and_the_next_report_names_it(online, ear):
    start_with(online, HOLDS_UP)
    online.until(lambda: online.status.resets == 1, 20000, "the watchdog")
    online.until(lambda: last(ear, "hello", 3), FIRST_REPORT_MS, "a report")
    hello = last(ear, "hello", 3)
    assert (hello["reset"], hello["why"]) == ("watchdog", "hung: no task showed life after scan")


def test_a_key_that_is_refused_is_told_on_the_console_and_the_cart_goes_on_trying(online, ear):
    online.refuse(True)
    online.apply("link-down")
    online.run(1000)
    online.apply("link-up")
    refused = lambda: "link: none, wrong_key: Wi-Fi school: the key is wrong"  # noqa: E731
    online.until(lambda: refused() in online.status.console, PATIENCE_MS, "the console says so")
    online.apply("out", [3])
    online.refuse(False)
    online.until(lambda: ear.event(kind="slot", index=3, value="empty"), PATIENCE_MS, "the event")
    assert online.status.resets == 0
