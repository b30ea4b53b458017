"""The steps of a day through the whole server: broker, writer, delivery and channels."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from homeslot.contract import encode
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.bootstrap import open_store
from homeslot_hub.config import load
from homeslot_hub.server import Server
from homeslot_hub.service.register import Touched
from homeslot_hub.service.register_tables import DEVICES

from ..hub.browsing import Browser
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


def test_c11_from_the_overnight_mail_to_the_device_management(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.change(f"port = {place.port}", "port = 0")
    place.change("# principal =", "principal =")
    clock = {"now_s": at_s(16, 20)}
    device = ("Example School", "1", "1", "LE-0101", "tablet", "in service")
    with closing(open_store(load(place.config))) as store, store.transaction():
        touched = Touched(DEVICES, DEVICES.key(device), None, device)
        SqliteRegister(store).add_change(at_s(8, 0), "Ivo", "set", "by hand", [touched])
    hook = tmp_path / "mdm"
    hook.touch(0o600)
    with Receiver().listening() as receiver:
        hook.write_text(f"{receiver.address}\n{SECRET}")
        web = '\n[web]\nurl = "https://hub.school.example"\nport = 0\n\n[mdm]\nfile = "mdm"\n'
        place.config.write_text(place.config.read_text() + web)
        with (
            Server(load(place.config), lambda: clock["now_s"]) as server,
            Peer(server.port, "c1", place.secret) as cart,
        ):
            for said_s, mail in (
                (at_s(16, 55), "*-example-school.txt"),
                (at_s(20, 55), "*-overnight-pat-kim*.txt"),
            ):
                clock["now_s"] = said_s
                _reports(cart, place.data, said_s)
                clock["now_s"] = said_s + 600
                (written,) = _mailed(place.data, mail)
            (link,) = re.findall(r"Decide about it:\s+(https://\S+)", written.read_text())
            assert server.web_port
            browser = Browser(server.web_port)
            assert "1 device waits for your word." in browser.get(link).text
            assert receiver.got == []
            page = browser.send(link, "send", ["1"], why_send="not found in any room")
            assert "Will be locked: 1-1." in page.text
            wait_for("the device management is told", lambda: receiver.got)
            said = "SELECT state, who FROM lockdown"
            wait_for("it is kept", lambda: rows(place.data, said) == [("sent", "Pat Kim")])
    ((_, _, body),) = receiver.got
    assert json.loads(body)["asset_tag"] == "LE-0101"


def _reports(cart: Peer, data: Path, now_s: int) -> None:
    cart.say("homeslot/1/c1/state", state(now_s), retain=True)
    heard = f"SELECT 1 FROM span WHERE to_s >= {now_s}"
    wait_for("it is taken in", lambda: rows(data, heard))


def _mailed(data: Path, name: str) -> list[Path]:
    return wait_for("the mail is written", lambda: list((data / "digests").glob(name)))
