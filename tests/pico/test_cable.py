"""A cart without a network, on the emulated Pico W: told so and reporting over its USB cable."""

import json

from ..system.gateway_process import GatewayProcess

SOON_MS = 10000
PATIENCE_MS = 60000


def tell(board, **command):
    """Type a command at the console."""
    board.keys(json.dumps({"v": 1, "id": 1, **command}).encode() + b"\r\n")


def test_over_usb_it_reports_under_its_own_credentials_and_a_pulled_cable_loses_no_event(
    board, ear, tmp_path
):
    board.apply("link-down")
    tell(board, cmd="settings", settings={"gateway": 1})
    tell(board, cmd="restart")
    board.until(lambda: board.status.resets, SOON_MS, "the restart")
    port = tmp_path / "ttyPico"
    with GatewayProcess(tmp_path / "log", [port], f"127.0.0.1:{ear.port}") as gateway:
        board.plug_in(port)
        board.until(lambda: ear.said("state"), PATIENCE_MS, "a report over the cable")
        state = ear.said("state")[0]
        assert (state["boot"], state["bssid"], state["rssi_dbm"]) == (2, None, None)
        assert set(state["slots"]) <= {"charging", "trickle"}
        board.apply("out", [3])
        board.until(lambda: ear.event(kind="slot", index=3, value="empty"), SOON_MS, "the event")
        board.unplug()
        port.unlink()
        board.apply("out", [4])
        board.run(3000)
        assert ear.event(kind="slot", index=4) is None
        board.plug_in(port)
        board.until(lambda: ear.event(kind="slot", index=4, value="empty"), PATIENCE_MS, "it")
        assert "lost: " in gateway.said
    numbers = [event["seq"] for event in ear.said("event")]
    assert sorted(set(numbers)) == list(range(2_000_001, 2_000_001 + len(set(numbers))))
    assert board.status.resets == 1
