"""The command line: what it writes, what it says, and its exit status."""

from __future__ import annotations

import io
import os
import re
import stat
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tomlkit

from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.credentials import Credentials
from homeslot_hub.cli import announce, main, setup
from homeslot_hub.config import load
from homeslot_hub.model import SchoolDay
from homeslot_hub.service.digest import compose

from .publisher import Publisher
from .reports import SCHOOL
from .test_ics import DISTRICT

ADD = ("--number", "2", "--room", "Room 2", "--teacher", "Bo Ek <bo@x.org>")


class CommandLine:
    """`homeslot` in a folder of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.config = folder / "homeslot.toml"
        self.data = folder / "homeslot-data"
        self._capture = capture

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output, errors."""
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--config", str(self.config)])
        out, err = self._capture.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    def ok(self, *arguments: str) -> str:
        status, out, err = self.run(*arguments)
        assert (status, err) == (0, "")
        return out

    def controllers(self) -> list[str]:
        return [cart.controller for school in load(self.config).schools for cart in school.carts]


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path, capsys)


NAMES = ("init", "serve", "status", "refused", "check", "digest", "calendar", "cart")


@pytest.mark.parametrize(
    "arguments",
    [(), *((name,) for name in NAMES)]
    + [("cart", name) for name in ("add", "renew", "remove")]
    + [("certificate", name) for name in ("show", "renew", "give")]
    + [(name,) for name in ("verify", "history", "census", "week", "cables", "usage", "tidy")]
    + [(name,) for name in ("backup", "restore", "doctor")]
    + [("import",), ("export",), ("register",)]
    + [
        ("register", name)
        for name in (
            *("list", "set", "retire", "exempt", "swap", "substitute", "add", "remove"),
            *("history", "changes", "undo"),
        )
    ],
)
def test_every_command_answers_help(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    assert "Usage" in capsys.readouterr().out


def test_init_writes_a_commented_configuration_that_is_valid(line: CommandLine) -> None:
    out = line.ok("init", "--school", 'Grundschule "Süd"', "--zone", "Europe/Berlin")
    [school] = load(line.config).schools
    assert (school.name, school.zone.key) == ('Grundschule "Süd"', "Europe/Berlin")
    assert line.controllers() == ["cart-1"]
    assert line.config.read_text("utf-8").count("#") > 10
    assert re.search(r"cart +cart-1\n +secret +[\w-]{43}\n", out)


def test_init_makes_the_first_credentials_and_shows_the_carts_secret_once(
    line: CommandLine,
) -> None:
    secret = line.ok("init").partition("secret  ")[2].split()[0]
    assert Credentials(line.data).carts() == ("cart-1",)
    for path in line.data.rglob("*"):
        assert path.is_dir() or secret not in path.read_text()


def test_init_overwrites_nothing(line: CommandLine) -> None:
    line.ok("init")
    before = line.config.read_text()
    status, _, err = line.run("init", "--school", "Another")
    assert status == 1
    assert "exists already" in err
    assert line.config.read_text() == before


def test_init_refuses_what_would_be_no_configuration_and_leaves_nothing(line: CommandLine) -> None:
    status, _, err = line.run("init", "--zone", "Mars", "--coordinator", "rosa")
    assert status == 2
    assert "school[1].zone" in err
    assert "school[1].coordinator" in err
    assert not line.config.exists()
    assert not line.data.exists()


def test_the_time_zone_is_that_of_the_machine(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    zone = tmp_path / "zoneinfo" / "America" / "Chicago"
    zone.parent.mkdir(parents=True)
    zone.touch()
    link.symlink_to(zone)
    assert setup.machine_zone({}, link) == "America/Chicago"
    assert setup.machine_zone({"TZ": "Europe/Berlin"}, link) == "Europe/Berlin"
    assert setup.machine_zone({"TZ": "nonsense"}, tmp_path / "none") == "UTC"


@pytest.mark.parametrize(
    "command",
    [
        ("serve",),
        ("status",),
        ("refused",),
        ("check", "--at", "17:00"),
        ("digest",),
        ("calendar",),
        ("cart", "add", "c2", *ADD),
        ("cart", "renew", "c2"),
        ("cart", "remove", "c2", "--yes"),
    ],
)
def test_a_broken_configuration_is_one_message_and_status_2(
    line: CommandLine, command: tuple[str, ...]
) -> None:
    line.config.write_text("[broker]\nport = 'x'\n")
    status, out, err = line.run(*command)
    assert (status, out) == (2, "")
    assert "broker.port" in err
    assert "school is missing" in err
    assert not line.data.exists()


def test_cart_add_keeps_the_file_as_its_owner_wrote_it(line: CommandLine) -> None:
    line.ok("init")
    line.config.chmod(0o640)
    before = line.config.read_text()
    out = line.ok(
        "cart",
        "add",
        "c2",
        *ADD,
        "--slots",
        "16",
        "--lock",
        "open",
        "--rotates",
        "--deadline",
        "15:30",
    )
    after = line.config.read_text()
    assert after.startswith(before), "every comment is still there"
    assert stat.S_IMODE(line.config.stat().st_mode) == 0o640
    cart = load(line.config).schools[0].carts[1]
    assert (cart.controller, cart.number, cart.room, cart.slots) == ("c2", 2, "Room 2", 16)
    assert (cart.lock, cart.rotates, cart.teacher.email) == ("open", True, "bo@x.org")
    assert f"{cart.deadline:%H:%M}" == "15:30"
    assert "c2" in Credentials(line.data).carts()
    assert re.search(r"secret +[\w-]{43}", out)


def test_cart_add_goes_into_the_school_it_is_told(line: CommandLine) -> None:
    line.ok("init", "--school", "Lincoln")
    with line.config.open("a") as file:
        file.write('\n[[school]]\nname = "Kennedy"\nzone = "UTC"\ncoordinator = "R D <r@x.org>"\n')
    status, _, err = line.run("cart", "add", "c2", *ADD)
    assert status == 2
    assert "--school is missing: allowed Lincoln, Kennedy" in err
    line.ok("cart", "add", "c2", *ADD, "--school", "Kennedy")
    line.ok("cart", "add", "c3", *ADD, "--school", "Lincoln")
    carts = {s.name: [c.controller for c in s.carts] for s in load(line.config).schools}
    assert carts == {"Lincoln": ["cart-1", "c3"], "Kennedy": ["c2"]}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"c2": "cart-1"}, "school[1].cart[2].controller"),
        ({"c2": "hub"}, "school[1].cart[2].controller"),
        ({"2": "1"}, "school[1].cart[2].number"),
        ({"Bo Ek <bo@x.org>": "Bo Ek"}, "school[1].cart[2].teacher"),
    ],
)
def test_cart_add_that_would_break_the_configuration_changes_nothing(
    line: CommandLine, change: dict[str, str], key: str
) -> None:
    line.ok("init")
    before = line.config.read_text()
    status, _, err = line.run("cart", "add", *(change.get(word, word) for word in ("c2", *ADD)))
    assert status == 2
    assert key in err
    assert line.config.read_text() == before
    assert Credentials(line.data).carts() == ("cart-1",)


