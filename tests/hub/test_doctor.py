"""`homeslot doctor` (N13): each check on values, and the command on real installations."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.adapters.lock import only_one
from homeslot_hub.bootstrap import open_store
from homeslot_hub.rules.calendar import deadline_s
from homeslot_hub.rules.lockdown import Order
from homeslot_hub.service import doctor
from homeslot_hub.service.ports import DeadLetter, Notice, Refused, Stranger

from .facts import SCHOOL
from .installation import CONFIG
from .postbox import Postbox
from .reports import CART, START_S, Reporter
from .reports import SCHOOL as ONE_CART
from .test_deliver import PASSWORD

NOW_S = START_S
NOTICE = Notice("Lincoln", "2026-11-16", "C8", "D", "d@l.example", "s", "t", "h", NOW_S)
ORDER = Order("Lincoln", "2026-11-16", 7, 3, "LE-0703", "lock", 1, NOW_S)
DAY = date(2026, 11, 16)
DEADLINE_S = deadline_s(SCHOOL, DAY)


@pytest.mark.parametrize(
    ("check", "level", "said"),
    [
        (doctor.private([("a", 0o600), ("b", 0o700)]), "ok", "for their owner alone"),
        (doctor.private([("a", 0o600), ("b", 0o640), ("c", 0o604)]), "bad", "may read b and c"),
        (doctor.database("", 5_000_000, "7:ab"), "ok", "sound, 5.0 MB, records 7:ab"),
        (doctor.database("row 3 missing", 1, ""), "bad", "row 3 missing"),
        (doctor.disk(50_000_000_000), "ok", "50.0 GB free"),
        (doctor.disk(1_900_000_000), "look", "1.9 GB free"),
        (doctor.disk(199_000_000), "bad", "0.2 GB free"),
        (doctor.clock(NOW_S, NOW_S + 290, SCHOOL), "ok", "Tue 17 Nov 2026 09:00"),
        (doctor.clock(NOW_S, None, SCHOOL), "ok", "America/New_York"),
        (doctor.clock(NOW_S, NOW_S + 3600, SCHOOL), "bad", "was heard at Tue 17 Nov 2026 10:00"),
        (doctor.clock(86400, None, SCHOOL), "bad", "1970"),
        (doctor.hub("12"), "ok", "process 12"),
        (doctor.hub(None), "look", "no homeslot serve runs"),
        (doctor.broker("the broker", None, False), "ok", "lets the hub in"),
        (doctor.broker("the broker", "does not answer", False), "bad", "does not answer"),
        (doctor.broker("the broker", None, True), "look", "comes with the hub"),
        (doctor.certificate(None), "ok", "none"),
        (doctor.certificate(31), "ok", "31 days more"),
        (doctor.certificate(30), "look", "ends in 30 days"),
        (doctor.certificate(-1), "bad", "ended 1 day ago"),
        (doctor.mail(None, None), "look", "files only"),
        (doctor.mail("m.example", None), "ok", "takes the login"),
        (doctor.mail("m.example", "535 no"), "bad", "m.example: 535 no"),
        (doctor.lock_downs([ORDER]), "ok", "none given up"),
        (
            doctor.lock_downs([replace(ORDER, state="given up", error="404")]),
            "bad",
            "7-3, the last",
        ),
        (doctor.strangers([], NOW_S), "ok", "none"),
        (doctor.strangers([Stranger("x", 1, NOW_S - 86400, 9)], NOW_S), "ok", "none"),
        (doctor.strangers([Stranger("x", 1, NOW_S - 86399, 9)], NOW_S), "look", "x"),
        (doctor.refused([Refused(NOW_S - 86400, "t", "r", b"")], NOW_S), "ok", "nothing"),
        (doctor.refused([Refused(NOW_S - 9, "t", "seq is -1", b"")], NOW_S), "look", "seq is -1"),
        (doctor.letters([], NOW_S), "ok", "no mail"),
        (doctor.letters([DeadLetter(NOTICE, "550 no")], NOW_S), "bad", "d@l.example: 550 no"),
        (doctor.letters([DeadLetter(NOTICE, "550 no")], NOW_S + 604800), "ok", "no mail"),
        (doctor.waiting([], NOW_S), "ok", "nothing waits"),
        (doctor.waiting([NOTICE], NOW_S + 3600), "ok", "1 notice on the way"),
        (doctor.waiting([NOTICE], NOW_S + 3601), "bad", "over an hour, of 2026-11-16"),
        (doctor.judged(SCHOOL, 0, DAY, True, NOW_S), "ok", "Mon 16 Nov 2026 17:00 was judged"),
        (doctor.judged(SCHOOL, 0, DAY, False, DEADLINE_S + 700), "look", "not judged yet"),
        (doctor.judged(SCHOOL, 0, DAY, False, DEADLINE_S + 721), "bad", "HAS NOT BEEN JUDGED"),
        (doctor.judged(SCHOOL, DEADLINE_S, DAY, False, NOW_S), "ok", "none has come"),
        (doctor.judged(SCHOOL, None, DAY, False, NOW_S), "ok", "none has come"),
        (doctor.judged(SCHOOL, 0, None, False, NOW_S), "ok", "none has come"),
    ],
)
def test_n13_each_check_says_what_is_wrong_and_what_to_do(check, level, said):
    assert (check.level, said in check.said) == (level, True), check
    assert bool(check.todo) == (level != "ok")


def test_n13_carts_that_are_not_heard_are_named(start, clock):
    hub, _ = start(clock)
    assert doctor.carts(hub.status().carts).said == "never heard: cart 7 (Room 12)"
    hub.take([Reporter().state()])
    assert doctor.carts(hub.status().carts).level == "ok"
    clock.now_s += 901
    assert doctor.carts(hub.status().carts).said == "silent: cart 7 (Room 12)"
    carts = tuple(replace(CART, controller=f"c-{n}", number=n) for n in range(1, 30))
    many, _ = start(clock, replace(ONE_CART, carts=carts))
    assert "cart 10 (Room 12) and 19 more" in doctor.carts(many.status().carts).said
    assert doctor.carts(()).level == "look"


def lines(out):
    """What the command said, by check."""
    said = [line for line in out.splitlines() if not line.startswith("      ")]
    return {line[6:].partition(":")[0]: (line[:6].strip(), line) for line in said}


def levels(out):
    return {name: level for name, (level, _) in lines(out).items()}


def test_n13_a_new_installation_has_nothing_bad_and_none_is_made_by_looking(installed):
    Credentials(installed.settings.data)
    status, out, err = installed.run("doctor")
    assert (status, err) == (0, "")
    assert levels(out) == {
        **{"configuration": "ok", "secrets": "ok", "disk": levels(out)["disk"], "hub": "look"},
        **{"broker": "look", "certificate": "ok", "mail": "look", "database": "look"},
    }
    assert not installed.settings.database.exists()


def test_n13_a_broken_configuration_is_said_whole(installed):
    installed.config.write_text("[broker]\nport = 'x'\n")
    status, out, _ = installed.run("doctor")
    assert status == 1
    assert out.startswith("bad   configuration: ")
    assert "broker.port" in out


def test_n13_what_the_records_say_is_looked_at(installed):
    now_s = int(time.time())
    stranger = Reporter("cart-99", now_s=now_s)
    bad = replace(Reporter(now_s=now_s).state(), payload=b"no JSON")
    installed.take(now_s, Reporter(now_s=now_s).state(), stranger.state(), bad)
    with closing(open_store(installed.settings)) as store:
        store.opened_s("Lincoln", now_s - 30 * 86400)
        store.settle("Lincoln", "2026-11-16", "C8", 1, 1)
        store.add_notice(replace(NOTICE, created_s=now_s - 7200))
        store.add_notice(replace(NOTICE, created_s=now_s, email="e@l.example"))
        store.bury(store.notices_to_mail(now_s)[1], "550 no such mailbox")
    status, out, _ = installed.run("doctor")
    found = levels(out)
    assert status == 1
    expected = {"database": "ok", "clock": "ok", "carts": "look", "strangers": "look"}
    expected |= {"refused": "look", "given up": "bad", "delivery": "bad"}
    assert {name: found[name] for name in expected} == expected
    assert "never heard: cart 8 (Room 13)" in out
    assert found["deadline of Lincoln"] != "ok", "a month has deadlines, and no hub ran"


def test_n13_open_secrets_and_a_damaged_database_are_bad(installed):
    Credentials(installed.settings.data)
    installed.take(START_S, Reporter().state())
    (installed.settings.data / "secrets" / "hub").chmod(0o644)
    with closing(open_store(installed.settings)) as store:
        page = store._rows("SELECT rootpage FROM sqlite_schema WHERE name = 'event'")[0][0]
    with installed.settings.database.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    status, out, _ = installed.run("doctor")
    assert status == 1
    assert levels(out)["secrets"] == levels(out)["database"] == "bad"
    assert "secrets/hub" in lines(out)["secrets"][1]


def test_n13_a_running_hub_is_seen_by_its_lock(installed):
    installed.settings.data.mkdir()
    with only_one(installed.settings.data):
        out = installed.run("doctor")[1]
    assert levels(out)["hub"] == "ok"
    assert levels(out)["broker"] == "bad", "it should listen, and nobody does"
    assert levels(installed.run("doctor")[1])["hub"] == "look"


def test_n13_the_mail_server_is_asked_for_the_login_and_gets_no_mail(installed):
    secret = installed.folder / "word"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    with closing(Postbox()) as postbox:
        lines = ('host = "127.0.0.1"', f"port = {postbox.port}", 'security = "none"')
        sender = 'sender = "H <h@l.example>"'
        installed.config.write_text("\n".join(["[mail]", *lines, sender, CONFIG]))
        with postbox.listening():
            assert levels(installed.run("doctor")[1])["mail"] == "ok"
            login = ('user = "hub"', 'password_file = "word"')
            installed.config.write_text("\n".join(["[mail]", *lines, *login, sender, CONFIG]))
            status, out, _ = installed.run("doctor")
            assert (status, levels(out)["mail"]) == (1, "bad"), "it takes no login"
        assert postbox.mails == []
    assert levels(installed.run("doctor")[1])["mail"] == "bad", "it is gone"
    assert PASSWORD not in out
