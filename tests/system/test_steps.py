"""The steps of a day through the whole server: broker, writer, delivery and channels."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from homeslot.contract import encode
from homeslot_hub.bootstrap import Server
from homeslot_hub.config import load

from ..hub.receiver import Receiver
from .clients import Peer
from .hub_process import rows
from .test_serve import Place
from .waiting import wait_for

SECRET = "correct-horse-battery-staple"


def at_s(hour: int, minute: int) -> int:
    return int(datetime(2026, 11, 17, hour, minute, tzinfo=UTC).timestamp())


def state(now_s: int) -> bytes:
    return encode(
        "c1",
        "state",
        {
            **{"v": 1, "boot": 1, "up_ms": 1000, "at_s": now_s, "seq": 0},
            **{"slots": ["empty"] + ["full"] * 29, "current_ma": [0] * 30, "banks": ["ok"] * 3},
            **{"bolt": "thrown", "door": "closed", "mains": "on", "tamper": "ok"},
            **{"battery_mv": 5000, "temperature_c": 20, "bssid": None, "rssi_dbm": None},
        },
    )


def test_a_cart_with_a_device_out_is_lit_before_the_deadline_and_every_step_goes_its_ways(
    tmp_path: Path,
) -> None:
    place = Place(tmp_path)
    place.change(f"port = {place.port}", "port = 0")
    hook = tmp_path / "tickets"
    hook.touch(0o600)
    clock = {"now_s": at_s(16, 20)}
    with Receiver().listening() as receiver:
        hook.write_text(f"{receiver.address}\n{SECRET}")
        channel = '\n[[channel]]\nname = "tickets"\nkind = "webhook"\nfile = "tickets"\n'
        place.config.write_text(place.config.read_text() + channel)
        with (
            Server(load(place.config), lambda: clock["now_s"]) as server,
            Peer(server.port, "c1", place.secret) as cart,
        ):
            assert cart.hear("homeslot/1/c1/cmd")
            cart.say("homeslot/1/c1/state", state(at_s(16, 20)), retain=True)
            wait_for("it is taken in", lambda: rows(place.data, "SELECT 1 FROM snapshot"))
            clock["now_s"] = at_s(16, 31)
            wait_for(
                "the cart is lit",
                lambda: "nudge" in [json.loads(said)["cmd"] for _, said in cart.got],
            )
            wait_for("the webhook has it", lambda: len(receiver.got) == 1)
            clock["now_s"] = at_s(17, 3)
            wait_for("the webhook has both", lambda: len(receiver.got) == 2)
    assert sorted(json.loads(body)["step"] for _, _, body in receiver.got) == ["C8", "nudge"]
    names = [path.name for path in (place.data / "digests").glob("*.txt")]
    assert len(names) == 2
    assert any("-nudge-" in name for name in names)
    assert [finding for (finding,) in rows(place.data, "SELECT finding FROM alert")] == ["silent"]