def test_cart_renew_and_remove(line: CommandLine) -> None:
    line.ok("init")
    line.ok("cart", "add", "c2", *ADD)
    before = Credentials(line.data).identities()[1]
    assert "secret" in line.ok("cart", "renew", "c2")
    assert Credentials(line.data).identities()[1] != before
    line.ok("cart", "remove", "c2", "--yes")
    assert line.controllers() == ["cart-1"]
    assert Credentials(line.data).carts() == ("cart-1",)
    for command in (("renew", "c2"), ("remove", "c2", "--yes")):
        status, _, err = line.run("cart", *command)
        assert (status, err) == (1, err)
        assert "there is no cart c2" in err


def test_a_cart_written_by_hand_gets_its_credentials_by_renew(line: CommandLine) -> None:
    line.ok("init")
    document = tomlkit.parse(line.config.read_text())
    document["school"][0]["cart"][0]["controller"] = "by-hand"
    line.config.write_text(tomlkit.dumps(document))
    assert "secret" in line.ok("cart", "renew", "by-hand")
    assert "by-hand" in Credentials(line.data).carts()


def test_with_a_mosquitto_the_broker_files_are_made_and_it_says_what_to_do(
    line: CommandLine,
) -> None:
    line.ok("init")
    line.config.write_text(
        line.config.read_text().replace('kind = "embedded"', 'kind = "external"', 1)
    )
    out = line.ok("cart", "add", "c2", *ADD)
    folder = line.data / "mosquitto"
    assert {path.name for path in folder.iterdir()} == {"passwd", "acl", "homeslot.conf"}
    assert "c2:$7$" in (folder / "passwd").read_text()
    assert f"{folder}/passwd" in out
    assert "HUP" in out
    text = line.config.read_text().replace("# tls = true ", "tls = true #", 1)
    line.config.write_text(text)
    out = line.ok("certificate", "renew")
    assert f"{folder}/acl {folder}/server.pem {folder}/server.key /etc" in out
    assert "BEGIN CERTIFICATE" in (folder / "server.pem").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    listener = (folder / "homeslot.conf").read_text()
    assert "listener 1883 127.0.0.1\ncertfile /etc/mosquitto/homeslot/server.pem\n" in listener


def test_beyond_loopback_a_technician_is_told_of_tls_and_the_ca(line: CommandLine) -> None:
    out = line.ok("init", "--host", "10.1.2.3")
    ca = line.data / "tls" / "ca.pem"
    assert re.search(r"host +10.1.2.3\n +port +8883\n +tls +1\n +cart +cart-1\n", out)
    assert f"ca.pem  the file {ca}" in out
    assert "BEGIN CERTIFICATE" in ca.read_text()


def test_a_certificate_is_renewed_by_command_and_the_ca_stays(line: CommandLine) -> None:
    line.ok("init", "--host", "10.1.2.3")
    files = [line.data / "tls" / name for name in ("ca.pem", "server.pem")]
    ca, server = (file.read_text() for file in files)
    shown = line.ok("certificate", "show")
    assert f"The broker is 10.1.2.3, by its certificate, until {_in_days(730)}" in shown
    assert "takes it up at once" in line.ok("certificate", "renew")
    assert (files[0].read_text() == ca, files[1].read_text() == server) == (True, False)


def test_what_is_not_homeslots_to_renew_is_refused(line: CommandLine) -> None:
    line.ok("init")
    assert line.ok("certificate", "show") == (
        "The broker speaks without TLS, to this machine alone.\n"
    )
    assert line.run("certificate", "renew")[0::2] == (
        1,
        "homeslot: the broker speaks without TLS: it has no certificate\n",
    )
    own = 'host = "127.0.0.1"\nca_file = "ca.pem"\ncertificate_file = "s.pem"\nkey_file = "s.pem"'
    text = line.config.read_text()
    line.config.write_text(re.sub(r'(?m)^host = "127\.0\.0\.1".*$', own, text, count=1))
    status, _, err = line.run("certificate", "renew")
    assert status == 1
    assert "put a new one in its place" in err


def test_status_and_check_say_that_a_certificate_nears_its_end(line: CommandLine) -> None:
    line.ok("init", "--host", "10.1.2.3")
    days = certificates.SERVER_DAYS - 9
    broker = load(line.config).broker
    certificates.make(line.data, broker, int(time.time()) - days * 86400, renew=True)
    warning = f"homeslot: the broker's certificate ends on {_in_days(9)}; without a new one"
    for command in (("status",), ("check", "--at", "17:00"), ("digest",)):
        status, _, err = line.run(*command)
        assert status == 0
        assert warning in err


def _in_days(days: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def test_check_and_digest_speak_about_the_time_they_are_asked_for(line: CommandLine) -> None:
    line.ok("init", "--zone", "America/Chicago")
    assert "Fri 20 Nov 2026 16:30" in line.ok("check", "--at", "2026-11-20T16:30")
    assert "Fri 20 Nov 2026 16:30" in line.ok("check", "--at", "2026-11-20T22:30:00+00:00")
    assert " 16:30" in line.ok("check", "--at", "16:30")
    assert "Friday 20 November 2026, 17:00" in line.ok("digest", "--date", "2026-11-20")
    status, out, err = line.run("digest", "--date", "2026-11-21")
    assert (status, out) == (0, "")
    assert "no school day" in err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("check", "--at", "25:00"), "--at is 25:00: allowed 17:00 or 2026-11-20T17:00"),
        (
            ("check", "--at", "9999-12-31T23:59-23:00"),
            "23:59-23:00: allowed 2020 to 2106",
        ),
        (
            ("check", "--at", "0001-01-01T00:00+23:00"),
            "00:00+23:00: allowed 2020 to 2106",
        ),
        (("digest", "--date", "0001-01-01"), "--date is 0001-01-01: allowed 2020 to 2106"),
        (("check", "--at", "17:00", "--school", "X"), "--school is X: allowed Example School"),
        (("digest", "--date", "Friday"), "--date is Friday: allowed a date"),
        (("calendar", "--from", "Friday"), "--from is Friday: allowed a date"),
        (("calendar", "--days", "0"), "--days is 0: allowed 1..400"),
        (("calendar", "--school", "X"), "--school is X: allowed Example School"),
    ],
)
def test_an_argument_that_makes_no_sense_is_said_with_what_is_allowed(
    line: CommandLine, command: tuple[str, ...], message: str
) -> None:
    line.ok("init")
    status, _, err = line.run(*command)
    assert status == 2
    assert message in err
    assert "homeslot.toml" not in err, "the file is not to blame"


def district(line: CommandLine, source: str = "district.ics") -> None:
    """A configuration whose school goes by the calendar in `source`."""
    line.ok("init", "--school", "Prairie View", "--zone", "America/Chicago")
    (line.config.parent / "district.ics").write_bytes(DISTRICT.read_bytes())
    text = line.config.read_text()
    text = text.replace("half_days = []", 'half_days = ["2026-11-20"]')
    calendar = f'[[school.calendar]]\nsource = "{source}"\n[[school.cart]]'
    line.config.write_text(text.replace("[[school.cart]]", calendar))


def cells(text: str, first: str) -> list[str]:
    row = next(line for line in text.splitlines() if line.startswith(first))
    return re.split(r"\s{2,}", row.strip())


def test_c8_the_calendar_shows_each_day_with_its_deadline_its_reason_and_who_says_so(
    line: CommandLine,
) -> None:
    district(line)
    out = line.ok("calendar", "--from", "2026-11-19", "--days", "12")
    assert out.startswith("Prairie View, from Thu 19 Nov 2026, 12 days\n")
    assert cells(out, "Thu 19") == ["Thu 19 Nov 2026", "open", "17:00", "days of the week"]
    assert cells(out, "Fri 20") == [
        *("Fri 20 Nov 2026", "half day", "14:00", "half day by hand", "the configuration")
    ]
    assert cells(out, "Fri 27") == [
        "Fri 27 Nov 2026",
        "closed",
        "Thanksgiving Break",
        "district.ics",
    ]
    assert "Sat 21" not in out
    assert "Mon 30" in out
    assert "Tue 1 Dec" not in out
    assert cells(out, "district.ics")[2] == "Fri 4 Jun 2027"
    assert "DTSTART: " in out.partition("Entries that were passed over")[2]
    with_dates = line.ok("digest", "--date", "2026-11-20")
    assert "Friday 20 November 2026, 14:00" in with_dates
    status, out, err = line.run("digest", "--date", "2026-11-27")
    assert (status, out) == (0, "")
    assert "2026-11-27 is no school day" in err


def test_c8_the_calendar_goes_to_the_network_only_when_told(line: CommandLine) -> None:
    with Publisher() as publisher:
        publisher.body = DISTRICT.read_bytes()
        district(line, publisher.url)
        out = line.ok("calendar", "--from", "2026-11-27", "--days", "1")
        assert cells(out, "Fri 27")[1] == "open"
        assert "could not be read yet: whether today is a school day was decided without" in out
        assert "could not be read yet" in line.ok("status")
        assert publisher.asked == []
        label = publisher.url.partition("secret-token")[0] + "…"
        for _ in range(2):
            status, out, err = line.run("calendar", "--from", "2026-11-27", "--refresh")
            assert (status, err) == (0, f"Reading the calendar {label}\n")
            assert cells(out, "Fri 27") == [
                *("Fri 27 Nov 2026", "closed", "Thanksgiving Break", label)
            ]
        assert len(publisher.asked) == 2
        publisher.manner = publisher.status(500)
        status, out, _ = line.run("calendar", "--from", "2026-11-27", "--refresh")
        assert status == 0
        assert cells(out, "Fri 27")[1] == "closed"
        assert "the server answers 500" in out
        assert "secret-token" not in out


class GoneTerminal(io.StringIO):
    """Standard output whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_terminal_that_is_gone_does_not_end_the_hub(caplog: pytest.LogCaptureFixture) -> None:
    day = SchoolDay(SCHOOL, "2026-11-17", 0, 0, ())
    with redirect_stdout(GoneTerminal()):
        announce(day, compose(day))
    assert "Broken pipe" in caplog.text


def test_the_hubs_data_is_not_for_others(line: CommandLine) -> None:
    line.ok("init")
    line.ok("status")
    for path in [line.data, *line.data.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert os.access(line.config, os.R_OK)
